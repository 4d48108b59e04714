"""The OpenID Connect provider: where it wants the browser, and whom it says it has signed in.

Authorization code with PKCE (RFC 7636, S256), state and nonce (OpenID Connect Core 1.0). Only the scope ``openid`` is
asked for, and of the answer only the subject is kept: neither names nor tokens.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import httpx2
import structlog
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client as HttpClient
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import ClaimError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from dashboard.addresses import is_safe
from dashboard.trouble import Trouble
from matcher.errors import ConfigurationError, code

SETTINGS = code(
    "KND-oidc-settings",
    "Sign-in by OpenID Connect lacks a setting, or has one that is not safe: it needs the issuer (https), the client "
    "id, and the public address of the dashboard.",
)
DENIED = code("KND-oidc-denied", "The provider did not sign the person in: they said no, or it did. Try again there.")
CODE = code(
    "KND-oidc-code",
    "The provider did not take its own code back: it was used, or is too old, or the client's id or secret is wrong. "
    "Sign in again; if that does not help, whoever runs Kindred compares client and secret with the provider's.",
)
TOKEN = code(
    "KND-oidc-token",
    "What the provider says of the person cannot be trusted: signature, issuer, audience, time or nonce are not those "
    "of this sign-in. Nobody was signed in. The log says which; look at the clocks of both machines first.",
)
AWAY = code(
    "KND-oidc-away", "The provider does not answer, or not as OpenID Connect asks. Others may sign in by password."
)

CALLBACK: Final = "/sign-in/back"
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures with a key pair; neither none nor one that whoever knows the client's secret could make."""

TIMEOUT_SECONDS: Final = 5.0  # a person waits
FRESH_SECONDS: Final = 3_600  # what the provider says of itself; its keys are asked for again when one is unknown
REST_SECONDS: Final = 5.0  # before a provider that did not answer is asked again
KEYS_SECONDS: Final = 30  # but not more often than this, however many forged tokens come
LEEWAY_SECONDS: Final = 60  # between two clocks
SUBJECT_MAX: Final = 255  # characters (OpenID Connect Core 1.0, 2)
ANSWER_BYTES_MAX: Final = 1024 * 1024

log = structlog.get_logger("kindred.dashboard")


@dataclass(frozen=True)
class Registration:
    """What the provider and this installation know of each other."""

    issuer: str
    client_id: str
    public_address: str
    """Where browsers find the dashboard: https://kindred.example.org; the provider sends them back there."""

    client_secret: str | None = field(default=None, repr=False)
    name: str = "OpenID Connect"
    """Of the provider, on the button."""

    asks_again: bool = True
    """Whether the provider is to ask for the password each time: desks are shared."""

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends the browser back to."""
        return self.public_address.rstrip("/") + CALLBACK


class Keys(NamedTuple):
    """What ties the provider's answer to this sign-in of this browser."""

    state: str
    nonce: str
    verifier: str


