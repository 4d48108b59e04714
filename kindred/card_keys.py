"""``kindred cards rotate``: a new key for the local cards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dashboard import database
from dashboard.contact import cards, vault
from dashboard.contact.vault import Vault
from kindred import face

if TYPE_CHECKING:
    from kindred.settings import Settings


def rotate(settings: Settings, folder: Path) -> int:
    """Seal every card with a new key; how many. Raises ConfigurationError, Unreachable, Locked.

    Whenever it is broken off, the file has every key that a card is sealed with.
    """
    path = face.card_keys(settings, folder)
    before = vault.read(path)
    newest = vault.new_key()
    vault.write(path, [newest, *before])
    engine = database.open_database(face.database_address(settings, folder))
    try:
        with engine.begin() as db:
            sealed = cards.reseal(db, Vault(path))
        database.forget(engine)
    finally:
        engine.dispose()
    vault.write(path, [newest, *before][: vault.KEPT])
    return sealed
