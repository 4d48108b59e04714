"""A real OpenID Connect provider for tests: npm's oidc-provider, which is certified, under Node on a loopback port.

npm fetches it into a cache folder once (3 MB); afterwards a start takes half a second.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tools.parts import Unavailable, fetched

VERSION: Final = "9.13.3"
HOW: Final = (
    "OpenID Connect is tested with npm's oidc-provider: install Node 20 or newer with npm (apt-get install npm)"
)
FETCH_SECONDS: Final = 300
SECRET: Final = "only-for-tests-and-long-enough-to-be-taken"  # noqa: S105 - of a provider on loopback
SCRIPT: Final = Path(__file__).parent.parent / "tests" / "dashboard" / "provider.mjs"


class OidcProvider:
    """One provider with one client, ``kindred``; a context manager that stops it."""

    def __init__(self, redirects: Sequence[str]) -> None:
        self._folder = packages()
        self._redirects = redirects
        with socket.create_server(("127.0.0.1", 0)) as door:
            self.port = int(door.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def issuer(self) -> str:
        """Its name, and where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = ["node", str(SCRIPT), str(self._folder), str(self.port), SECRET, *self._redirects]
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != b"listening":
            self.stop()
            raise Unavailable("oidc-provider did not start: Node 20 or newer is needed")

    def stop(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop()


def packages() -> Path:
    """The folder in which npm put the provider, fetched if it is not there. Raises ``Unavailable``."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise Unavailable(HOW)
    return fetched(f"oidc-provider-{VERSION}", _fetch)


def _fetch(folder: Path) -> None:
    """Let npm fetch it under another name first, so that ``folder`` is whole."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as around:
        made = Path(around) / "made"
        made.mkdir()
        (made / "package.json").write_text(json.dumps({"private": True, "dependencies": {"oidc-provider": VERSION}}))
        install = ("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        done = subprocess.run(install, cwd=made, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False)  # noqa: S603
        if done.returncode != 0:
            raise Unavailable(f"npm could not fetch oidc-provider: {(done.stdout + done.stderr).strip()[:300]}")
        made.rename(folder)
