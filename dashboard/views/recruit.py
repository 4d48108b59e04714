"""Whom to recruit: the kinds of mentor that would suit most of those who wait and whom no free seat is for.

For us with everything that helps a search; to hand out so that nobody can be recognised: no number below five, at most
two traits together, no diagnosis with a gender, no date.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import product
from typing import Final, NamedTuple

from pydantic import BaseModel

from dashboard import words
from dashboard.cells import CELL_MIN
from dashboard.frame import COORDINATORS, Ask, Page
from dashboard.memo import by_minute
from dashboard.views import today
from matcher.people.experience import MILLION, family, is_substance
from matcher.people.member import Member
from matcher.program import Program

KINDS_MAX: Final = 8
ANYBODY: Final = ("man", "woman")


class Kind(NamedTuple):
    """Traits of a mentor: a family of codes, a gender (None: any) and a language."""

    lived: str
    gender: str | None
    language: str


class Wanted(BaseModel):
    """A kind of mentor, and how many of those who wait they would suit."""

    who: str
    count: int
    price: float | None
    """What a seat of such a mentor is worth to the plan now, the dearest: 1 is a perfect fit. The market's dual."""

    mentors: int
    """How many such mentors there are, whether they have a seat that is free or not."""


class Public(BaseModel):
    """A line to hand out."""

    who: str
    count: int


class Need(NamedTuple):
    """What free seats leave undone, in one program."""

    people: int
    wanted: list[Wanted]
    public: list[Public]


class Recruit(BaseModel):
    """What to look for, in one program."""

    program: str
    pairing: bool
    """Whether the program pairs: else to start is what helps first."""

    waiting: int
    unplaced: int
    """How many of them have no seat in the plan; whom their own rule bars is not counted: no mentor would help."""

    mentors: int
    """How many more mentors with the usual number of seats would be enough for those."""

    wanted: list[Wanted]
    made_at: int


class Sheet(BaseModel):
    """The recruitment list of all programs."""

    programs: list[Recruit]


class PublicRecruit(BaseModel):
    """What to hand out, of one program."""

    program: str
    lines: list[Public]


class PublicSheet(BaseModel):
    """What to hand out."""

    programs: list[PublicRecruit]


def view(ask: Ask) -> Sheet:
    """For us: of every program, kinds of mentor with counts and prices, at most a minute old."""
    return Sheet(programs=[of(program, ask.now) for program in ask.programs.values()])


def view_public(ask: Ask) -> PublicSheet:
    """To hand out."""
    return PublicSheet(
        programs=[PublicRecruit(program=p.id, lines=_need(p, ask.now)[0].public) for p in ask.programs.values()]
    )


def of(program: Program, at: int) -> Recruit:
    """What a program should look for."""
    need, made_at = _need(program, at)
    usual = program.policy.mentor.capacity_default
    return Recruit(
        program=program.id,
        pairing=program.state.pairing,
        waiting=len(today.unmatched(program, at)),
        unplaced=need.people,
        mentors=-(-need.people // usual) if usual else 0,
        wanted=need.wanted,
        made_at=made_at,
    )


@by_minute
def _need(program: Program, at: int) -> Need:
    market = program.desk.market
    placed, members = market.plan(), program.state.members
    unplaced = [members[who] for who in today.unmatched(program, at) if who in market and who not in placed]
    return Need(len(unplaced), _wanted(program, unplaced), public(unplaced))


def _wanted(program: Program, unplaced: Iterable[Member]) -> list[Wanted]:
    left, found = Counter(map(_suited, unplaced)), list[Wanted]()
    offers = [m for m in program.state.members if m.present and m.mentorship is not None]
    prices = {mentor: program.desk.market.price(mentor) / MILLION for mentor in program.desk.market.slots()}
    while left and len(found) < KINDS_MAX:
        kinds = Counter[Kind]()
        for kinds_of_some, people in left.items():
            kinds.update(dict.fromkeys(kinds_of_some, people))
        if not kinds:
            break
        kind, count = min(kinds.items(), key=lambda item: (-item[1], item[0].gender is not None, item[0]))
        left = Counter({some: people for some, people in left.items() if kind not in some})
        such = [mentor.id for mentor in offers if _is_of(mentor, kind)]
        price = max((prices[mentor] for mentor in such if mentor in prices), default=None)
        found.append(Wanted(who=_who(kind), count=count, price=price, mentors=len(such)))
    return found


def public(people: Iterable[Member]) -> list[Public]:
    """Lines to hand out: condition with language, and gender with language, of five people and more."""
    lived, wishes = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for member in people:
        wish, language = member.profile.wishes.mentor_gender, _language(member)
        lived.update((_lived(code), language) for code in sorted(_conditions(member)))
        wishes.update((gender, language) for gender in (wish if isinstance(wish, tuple) else ()))
    lines = [
        Public(who=f"somebody who has {what} and speaks {words.language(language)}", count=count)
        for (what, language), count in lived.most_common(KINDS_MAX)
    ]
    lines += [
        Public(who=f"{words.gender(gender)} who speaks {words.language(language)}", count=count)
        for (gender, language), count in wishes.most_common(KINDS_MAX)
    ]
    return [line for line in lines if line.count >= CELL_MIN]


def _suited(member: Member) -> frozenset[Kind]:
    """The kinds of mentor that would suit somebody; of any gender where the newcomer wishes none."""
    wish = member.profile.wishes.mentor_gender
    genders: Iterable[str | None] = wish if isinstance(wish, tuple) else (None, *ANYBODY)
    return frozenset(Kind(code, gender, _language(member)) for code, gender in product(_conditions(member), genders))


def _conditions(member: Member) -> set[str]:
    """Families of what can be recovered from or lived with; circumstances of life (Z) make nobody a mentor."""
    return {family(each.code) for each in member.profile.experiences if each.code.startswith("F")}


def _language(member: Member) -> str:
    return next(iter(member.profile.languages), "en")


def _lived(code: str) -> str:
    return f"{'recovered from' if is_substance(code) else 'lived with'} {words.experience(code)}"


def _who(kind: Kind) -> str:
    who = "anybody" if kind.gender is None else words.gender(kind.gender)
    return f"{who} who has {_lived(kind.lived)} and speaks {words.language(kind.language)}"


def _is_of(mentor: Member, kind: Kind) -> bool:
    profile = mentor.profile
    return (
        kind.lived in _conditions(mentor)
        and kind.language in (profile.languages or ("en",))
        and kind.gender in (None, profile.gender)
    )


PAGE = Page(
    "/waiting/recruit", "Whom to recruit", COORDINATORS, view, "recruit.html", audited=True, what="printed",
)  # fmt: skip
PUBLIC = Page(
    "/waiting/recruit/public", "Whom we are looking for", COORDINATORS, view_public, "recruit_public.html",
    audited=True, what="printed",
)  # fmt: skip
