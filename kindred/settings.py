"""Settings: command line over ``KINDRED_*`` environment over ``kindred.toml`` over defaults, each with its origin.

The file is ``kindred.toml`` in the folder where the command runs; an unknown key in it is a mistake, not a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from matcher.errors import ConfigurationError, code

FILE = "kindred.toml"
PREFIX = "KINDRED_"
MASK = "********"
_USERINFO = re.compile(r"^(?P<scheme>[\w+.-]+://|).*@")  # up to the last @: a password may hold anything

WRONG = code(
    "KND-settings",
    "A setting has a value that is not allowed, or kindred.toml has an unknown key or is not TOML. "
    "`kindred settings` lists every setting.",
)


class Settings(BaseSettings):
    """What an installation may choose. What a program may choose is its policy, not a setting."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    data: Path | None = Field(None, description="Data folder of the embedded service, and of commands without DIR.")
    brokers: str | None = Field(None, description="Kafka bootstrap servers, host:port separated by commas.")
    kafka_protocol: Literal["PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT"] = Field(
        "PLAINTEXT", description="How the brokers are spoken with: encrypted (SSL), with a user and password (SASL)."
    )
    kafka_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="How the password is proved, with SASL."
    )
    kafka_username: str | None = Field(None, description="User, with SASL.")
    kafka_password: SecretStr | None = Field(None, description="Password of the user; better in a file.")
    kafka_password_file: Path | None = Field(None, description="File that holds the password, and nothing else.")
    kafka_ca_file: Path | None = Field(
        None, description="Certificates (PEM) that sign the brokers'; without one those that the system trusts."
    )
    kafka_cert_file: Path | None = Field(None, description="The client's own certificate (PEM), with SSL.")
    kafka_key_file: Path | None = Field(None, description="The key (PEM, not encrypted) of that certificate.")
    kafka_plaintext_credentials: bool = Field(
        False, description="Allow SASL_PLAINTEXT: user and password over a line that others may read."
    )
    database_url: SecretStr | None = Field(
        None,
        description="Database of the dashboard (sqlite:///, postgresql://); without one a file in the data folder.",
    )
    policy: Path | None = Field(None, description="Policy file (TOML); without one the defaults hold.")
    token: SecretStr | None = Field(None, description="Bearer token of the HTTP service; needed beyond loopback.")
    host: str = Field("127.0.0.1", description="Address on which the HTTP service listens.")
    port: int = Field(8765, ge=0, le=65_535, description="Port of the HTTP service; 0 takes a free one.")
    health_port: int | None = Field(
        None, ge=0, le=65_535, description="Loopback port of a worker's health and metrics; 0 takes a free one."
    )
    session_seconds: float = Field(
        10.0, ge=6.0, le=300.0, description="How long a worker may be silent before others take its programs over."
    )
    snapshot_facts: int = Field(50_000, ge=1, description="Facts of a partition between two snapshots in its journal.")
    truncate: bool = Field(
        False, description="Whether workers remove from the journal what a snapshot covers and everybody was told."
    )
    clock: Literal["wall", "event"] = Field(
        "wall", description="Clock of `serve`; a journal keeps the one it has. The dashboard on Kafka tells time by it."
    )
    card_keys: Path | None = Field(
        None, description="File with the keys of the local cards; without one `card-keys` in the data folder."
    )
    person_links: dict[str, str] = Field(
        default_factory=dict,
        description="By program, the https address at which your own system shows a person; `{id}` stands for the id.",
    )
    idle_minutes: int = Field(
        30, ge=5, le=480, description="Minutes without a request after which the dashboard signs an account out."
    )
    public_address: str | None = Field(
        None,
        description="Where browsers find the dashboard: https://kindred.example.org. For links, sign-in and messages.",
    )
    proxies: str = Field(
        "127.0.0.1,::1",
        description="Addresses or networks of proxies, separated by commas, that are believed for whom they speak.",
    )
    oidc_issuer: str | None = Field(
        None, description="Issuer of the OpenID Connect provider; with one it signs in too."
    )
    oidc_client_id: str | None = Field(None, description="What the provider calls Kindred.")
    oidc_client_secret: SecretStr | None = Field(None, description="Its secret for Kindred; better in a file.")
    oidc_client_secret_file: Path | None = Field(None, description="File that holds the secret, and nothing else.")
    oidc_name: str = Field("OpenID Connect", description="What people call the provider; stands on the button.")
    oidc_ask_again: bool = Field(
        True, description="Whether the provider asks for the password at every sign-in: desks are shared."
    )
    smtp_host: str | None = Field(None, description="Mail server for messages to whoever is on call.")
    smtp_port: int = Field(587, ge=1, le=65_535, description="Its port.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How it is spoken with; none only on this machine."
    )
    smtp_from: str | None = Field(None, description="Sender of those messages.")
    smtp_username: str | None = Field(None, description="User at the mail server.")
    smtp_password: SecretStr | None = Field(None, description="Password of the user; better in a file.")
    smtp_password_file: Path | None = Field(None, description="File that holds the password, and nothing else.")
    smtp_ca_file: Path | None = Field(
        None, description="Certificates (PEM) that sign the server's; without one those that the system trusts."
    )
    webhook_url: str | None = Field(None, description="Where a signed message is posted when something cannot wait.")
    webhook_secret: SecretStr | None = Field(None, description="What signs it (whsec_...); better in a file.")
    webhook_secret_file: Path | None = Field(None, description="File that holds the secret, and nothing else.")
    on_call_minutes: int = Field(
        15, ge=1, le=240, description="Minutes until the next person on call is told, when nobody took an alert."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")

    @field_validator("token")
    @classmethod
    def _says_something(cls, token: SecretStr | None) -> SecretStr | None:
        plain = token.get_secret_value() if token else ""
        if plain and not plain.strip():  # nobody could send it
            raise ValueError("a token of blanks is none; leave it out, or choose one that nobody can guess")
        return SecretStr(plain.strip()) if plain else None

    @field_validator("person_links")
    @classmethod
    def _leads_somewhere_safe(cls, links: dict[str, str]) -> dict[str, str]:
        for template in links.values():
            host = urlsplit(template).netloc
            rest = template.replace("{id}", "")
            if (
                not template.startswith("https://")
                or "{id}" not in template
                or "{" in host
                or set(rest) & set('{}<>" ')
            ):
                raise ValueError("an address begins with https:// and has {id} behind the host, and no other braces")
        return links

    @field_validator("proxies")
    @classmethod
    def _are_addresses(cls, proxies: str) -> str:
        for each in filter(None, proxies.split(",")):
            if ip_network(each.strip()).prefixlen == 0:
                raise ValueError("a proxy has an address; whoever believes everybody is told lies")
        return proxies

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Three sources and no other: no .env file is read behind the operator's back."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, Path(FILE))


@dataclass(frozen=True)
class Loaded:
    """The settings in force, and where each came from."""

    settings: Settings
    origins: Mapping[str, str]


@dataclass(frozen=True)
class SettingRow:
    """One setting for people to read; a secret is masked."""

    name: str
    value: str
    origin: str
    default: str
    about: str


def load(**flags: object) -> Loaded:
    """Read all sources; a flag of None was not given. Raises ConfigurationError (KND-settings)."""
    given: dict[str, Any] = {name: value for name, value in flags.items() if value is not None}
    try:
        settings = Settings(**given)
        in_file = TomlConfigSettingsSource(Settings, Path(FILE))()
    except ValidationError as trouble:
        raise ConfigurationError(WRONG, _sentence(trouble)) from None
    except ValueError as trouble:
        raise ConfigurationError(WRONG, f"{FILE} is not TOML: {trouble}") from None
    in_environment = EnvSettingsSource(Settings, env_prefix=PREFIX)()
    return Loaded(settings, {name: _origin(name, given, in_environment, in_file) for name in Settings.model_fields})


def rows(loaded: Loaded) -> Iterator[SettingRow]:
    """Every setting with its value and origin, in the order of the model."""
    for name, field in Settings.model_fields.items():
        value = getattr(loaded.settings, name)
        yield SettingRow(name, _shown(value), loaded.origins[name], _shown(field.default), field.description or "")


def _origin(name: str, *sources: Mapping[str, object]) -> str:
    flags, environment, file = sources
    if name in flags:
        return "command line"
    if name in environment:
        return f"{PREFIX}{name.upper()}"
    return FILE if name in file else "default"


def _shown(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, SecretStr):
        return MASK
    return _USERINFO.sub(rf"\g<scheme>{MASK}@", value) if isinstance(value, str) else str(value)


def _sentence(trouble: ValidationError) -> str:
    first = trouble.errors(include_url=False, include_input=False)[0]
    name = ".".join(str(step) for step in first["loc"])
    return f"setting {name}: {first['msg']}; `kindred settings` lists every setting and where it comes from"