class Provider:
    """One provider. Asks it for its addresses and keys when they are needed first; safe on several threads."""

    def __init__(self, registered: Registration, ticks: Callable[[], float] = time.monotonic) -> None:
        _check(registered)
        self.registered = registered
        self._ticks = ticks
        self._lock = Lock()
        self._kept: dict[str, tuple[float, dict[str, Any]]] = {}
        self._away_since: dict[str, float] = {}

    @property
    def name(self) -> str:
        """What people call it."""
        return self.registered.name

    def address(self, keys: Keys) -> str:
        """Where to send the browser. Raises Trouble (KND-oidc-away)."""
        prompt = {"prompt": "login"} if self.registered.asks_again else {}
        registered = self.registered
        client = OAuth2Client(
            None,
            registered.client_id,
            redirect_uri=registered.redirect_uri,
            scope="openid",
            code_challenge_method="S256",
        )
        where, _ = client.create_authorization_url(
            self._endpoint("authorization_endpoint"),
            state=keys.state,
            code_verifier=keys.verifier,
            nonce=keys.nonce,
            **prompt,
        )
        return str(where)

    def subject(self, answer: Mapping[str, str], keys: Keys, now: int) -> str:
        """Whom it signed in, by what it sent the browser back with. Raises Trouble (KND-oidc-...)."""
        if "error" in answer or "code" not in answer:
            raise Trouble(403, DENIED, f"{self.name} did not sign you in: try again, or ask those who look after it")
        if answer.get("iss", self.registered.issuer) != self.registered.issuer:  # RFC 9207: another provider's answer
            raise _untrusted("iss of the answer")
        return self.verified(self._exchanged(answer["code"], keys), keys.nonce, now)

    def verified(self, token: Mapping[str, Any], nonce: str, now: int) -> str:
        """The subject of an ID token that is the provider's, for us, and of this sign-in. Raises Trouble."""
        try:
            read = self._read(str(token.get("id_token", "")))
            params = {"nonce": nonce, "client_id": self.registered.client_id, "access_token": token.get("access_token")}
            claims = CodeIDToken(read.claims, read.header, self._expected(), params)
            claims.validate(now, LEEWAY_SECONDS)
        except ClaimError as trouble:
            raise _untrusted(trouble.claim) from None
        except (JoseError, ValueError, TypeError, KeyError) as trouble:
            raise _untrusted(getattr(trouble, "error", type(trouble).__name__)) from None
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_MAX:
            raise _untrusted("sub")
        return subject

    def _expected(self) -> dict[str, dict[str, Any]]:
        return {
            "iss": {"essential": True, "value": self.registered.issuer},
            "aud": {"essential": True, "value": self.registered.client_id},
        }

    def _read(self, token: str) -> jwt.Token:
        """The token, its signature checked with the provider's keys; with those of today if one is unknown."""
        stated = self._about().get("id_token_signing_alg_values_supported", ["RS256"])
        registry = JWSRegistry(algorithms=[one for one in ALGORITHMS if one in stated], strict_check_header=False)
        where = self._endpoint("jwks_uri")
        try:
            return jwt.decode(token, _key_set(self._document(where, FRESH_SECONDS)), registry=registry)
        except InvalidKeyIdError:
            return jwt.decode(token, _key_set(self._document(where, KEYS_SECONDS)), registry=registry)

    def _exchanged(self, code: str, keys: Keys) -> Mapping[str, Any]:
        where = self._endpoint("token_endpoint")
        try:
            with self._line() as line:
                token = line.fetch_token(
                    where,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=keys.verifier,
                    redirect_uri=self.registered.redirect_uri,
                )
        except OAuthError as trouble:
            known = trouble.error in ("invalid_grant", "invalid_client", "unauthorized_client", "invalid_request")
            log.warning("the provider refused a code", code=CODE, reason=trouble.error if known else "other")
            raise Trouble(403, CODE, f"{self.name} did not take its code back: sign in again") from None
        except (httpx2.HTTPError, ValueError) as trouble:
            raise self._away(trouble) from None
        return dict(token)

    def _line(self) -> HttpClient:
        registered = self.registered
        return HttpClient(
            registered.client_id,
            registered.client_secret,
            token_endpoint_auth_method=self._method(),
            timeout=TIMEOUT_SECONDS,
        )

    def _method(self) -> str:
        """How the client proves itself to the token endpoint (OpenID Connect Discovery 1.0, 3)."""
        if self.registered.client_secret is None:
            return "none"
        known = self._about().get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return "client_secret_basic" if "client_secret_basic" in known else "client_secret_post"

    def _endpoint(self, name: str) -> str:
        where = self._about().get(name)
        if not isinstance(where, str) or not is_safe(where):
            raise self._away(ValueError(name))
        return where

    def _about(self) -> dict[str, Any]:
        """What the provider says of itself (OpenID Connect Discovery 1.0, 4)."""
        about = self._document(self.registered.issuer.rstrip("/") + "/.well-known/openid-configuration", FRESH_SECONDS)
        if about.get("issuer") != self.registered.issuer:
            raise self._away(ValueError("issuer"))
        return about

    def _document(self, where: str, fresh_seconds: int) -> dict[str, Any]:
        with self._lock:
            at, held = self._kept.get(where, (0.0, None))
            if held is None or self._ticks() - at >= fresh_seconds:
                held = self._fetch_unless_away(where)
                self._kept[where] = (self._ticks(), held)
            return held

    def _fetch_unless_away(self, where: str) -> dict[str, Any]:
        """Ask, but not again right after it did not answer: whoever waits for the lock is told at once."""
        if self._ticks() - self._away_since.get(where, -REST_SECONDS) < REST_SECONDS:
            raise self._away(TimeoutError())
        try:
            return self._fetch(where)
        except Trouble:
            self._away_since[where] = self._ticks()
            raise

    def _fetch(self, where: str) -> dict[str, Any]:
        try:
            answer = httpx2.get(where, timeout=TIMEOUT_SECONDS, headers={"Accept": "application/json"})
            answer.raise_for_status()
            document = answer.json() if len(answer.content) <= ANSWER_BYTES_MAX else None
        except (httpx2.HTTPError, ValueError) as trouble:
            raise self._away(trouble) from None
        if not isinstance(document, dict):
            raise self._away(ValueError("not an object"))
        return document

    def _away(self, trouble: Exception) -> Trouble:
        log.warning("the provider of sign-in cannot be used", code=AWAY, reason=type(trouble).__name__)
        return Trouble(
            503, AWAY, f"{self.name} does not answer as it must: try again soon", headers={"Retry-After": "60"}
        )


def _key_set(document: dict[str, Any]) -> KeySet:
    return KeySet.import_key_set(document)  # type: ignore[arg-type]  # whatever it is: joserfc refuses what is none


def _check(registered: Registration) -> None:
    for name, value in (("oidc_issuer", registered.issuer), ("public_address", registered.public_address)):
        if not is_safe(value) or urlsplit(value).query or urlsplit(value).fragment:
            raise ConfigurationError(SETTINGS, f"setting {name} must be an https address (http only on this machine)")


def _untrusted(reason: str) -> Trouble:
    log.warning("an answer of the provider was not trusted", code=TOKEN, reason=reason)
    return Trouble(403, TOKEN, "what the provider sent is not of this sign-in, and nobody was signed in: try again")
