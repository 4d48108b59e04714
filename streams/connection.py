"""How to reach the brokers, said once for all three clients: kafka-python, aiokafka and Faust.

A connection that would send a password over an unencrypted line is refused, unless whoever runs the brokers says that
it may be. The password is in no ``repr`` and no error.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args

from matcher.errors import ConfigurationError, code

BROKERS = code(
    "KND-kafka-brokers",
    "KINDRED_BROKERS is not a list of addresses: write host:port, separated by commas, and credentials elsewhere "
    "(KINDRED_KAFKA_USERNAME, KINDRED_KAFKA_PASSWORD_FILE).",
)
PLAINTEXT_CREDENTIALS = code(
    "KND-kafka-plaintext-credentials",
    "The Kafka settings would send user and password over an unencrypted line. Use SASL_SSL; where nobody can listen "
    "in, KINDRED_KAFKA_PLAINTEXT_CREDENTIALS=true allows it.",
)
SECURITY = code(
    "KND-kafka-security",
    "The Kafka settings on security do not go together, or a file that they name cannot be used. The message says "
    "which; docs/reference/settings.md lists them.",
)

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
_ADDRESS: Final = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>\d{1,5})")


@dataclass(frozen=True)
class Connection:
    """Where the brokers are, and how a client shows who it is. Raises ConfigurationError when it makes no sense.

    ``brokers`` are ``host:port``, separated by commas. TLS (``SSL``, ``SASL_SSL``) trusts ``ca_file``, or without one
    the certificates that the system trusts, and always checks the host's name. ``cert_file`` and ``key_file`` are the
    client's own. All files are PEM; the key is not encrypted.
    """

    brokers: str
    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism = "SCRAM-SHA-512"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    plaintext_credentials: bool = False

    def __post_init__(self) -> None:
        if not self.addresses or not all(map(_ADDRESS.fullmatch, self.addresses)):
            raise ConfigurationError(BROKERS, "the brokers are not host:port, separated by commas: set KINDRED_BROKERS")
        if self.protocol not in get_args(Protocol) or self.mechanism not in get_args(Mechanism):
            raise _wrong(f"{self.protocol} with {self.mechanism} is not known here")
        self._check_credentials()
        self._check_files()

    @property
    def addresses(self) -> list[str]:
        """The brokers one by one."""
        return [address.strip() for address in self.brokers.split(",") if address.strip()]

    def kafka_python(self) -> dict[str, Any]:
        """Keyword arguments for every client of kafka-python."""
        return {"bootstrap_servers": self.addresses, **self._security()}

    def aiokafka(self) -> dict[str, Any]:
        """Keyword arguments for every client of aiokafka."""
        return {"bootstrap_servers": self.addresses, **self._security()}

    def faust(self) -> dict[str, Any]:
        """Keyword arguments for ``faust.App``."""
        from faust import auth

        settings: dict[str, Any] = {"broker": [f"kafka://{address}" for address in self.addresses]}
        if self._authenticates:
            settings["broker_credentials"] = auth.SASLCredentials(
                username=self.username, password=self.password, mechanism=self.mechanism, ssl_context=self._tls()
            )
        elif self._encrypts:
            settings["broker_credentials"] = auth.SSLCredentials(self._tls())
        return settings

    @property
    def _authenticates(self) -> bool:
        return self.protocol.startswith("SASL_")

    @property
    def _encrypts(self) -> bool:
        return self.protocol.endswith("SSL")

    def _security(self) -> dict[str, Any]:
        """What kafka-python and aiokafka call alike."""
        settings: dict[str, Any] = {"security_protocol": self.protocol}
        if self._encrypts:
            settings["ssl_context"] = self._tls()
        if self._authenticates:
            settings["sasl_mechanism"] = self.mechanism
            settings["sasl_plain_username"] = self.username
            settings["sasl_plain_password"] = self.password
        return settings

    def _tls(self) -> ssl.SSLContext | None:
        if not self._encrypts:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.cert_file is not None:
                context.load_cert_chain(self.cert_file, self.key_file)
        except (OSError, ValueError) as trouble:  # SSLError is an OSError
            files = ", ".join(str(file) for file in (self.ca_file, self.cert_file, self.key_file) if file)
            why = getattr(trouble, "reason", None) or getattr(trouble, "strerror", None) or "not PEM"
            raise _wrong(f"the certificates cannot be used ({files}: {why})") from None
        return context

    def _check_credentials(self) -> None:
        if self._authenticates and not (self.username and self.password):
            raise _wrong(f"{self.protocol} needs a user and a password")
        if not self._authenticates and (self.username or self.password):
            raise _wrong(f"a user or a password is given, and {self.protocol} sends neither; SASL_SSL does")
        if self.protocol == "SASL_PLAINTEXT" and not self.plaintext_credentials:
            raise ConfigurationError(
                PLAINTEXT_CREDENTIALS,
                "SASL_PLAINTEXT would send the credentials unencrypted: use SASL_SSL, or allow it with "
                "KINDRED_KAFKA_PLAINTEXT_CREDENTIALS=true",
            )

    def _check_files(self) -> None:
        if not self._encrypts and (self.ca_file or self.cert_file or self.key_file):
            raise _wrong(f"a certificate is given, and {self.protocol} does not encrypt; SSL and SASL_SSL do")
        if self.key_file and not self.cert_file:
            raise _wrong("a key is given without its certificate")


def _wrong(what: str) -> ConfigurationError:
    return ConfigurationError(SECURITY, f"{what}: correct the KINDRED_KAFKA_* settings")
