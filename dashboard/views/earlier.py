"""Earlier tellings of what stands: an alarm that was told again has taken their place, and they lead to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from dashboard import history
from dashboard.frame import Ask
from dashboard.views import alarms, standing
from dashboard.views.alarms import FOR_LEADS, Alarm, id_of
from dashboard.views.standing import Handled
from matcher.people import concerns
from matcher.program import Program

TYPES: Final = tuple(type_ for type_ in concerns.HEARD if type_.startswith("progress."))
"""What tells of distress, self-harm and setbacks; of reports each is by itself."""


def of(ask: Ask, program: Program, found: Iterable[Alarm]) -> dict[str, list[str]]:
    """The ids of earlier tellings by alarm, the newest first. Cost: a query, linear in what was told of the people."""
    told = [alarm for alarm in found if alarm.kind not in FOR_LEADS and alarm.level != "list"]
    if not told:
        return {}
    numbers = history.numbers_of(ask.db, program.id, sorted({alarm.person for alarm in told}), TYPES)
    return {
        alarm.id: [
            id_
            for n in numbers.get(alarm.person, ())
            if (id_ := id_of(program.id, alarm.person, alarm.kind, f"#{n}")) != alarm.id
        ]
        for alarm in told
    }


def in_hand(ask: Ask, program: Program, ids: Iterable[str]) -> Handled:
    """What was done about the newest of these of which anything was, unless that is over."""
    done = standing.handled(ask)
    last = next((what for id_ in ids if (what := done.get((program.id, id_)))), standing.UNTOUCHED)
    return standing.UNTOUCHED if last.resolved_at is not None else last


def newer(ask: Ask, program: Program, alert: str) -> Alarm | None:
    """The alarm that has taken the place of this one, if the account may see it."""
    seen = [alarm for alarm in alarms.of_program(program, ask.now) if standing.may_see(ask, alarm)]
    before = of(ask, program, seen)
    return next((alarm for alarm in seen if alert in before.get(alarm.id, ())), None)
