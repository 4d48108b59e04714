"""Keys of the local cards, and what is sealed with them.

A file holds Fernet keys (AES-128-CBC with HMAC-SHA256, github.com/fernet/spec), a line each, the newest first: cards
are sealed with the newest and opened with any. The file is the owner's alone. It is read anew when it changes, so that
a rotation needs no restart. What is sealed says whose it is: a row put in another person's place does not open.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from matcher.errors import ConfigurationError, KindredError, code

KEYS = code(
    "KND-card-keys",
    "The file with the keys of the local cards cannot be used: it is not there, is readable by others (chmod 600), or "
    "does not hold a key on each line. Put it back from where it is kept; without it no card opens.",
)
LOCKED = code(
    "KND-card-locked",
    "The local card is sealed with a key that is not in the file of keys, or is not this person's. Put the older key "
    "back as another line of the file.",
)

FILE_NAME: Final = "card-keys"
KEPT: Final = 2  # the newest, and the one before it, with which a process may just have sealed a card


class Locked(KindredError):
    """A card that does not open."""

    def __init__(self) -> None:
        super().__init__(LOCKED, "the card does not open with the keys that are here: put the older key back")


class Vault:
    """Seals and opens cards. Any thread may use it."""

    def __init__(self, path: Path) -> None:
        """Use the keys of a file. Raises ConfigurationError (KND-card-keys)."""
        self._path = path
        self._read()

    @classmethod
    def at(cls, path: Path, *, fresh: bool) -> Vault:
        """The vault of a file, which is made where it is not there and no card is sealed yet (``fresh``)."""
        if fresh and not path.exists():
            write(path, [new_key()])
        return cls(path)

    def seal(self, program: str, person: str, card: dict[str, str]) -> bytes:
        """The card as bytes that say nothing."""
        plain = json.dumps([program, person, card], ensure_ascii=False).encode()
        return self._keys().encrypt(plain)

    def open(self, program: str, person: str, sealed: bytes) -> dict[str, str]:
        """The card of this person. Raises Locked."""
        try:
            whose, who, card = json.loads(self._keys().decrypt(sealed))
        except InvalidToken:
            raise Locked from None
        if (whose, who) != (program, person) or not isinstance(card, dict):
            raise Locked
        return card

    def reseal(self, sealed: bytes) -> bytes:
        """The same, sealed with the newest key. Raises Locked."""
        try:
            return self._keys().rotate(sealed)
        except InvalidToken:
            raise Locked from None

    def _keys(self) -> MultiFernet:
        if self._stamp() != self._read_at:
            self._read()
        return self._fernet

    def _read(self) -> None:
        self._read_at = self._stamp()
        self._fernet = MultiFernet([Fernet(key) for key in read(self._path)])

    def _stamp(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except OSError as trouble:
            raise _unusable(self._path, trouble.strerror or "not there") from None
        return found.st_mtime_ns, found.st_ino


def new_key() -> bytes:
    """A key made from the system's own randomness."""
    return Fernet.generate_key()


def read(path: Path) -> list[bytes]:
    """The keys of a file, the newest first. Raises ConfigurationError (KND-card-keys)."""
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise _unusable(path, "others may read it: chmod 600")
        keys = path.read_bytes().split()
        for key in keys:
            Fernet(key)
    except OSError as trouble:
        raise _unusable(path, trouble.strerror or "not there") from None
    except ValueError:  # its text may quote the key
        raise _unusable(path, "a line is not a key") from None
    if not keys:
        raise _unusable(path, "it is empty")
    return keys


def write(path: Path, keys: Sequence[bytes]) -> None:
    """Put keys in place of a file's, whole or not at all, for the owner alone."""
    beside = path.with_name(f"{path.name}.new")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(b"\n".join(keys) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _unusable(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(KEYS, f"{path} cannot be used for the local cards ({why}): put the file of keys back")
