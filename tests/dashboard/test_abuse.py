"""What nobody sends by mistake: every door of the API with nonsense, and texts that would be code elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.frame import Action, Page
from dashboard.pages import ACTIONS, PAGES
from matcher.errors import Refused
from matcher.messages.catalog import parse
from matcher.program import Program
from tests.dashboard.house import ORIGIN
from tests.dashboard.rivers import T0, Living, river
from tests.matcher.people import HOUR, join, mentor

pytestmark = pytest.mark.slow

PROGRAM = river(mentor("m-3", capacity=3), join("n-2", T0 + HOUR), join("n-3", T0 + 2 * HOUR)).program
HOUSE = Living(PROGRAM, Program("hill"))
BROWSER = HOUSE.signed_in(("*", "lead"), ("*", "admin"))
KNOWN = {"program": "river", "person": "n-1", "newcomer": "n-1", "member": "n-1", "account": BROWSER.account}
SCHEMA = schemathesis.openapi.from_dict(HOUSE.app.openapi())
SCHEMA.app = HOUSE.app
LIGHTLY = settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def ask(case: schemathesis.Case) -> int:
    cookie = f"kindred_session={BROWSER.client.cookies['kindred_session']}"
    headers = {"X-Form-Token": BROWSER.token, "Origin": ORIGIN, "Cookie": cookie}
    return case.call(base_url=ORIGIN, headers=headers).status_code


@SCHEMA.parametrize()
@LIGHTLY
def test_no_request_that_the_api_describes_is_a_server_error(case: schemathesis.Case) -> None:
    assert ask(case) < 500


@SCHEMA.parametrize()
@LIGHTLY
def test_neither_is_one_about_somebody_who_is_there(case: schemathesis.Case) -> None:
    match = PROGRAM.state.matches.of_newcomer("n-1")
    known = KNOWN | {"match": "x-1" if match is None else match.id}
    case.path_parameters = {name: known.get(name, value) for name, value in (case.path_parameters or {}).items()}
    assert ask(case) < 500


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


def braced(path: str) -> str:
    match = PROGRAM.state.matches.of_newcomer("n-1")
    known = {"match": "x-1" if match is None else match.id, "alert": "a-1", "upload": "u-1", "leave": "1"}
    return path.format_map(KNOWN | known)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.path)
@settings(max_examples=12, deadline=None, derandomize=True)
@given(data=st.data())
def test_no_field_of_a_form_breaks_a_page_or_comes_back_as_code(action: Action, data: st.DataObject) -> None:
    known = sorted(action.form.model_fields)
    fields = data.draw(st.dictionaries(st.sampled_from([*known, "other"]), TEXTS)) if known else {}
    answer = BROWSER.post(braced(action.path), fields)
    assert answer.status_code < 500, answer.text
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
@settings(max_examples=12, deadline=None, derandomize=True)
@given(data=st.data())
def test_no_parameter_of_an_address_breaks_a_page(page: Page, data: st.DataObject) -> None:
    known = [*sorted(page.query.model_fields), "program", "other"]
    query = data.draw(st.dictionaries(st.sampled_from(known), TEXTS))
    answer = BROWSER.get(braced(page.path), params=query)
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
