"""A file as an import of one program: its lines in the order in which they are told, and a trial of them on a copy.

People come first, then what they offer, then pairs. A program that is new is told not to pair, so that existing pairs
are recorded before anybody is given a second mentor; one that pairs already holds its breath while pairs come in. The
trial says of every line what the program would refuse: it is the program's own ``handle`` on a copy, in which nobody
seeks a mentor and nobody is proposed, so that no plan is worked out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from dashboard import words
from dashboard.importing import again, lines
from dashboard.importing.columns import Chosen
from dashboard.importing.lines import Problem, Told
from dashboard.importing.sheet import NotATable, Sheet
from matcher.errors import Refused
from matcher.instants import DAY
from matcher.messages.catalog import parse
from matcher.policy import Policy
from matcher.program import Program
from matcher.state import State

Known = Callable[[Sequence[dict[str, object]]], Iterable[str]]
"""Of events, the ids of those that were taken before. None known: nobody remembers."""

PROBLEMS_MAX: Final = 500  # who has more has one mistake in a column, and sees it in the first lines
_PIECE: Final = 1_000


@dataclass(frozen=True)
class Draft:
    """A file that is to become events of a program."""

    sheet: Sheet
    chosen: Chosen
    program: str
    own: str | None = None
    """The member id of whoever imports, when they are one: a colleague brings that in."""

    @property
    def missing(self) -> list[str]:
        """Columns without which no line can be read."""
        has = self.chosen.places
        return [name for name in ("id",) if name not in has] + (
            ["experiences"] if "experiences" not in has and "mentor" not in has else []
        )


@dataclass
class Report:
    """What would become of a file: counts of lines, and every problem, or the first ``PROBLEMS_MAX`` of them."""

    lines: int = 0
    people: int = 0
    mentors: int = 0
    pairs: int = 0
    known: int = 0
    """Events that were taken before and are not told again."""

    events: int = 0
    wrong: int = 0
    """How many problems there are."""

    problems: list[Problem] = field(default_factory=list)
    otherwise: set[str] = field(default_factory=set)
    """Ids of events that were taken before, where something else holds by now."""

    skip: set[str] = field(default_factory=set)
    """Ids of events that are not to be told: they are known, or stand already."""

    taken_back: list[int] = field(default_factory=list)
    """Lines whose consent was taken back on its day or since; it stays so."""

    is_new: bool = False
    """Whether the program begins with this file."""

    pairs_now: bool = False
    """Whether the program proposes pairs already."""

    seconds: float = 0.0

    def add(self, problem: Problem) -> None:
        """Note a problem."""
        self.wrong += 1
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(problem)


def told(draft: Draft, now: int, by: str | None = None, report: Report | None = None) -> Iterator[Told]:
    """The lines' events in order; what cannot be read goes into the report. Raises NotATable.

    Cost: the file is read once; what mentors offer and pairs wait in memory until everybody has joined.
    """
    report = report or Report()
    seen, paired = dict[str, int](), dict[str, int]()
    offers, pairs = list[Told](), list[Told]()
    try:
        for row in draft.sheet.rows():
            report.lines += 1
            entry = lines.read(row, draft.chosen.places, draft.program, now)
            if not entry.problems:
                _check_twice(entry, seen if entry.is_person else paired)
            if draft.own is not None and draft.own in (entry.said.get("id"), entry.said.get("mentor")):
                entry.refuse("id", "is your own record: a colleague brings you in")
            if entry.problems:
                for problem in entry.problems:
                    report.add(problem)
                continue
            offers += lines.of_mentor(entry, draft.program, now, by)
            pairs += lines.of_pair(entry, draft.program, now, by)
            yield from lines.of_person(entry, draft.program, now)
    except NotATable as trouble:
        report.add(Problem(trouble.line, "", trouble.message))
    yield from offers
    yield from pairs


def _check_twice(entry: lines.Entry, seen: dict[str, int]) -> None:
    first = seen.setdefault(entry.said["id"], entry.line)
    if first != entry.line:
        entry.refuse("id", f"stands on line {first} already: one line for each person")


def is_new(state: State) -> bool:
    """Whether a program has yet to begin: nobody came, and nobody said whether to pair."""
    return not state.members.members and state.started is None


class Trial:
    """A copy of a program, in which a file is tried out. Used by one thread; the program itself is not touched."""

    def __init__(self, program: str, dump: bytes | None, policy: Policy, now: int) -> None:
        """``dump`` is that of the program, None where it does not exist yet; ``policy`` is what a new one gets."""
        self._copy = Program(program) if dump is None else Program.load(dump)
        self._now = max(now, self._copy.at or now)
        if dump is None:
            self._copy.adopt(policy, self._now)
        state = self._copy.state
        self._report = Report(is_new=is_new(state), pairs_now=state.pairing)
        for member in state.members:
            member.seeks, member.seeks_since = False, None
        self._copy.state.started = False

    def run(self, draft: Draft, known: Known, by: str | None = None) -> Report:
        """Try every line; what is wrong is in the report."""
        report = self._report
        if draft.missing:
            return report
        stream = told(draft, self._now, by, report)
        while piece := list(islice(stream, _PIECE)):
            before = set(known([each.document for each in piece]))
            for each in piece:
                self._take(each, each.id in before, report)
        report.problems.sort()
        return report

    def _take(self, each: Told, is_known: bool, report: Report) -> None:
        if each.column == "consent" and self._was_taken_back(each):
            report.taken_back.append(each.line)
            report.skip.add(each.id)
            return
        if is_known and not again.holds(each.document, self._copy.state.members.get(str(each.document["subject"]))):
            report.otherwise.add(each.id)
            return
        if is_known or self._stands(each):
            report.known += 1
            report.skip.add(each.id)
            return
        try:
            self._try(each.document)
        except Refused as refusal:
            report.add(Problem(each.line, each.column, _sentence(refusal)))
            return
        report.events += 1
        type_ = str(each.document["type"])
        report.people += "member.joined" in type_
        report.mentors += "mentor.volunteered" in type_
        report.pairs += "match.recorded" in type_

    def _try(self, document: dict[str, object]) -> None:
        event = parse(_without_seeking(document))
        self._copy.handle(event, self._now)

    def _was_taken_back(self, each: Told) -> bool:
        """Whether the consent is from before it was taken back: by its day, for a file knows no hours."""
        member = self._copy.state.members.get(str(each.document["subject"]))
        if member is None or member.consent_until != 0:
            return False
        said = parse(each.document).time
        return member.consent_said is None or said // DAY <= member.consent_said // DAY

    def _stands(self, each: Told) -> bool:
        """Whether the pair is together already, by whoever's word."""
        if each.column != "mentor":
            return False
        match = self._copy.state.matches.of_newcomer(str(each.document["subject"]))
        data = each.document["data"]
        mentor = data["mentor"] if isinstance(data, dict) else None
        return match is not None and match.stage == "active" and match.mentor == mentor


