"""A provider that says whatever a test wants, signed with whatever key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from dashboard.access.provider import Provider, Registration
from tests.dashboard.house import House
from tests.dashboard.local import Quiet, listening

PUBLIC = "http://localhost:8765"
SECRET = "the-secret-of-the-client-that-nobody-must-see"
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
UNKNOWN_KEY = RSAKey.generate_key(2048, {"kid": "two", "use": "sig", "alg": "RS256"})


class Forger:
    """What it says of itself, what keys it shows, and what the next token is."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.about: dict[str, Any] = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        self.keys = [KEY]
        self.token: tuple[int, object] = (200, {})
        self.asked: list[dict[str, str]] = []
        self.fetched: list[str] = []

    def answer(self, path: str, body: str) -> tuple[int, object]:
        self.fetched.append(path)
        if path == "/token":
            self.asked.append({name: values[0] for name, values in parse_qs(body).items()})
            return self.token
        if path == "/keys":
            return 200, {"keys": [key.as_dict(private=False) for key in self.keys]}
        return (200, self.about) if path == "/.well-known/openid-configuration" else (404, {})

    def provider(self, **registered: Any) -> Provider:
        return Provider(Registration(self.issuer, "kindred", PUBLIC, SECRET, "The clinic", **registered))

    def claims(self, house: House, nonce: str, **other: object) -> dict[str, object]:
        claims = {
            "iss": self.issuer,
            "sub": "robin",
            "aud": "kindred",
            "iat": house.now,
            "exp": house.now + 300,
            "nonce": nonce,
        }
        return {name: value for name, value in {**claims, **other}.items() if value is not None}

    def says(self, claims: dict[str, object], key: RSAKey | OctKey = KEY, **header: str) -> None:
        head = {"alg": "RS256", "kid": "one", **header}
        token = jwt.encode(head, claims, key, algorithms=[head["alg"]])
        self.token = (200, {"access_token": "an-access-token", "token_type": "Bearer", "id_token": token})


@contextmanager
def forger() -> Iterator[Forger]:
    class Handler(Quiet):
        def do_GET(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            status, document = made.answer(urlsplit(self.path).path, self.rfile.read(length).decode())
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - as http.server names it

    with listening(Handler) as port:
        made = Forger(port)
        yield made
