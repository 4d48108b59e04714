"""The ways to call somebody: mail, and a signed webhook. Neither says about whom, why, or in which program."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import smtplib
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Final, Literal, NamedTuple, Protocol

import httpx2

from dashboard.addresses import is_local, is_safe
from matcher.errors import ConfigurationError, Unreachable, code

SETTINGS = code(
    "KND-call-settings",
    "Calling whoever is on call lacks a setting, or has one that is not safe: mail needs a sender and TLS, a webhook "
    "an https address and a secret, and both the public address of the dashboard.",
)
MAIL = code(
    "KND-call-mail",
    "A mail to whoever is on call could not be handed over. It is tried again; call them by telephone. Look at the "
    "mail server's address, user and certificate, and at the person's mail address.",
)
WEBHOOK = code(
    "KND-call-webhook",
    "The webhook for whoever is on call did not take a message. It is tried again; call them by telephone. Look at its "
    "address and secret.",
)

TIMEOUT_SECONDS: Final = 10.0
SUBJECT: Final = "Something urgent waits"
PREFIX: Final = "whsec_"
SECRET_BYTES_MIN: Final = 24  # Standard Webhooks: 24 to 64 bytes

Security = Literal["starttls", "tls", "none"]


class Message(NamedTuple):
    """What is sent: an id that stays at a repeat, when, where to look, and to which account."""

    id: str
    at: int
    link: str
    account: str


class Channel(Protocol):
    """One way to call somebody."""

    @property
    def name(self) -> str:
        """``mail``, ``webhook``."""

    def send(self, message: Message, to: str | None) -> None:
        """Hand it over, to a mail address where one is known. Raises Unreachable (KND-call-...)."""


@dataclass(frozen=True)
class Mail:
    """Mail over SMTP, encrypted unless the server is this machine. Raises ConfigurationError when it is made."""

    host: str
    sender: str
    port: int = 587
    security: Security = "starttls"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    name: str = "mail"

    def __post_init__(self) -> None:
        if self.security == "none" and not is_local(self.host):
            raise ConfigurationError(SETTINGS, "setting smtp_security: only a mail server of this machine goes without")
        if self.sender.partition("@")[2] == "":
            raise ConfigurationError(SETTINGS, "setting smtp_from must be a mail address")

    def send(self, message: Message, to: str | None) -> None:
        """Hand it to the mail server."""
        if to is None:
            raise Unreachable(MAIL, "the person has no mail address any more")
        try:
            with self._connected() as server:
                if self.username is not None:
                    server.login(self.username, self.password or "")
                server.send_message(self._written(message, to))
        except (smtplib.SMTPException, OSError, ValueError) as trouble:  # their texts hold addresses
            raise Unreachable(MAIL, f"the mail server did not take a message ({type(trouble).__name__})") from None

    def _connected(self) -> smtplib.SMTP:
        if self.security == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_SECONDS, context=self._context())
        server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_SECONDS)
        if self.security == "starttls":
            try:
                server.starttls(context=self._context())
            except BaseException:
                server.close()
                raise
        return server

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=None if self.ca_file is None else str(self.ca_file))

    def _written(self, message: Message, to: str) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self.sender, to, SUBJECT
        mail["Date"] = format_datetime(datetime.fromtimestamp(message.at, UTC))
        mail["Message-ID"] = f"<{message.id}@{self.sender.partition('@')[2].rstrip('>')}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(
            f"Something urgent waits. Please look now, and take it into your hands there:\n\n{message.link}\n\n"
            "If nobody does, the next person on call is told. This message says no more on purpose.\n"
        )
        return mail


@dataclass(frozen=True)
class Webhook:
    """A POST signed as Standard Webhooks 1.0 asks. Raises ConfigurationError when it is made."""

    url: str
    secret: str = field(repr=False)
    name: str = "webhook"

    def __post_init__(self) -> None:
        if not is_safe(self.url):
            raise ConfigurationError(SETTINGS, "setting webhook_url must be https (http only on this machine)")
        try:
            if len(self._key()) >= SECRET_BYTES_MIN and self.secret.startswith(PREFIX):
                return
        except (binascii.Error, ValueError):
            pass
        raise ConfigurationError(
            SETTINGS, "setting webhook_secret must be whsec_ and what `openssl rand -base64 32` prints"
        )

    def send(self, message: Message, to: str | None) -> None:
        """Post it; any answer of success takes it over."""
        body = self._body(message, to)
        headers = {"Content-Type": "application/json", **self.signed(message, body)}
        try:
            answer = httpx2.post(self.url, content=body, headers=headers, timeout=TIMEOUT_SECONDS)
        except (httpx2.HTTPError, httpx2.InvalidURL) as trouble:
            raise Unreachable(WEBHOOK, f"the webhook does not answer ({type(trouble).__name__})") from None
        if not answer.is_success:
            raise Unreachable(WEBHOOK, f"the webhook answered {answer.status_code}")

    def signed(self, message: Message, body: bytes) -> dict[str, str]:
        """The headers: HMAC SHA-256 over id, timestamp and body."""
        content = f"{message.id}.{message.at}.".encode() + body
        signature = base64.b64encode(hmac.new(self._key(), content, hashlib.sha256).digest()).decode()
        return {
            "webhook-id": message.id,
            "webhook-timestamp": str(message.at),
            "webhook-signature": f"v1,{signature}",
        }

    def _body(self, message: Message, to: str | None) -> bytes:
        when = datetime.fromtimestamp(message.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        data = {"text": SUBJECT, "link": message.link, "to": to, "account": message.account}
        return json.dumps({"type": "kindred.urgent", "timestamp": when, "data": data}).encode()

    def _key(self) -> bytes:
        return base64.b64decode(self.secret.removeprefix(PREFIX), validate=True)
