"""The program in words that a coordinator would read: why, why not, who waits, whom to recruit.

Everything here is text made from what ``Program`` answers; nothing is decided. Ids, never names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from textwrap import wrap
from typing import Any

from dashboard import words
from matcher.instants import DAY, format_instant
from matcher.messages import facts
from matcher.messages.facts import Fact, Told
from matcher.pairing.blockers import BY_CODE
from matcher.pairing.risks import WORDS as RISKS
from matcher.people.experience import MILLION, family, is_substance, taxonomy
from matcher.people.member import Member
from matcher.program import Program

WIDTH = 78  # of a line, on a terminal of 80 columns
RECRUITS = 3  # how many kinds of mentor to suggest
EXAMPLES = 3  # how many pairs to explain, and how many long waits to name
STRONGEST = 4  # terms named in an explanation

_MARGIN = re.compile(r" +([\d.]+( of [\d.]+)?  )?")

Reasons = Mapping[str, Any]
Section = tuple[str, list[str]]


# Why


def reasons(document: Reasons) -> str:
    """What ``Program.why`` answers, in words."""
    lines = list(_pair(document) if document["mentor"] is not None else _waits(document))
    if not document["started"]:
        lines.append("  The program has not been told to start pairing.")
    return "\n".join(line for text in lines for line in _folded(text))


def _pair(document: Reasons) -> Iterator[str]:
    newcomer, mentor, match = document["newcomer"], document["mentor"], document.get("match")
    own = match is not None and match["mentor"] == mentor
    standing = f"{match['stage']} as {match['id']}" if own and match else "not paired"
    yield f"{newcomer} and {mentor}: {standing}, fit {document['fit']:.2f}"
    for term in sorted(document["terms"], key=lambda term: -term["contribution"]):
        yield f"  {term['contribution']:.3f} of {term['weight']:.3f}  {term['name']}: {term['because']}"
    if own:
        return
    for blocker in document["blockers"]:
        yield f"  Barred by {blocker['code']} ({blocker['class']}): {blocker['reason']} {blocker['unblocks']}"
    yield from _instead(document)


def _instead(document: Reasons) -> Iterator[str]:
    instead = document["instead"]
    if instead is None:
        return
    if instead["taken_by"]:
        yield f"  The seats of {document['mentor']} are for {_listed(instead['taken_by'])}."
    if instead["loss"] is not None:
        yield f"  The plan would lose {instead['loss']:.3f} by giving {document['mentor']} to {document['newcomer']}."
    if instead["mentor"]:
        yield f"  {document['newcomer']} has {instead['mentor']} instead."


def _waits(document: Reasons) -> Iterator[str]:
    yield f"{document['newcomer']} has no mentor."
    for blocker in document["blockers"]:
        yield f"  Barred by {blocker['code']} ({blocker['class']}): {blocker['reason']} {blocker['unblocks']}"
    nearest = document["nearest"]
    if not nearest:
        yield "  The program has no mentor yet."
    for near in nearest:
        bars, taken = near["barred_by"], _listed(near["taken_by"])
        seats = f"; seats for {taken}" if taken and bars in ([], ["no_slot"]) else ""
        yield f"  {near['mentor']}, fit {near['fit']:.2f}: {_listed(bars) or 'open'}{seats}"
    if helps := document.get("would_help_most"):
        yield f"  What would help most: {helps['code']}. {helps['unblocks']}"


# The program


@dataclass
class Course:
    """What happened to the newcomers of a program, from its facts; instants by newcomer."""

    arrived: dict[str, int] = field(default_factory=dict)
    paired: dict[str, int] = field(default_factory=dict)
    risks: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def take(self, fact: Fact) -> None:
        """Take the next fact in."""
        match fact.data:
            case Told(subject=who, what=what) if fact.type == "member.joined" and getattr(what, "seeks_mentor", False):
                self.arrived.setdefault(who, fact.at)
            case facts.MatchActivated(newcomer=who):
                self.paired.setdefault(who, fact.at)
            case facts.MatchProposed(match=match, risks=risks):
                self.risks[match] = risks

    def within(self, seconds: int) -> int:
        """How many newcomers were paired within so many seconds of arriving."""
        return sum(at - self.arrived.get(who, at) <= seconds for who, at in self.paired.items())


def program_report(program: Program, course: Course, folder: str) -> Iterator[Section]:
    """The report, section by section: a title, and lines that fit 80 columns."""
    waiting = _waiting(program)
    yield "Paired", _folds(_paired(program, course))
    yield "For you to decide", _folds(_proposals(program, course))
    yield f"Waiting: {len(waiting)}", _folds(_why_waiting(program, waiting))
    yield "Whom to recruit", _folds(_recruits(program, waiting))
    yield "Three pairs, and why", _folds(_examples(program))
    yield "The plan", _folds(_plan(program))
    yield "Where to look next", list(_next(program, waiting, folder))


def _paired(program: Program, course: Course) -> Iterator[str]:
    newcomers, paired, at_once = len(course.arrived), len(course.paired), course.within(0)
    numbers = program.summary()
    yield (
        f"{paired} of {newcomers} newcomers were given a mentor: {at_once} the moment they came, "
        f"{course.within(DAY) - at_once} more within a day, {paired - course.within(DAY)} later."
    )
    yield f"{numbers['active']} pairs are active now, {numbers['closed']} have ended. {_load(program)}"


def _load(program: Program) -> str:
    loads = Counter(
        member.mentorship.caseload
        for member in program.state.members
        if member.present and member.mentorship is not None and member.mentorship.admitted
    )
    spread = ", ".join(f"{count} with {load or 'nobody'}" for load, count in sorted(loads.items()))
    return f"There are {loads.total()} mentors: {spread}."


def _proposals(program: Program, course: Course) -> Iterator[str]:
    proposed = [match for match in program.state.matches.open.values() if match.stage == "proposed"]
    if not proposed:
        yield "Nothing: no pair waits for a person."
        return
    yield f"{_many(len(proposed), 'pair')} of the plan {_waits_or_wait(len(proposed))} for a person, because"
    why = Counter(risk for match in proposed for risk in course.risks.get(match.id, ()))
    yield from (f"  {count:>4}  {RISKS[risk]}" for risk, count in why.most_common())


def _waiting(program: Program) -> list[Member]:
    """Present newcomers without any open match, who has waited longest first."""
    matches = program.state.matches
    waiting = [m for m in program.state.members if m.present and m.seeks_since and matches.of_newcomer(m.id) is None]
    return sorted(waiting, key=lambda member: (member.seeks_since, member.id))


def _why_waiting(program: Program, waiting: Sequence[Member]) -> Iterator[str]:
    answers = {member.id: program.why(member.id) for member in waiting}
    causes = Counter(code for answer in answers.values() for code in _bars(answer))
    if causes:
        yield "What stands between them and their nearest mentors:"
    for code, count in causes.most_common():
        yield f"  {count:>4}  {BY_CODE[code].reason} {BY_CODE[code].unblocks}"
    if waiting:
        yield "Those who have waited longest:"
    for member in waiting[:EXAMPLES]:
        days = ((program.at or 0) - (member.seeks_since or 0)) // DAY
        bars, helps = _bars(answers[member.id]), answers[member.id].get("would_help_most")
        hint = f"; most would change without {helps['code']}" if helps and helps["code"] not in bars else ""
        yield f"  {member.id} for {_many(days, 'day')}: {_listed(bars)}{hint}"


def _bars(answer: Reasons) -> list[str]:
    """The rules that bar somebody who waits: their own, else those of the nearest mentor.

    When none bars the nearest, the plan has given that seat to somebody else.
    """
    own = [blocker["code"] for blocker in answer["blockers"]]
    nearest = answer.get("nearest") or [{"barred_by": []}]
    return own or list(nearest[0]["barred_by"]) or ["no_slot"]


def _recruits(program: Program, waiting: Sequence[Member]) -> Iterator[str]:
    """The kinds of mentor that would suit most of those who wait, each after the ones before it."""
    if not waiting:
        yield "Nobody: everybody has somebody."
        return
    yield f"{_needed(program, waiting)} Of those who wait, so many would be suited by mentors who have recovered from"
    left = list(waiting)
    for _ in range(RECRUITS):
        kinds = Counter(kind for member in left for kind in _kinds(member))
        if not kinds:
            break
        (condition, gender, language), count = min(kinds.items(), key=lambda item: (-item[1], item[0]))
        others = {other for (same, other, _), times in kinds.items() if same == condition and times == count}
        left = [member for member in left if (condition, gender, language) not in _kinds(member)]
        who = f"{words.gender(gender) if len(others) == 1 else 'anybody'} who speaks {words.language(language)}"
        yield f"  {count:>4}  {_lower(taxonomy().describe(condition))} ({condition}): {who}"


def _needed(program: Program, waiting: Sequence[Member]) -> str:
    usual = program.policy.mentor.capacity_default
    mentors = -(-len(waiting) // usual) if usual else 0
    return f"{_many(mentors, 'more mentor')} with {_many(usual, 'seat')} each would be enough for all who wait."


def _kinds(member: Member) -> set[tuple[str, str, str]]:
    """Condition, gender and language of the mentors that would suit somebody; without a wish, of either gender."""
    profile = member.profile
    wish = profile.wishes.mentor_gender
    conditions = {family(each.code) for each in profile.experiences if is_substance(each.code)}
    genders = wish if isinstance(wish, tuple) else ("man", "woman")
    return set(product(conditions, genders, profile.languages[:1] or ("en",)))


def _examples(program: Program) -> Iterator[str]:
    active = [match for match in program.state.matches.open.values() if match.stage == "active"]
    best = sorted(active, key=lambda match: (-match.fit, match.id))
    for match in {match.id: match for match in (*best[:1], *best[len(best) // 2 :][:1], *active[-1:])}.values():
        document = program.why(match.newcomer, match.mentor)
        terms = sorted(document["terms"], key=lambda term: -term["contribution"])
        strongest = "; ".join(term["because"] for term in terms[:STRONGEST])
        yield (
            f"{match.newcomer} and {match.mentor}, since {format_instant(match.since)[:10]}, "
            f"fit {document['fit']:.2f}: {match.mentor} {strongest}."
        )
    if not active:
        yield "There are none yet."


def _plan(program: Program) -> Iterator[str]:
    document, numbers = program.market(), program.summary()
    certificate, seats = numbers["certificate"], sum(mentor["slots"] for mentor in document["mentors"])
    yield (
        f"Newcomers who could be paired now: {len(document['newcomers']):,}; open seats: {seats:,}; pairs that no rule "
        f"bars: {len(document['weights']):,}. The plan makes {len(document['plan']):,} of them, together worth "
        f"{document['value'] / MILLION:,.3f}."
    )
    if certificate["equal"]:
        yield "No plan is worth more: the prices of its certificate add up to the very same number."
    else:
        yield f"THE CERTIFICATE DOES NOT HOLD: {certificate['primal']} is not {certificate['dual']}. Please report it."


def _next(program: Program, waiting: Sequence[Member], folder: str) -> Iterator[str]:
    pairs = list(program.state.matches.open.values())
    yield f"  kindred status {folder}"
    if waiting:
        yield f"  kindred why {folder} {waiting[0].id}"
    if pairs:
        yield f"  kindred why {folder} {pairs[0].newcomer} {pairs[-1].mentor}"
    yield f"  kindred verify {folder}"
    yield f"  kindred serve --data {folder} --clock event"


# Words


def _folds(texts: Iterable[str]) -> list[str]:
    return [line for text in texts for line in _folded(text)]


def _folded(text: str) -> list[str]:
    """A text in lines of the width; what belongs to an indented line stays under its text."""
    margin = _MARGIN.match(text)
    return wrap(text, WIDTH, subsequent_indent=" " * len(margin[0] if margin else "")) or [""]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _waits_or_wait(count: int) -> str:
    return "waits" if count == 1 else "wait"


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words)
