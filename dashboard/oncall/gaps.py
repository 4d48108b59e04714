"""Why nobody would be called if something could not wait: on top of every page, and in ``kindred status``."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from dashboard import silence
from dashboard.frame import Ask
from dashboard.memo import by_ask
from dashboard.oncall import store
from dashboard.oncall.rota import Rota
from dashboard.views import standing

NO_CHANNEL = "Nobody is called when something cannot wait: neither mail nor a webhook is set up."


@by_ask
def gaps_of(ask: Ask) -> list[str]:
    """The gaps of the programs that the account is asked about; what is not seen comes first."""
    unseen = silence.said(ask.silences, ask.everywhere) + _hidden(ask)
    if not ask.channels:
        return unseen + without_channel(list(ask.everywhere))
    return unseen + gaps(store.rota_of(ask), list(ask.everywhere), ask.wall, ask.channels)


def _hidden(ask: Ask) -> list[str]:
    """That there are reports which no lead may see, without about whom; to coordinators whom they are not about."""
    where = sorted({alarm.program for alarm in standing.hidden(ask)})
    return (
        [f"There is a report in {_listed(where)} that no lead here may see: another lead is needed."] if where else []
    )


def without_channel(programs: Sequence[str]) -> list[str]:
    """The gap where nobody can be called at all; nothing needs to be asked for that."""
    return [NO_CHANNEL] if programs else []


def gaps(rota: Rota, programs: Sequence[str], at: int, channels: Collection[str]) -> list[str]:
    """One sentence a gap; none when somebody on call, and a lead, can be reached in each program."""
    if not channels:
        return without_channel(programs)
    on_call = {program: rota.stands_in(program, at) for program in programs}
    nobody = [program for program, people in on_call.items() if not people]
    silent = [
        program
        for program, people in on_call.items()
        if people and not any(rota.people[id_].channels for id_ in people)
    ]
    unled = [program for program in programs if not rota.is_led(program, at)]
    found = [f"Nobody is on call in {_listed(nobody)}."] if nobody else []
    if silent:
        found.append(f"Nobody on call in {_listed(silent)} can be reached: no mail address.")
    if unled:
        found.append(f"No lead can be called in {_listed(unled)}, and only leads see safety reports.")
    return found


def _listed(programs: Sequence[str]) -> str:
    return programs[0] if len(programs) == 1 else f"{', '.join(programs[:-1])} and {programs[-1]}"
