"""Import: bring a spreadsheet, see what would become of every line, and take all of it in or nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from dashboard.frame import COORDINATORS, Action, Ask, Conflict, Decided, FormErrors, NotFound, Page
from dashboard.importing import columns
from dashboard.importing.columns import BY_NAME, COLUMNS, Chosen
from dashboard.importing.draft import Draft, Report, Trial, is_new, whole
from dashboard.importing.sheet import NotATable, Sheet
from dashboard.importing.shelf import Brought
from dashboard.means import Means
from matcher.ids import OpaqueId
from matcher.program import Program

PATH: Final = "/import"
BROUGHT: Final = "/import/{upload}"
NOT_READ: Final = "-"
NOT_HERE: Final = (
    "Beside workers on Kafka a file cannot be taken in all or none, so none is taken. Send people, what mentors offer "
    "and existing pairs as events: kindred publish names each line that cannot be read, and kindred dead-letters list "
    "each event that a program refused."
)
AT_ONCE: Final = 2_000  # events whose effect pages show within a moment: then one can go on to start
SHOWN: Final = 100


class About(BaseModel):
    """A column of the template."""

    name: str
    about: str
    example: str
    of: str


class Waits(BaseModel):
    """A program that proposes nothing until somebody starts it."""

    program: str
    pairs: int
    people: int


class Bring(BaseModel):
    """Where a file is brought."""

    programs: list[str]
    may_name: bool
    """Whether the account may begin a program that does not exist yet."""

    not_here: str
    """Why no file is taken in here, and what to do instead; empty where files are."""

    waiting: list[Waits]
    columns: list[About]


class Wrong(BaseModel):
    """A problem of a line."""

    line: int
    column: str
    words: str


class Place(BaseModel):
    """A column of the file, and what it is read as."""

    place: int
    name: str
    read_as: str
    is_personal: bool


class Checked(BaseModel):
    """What would become of a file."""

    upload: str
    program: str
    is_new: bool
    said: str
    is_guessed: bool
    places: list[Place]
    choices: list[str]
    missing: list[str]
    personal: list[str]
    unknown: list[str]
    twice: list[str]
    lines: int
    people: int
    mentors: int
    pairs: int
    known: int
    events: int
    otherwise: int
    """Statements that were taken before, where something else holds by now."""

    taken_back: list[int]
    """Lines, or the first of many, whose consent was taken back since: it stays so."""

    wrong: int
    problems: list[Wrong]
    seconds: float
    pairs_now: bool
    ready: bool
    """Whether it can be taken in."""


def view(ask: Ask) -> Bring:
    """The form, with the template's columns."""
    waiting = [
        Waits(
            program=program.id,
            pairs=sum(match.stage == "active" for match in program.state.matches.open.values()),
            people=sum(member.present for member in program.state.members),
        )
        for program in ask.everywhere.values()
        if not program.state.pairing and program.state.members.members
    ]
    about = [About(name=each.name, about=each.about, example=each.example, of=each.of) for each in COLUMNS]
    return Bring(
        programs=list(ask.programs),
        may_name=_may_name(ask),
        not_here="" if _means(ask).takes_whole else NOT_HERE,
        waiting=waiting,
        columns=about,
    )


def view_checked(ask: Ask) -> Checked:
    """The file of the path. Raises NotFound when it is somebody else's, or no longer here."""
    brought = _brought(ask)
    draft, report = brought.draft, brought.report
    chosen = draft.chosen
    as_read = {place: name for name, place in chosen.places.items()}
    return Checked(
        upload=brought.id,
        program=draft.program,
        is_new=report.is_new,
        said=draft.sheet.said,
        is_guessed=draft.sheet.is_guessed,
        places=[
            Place(place=place, name=name, read_as=as_read.get(place, NOT_READ), is_personal=columns.is_personal(name))
            for place, name in enumerate(draft.sheet.header)
        ],
        choices=list(BY_NAME),
        missing=draft.missing,
        personal=list(chosen.personal),
        unknown=list(chosen.unknown),
        twice=list(chosen.twice),
        problems=[Wrong(line=each.line, column=each.column, words=each.words) for each in report.problems[:SHOWN]],
        pairs_now=report.pairs_now,
        otherwise=len(report.otherwise),
        taken_back=report.taken_back[:SHOWN],
        ready=_is_ready(brought),
        **_counts(report),
    )


def _counts(report: Report) -> dict[str, int | float]:
    names = ("lines", "people", "mentors", "pairs", "known", "events", "wrong", "seconds")
    return {name: getattr(report, name) for name in names}


def _is_ready(brought: Brought) -> bool:
    return (
        not brought.draft.missing
        and brought.report.wrong == 0
        and bool(brought.report.events or brought.report.otherwise)
    )


class Sent(BaseModel):
    """A file for a program."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    program: OpaqueId
    file: bytes = Field(description="CSV.")


class Columns(BaseModel):
    """What each column of the file is read as, in order; ``-`` is not read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: list[str] = Field([], max_length=500)


