"""Caddy of the operating system before a service of this machine, by the file that people copy."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.conftest import do_without
from tests.kindred.test_cli import free_port

CONFIG = Path(__file__).parents[2] / "examples" / "Caddyfile"
HOW = "install Debian's package (apt-get install caddy), or name an executable in KINDRED_CADDY"
NAME = "kindred.localhost"
START_SECONDS = 30


@dataclass
class Proxy:
    """Where it listens, and what it has said."""

    http: int
    https: int
    folder: Path

    @property
    def origin(self) -> str:
        """What stands before the paths of the dashboard."""
        return f"https://{NAME}:{self.https}"

    @property
    def said(self) -> str:
        return (self.folder / "caddy.log").read_text()

    def client(self, source: str, **headers: str) -> httpx.Client:
        """A browser at this address, which trusts the proxy's own authority and no other."""
        trusted = ssl.create_default_context(cafile=str(self.folder / "caddy/pki/authorities/local/root.crt"))
        return httpx.Client(
            base_url=f"https://127.0.0.1:{self.https}",  # not every machine finds names below localhost
            headers={"Host": f"{NAME}:{self.https}", "Origin": self.origin, **headers},
            transport=httpx.HTTPTransport(verify=trusted, local_address=source),
            event_hooks={"request": [_name]},
        )


def caddy() -> str:
    """The executable. Skips the test where there is none, unless KINDRED_REQUIRE names it."""
    path = os.environ.get("KINDRED_CADDY") or shutil.which("caddy")
    if path is None:
        do_without("proxy", HOW)
    return path


@contextmanager
def proxied(service: int, folder: Path) -> Iterator[Proxy]:
    """The way of a VPN, with names and ports of this test, before a service's port."""
    proxy = Proxy(free_port(), free_port(), folder)
    config = CONFIG.read_text()
    for shipped, ours in {
        "admin off": f"admin off\n\thttp_port {proxy.http}\n\thttps_port {proxy.https}",
        "kindred.example.org {": f"{NAME} {{",
        "#bind 10.8.0.1": "bind 127.0.0.1",
        "#tls internal": "tls internal",
        "127.0.0.1:8765": f"127.0.0.1:{service}",
    }.items():
        assert config.count(shipped) == 1, shipped
        config = config.replace(shipped, ours)
    (folder / "Caddyfile").write_text(config)
    home = {name: str(folder) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    with (folder / "caddy.log").open("wb") as out:
        command = [caddy(), "run", "--config", "Caddyfile", "--adapter", "caddyfile"]
        process = subprocess.Popen(command, cwd=folder, env=os.environ | home, stdout=out, stderr=out)
    try:
        _wait(process, proxy)
        yield proxy
        process.terminate()
        assert process.wait(30) == 0, proxy.said
    finally:
        process.kill()
        process.wait()


def _wait(process: subprocess.Popen[bytes], proxy: Proxy) -> None:
    """Until it has its certificate, and answers."""
    ends = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < ends:
        if "certificate obtained successfully" in proxy.said:
            with socket.create_connection(("127.0.0.1", proxy.https), timeout=START_SECONDS):
                return
        time.sleep(0.05)
    raise AssertionError(proxy.said)


def _name(request: httpx.Request) -> None:
    request.extensions["sni_hostname"] = NAME
