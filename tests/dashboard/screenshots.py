"""``python -m tests.dashboard.screenshots DIR``: pictures of the pages over a cohort, for docs and for our own eyes.

``SHOTS`` go into the docs; with ``--all``, every page is taken in both themes at a desk and on a phone, pages that
carry much also on the smallest phone and the widest screen, and what is printed as it is printed.
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
from dashboard.contact.vault import Vault
from dashboard.importing import columns
from kindred.made_up_people import Coordinators, Mentors
from matcher.messages.catalog import parse
from matcher.policy import Policy, ReviewTable
from matcher.program import Program
from tests.dashboard.chromium import chromium, come_in
from tests.dashboard.house import served
from tests.dashboard.rivers import Living, cohort
from tests.matcher.people import tell

DESK: Final = ViewportSize(width=1280, height=860)
PHONE: Final = ViewportSize(width=390, height=844)
EDGES: Final = {"small": ViewportSize(width=320, height=640), "wide": ViewportSize(width=1920, height=1080)}
FULL: Final = ("/today", "/people", "/people/{program}/{person}", "/waiting", "/graph", "/insights")
PRINTED: Final = ("/waiting/recruit", "/waiting/recruit/public")


class Shot(NamedTuple):
    """A picture: its file's name, the page, and how it is looked at."""

    name: str
    path: str
    size: ViewportSize = DESK
    dark: bool = False
    whole: bool = False
    """To the end of the page, instead of what is visible at once."""

    @property
    def look(self) -> dict[str, Any]:
        """The browser's options."""
        return {"viewport": self.size, "color_scheme": "dark" if self.dark else "light"}


SHOTS: Final = (
    Shot("today", "/today"),
    Shot("today-phone", "/today", PHONE),
    Shot("review", "/review/{program}/{match}", whole=True),
    Shot("waiting", "/waiting"),
    Shot("recruit", "/waiting/recruit"),
    Shot("people", "/people"),
    Shot("person", "/people/{program}/{person}"),
    Shot("mentors", "/mentors"),
    Shot("alerts", "/alerts", dark=True),
    Shot("clinic", "/clinic/{program}/{person}"),
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
        house = _house(Path(name), staged=every)
        robin = house.account(("*", "lead"), ("*", "admin"), name="Robin")
        braces = _braces(house, robin)
        with served(house) as address:
            for shot in _all() if every else SHOTS:
                page = come_in(browser, house, robin, address, **shot.look)
                page.goto(address + shot.path.format_map(braces))
                file = folder / f"{shot.name}.png"
                page.screenshot(path=file, full_page=shot.whole)
                if every and shot.path in PRINTED:
                    page.pdf(path=file.with_suffix(".pdf"), format="A4")
                page.context.close()
                yield file
        house.engine.dispose()


def _all() -> Iterator[Shot]:
    for number, page in enumerate(page for page in pages.PAGES if page.file is None):
        name = f"{number:02}-{page.template.removesuffix('.html')}"
        for theme in ("light", "dark"):
            yield Shot(f"{name}-desk-{theme}", page.path, DESK, theme == "dark", True)
            yield Shot(f"{name}-phone-{theme}", page.path, PHONE, theme == "dark", True)
        if page.path in FULL:
            yield from (Shot(f"{name}-{edge}", page.path, size, False, True) for edge, size in EDGES.items())


def _house(folder: Path, staged: bool) -> Living:
    """A program as the demo has it, with its history; staged, so that there is a list of low risk too."""
    facts = [*cohort(260, 50, 75)]
    program = Program.fold(facts)
    at = program.at or 0
    newcomers = [each for each in program.state.members if each.present and each.seeks]
    newest = max(newcomers, key=lambda each: each.joined_at)
    for teller in (Mentors(3), Coordinators(3)):
        for line in teller.tell(program):
            facts += program.handle(parse(line), at)
    facts += program.handle(tell("progress.distress", newest.id, at - 1_200, level="high"), at)
    if staged:
        program.adopt(Policy(review=ReviewTable(mode="staged")), at)
    vault = Vault.at(folder / "card-keys", fresh=True)
    engine = create_engine(f"sqlite:///{folder / 'dashboard.db'}")
    return Living(program, engine=engine, vault=vault).remember(*facts)


def _braces(house: Living, account: str) -> dict[str, str]:
    program = house.replica.programs["river"]
    match = next(match for match in program.state.matches.open.values() if match.stage == "proposed")
    longest = max(program.state.members, key=lambda it: (it.present, len(it.recovery.milestones), it.id))
    program.handle(tell("consent.granted", longest.id, program.at or 0, scope="clinician"), program.at or 0)
    table = columns.template().replace("2026-", "2025-").encode() + b"n-2,,x\n"  # the cohort lives in 2025
    sent = house.browser(account).post("/import", {"program": "river"}, files={"file": ("people.csv", table)})
    return {
        "program": "river",
        "match": match.id,
        "person": longest.id,
        "newcomer": match.newcomer,
        "account": house.account(("river", "viewer"), name="Sam"),
        "upload": sent.headers["location"].rpartition("/")[2],
    }


def main(arguments: Sequence[str]) -> None:
    """Take them, and say which."""
    for file in take(Path(arguments[0]), "--all" in arguments):
        sys.stdout.write(f"{file}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