class Take(BaseModel):
    """Taking a file in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    again: bool = Field(False, description="Also what was taken before, where something else holds by now.")


def bring(ask: Ask, form: Sent) -> Decided:
    """Look at a file. Raises FormErrors for one that is no table, and where files are not taken in."""
    if not _means(ask).takes_whole:
        raise FormErrors(form=NOT_HERE)
    _check_program(ask, form.program)
    before, account = _Before(ask, form.program), ask.account

    def later() -> Decided:
        try:
            sheet = Sheet.of(form.file)
        except NotATable as wrong:
            raise FormErrors(file=f"{wrong.message[:1].upper()}{wrong.message[1:]}.") from None
        draft = Draft(sheet, columns.guess(sheet.header), form.program, own=account.member)
        return before.tried(draft, None)

    return Decided([], PATH, "", program=form.program, later=later)


def choose(ask: Ask, form: Columns) -> Decided:
    """Read the file's columns as they were chosen, or check it again."""
    brought = _brought(ask)
    sheet, before = brought.draft.sheet, _Before(ask, brought.draft.program)
    chosen = _chosen(sheet, form.column) if form.column else brought.draft.chosen
    draft = Draft(sheet, chosen, brought.draft.program, own=ask.account.member)
    return Decided([], PATH, "", program=draft.program, later=lambda: before.tried(draft, brought.id))


def take(ask: Ask, form: Take) -> Decided:
    """Take a file in, all of it or nothing. Raises FormErrors where something is wrong with it."""
    brought = _brought(ask)
    if not _is_ready(brought):
        raise FormErrors(form="There is something to mend first. Nothing was taken.")
    if not (brought.report.events or form.again):
        raise FormErrors(form="Nothing of this file is new. Say that it is to hold again.")
    draft, means, account = brought.draft, _means(ask), ask.account.id
    program = ask.everywhere.get(draft.program)
    now = max(ask.now, getattr(program, "at", None) or ask.now)
    report = _as_it_stands(brought.report, program)
    begins = report.is_new or not report.pairs_now

    def later() -> Decided:
        events = list(whole(draft, report, now, account, otherwise=form.again))
        known = set(means.known(events))
        new = [each for each in events if each["id"] not in known]
        if not any(each["subject"] != draft.program for each in new):
            raise Conflict("all of it was taken meanwhile: check it again")
        if _as_it_stands(report, program) != report:
            raise Conflict("pairing was stopped or started meanwhile: check it again")
        then = f"/start/{draft.program}" if begins and len(events) <= AT_ONCE else PATH
        said_again = f"; {len(report.otherwise):,} changed back" if form.again else ""
        done = f"Taken in: {_listed(report)}{said_again}."
        return Decided(new, then, done, program=draft.program, whole=True)

    return Decided([], PATH, "", program=draft.program, later=later)


def _as_it_stands(report: Report, program: Program | None) -> Report:
    """The report, of the program as it is now: somebody may have begun, started or stopped it since the trial."""
    if program is None:
        return report
    return replace(report, is_new=is_new(program.state), pairs_now=program.state.pairing)


class _Before:
    """What a trial needs of the house, gathered while the programs stand still."""

    def __init__(self, ask: Ask, program: str) -> None:
        found = ask.everywhere.get(program)
        self._program, self._dump = program, None if found is None else found.dump()
        self._now, self._wall, self._account, self._means = ask.now, ask.wall, ask.account.id, _means(ask)

    def tried(self, draft: Draft, id_: str | None) -> Decided:
        """Try the file out, and keep what was found."""
        started = time.perf_counter()
        trial = Trial(self._program, self._dump, self._means.policy_of(self._program), self._now)
        report = trial.run(draft, self._means.known, self._account)
        report.seconds = time.perf_counter() - started
        kept = self._means.shelf.put(self._account, self._wall, draft, report, id_)
        return Decided([], f"{PATH}/{kept}", "Nothing is taken in yet: look at what would be.", program=draft.program)


def _chosen(sheet: Sheet, read_as: list[str]) -> Chosen:
    wanted: Mapping[int, str] = {place: name for place, name in enumerate(read_as) if name in BY_NAME}
    if len(set(wanted.values())) < len(wanted):
        raise FormErrors(form="Two columns are read as the same. Choose another for one of them.")
    return columns.choose(sheet.header, {name: place for place, name in wanted.items()})


def _check_program(ask: Ask, program: str) -> None:
    if not ask.account.roles(program) & COORDINATORS:
        raise FormErrors(program="This is not one of your programs.")


def _may_name(ask: Ask) -> bool:
    return any(role in COORDINATORS and program not in ask.everywhere for program, role in ask.account.grants)


def _brought(ask: Ask) -> Brought:
    found = _means(ask).shelf.get(ask.path["upload"], ask.account.id, ask.wall)
    if found is None or not ask.account.roles(found.draft.program) & COORDINATORS:
        raise NotFound
    return found


def _means(ask: Ask) -> Means:
    return ask.means or Means()


def _listed(report: Report) -> str:
    said = [f"{report.people:,} people", f"{report.mentors:,} of them mentors", f"{report.pairs:,} pairs"]
    return ", ".join(said)


PAGE = Page(PATH, "Import", COORDINATORS, view, "import.html", nav="more", order=12)
CHECKED = Page(BROUGHT, "What would be taken in", COORDINATORS, view_checked, "import_checked.html")
PAGES = (PAGE, CHECKED)
ACTIONS = (
    Action(PATH, COORDINATORS, Sent, bring, PATH, "checked"),
    Action(f"{BROUGHT}/columns", COORDINATORS, Columns, choose, BROUGHT, "checked"),
    Action(f"{BROUGHT}/take", COORDINATORS, Take, take, BROUGHT, "imported"),
)
