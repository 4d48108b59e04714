"""The reference pages say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from matcher.errors import CODES
from tools.reference import REFERENCE, pages


@pytest.mark.parametrize("name", ["commands.md", "errors.md", "messages.md", "policy.md", "settings.md"])
def test_a_reference_page_follows_from_the_code(name: str) -> None:
    assert (REFERENCE / name).read_text() == pages()[name], "run `make reference`"


def test_the_page_of_errors_has_every_code() -> None:
    page = pages()["errors.md"]
    assert CODES
    assert all(f"`{name}`" in page for name in CODES)


def test_every_code_is_named_by_a_test() -> None:
    assert pages(), "this imports everything, which registers the codes"
    here = Path(__file__)
    texts = [file.read_text() for file in here.parent.parent.rglob("*.py") if file != here]
    named = {name for text in texts for name in re.findall(r"KND(?:-[a-z0-9]+)+", text)}
    missing = sorted(CODES.keys() - named)
    assert not missing, f"no test names these codes: {missing}; assert each where a test provokes it"