def whole(
    draft: Draft, report: Report, now: int, by: str | None, *, otherwise: bool = False
) -> Iterator[dict[str, object]]:
    """All that is to be told, in order, with pairing stopped where that is needed; nothing when all is known.

    ``report`` says how the program stands now: whoever stopped or started pairing after the trial is obeyed. With
    ``otherwise``, also what was said before and holds no longer.
    """
    if report.events == 0 and not (otherwise and report.otherwise):
        return
    wanted = (each for each in told(draft, now, by) if each.id not in report.skip)
    new = (
        again.told(each.document, draft.program, now) if each.id in report.otherwise else each.document
        for each in wanted
        if otherwise or each.id not in report.otherwise
    )
    program, because = draft.program, str(now)  # another import is another pause
    holds_breath = report.pairs_now and not report.is_new and report.pairs > 0
    if report.is_new:
        yield lines.switched(program, False, now, "new", by)
    elif holds_breath:
        yield lines.switched(program, False, now, because, by)
    yield from new
    if holds_breath:
        yield lines.switched(program, True, now, because, by)


def _without_seeking(document: dict[str, object]) -> dict[str, object]:
    data: Any = document["data"]
    if "seeks_mentor" not in data:
        return document
    return {**document, "data": {name: value for name, value in data.items() if name != "seeks_mentor"}}


def _sentence(refusal: Refused) -> str:
    """Why the program refuses it, in words of pages; none of its sentences has a person's facts."""
    said = refusal.message.removeprefix("match.recorded: ")
    before, _, codes = said.partition(": ")
    if before in words.BARS:  # a code in front of a sentence
        said = codes
    barred = [words.BARS[code] for code in codes.split(", ") if code in words.BARS]
    if barred:
        said = f"{before}: {', '.join(barred)}"
    return f"is refused: {said} ({refusal.code})"
