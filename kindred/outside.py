"""With whom the dashboard speaks outside of the house, by the settings: the provider of sign-in, and calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboard.access.provider import SETTINGS, Provider, Registration
from dashboard.addresses import is_safe
from dashboard.oncall import channels
from dashboard.oncall.caller import Calling
from dashboard.oncall.channels import Channel, Mail, Webhook
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


def calling(settings: Settings) -> Calling | None:
    """How whoever is on call is told; None without a channel. Raises ConfigurationError for one that is not whole."""
    made = [channel for channel in (_mail(settings), _webhook(settings)) if channel is not None]
    if not made:
        return None
    if settings.public_address is None or not is_safe(settings.public_address):
        raise ConfigurationError(channels.SETTINGS, "a message needs a link: set public_address to an https address")
    link = settings.public_address.rstrip("/") + "/alerts"
    return Calling(tuple(made), link, settings.on_call_minutes * 60)


def _mail(settings: Settings) -> Channel | None:
    if settings.smtp_host is None:
        return None
    if settings.smtp_from is None:
        raise ConfigurationError(channels.SETTINGS, "smtp_host is set: set smtp_from with it")
    return Mail(
        settings.smtp_host,
        settings.smtp_from,
        port=settings.smtp_port,
        security=settings.smtp_security,
        username=settings.smtp_username,
        password=wiring.secret(settings.smtp_password, settings.smtp_password_file, "smtp_password"),
        ca_file=settings.smtp_ca_file,
    )


def _webhook(settings: Settings) -> Channel | None:
    if settings.webhook_url is None:
        return None
    secret = wiring.secret(settings.webhook_secret, settings.webhook_secret_file, "webhook_secret")
    if secret is None:
        raise ConfigurationError(channels.SETTINGS, "webhook_url is set: set webhook_secret with it")
    return Webhook(settings.webhook_url, secret)
