"""Why this pair, why not, and what would unblock: the desk's answers to people.

Answers are plain documents for JSON and for screens. Numbers of fit are in [0, 1]; rules and words come from
``blockers`` and ``fit``. The words for newcomers, mentors and platforms (``because`` of a match, ``unblocks``) name no
condition; those of ``terms`` are for coordinators and may.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from matcher.errors import ConfigurationError, code
from matcher.messages.facts import NewcomerWaiting
from matcher.pairing import blockers, fit
from matcher.pairing.verify import check_market
from matcher.people.experience import MILLION

if TYPE_CHECKING:
    from matcher.pairing.desk import Desk
    from matcher.pairing.judge import Judge
    from matcher.people.member import Member
    from matcher.people.record import Rows
    from matcher.people.roster import Roster
    from matcher.state import State

UNKNOWN_ID = code(
    "KND-unknown-id", "Nobody of this id is a present member of the program. Check the id and the program."
)
NOT_STARTED = "not_started"
"""In place of a blocker, where the program pairs nobody yet."""
NEAREST_MAX = 5
Mask = NDArray[np.bool_]


class Order(Protocol):
    """Rows of the roster, in an order."""

    def order(self) -> Rows:
        """The rows."""


class Sight(Protocol):
    """What answers about pairs look at: a desk has it, and so has who only looks and keeps no market."""

    state: State
    now: int
    roster: Roster
    judge: Judge

    @property
    def volunteers(self) -> Order:
        """Everybody who offers support."""

    @property
    def open_mentors(self) -> Order:
        """Those of them who may be given somebody now."""

    def index(self, who: str) -> int | None:
        """The place in the roster of a present member, with columns as of now; None for anybody else."""

    def open_slots(self, member: Member) -> int:
        """Capacity less active and pinned matches; 0 for who is no mentor."""


def barred(
    desk: Sight, newcomer: str, mentor: str, *kinds: str, aside: frozenset[str] = frozenset()
) -> tuple[str, ...]:
    """Codes of the blockers of these classes that bar a pair, an open slot included, those ``aside`` left out."""
    return tuple(hit.code for hit in hits(desk, newcomer, mentor) if hit.kind in kinds and hit.code not in aside)


def hits(desk: Sight, newcomer: str, mentor: str) -> list[blockers.Blocker]:
    """Every blocker of a pair in words, an open slot included. Raises ConfigurationError for unknown ids."""
    found = fit.barred(desk.judge, _index(desk, newcomer), _index(desk, mentor), desk.now)
    member = desk.state.members[mentor]
    if member.mentorship is not None and desk.open_slots(member) == 0:
        found.append(blockers.BY_CODE["no_slot"])
    return found


def why(desk: Desk, newcomer: str, mentor: str | None = None) -> dict[str, Any]:
    """Why the two are (not) paired; without a mentor, the present one, or who is nearest and what bars them."""
    index = _index(desk, newcomer)
    chosen = mentor or _present_mentor(desk, newcomer)
    answer: dict[str, Any] = {
        "newcomer": newcomer, "mentor": chosen, "match": _match(desk, newcomer), "started": desk.state.pairing,
    }  # fmt: skip
    if chosen is not None:
        answer |= _pair(desk, newcomer, chosen)
    else:
        own, found = _own(desk, index), nearest(desk, newcomer)
        helps, plan = helping(own, found), desk.market.plan()
        answer |= {
            "blockers": [_words(each) for each in own],
            "fit": None, "terms": [], "price": None, "instead": None,
            "nearest": [{**asdict(each), "taken_by": _taken_by(desk, each.mentor, plan)} for each in found.nearest],
            "would_help_most": helps and _words(helps),
        }  # fmt: skip
    return answer


def _pair(desk: Desk, newcomer: str, mentor: str) -> dict[str, Any]:
    one, other = _index(desk, newcomer), _index(desk, mentor)
    terms = fit.breakdown(desk.judge, one, other)
    in_market = mentor in desk.market.slots()
    return {
        "blockers": [_words(hit.code) for hit in hits(desk, newcomer, mentor)],
        "fit": sum(term.contribution for term in terms) / MILLION,
        "terms": [
            {
                "name": term.name,
                "value": term.value / MILLION,
                "weight": term.weight / 1_000,
                "contribution": term.contribution / MILLION,
                "because": term.because,
            }
            for term in terms
        ],
        "price": desk.market.price(mentor) / MILLION if in_market else None,
        "instead": _instead(desk, newcomer, mentor),
    }


def _instead(desk: Desk, newcomer: str, mentor: str) -> dict[str, Any] | None:
    """Who has the seat that the newcomer would need, and what the plan would lose; None for their own mentor."""
    present = _present_mentor(desk, newcomer)
    if present == mentor:
        return None
    loss = None
    if newcomer in desk.market and mentor in desk.market.slots() and mentor in desk.market.weights_of(newcomer):
        loss = desk.market.loss_of_pairing(newcomer, mentor) / MILLION
    return {"mentor": present, "taken_by": _taken_by(desk, mentor, desk.market.plan()), "loss": loss}


def _taken_by(desk: Desk, mentor: str, plan: Mapping[str, str]) -> list[str]:
    """Whom the mentor supports or is kept for, and whom the plan gives them."""
    active = [match.newcomer for match in desk.state.matches.of_mentor(mentor) if match.takes_seat]
    planned = [who for who, theirs in plan.items() if theirs == mentor]
    return sorted({*active, *planned})


def _present_mentor(desk: Desk, newcomer: str) -> str | None:
    match = desk.state.matches.of_newcomer(newcomer)
    if match is not None:
        return match.mentor
    return desk.market.partner(newcomer) if newcomer in desk.market else None


def _match(desk: Desk, newcomer: str) -> dict[str, Any] | None:
    match = desk.state.matches.of_newcomer(newcomer)
    return None if match is None else {"id": match.id, "stage": match.stage, "mentor": match.mentor}


# Who waits


@dataclass(frozen=True, slots=True)
class Near:
    """A mentor and what bars them for a newcomer; `fit` in [0, 1], blockers left aside."""

    mentor: str
    fit: float
    barred_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Nearest:
    """The mentors with the fewest blockers, best fit first; and the one rule that, relaxed, would open most of them.

    Where no rule alone would, and some mentor is open or there is none, it is ``no_slot``: one seat more would help.
    """

    nearest: tuple[Near, ...]
    rule: str | None


def nearest(desk: Sight, newcomer: str) -> Nearest:
    """What stands between a newcomer and the mentors of the program. Cost: every blocker over all mentors once."""
    mentors, seat = desk.volunteers.order(), "no_slot" if desk.state.pairing else None
    if not len(mentors):
        return Nearest((), seat)
    bars, fits = _bars(desk, _index(desk, newcomer), mentors)
    names, table = list(bars), np.stack(list(bars.values()))
    count = table.sum(axis=0)
    alone = table[:, count == 1].sum(axis=1)
    rule = int(alone.argmax())
    closest = np.lexsort((-fits, count))
    found = [
        Near(desk.roster.ids[mentors[at]], int(fits[at]) / MILLION, tuple(n for n, mask in bars.items() if mask[at]))
        for at in closest[:NEAREST_MAX]
    ]
    return Nearest(tuple(found), names[rule] if alone[rule] else None if count.min() else seat)


def helping(own: Sequence[str], found: Nearest) -> str | None:
    """The one rule that, relaxed, would help most somebody whom so many rules of their own close to everybody."""
    return found.rule if not own else own[0] if len(own) == 1 else None


def waiting(desk: Desk, newcomer: str) -> NewcomerWaiting:
    """The fact that somebody waits: the rules of the nearest mentors (or their own), and what would unblock."""
    index = _index(desk, newcomer)
    own = [blockers.BY_CODE[each].told_as or each for each in _own(desk, index)]
    codes = tuple(dict.fromkeys(own)) or _told_of_the_nearest(desk, index)
    since = desk.state.members[newcomer].seeks_since
    return NewcomerWaiting(
        newcomer=newcomer,
        since=desk.now if since is None else since,
        barred_by=codes,
        unblocks=tuple(blockers.BY_CODE[each].unblocks for each in codes),
    )


def _told_of_the_nearest(desk: Desk, newcomer: int) -> tuple[str, ...]:
    """The rules that bar the mentors with the fewest of them, the most frequent first, in the words for outside.

    A slip, a report, distress or "never again" reads like any other pause. So what else it brings with it, as several
    rules at once, a lower fit and seats that are not looked at, must change neither who is nearest nor the order.
    """
    mentors = desk.volunteers.order()
    if not len(mentors):
        return ("no_slot",)
    told: dict[str, Mask] = {}
    for code_, mask in _bars(desk, newcomer, mentors)[0].items():
        name = blockers.BY_CODE[code_].told_as or code_
        told[name] = told[name] | mask if name in told else mask
    for follows in ("no_slot", "low_fit"):
        told[follows] = told[follows] & ~told["paused"]
    names = [name for name in blockers.BY_CODE if name in told]
    table = np.stack([told[name] for name in names])
    count = table.sum(axis=0)
    tally = table[:, count == count.min()].sum(axis=1)
    return tuple(names[at] for at in np.argsort(-tally, kind="stable") if tally[at]) or ("no_slot",)


def waiting_for_start(newcomer: Member, now: int) -> NewcomerWaiting:
    """The fact that somebody waits because the program has not been told to start, or was told to stop."""
    return NewcomerWaiting(
        newcomer=newcomer.id,
        since=now if newcomer.seeks_since is None else newcomer.seeks_since,
        barred_by=(NOT_STARTED,),
        unblocks=("The program starts pairing.",),
    )


def _own(desk: Sight, newcomer: int) -> list[str]:
    """Codes of what closes a newcomer to everybody."""
    return desk.judge.codes(desk.judge.newcomer_alone(newcomer, desk.now))


def _bars(desk: Sight, newcomer: int, mentors: NDArray[np.int64]) -> tuple[dict[str, Mask], NDArray[np.int64]]:
    """By blocker, which mentors it bars, in the order of ``BLOCKERS``; and the fits, blockers left aside."""
    found = desk.judge.bars(newcomer, mentors, desk.now)
    bars = desk.judge.masks(found.of_mentor | found.of_the_two)
    bars["no_slot"] = (found.of_mentor == 0) & ~np.isin(mentors, desk.open_mentors.order())
    return {code: bars[code] for code in blockers.BY_CODE}, found.fits


def _words(name: str) -> dict[str, str]:
    blocker = blockers.BY_CODE[name]
    return {"code": name, "class": blocker.kind, "reason": blocker.reason, "unblocks": blocker.unblocks}


def _index(desk: Sight, who: str) -> int:
    index = desk.index(who)
    if index is None:
        raise ConfigurationError(UNKNOWN_ID, f"nobody with the id {who} is a present member of {desk.state.program}")
    return index


# The program in numbers


def summary(desk: Desk) -> dict[str, Any]:
    """Counts of people, places and pairs, and the plan's value with its certificate."""
    state, stages = desk.state, Counter(match.stage for match in desk.state.matches.open.values())
    present = [member for member in state.members if member.present]
    certificate = desk.market.certificate()
    return {
        "facts": state.n,
        "members": len(state.members.members),
        "mentors": sum(member.mentorship is not None for member in present),
        "open_slots": sum(desk.market.slots().values()),  # of who may be given somebody now
        "waiting": sum(
            member.seeks_since is not None and state.matches.of_newcomer(member.id) is None for member in present
        ),
        "proposed": stages["proposed"] + stages["held"],
        "active": stages["active"],
        "closed": state.matches.closed,
        "plan_value": desk.market.value(),
        "certificate": {
            "primal": certificate.primal,
            "dual": certificate.dual,
            "equal": certificate.primal == certificate.dual,
        },
    }


