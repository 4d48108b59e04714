"""``kindred import``: the import of the dashboard's page, on a data folder that no service is writing to."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dashboard.importing import columns
from dashboard.importing.cells import Unreadable
from dashboard.importing.draft import Draft, Report, Trial, whole
from dashboard.importing.sheet import NO_TABLE, NotATable, Sheet
from journal.sqlite import FILE_NAME
from kindred import wiring
from matcher.errors import ConfigurationError, code
from matcher.policy import Policy
from streams.folder import DataFolder, read_state
from streams.intake import key_of

if TYPE_CHECKING:
    from kindred.settings import Settings
    from streams.intake import Input
    from streams.state import State

WHICH = code(
    "KND-import-program",
    "A spreadsheet is of one program and the folder has several: name it with --program, or in a column `program`.",
)
A_PROGRAM: Final = "river"
"""The name of a program that nobody named, as of a cohort's."""

BYTES_MAX: Final = 256 * 1024 * 1024  # 100,000 people with all that the template holds are some 30 MB


@dataclass(frozen=True)
class Brought:
    """What became of a file."""

    program: str
    draft: Draft
    report: Report

    @property
    def waits(self) -> bool:
        """Whether the program proposes nobody until it is told to."""
        return self.report.is_new or not self.report.pairs_now

    @property
    def wrong(self) -> int:
        """How many problems there are; missing columns count."""
        return self.report.wrong + len(self.draft.missing)

    @property
    def is_ready(self) -> bool:
        """Whether there is something to take in and nothing to mend."""
        return not self.wrong and self.report.events > 0

    @property
    def problems(self) -> list[str]:
        """Each problem in a sentence, or the first of many."""
        missing = [f"line 1, no column is read as {name}: name it so in the first line" for name in self.draft.missing]
        shown = [*missing, *map(str, self.report.problems)]
        more = self.report.wrong - len(self.report.problems)
        return shown + ([f"and {more} more"] if more else [])

    @property
    def remarks(self) -> list[str]:
        """How the file was read, and which columns were not."""
        chosen = self.draft.chosen
        said = [f"read as {self.draft.sheet.said}"]
        if chosen.personal:
            said.append(f"never read, because of what it may hold: {_listed(chosen.personal)}")
        if chosen.unknown:
            said.append(f"not read, because no column of the template has the name: {_listed(chosen.unknown)}")
        if chosen.twice:
            said.append(f"more than once, and read from the first: {_listed(chosen.twice)}")
        if self.report.otherwise:
            said.append(
                f"{len(self.report.otherwise)} statements were taken before, and something else holds by now: they are "
                "left so; the dashboard's page Import can change them back"
            )
        if self.report.taken_back:
            where = _listed([str(line) for line in self.report.taken_back])
            said.append(f"a consent to be matched was taken back since, and stays so: line {where}")
        return said

    @property
    def numbers(self) -> dict[str, int | float]:
        """The report in numbers."""
        names = ("lines", "people", "mentors", "pairs", "known", "events")
        numbers = {name: getattr(self.report, name) for name in names}
        return {
            **numbers,
            "otherwise": len(self.report.otherwise),
            "problems": self.wrong,
            "seconds": round(self.report.seconds, 1),
        }

    @property
    def document(self) -> dict[str, Any]:
        """All of it for programs."""
        chosen = self.draft.chosen
        return {
            "program": self.program,
            "read_as": self.draft.sheet.said,
            **self.numbers,
            "missing": self.draft.missing,
            "never_read": list(chosen.personal),
            "not_read": list(chosen.unknown),
            "taken_back": self.report.taken_back,
            "errors": [each._asdict() for each in self.report.problems],
        }


def bring(file: Path, settings: Settings, program: str | None, *, dry_run: bool) -> Brought:
    """Look at a file, and take it in where nothing is wrong with it. Raises ConfigurationError, Unreachable."""
    started = time.perf_counter()
    sheet = _sheet(file)
    folder = wiring.data_folder(None, settings)
    wiring.prepare("warning")
    wiring.warm_up()
    is_there = (folder / FILE_NAME).exists()
    if dry_run or not is_there:  # a folder is made only for a file that can be taken
        brought = _tried(sheet, program, read_state(folder) if is_there else None, settings)
        if dry_run or not brought.is_ready:
            return _timed(brought, started)
    policies = None if settings.policy is None else wiring.policy_book(settings.policy)
    with DataFolder.open(folder, fresh="wall", policies=policies, now=int(time.time())) as opened:
        if is_there:
            brought = _tried(sheet, program, opened.state, settings)
        if brought.is_ready:
            now = _now(opened.state, brought.program)
            opened.take_whole(_inputs(brought, now), int(time.time()))
        return _timed(brought, started)


def _tried(sheet: Sheet, program: str | None, state: State | None, settings: Settings) -> Brought:
    programs = {} if state is None else state.programs
    chosen = columns.guess(sheet.header)
    name = program or _named(sheet, chosen) or _only(programs)
    draft = Draft(sheet, chosen, name)
    policy = Policy() if settings.policy is None else wiring.policy_book(settings.policy).of(name)
    dump = programs[name].dump() if name in programs else None
    trial = Trial(name, dump, policy, _now(state, name))
    return Brought(name, draft, trial.run(draft, partial(_known, state)))


def _only(programs: Collection[str]) -> str:
    if len(programs) > 1:
        raise ConfigurationError(WHICH, "the folder has several programs: name one with --program")
    return next(iter(programs), A_PROGRAM)


def _inputs(brought: Brought, now: int) -> Iterator[Input]:
    import orjson

    from streams.intake import read_input

    for event in whole(brought.draft, brought.report, now, None):
        yield read_input(orjson.dumps(event))


def _known(state: State | None, events: Sequence[dict[str, object]]) -> list[str]:
    if state is None:
        return []
    ids = [str(event["id"]) for event in events]
    return [id_ for id_, event in zip(ids, events, strict=True) if state.seen.knows(key_of(str(event["source"]), id_))]


def _now(state: State | None, program: str) -> int:
    """The wall's clock; the program's own where that is its events'."""
    now = int(time.time())
    if state is None or state.clock != "event":
        return now
    at = state.programs[program].at if program in state.programs else None
    return now if at is None else at


def _named(sheet: Sheet, chosen: columns.Chosen) -> str | None:
    """The program that the first line names."""
    place = chosen.places.get("program")
    try:
        row = next(sheet.rows(), None)
    except NotATable:
        return None
    cell = "" if place is None or row is None else row.cells[place].strip()
    try:
        return columns.BY_NAME["program"].read(cell, 0) if cell else None
    except Unreadable:
        return None


def _sheet(file: Path) -> Sheet:
    if file.stat().st_size > BYTES_MAX:
        raise ConfigurationError(NO_TABLE, f"{file} has more than {BYTES_MAX} bytes: import it in parts")
    try:
        return Sheet.of(file.read_bytes())
    except NotATable as wrong:
        raise ConfigurationError(NO_TABLE, f"{file}: {wrong.message}") from None


def _timed(brought: Brought, started: float) -> Brought:
    brought.report.seconds = time.perf_counter() - started
    return brought


def _listed(names: Sequence[str]) -> str:
    return ", ".join("".join(each if each.isprintable() else "?" for each in name[:40]) for name in names)
