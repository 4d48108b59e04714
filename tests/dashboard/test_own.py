"""No page shows the id of the member whom the account is bound to, in a house full of people: HTML and JSON alike."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from dashboard.pages import PAGES
from dashboard.twin import address
from matcher.program import Program
from tests.dashboard.rivers import Living, cohort

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def house() -> Living:
    facts = cohort(40, 10, 40)
    return Living(Program.fold(facts)).remember(*facts)


OTHERS = dict.fromkeys(("account", "upload", "alert", "leave"), "a-1")


def braces(program: Program) -> Iterator[dict[str, str]]:
    """Values for the braces of paths: everybody, and every pair."""
    people, open_ = [member.id for member in program.state.members], list(program.state.matches.open)
    for number, person in enumerate(people):
        yield {"program": program.id, "person": person, "match": open_[number % len(open_)], **OTHERS}


def closest(program: Program) -> tuple[str, str]:
    """A mentor with the most newcomers, and a newcomer of another; none whose id is an example of the page Import."""
    matches = [match for match in program.state.matches.open.values() if match.mentor != "m-1"]
    mentors = [match.mentor for match in matches]
    most = max(mentors, key=mentors.count)
    return most, next(match.newcomer for match in matches if match.mentor != most and match.newcomer != "n-1")


@pytest.mark.parametrize("which", [0, 1])
def test_no_page_shows_the_id_of_the_member_whom_the_account_is_bound_to(house: Living, which: int) -> None:
    program = house.replica.programs["river"]
    own = closest(program)[which]
    browser = house.signed_in(("river", "lead"), ("river", "clinician"), member=own)
    named = re.compile(rf"(?<![\w.:-]){re.escape(own)}(?![\w:-])")
    shown, opened = set[str](), 0
    for page in PAGES:
        paths = {page.path.format_map(each) for each in braces(program)} if "{" in page.path else {page.path}
        for path in sorted(paths):
            for where in (path, address(path)):
                answer = browser.get(where)
                opened += answer.status_code == 200
                if answer.status_code == 200 and (found := named.search(answer.text)):
                    shown.add(f"{where}: {answer.text[max(0, found.start() - 90) : found.end() + 30]!r}")
    assert opened > 100
    assert not shown, "\n".join(sorted(shown))
