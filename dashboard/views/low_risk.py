"""Approve all of low risk: in staged mode only, at most twenty pairs, each listed.

Left out is who needs a person first: anyone with an alert, a waiver or a wish not asked, and pairs with more points of
risk than the policy lets be made without a person. What speaks against the others is listed beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel

from dashboard.frame import COORDINATORS, Ask, NotFound, Page
from dashboard.views import alarms, queue, standing
from dashboard.views.card import Card
from matcher.pairing import risks
from matcher.pairing.matches import Match
from matcher.program import Program

PAIRS_MAX: Final = 20


class LowRisk(BaseModel):
    """The pairs that may be approved together, and how many may not."""

    program: str
    pairs: list[Card]
    others: int
    problem: str
    """Why what was sent was not done."""


def view(ask: Ask) -> LowRisk:
    """The pairs of the path's program. Raises NotFound where it is not in staged mode."""
    program = ask.program(ask.path["program"])
    if program.policy.review.mode != "staged":
        raise NotFound
    found = pairs(ask, program)
    proposed = sum(match.stage == "proposed" for match in program.state.matches.open.values())
    return LowRisk(program=program.id, pairs=found, others=proposed - len(found), problem=" ".join(ask.errors.values()))


def pairs(ask: Ask, program: Program) -> list[Card]:
    """The closed cards of the pairs of low risk, who waits longest first."""
    members = program.state.members
    waits = sorted(matches(ask, program), key=lambda match: (members[match.newcomer].seeks_since or 0, match.id))
    return queue.cards(ask, [(program, match) for match in waits[:PAIRS_MAX]], standing.levels(ask))


def matches(ask: Ask, program: Program) -> Iterator[Match]:
    """The proposals of low risk that the account may decide on, in no order; looked for as they are asked for."""
    if program.policy.review.mode != "staged":
        return
    alarmed = {alarm.person for alarm in alarms.of_program(program, ask.now)}  # also what somebody resolved
    for match in program.state.matches.open.values():
        if match.stage == "proposed" and queue.may_decide(ask, match) and _is_low(program, match, alarmed, ask.now):
            yield match


def _is_low(program: Program, match: Match, alarmed: set[str], at: int) -> bool:
    if match.newcomer in alarmed or match.mentor in alarmed:
        return False
    newcomer, mentor = program.state.members[match.newcomer], program.state.members[match.mentor]
    asked = newcomer.profile.wishes.mentor_gender is not None
    waived = any(until > at for until in mentor.waivers.values())
    found = risks.of(program.state, match.newcomer, match.mentor, match.fit, at)
    points = sum(getattr(program.policy.risk, name) for name in found)
    return asked and not waived and points <= program.policy.review.automatic_points_max


PAGE = Page("/low-risk/{program}", "Approve all of low risk", COORDINATORS, view, "low_risk.html")
