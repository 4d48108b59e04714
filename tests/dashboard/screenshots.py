"""``python -m tests.dashboard.screenshots DIR``: pictures of the pages over a cohort, for docs and for our own eyes.

``SHOTS`` go into the docs; with ``--all``, every page is taken in both themes and at the width of a phone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

from playwright.sync_api import ViewportSize
from sqlalchemy import create_engine

from dashboard import pages
from matcher.program import Program
from tests.dashboard.chromium import chromium, come_in
from tests.dashboard.house import served
from tests.dashboard.rivers import Living, cohort
from tests.matcher.people import tell

DESK: Final = ViewportSize(width=1280, height=860)
PHONE: Final = ViewportSize(width=390, height=844)


class Shot(NamedTuple):
    """A picture: its file's name, the page, and how it is looked at."""

    name: str
    path: str
    narrow: bool = False
    dark: bool = False
    whole: bool = False
    """To the end of the page, instead of what is visible at once."""

    @property
    def look(self) -> dict[str, Any]:
        """The browser's options."""
        return {"viewport": PHONE if self.narrow else DESK, "color_scheme": "dark" if self.dark else "light"}


SHOTS: Final = (
    Shot("today", "/today"),
    Shot("today-phone", "/today", narrow=True),
    Shot("review", "/review/{program}/{match}", whole=True),
    Shot("waiting", "/waiting"),
    Shot("recruit", "/waiting/recruit"),
    Shot("people", "/people"),
    Shot("person", "/people/{program}/{person}"),
    Shot("mentors", "/mentors"),
    Shot("alerts", "/alerts", dark=True),
    Shot("graph", "/graph"),
    Shot("insights", "/insights", whole=True),
    Shot("enter", "/enter"),
    Shot("import", "/import"),
    Shot("policy", "/policy"),
)


def take(folder: Path, every: bool) -> Iterator[Path]:
    """Take the pictures; gives each file."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as name, chromium() as browser:
        house = _house(Path(name))
        braces = _braces(house)
        robin = house.account(("*", "lead"), ("*", "admin"), name="Robin")
        with served(house) as address:
            for shot in _all() if every else SHOTS:
                page = come_in(browser, house, robin, address, **shot.look)
                page.goto(address + shot.path.format_map(braces))
                file = folder / f"{shot.name}.png"
                page.screenshot(path=file, full_page=shot.whole)
                page.context.close()
                yield file
        house.engine.dispose()


def _all() -> list[Shot]:
    return [
        Shot(f"{page.template.removesuffix('.html')}{number}-{look}", page.path, *how, True)
        for number, page in enumerate(pages.PAGES)
        for look, how in {"desk": (False, False), "dark": (False, True), "phone": (True, False)}.items()
    ]


def _house(folder: Path) -> Living:
    """A program as the demo has it, with its history."""
    facts = cohort(260, 50, 75)
    return Living(Program.fold(facts), engine=create_engine(f"sqlite:///{folder / 'dashboard.db'}")).remember(*facts)


def _braces(house: Living) -> dict[str, str]:
    program = house.replica.programs["river"]
    match = next(match for match in program.state.matches.open.values() if match.stage == "proposed")
    longest = max(program.state.members, key=lambda it: (it.present, len(it.recovery.milestones), it.id))
    program.handle(tell("consent.granted", longest.id, program.at or 0, scope="clinician"), program.at or 0)
    account = house.account(("river", "viewer"), name="Sam")
    return {"program": "river", "match": match.id, "person": longest.id, "newcomer": match.newcomer, "account": account}


def main(arguments: Sequence[str]) -> None:
    """Take them, and say which."""
    for file in take(Path(arguments[0]), "--all" in arguments):
        sys.stdout.write(f"{file}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
