"""``kindred demo``: a cohort of made-up people goes the whole way, and a coordinator's report is the result."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from kindred import report, settings, wiring
from kindred.console import headline, note, progress, result

if TYPE_CHECKING:
    from streams.state import State

FOLDER = Path(".demo")


def show(program: str, members: int, mentors: int, days: int, seed: int, *, keep_open: bool) -> None:
    """Make people, let the embedded service pair them, print the report; then serve, if the door is to stay open."""
    from kindred.made_up_people import Coordinators, Mentors
    from matcher.cohort import lines

    started = time.monotonic()
    events = list(lines(program, members, mentors, days, seed))
    shutil.rmtree(FOLDER, ignore_errors=True)
    tellers = (Mentors(seed), Coordinators(seed))

    def told(state: State) -> list[str]:
        return [line for each in state.programs.values() for teller in tellers for line in teller.tell(each)]

    with progress("events", len(events)) as so_far:
        wiring.feed(FOLDER, events, so_far, told)
    seconds = time.monotonic() - started
    headline(f"The program {program}: {members} newcomers and {mentors} mentors in {days} days")
    result(f"The people are made up from treatment data. Their {len(events):,} events took {seconds:.0f} s.\n")
    _report(program)
    if keep_open:
        note("The service stays open, so that you can look around.")
        wiring.serve(settings.load(data=FOLDER).settings, "event")


def _report(program: str) -> None:
    from streams.folder import read_facts, read_state

    course = report.Course()
    for fact in read_facts(FOLDER):
        course.take(fact)
    state = read_state(FOLDER).programs.get(program)
    if state is None:
        result("Nobody came, so there is nothing to tell.")
        return
    for title, lines in report.program_report(state, course, str(FOLDER)):
        headline(title)
        result("\n".join(lines) + "\n")
