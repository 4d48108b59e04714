"""What pairing two people does to everybody else, by the plan: who loses a place, and until when they are without."""

from __future__ import annotations

from dashboard import words
from dashboard.views import look, person_facts
from matcher.pairing.market import Market
from matcher.pairing.matches import Match
from matcher.people.member import FOREVER
from matcher.program import Program

NAMED_MAX = 3  # people to name; more than that is a number


def of_pairing(program: Program, match: Match, mentor: str, at: int) -> list[str]:
    """Sentences about the others if the newcomer of a proposal is given this mentor. Cost: a few repairs of the plan.

    A proposal that somebody looks at is pinned: nobody else is planned for its seat meanwhile. What a choice does to
    others is told against the plan that would be without that.
    """
    newcomer = match.newcomer
    with program.desk.unpinned(match) as market:
        before = market.plan()
        after = before if before.get(newcomer) == mentor else _plan_with(market, newcomer, mentor)
        said = [*_losers(program, before, after, newcomer, at), *_movers(before, after, newcomer)]
        if not said and mentor in market.slots() and market.slots_of(mentor) == 1:
            said = _left_out(program, market, before, newcomer, mentor, at)
    return said or ["Nobody else loses a place by it."]


def _plan_with(market: Market, newcomer: str, mentor: str) -> dict[str, str]:
    """The plan of everybody else once these two are paired."""
    return market.plan_without(newcomer if newcomer in market else None, mentor if mentor in market.slots() else None)


def _losers(program: Program, before: dict[str, str], after: dict[str, str], newcomer: str, at: int) -> list[str]:
    lost = sorted(who for who in before if who != newcomer and who not in after)
    return [f"It leaves {who} without anyone until {until(program, who, at)}." for who in lost[:NAMED_MAX]]


def _movers(before: dict[str, str], after: dict[str, str], newcomer: str) -> list[str]:
    moved = sorted(who for who in before if who != newcomer and who in after and after[who] != before[who])
    said = [f"{who} would be given {after[who]} instead of {before[who]}." for who in moved[:NAMED_MAX]]
    more = len(moved) - NAMED_MAX
    return [*said, f"{words.many(more, 'other')} would be given another mentor."] if more > 0 else said


def _left_out(program: Program, market: Market, plan: dict[str, str], newcomer: str, mentor: str, at: int) -> list[str]:
    """Those who could have this last seat as well, and have nobody: it is one seat, whoever gets it."""
    waiting = [who for who in market.open_to(mentor) if who != newcomer and who not in plan]
    if not waiting:
        return []
    first = min(waiting, key=lambda who: (program.state.members[who].seeks_since or 0, who))
    if len(waiting) == 1:
        return [f"It takes the last seat of {mentor}: {first} has nobody until {until(program, first, at)}."]
    said = f"It takes the last seat of {mentor}, which {len(waiting):,} others who wait could have had"
    return [f"{said}; {first} has waited longest of them."]


def until(program: Program, newcomer: str, at: int) -> str:
    """When somebody may be given a mentor, as far as a date is known."""
    ends = []
    for near in look.at(program, at).nearest(newcomer).nearest:
        pause = person_facts.away_until(program.state.members[near.mentor])
        if near.barred_by == ("paused",) and at < pause < FOREVER:
            ends.append((pause, near.mentor))
    if not ends:
        return "another seat opens"
    end, mentor = min(ends)
    return f"{mentor} is back from a pause {words.clock(end, at)}"
