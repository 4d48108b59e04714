"""Events for the tests of streams: small, readable, and a cohort where many are needed."""

import json
from functools import lru_cache
from typing import Any

from matcher.cohort import lines
from streams.intake import Input, read_input

START = "2026-03-02T09:00:00Z"


def event(id_: str = "e-1", type_: str = "member.joined", subject: str = "m-1", **changes: Any) -> dict[str, Any]:
    """A document; `changes` replaces attributes, and leaves out those that are None."""
    data: dict[str, Any] = {"experiences": [{"code": "F11.20"}]} if type_ == "member.joined" else {}
    document = {
        "specversion": "1.0",
        "id": id_,
        "source": "/intake",
        "type": f"kindred.{type_}.v1",
        "subject": subject,
        "partitionkey": "river",
        "time": START,
        "data": data,
    }
    return {key: value for key, value in (document | changes).items() if value is not None}


def line(*args: Any, **changes: Any) -> bytes:
    return json.dumps(event(*args, **changes)).encode()


def inputs(*documents: dict[str, Any] | bytes) -> list[Input]:
    return [read_input(item if isinstance(item, bytes) else json.dumps(item).encode()) for item in documents]


@lru_cache
def cohort_lines(members: int = 40, mentors: int = 8, days: int = 45, program: str = "river") -> tuple[bytes, ...]:
    return tuple(text.encode() for text in lines(program, members, mentors, days, seed=5))


BAD_INPUTS: dict[str, tuple[bytes, str]] = {
    "truncated": (line()[:-20], "KND-malformed"),
    "empty object": (b"{}", "KND-malformed"),
    "not an object": (b"[1, 2]", "KND-malformed"),
    "a number": (b"17", "KND-malformed"),
    "no id": (line(id=None), "KND-malformed"),
    "id is a number": (line(id=17), "KND-malformed"),
    "no time": (line(time=None), "KND-malformed"),
    "time without offset": (line(time="2026-03-02T09:00:00"), "KND-malformed"),
    "year 9999": (line(time="9999-12-31T23:59:59Z"), "KND-malformed"),
    "data is a list": (line(data=[1]), "KND-malformed"),
    "control character in id": (line(id="a\u0000b"), "KND-malformed"),
    "NUL bytes": (b"\x00\x00\x00", "KND-malformed"),
    "NUL in a string": (line().replace(b"m-1", b"m\x001"), "KND-malformed"),
    "not UTF-8": (b'{"id": "\xff\xfe"}', "KND-malformed"),
    "half a surrogate": (line().replace(b"/intake", b"\\ud800"), "KND-malformed"),
    "a million brackets": (b"[" * 100_000, "KND-malformed"),
    "a million objects": (b'{"a":' * 50_000, "KND-malformed"),
    "not a number": (line(data={"mood": float("nan")}), "KND-malformed"),
    "a number of 5,000 digits": (b'{"id": ' + b"9" * 5_000 + b"}", "KND-malformed"),
    "unknown type": (line(type="kindred.member.flew.v1"), "KND-unknown-type"),
    "outbound type": (line(type="kindred.match.activated.v1"), "KND-unknown-type"),
    "wrong data": (line(type_="progress.checked_in", data={"mood": 11}), "KND-bad-data"),
    "code of another form": (line(data={"experiences": [{"code": "X1"}]}), "KND-bad-data"),
    "birth year of text": (line(data={"experiences": [{"code": "F11.20"}], "birth_year": "x"}), "KND-bad-data"),
    "huge": (line(pad="x" * 300_000), "KND-too-large"),
}
"""What cannot be read, and the code that says so."""
