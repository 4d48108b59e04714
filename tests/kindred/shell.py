"""Runs ``kindred`` as somebody at a shell would, in an environment without settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

KINDRED = (sys.executable, "-m", "kindred")


def environment(**settings: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("KINDRED_")}
    return plain | {"PYTHONHASHSEED": "0"} | settings


def kindred(*arguments: str, at: Path, stdin: bytes = b"", **settings: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*KINDRED, *arguments], cwd=at, input=stdin, env=environment(**settings), capture_output=True, check=False
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
