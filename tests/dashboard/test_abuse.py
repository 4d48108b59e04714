"""What nobody sends by mistake: every door of the API with nonsense, and texts that would be code elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.frame import Action, Page
from dashboard.pages import ACTIONS, PAGES
from dashboard.twin import address
from matcher.errors import Refused
from matcher.messages.catalog import parse
from matcher.program import Program
from tests.dashboard.house import ORIGIN
from tests.dashboard.rivers import T0, Living, river
from tests.matcher.people import HOUR, join, mentor, tell

if TYPE_CHECKING:
    import schemathesis

pytestmark = pytest.mark.slow

OPERATIONS = [("GET", address(page.path)) for page in PAGES] + [("POST", address(action.path)) for action in ACTIONS]
LIGHTLY = settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk()


class Desk:
    """A lead who also keeps accounts, at a program with three proposals."""

    def __init__(self) -> None:
        import schemathesis  # five seconds, which collecting the other tests need not pay

        self.program = river(mentor("m-3", capacity=3), join("n-2", T0 + HOUR), join("n-3", T0 + 2 * HOUR)).program
        self.program.handle(tell("consent.granted", "n-1", T0 + 2 * HOUR, scope="clinician"), T0 + 2 * HOUR)
        house = Living(self.program, Program("hill"))
        self.browser = house.signed_in(("*", "lead"), ("*", "admin"))
        self.schema = schemathesis.openapi.from_dict(house.app.openapi())
        self.schema.app = house.app

    def known(self) -> dict[str, str]:
        """What braces may stand for, of what is there."""
        match = self.program.state.matches.of_newcomer("n-1")
        about = {"match": "x-1" if match is None else match.id, "alert": "a-1", "upload": "u-1", "leave": "1"}
        who = dict.fromkeys(("person", "newcomer", "member"), "n-1")
        return {"program": "river", "account": self.browser.account, **who, **about}

    def ask(self, case: schemathesis.Case) -> int:
        """The status of the answer to a request that schemathesis made up."""
        cookie = f"kindred_session={self.browser.client.cookies['kindred_session']}"
        headers = {"X-Form-Token": self.browser.token, "Origin": ORIGIN, "Cookie": cookie}
        return case.call(base_url=ORIGIN, headers=headers).status_code


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@LIGHTLY
@given(data=st.data(), is_known=st.booleans())
def test_no_request_that_the_api_describes_is_a_server_error(
    desk: Desk, method: str, path: str, data: st.DataObject, is_known: bool
) -> None:
    case = data.draw(desk.schema[path][method].as_strategy())
    if is_known:  # also of somebody who is there
        known = desk.known()
        case.path_parameters = {name: known.get(name, value) for name, value in (case.path_parameters or {}).items()}
    assert desk.ask(case) < 500


# Forms and addresses

EVIL = "<script>alert(1)</script>'\"; DROP TABLE accounts; --"
TEXTS = st.one_of(
    st.sampled_from(
        (EVIL, "", " ", "n-1", "river", "\0", "../../etc/passwd", "{{7*7}}", "=cmd|' /C calc'!A0", "1e999", "-1", "NaN")
    ),
    st.sampled_from(
        ("2026-02-30", "9999-12-31", "0001-01-01", "true", "[]", "{}", "\u202e", "\ud7ff", "😀" * 40, "x" * 9000)
    ),
    st.text(max_size=40),
)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.path)
@settings(LIGHTLY, max_examples=12)
@given(data=st.data())
def test_no_field_of_a_form_breaks_a_page_or_comes_back_as_code(
    desk: Desk, action: Action, data: st.DataObject
) -> None:
    known = sorted(action.form.model_fields)
    fields = data.draw(st.dictionaries(st.sampled_from([*known, "other"]), TEXTS)) if known else {}
    answer = desk.browser.post(action.path.format_map(desk.known()), fields)
    assert answer.status_code < 500, answer.text
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
@settings(LIGHTLY, max_examples=12)
@given(data=st.data())
def test_no_parameter_of_an_address_breaks_a_page(desk: Desk, page: Page, data: st.DataObject) -> None:
    known = [*sorted(page.query.model_fields), "program", "other"]
    query = data.draw(st.dictionaries(st.sampled_from(known), TEXTS))
    answer = desk.browser.get(page.path.format_map(desk.known()), params=query)
    assert answer.status_code < 500, answer.text
    assert "<script>alert" not in answer.text


# Texts of events

SAMPLES = json.loads((Path(__file__).parent.parent / "samples" / "v1" / "inbound.json").read_text())


def spoiled(node: Any) -> Iterator[Any]:
    """The document with one of its texts replaced, each in turn."""
    parts = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in parts:
        for changed in [EVIL] if isinstance(value, str) else spoiled(value):
            copy = deepcopy(node)
            copy[key] = changed
            yield copy


def test_no_event_can_carry_a_text_that_would_be_code_on_a_page() -> None:
    """Every text of an event is an id, a code or a word of the vocabulary: there is no free text to be shown."""
    for sample in [each for samples in SAMPLES.values() for each in samples]:
        assert parse(sample)
        for data in spoiled(sample.get("data", {})):
            with pytest.raises(Refused):
                parse(sample | {"data": data})
        for name in ("subject", "partitionkey", "type", "time"):  # id and source are shown nowhere
            with pytest.raises(Refused):
                parse(sample | {name: EVIL})