def market(desk: Desk) -> dict[str, Any]:
    """The market as numbers, under the program's id."""
    return {"program": desk.state.program, **desk.market.document()}


def violations(desk: Desk) -> list[str]:
    """What is wrong with the plan, by its certificate, and with open matches, by the rules; empty when all is well."""
    return [*check_market(desk.market.document()), *_barred_plan(desk), *_proposals(desk), *_overfull(desk)]


def _barred_plan(desk: Desk) -> list[str]:
    return [
        f"the plan gives {newcomer} the mentor {mentor}, who is barred by {hit.code}"
        for newcomer, mentor in desk.market.plan().items()
        for hit in hits(desk, newcomer, mentor)
    ]


def _proposals(desk: Desk) -> list[str]:
    if not desk.state.pairing:
        return []
    plan = desk.market.plan()
    proposed = {each.newcomer: each.mentor for each in desk.state.matches.open.values() if not each.takes_seat}
    different = sorted(who for who in plan.keys() | proposed.keys() if plan.get(who) != proposed.get(who))
    return [f"{who} is proposed {proposed.get(who)} and the plan gives {plan.get(who)}" for who in different]


def _overfull(desk: Desk) -> list[str]:
    return [
        f"{member.id} has {member.mentorship.caseload} newcomers by the member's count and other ones by the matches"
        for member in desk.state.members
        if member.mentorship is not None
        and member.mentorship.caseload != sum(m.stage == "active" for m in desk.state.matches.of_mentor(member.id))
    ]
