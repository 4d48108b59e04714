"""The reference pages say what the code says."""

from __future__ import annotations

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
