"""With whom the dashboard speaks outside of the house, by the settings: the provider of sign-in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboard.access.provider import SETTINGS, Provider, Registration
from kindred import wiring
from matcher.errors import ConfigurationError

if TYPE_CHECKING:
    from kindred.settings import Settings


def provider(settings: Settings) -> Provider | None:
    """The provider of sign-in, if the settings name one. Raises ConfigurationError when they do only in part."""
    if settings.oidc_issuer is None:
        return None
    if settings.oidc_client_id is None or settings.public_address is None:
        raise ConfigurationError(SETTINGS, "oidc_issuer is set: set oidc_client_id and public_address with it")
    secret = wiring.secret(settings.oidc_client_secret, settings.oidc_client_secret_file, "oidc_client_secret")
    return Provider(
        Registration(
            settings.oidc_issuer,
            settings.oidc_client_id,
            settings.public_address,
            secret,
            settings.oidc_name,
            settings.oidc_ask_again,
        )
    )
