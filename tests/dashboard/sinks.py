"""Where calls arrive in tests: a mail server and a web server of this machine that keep what they were given."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.dashboard.local import Quiet, listening


class Letters:
    """The mails that were taken; ``refuse`` is what the server says instead of taking one."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.refuse: str | None = None
        self.port = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.refuse is not None:
            return self.refuse
        assert isinstance(envelope.content, bytes)
        self.taken.append((envelope.rcpt_tos[0], envelope.content.decode()))
        return "250 taken"

    @property
    def to(self) -> list[str]:
        return [who for who, _ in self.taken]


@contextmanager
def mail_server(tls: ssl.SSLContext | None = None) -> Iterator[Letters]:
    letters = Letters()
    with socket.create_server(("127.0.0.1", 0)) as door:
        letters.port = door.getsockname()[1]
    server = Controller(letters, "127.0.0.1", letters.port, tls_context=tls, require_starttls=tls is not None)
    server.start()
    try:
        yield letters
    finally:
        server.stop()


class Posts:
    """The requests that came; ``status`` is what they are answered."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/calls"
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.status = 204


@contextmanager
def web_server() -> Iterator[Posts]:
    class Handler(Quiet):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            made.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(made.status)
            self.send_header("Location", made.url)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with listening(Handler) as port:
        made = Posts(port)
        yield made


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate of this machine's address that signs itself: its file, and what a server needs."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file, secret = folder / "certificate.pem", folder / "key.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, secret)
    return file, context
