"""The doors of the service over HTTP: what is answered, and when."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from journal.owner import Lost
from matcher.errors import SafeHalt
from matcher.program import Program
from streams import http, service
from streams.folder import DataFolder, read_dead_letters, read_state
from streams.http import app, split_batch
from streams.processor import NotWhole
from streams.service import Service
from tests.streams.cases import BAD_INPUTS, cohort_lines, event, inputs, line

pytestmark = pytest.mark.slow

STRUCTURED = {"content-type": "application/cloudevents+json"}
BATCH = {"content-type": "application/cloudevents-batch+json; charset=utf-8"}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Service]:
    running = Service(DataFolder.open(tmp_path, clock="event"))
    running.start()
    yield running
    running.stop()


T = TypeVar("T")


def talk(
    running: Service, talking: Callable[[httpx.AsyncClient], Coroutine[Any, Any, T]], token: str | None = None
) -> T:
    async def talked() -> T:
        transport = httpx.ASGITransport(app(running, token=token))
        async with httpx.AsyncClient(transport=transport, base_url="http://kindred") as client:
            return await talking(client)

    return asyncio.run(talked())


def post(running: Service, content: bytes, headers: dict[str, str] = BATCH) -> httpx.Response:
    return talk(running, lambda client: client.post("/v1/events", content=content, headers=headers))


def get(running: Service, path: str) -> httpx.Response:
    return talk(running, lambda client: client.get(path))


def batch(*documents: dict[str, Any]) -> bytes:
    return json.dumps(documents).encode()


def test_an_event_is_on_the_disk_when_it_is_acknowledged(running: Service, tmp_path: Path) -> None:
    answer = post(running, line(), STRUCTURED)
    assert answer.status_code == 202
    assert answer.json() == {"position": answer.json()["position"], "accepted": 1, "duplicates": 0, "refused": []}
    assert read_state(tmp_path).summary()["members"] == 1


def test_a_batch_says_of_each_what_became_of_it(running: Service, tmp_path: Path) -> None:
    answer = post(running, batch(event(), event(), event("e-2", "progress.checked_in", "m-9")))
    assert answer.status_code == 202
    assert {**answer.json(), "position": 0} == {
        "position": 0,
        "accepted": 1,
        "duplicates": 1,
        "refused": [{"id": "e-2", "code": "KND-unknown-member"}],
    }
    [letter] = read_dead_letters(tmp_path)
    assert json.loads(letter["original"]) == event("e-2", "progress.checked_in", "m-9")


def test_the_same_event_alone_in_a_batch_and_in_binary_mode_is_a_duplicate(running: Service) -> None:
    post(running, line(), STRUCTURED)
    document = event()
    data = json.dumps(document.pop("data")).encode()
    binary = {"content-type": "application/json"} | {f"ce-{name}": value for name, value in document.items()}
    for content, headers in ((batch(event()), BATCH), (data, binary), (line(), {"content-type": "application/json"})):
        assert post(running, content, headers).json()["duplicates"] == 1


@pytest.mark.parametrize("rest", [b',"subject":"m-99","partitionkey":"lake"', b"}", b",", b" 1", b"\xff"])
def test_in_binary_mode_a_body_adds_no_attributes(running: Service, rest: bytes) -> None:
    headers = {"content-type": "application/json"} | {f"ce-{name}": each for name, each in event(data=None).items()}
    data = b'{"experiences":[{"code":"F11.20"}]}'
    answer = post(running, data + rest, headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "KND-malformed")
    assert post(running, data, headers).json()["accepted"] == 1


@pytest.mark.parametrize(("raw", "code"), BAD_INPUTS.values(), ids=BAD_INPUTS)
def test_what_cannot_be_read_takes_nothing(running: Service, raw: bytes, code: str) -> None:
    answer = post(running, raw, STRUCTURED)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == code
    if code == "KND-too-large":
        assert answer.status_code == 413
    else:
        assert answer.status_code == 422
        assert [(error["index"], error["code"]) for error in answer.json()["errors"]] == [(0, code)]
    mixed = post(running, b"[%b, %b]" % (line("e-good"), raw))
    assert mixed.status_code in (413, 422)
    assert post(running, line("e-good"), STRUCTURED).json()["accepted"] == 1


def test_every_malformed_event_of_a_batch_is_named(running: Service) -> None:
    answer = post(running, batch(event(), event(time=None), event("e-2", "member.flew")))
    assert [(error["index"], error["code"]) for error in answer.json()["errors"]] == [
        (1, "KND-malformed"),
        (2, "KND-unknown-type"),
    ]


@pytest.mark.parametrize("spaces", [b"", b" \r\n\t"])
def test_a_batch_is_split_into_the_bytes_that_were_sent(spaces: bytes) -> None:
    parts = [b'{"a" :  "[,\\"]"}', '{"ü": [1, 2]}'.encode(), b"17", b'"x"']
    body = spaces + b"[" + (spaces + b"," + spaces).join(parts) + spaces + b"]" + spaces
    assert split_batch(body) == parts
    assert split_batch(spaces + b"[" + spaces + b"]") == []


@pytest.mark.parametrize(
    "body", [b"[1,]", b"[1 2]", b"[[1]", b"[1]]", b"[,1]", b"[", b"", b"{}", b"[\xff]", b"[" * 500_000 + b"]"]
)
def test_what_is_not_a_batch(running: Service, body: bytes) -> None:
    answer = post(running, body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "KND-malformed"


def test_an_empty_batch_is_nothing(running: Service) -> None:
    assert post(running, b"[]").json() == {"position": None, "accepted": 0, "duplicates": 0, "refused": []}


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 5_000_000, 20_000_000])
def test_a_body_above_a_mebibyte(running: Service, size: int) -> None:
    assert post(running, b"[" + b" " * size + b"]").status_code == 413


def test_when_too_much_waits_the_sender_is_told_to_come_again(
    running: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "QUEUE_BYTES_MAX", 1)
    idle = Service(running._folder)  # not started: what is handed in waits

    async def crowd(client: httpx.AsyncClient) -> httpx.Response:
        first = asyncio.create_task(client.post("/v1/events", content=line(), headers=STRUCTURED))
        while not idle._jobs:
            await asyncio.sleep(0)
        second = await client.post("/v1/events", content=line("e-2"), headers=STRUCTURED)
        first.cancel()
        return second

    answer = talk(idle, crowd)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["code"] == "KND-busy"


def test_a_token_is_asked_for_everywhere_but_at_health(running: Service) -> None:
    async def knock(client: httpx.AsyncClient) -> list[int]:
        right, wrong = {"authorization": "bearer s3cret"}, {"authorization": "Bearer other"}
        doors = ["/v1/notices", "/metrics", "/health/live", "/health/ready"]
        codes = [
            (await client.get(door, headers=headers)).status_code for headers in ({}, wrong, right) for door in doors
        ]
        for headers in ({}, wrong, right):
            answer = await client.post("/v1/events", content=line(), headers=STRUCTURED | headers)
            codes.append(answer.status_code)
        return codes

    assert talk(running, knock, "s3cret") == [401, 401, 200, 200] * 2 + [200] * 4 + [401, 401, 202]


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
def test_without_a_token_nothing_is_answered_that_a_proxy_passes_on(running: Service, header: str) -> None:
    async def knock(client: httpx.AsyncClient) -> list[int]:
        passed_on = {header: "192.0.2.1"}
        codes = [(await client.get(door, headers=passed_on)).status_code for door in ("/v1/notices", "/metrics")]
        answer = await client.post("/v1/events", content=line(), headers=STRUCTURED | passed_on)
        return [*codes, answer.status_code]

    assert talk(running, knock) == [401, 401, 401]


def test_notices_in_pages(running: Service) -> None:
    for start in range(0, len(cohort_lines()), 100):
        post(running, b"[" + b",".join(cohort_lines()[start : start + 100]) + b"]")
    everything = get(running, "/v1/notices?limit=1000").json()
    count = len(everything["items"])
    assert count > 20
    assert [item["position"] for item in everything["items"]] == list(range(1, count + 1))
    assert everything["next"] == count
    paged, after = list[Any](), 0
    while items := (page := get(running, f"/v1/notices?after={after}&limit=7").json())["items"]:
        paged += items
        after = page["next"]
    assert paged == everything["items"]
    assert get(running, f"/v1/notices?after={count + 9}").json() == {"items": [], "next": count + 9}


@pytest.mark.parametrize("value", ["-1", "x", "1.5", str(2**53), "9" * 4_000, "9" * 5_000])
@pytest.mark.parametrize("name", ["after", "limit", "last-event-id"])
def test_a_number_out_of_bounds(running: Service, name: str, value: str) -> None:
    in_header = {"last-event-id": value} if name == "last-event-id" else {}
    query = {} if in_header else {name: value}
    headers = {"accept": "text/event-stream"} | in_header
    answer = talk(running, lambda client: client.get("/v1/notices", params=query, headers=headers))
    assert (answer.status_code, answer.json()["code"]) == (422, "KND-bad-query")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("limit", [0, 1001])
def test_a_page_has_a_size(running: Service, limit: int) -> None:
    assert get(running, f"/v1/notices?limit={limit}").json()["code"] == "KND-bad-query"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/event", 404),
        ("POST", "/v1/events/", 404),
        ("GET", "/v1/notices/", 404),
        ("GET", "/v1/events", 405),
        ("POST", "/v1/notices", 405),
    ],
)
def test_an_address_that_there_is_not(running: Service, method: str, path: str, status: int) -> None:
    answer = talk(running, lambda client: client.request(method, path))
    assert (answer.status_code, answer.json()["code"], answer.json()["status"]) == (status, "KND-no-door", status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert ("allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize("path", ["/v1/notices", "/health/live", "/health/ready", "/metrics"])
def test_head_answers_where_get_does(running: Service, path: str) -> None:
    answer = talk(running, lambda client: client.head(path, headers={"accept": "text/event-stream, */*"}))
    assert answer.status_code == 200


async def _positions(stream: AsyncIterator[bytes], count: int) -> list[int]:
    """The positions of the next so many notices of an event stream."""
    positions = list[int]()
    async for part in stream:
        for message in part.decode().split("\n\n"):
            if message.startswith("id: "):
                number, data = message.split("\n")
                assert json.loads(data.removeprefix("data: "))["specversion"] == "1.0"
                positions.append(int(number.removeprefix("id: ")))
        if len(positions) >= count:
            break
    return positions


def test_the_event_stream_goes_on_behind_a_position_and_ends_with_the_service(running: Service) -> None:
    lines, half = cohort_lines(), len(cohort_lines()) // 2
    post(running, b"[" + b",".join(lines[:half]) + b"]")
    before = running.feed.end

    async def follow() -> list[int]:
        stream = http._stream(running.feed, before - 3)
        seen = await _positions(stream, 3)
        later = asyncio.create_task(_positions(stream, 1))
        await asyncio.wrap_future(running.submit([http.read_input(raw) for raw in lines[half:]]))
        seen += await asyncio.wait_for(later, 20)
        return seen

    seen = asyncio.run(follow())
    assert seen == list(range(before - 2, before - 2 + len(seen)))
    assert len(seen) > 3
    running.feed.close()
    assert asyncio.run(_positions(http._stream(running.feed, 0), 1)) == []


def test_more_followers_than_are_served_are_told_to_read_in_pages(
    running: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "FOLLOWERS_MAX", 0)
    answer = talk(running, lambda client: client.get("/v1/notices", headers={"accept": "text/event-stream"}))
    assert (answer.status_code, answer.json()["code"]) == (503, "KND-crowded")
    assert get(running, "/v1/notices").status_code == 200


def test_health_and_metrics(running: Service) -> None:
    post(running, batch(event(), event(), event("e-2", "progress.checked_in", "m-9")))
    assert get(running, "/health/live").status_code == get(running, "/health/ready").status_code == 200
    text = get(running, "/metrics").text
    assert 'kindred_events_total{outcome="duplicate"} 1.0' in text
    assert 'kindred_refused_total{code="KND-unknown-member"} 1.0' in text
    assert "m-9" not in text
    assert "river" not in text


def test_a_defect_is_answered_told_without_its_text_and_the_others_of_the_group_are_taken(
    running: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    handle = Program.handle

    def fails(program: Program, event: Any, at: int) -> Any:
        if event.subject == "m-bad":
            raise RuntimeError("sertraline")
        return handle(program, event, at)

    monkeypatch.setattr(Program, "handle", fails)

    async def together(client: httpx.AsyncClient) -> list[tuple[int, str | None]]:
        posts = [
            client.post("/v1/events", content=line(f"e-{who}", subject=who), headers=STRUCTURED)
            for who in ("m-1", "m-bad", "m-2")
        ]
        return [(answer.status_code, answer.json().get("code")) for answer in await asyncio.gather(*posts)]

    assert talk(running, together) == [(202, None), (503, "KND-internal"), (202, None)]
    assert "sertraline" not in "".join(capsys.readouterr())


def test_a_lost_append_is_answered_with_503_and_the_next_is_taken(
    running: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("journal.owner.Owner.append_many", _raiser(Lost("the test")))
        answer = post(running, line(), STRUCTURED)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert post(running, line(), STRUCTURED).json()["accepted"] == 1


def test_a_service_that_is_stopping_takes_nothing_more(tmp_path: Path) -> None:
    stopping = Service(DataFolder.open(tmp_path, clock="event"))
    stopping.start()
    stopping.stop()
    answer = post(stopping, line(), STRUCTURED)
    assert (answer.status_code, answer.json()["code"]) == (503, "KND-stopping")
    assert "retry-after" in answer.headers
    assert read_state(tmp_path).summary()["members"] == 0


def test_damage_halts_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    halted = Service(DataFolder.open(tmp_path, clock="event"))
    halted.start()
    monkeypatch.setattr("journal.owner.Owner.append_many", _raiser(SafeHalt("KND-journal-chain", "damage")))
    assert post(halted, line(), STRUCTURED).status_code == 503
    halted._thread.join()
    assert get(halted, "/health/ready").json() == {"status": "not ready", "code": "KND-journal-chain"}
    assert post(halted, line(), STRUCTURED).json()["code"] == "KND-journal-chain"
    halted.stop()


def _raiser(error: Exception) -> Callable[..., Any]:
    def raiser(*_: object) -> None:
        raise error

    return raiser


def test_a_batch_that_counts_as_one_stands_by_itself_among_others(tmp_path: Path) -> None:
    running = Service(DataFolder.open(tmp_path, clock="event"))
    before = running.submit(inputs(event("e-1")))
    wrong = running.submit(inputs(event("e-2", subject="m-2"), event("e-3", "member.paused", "m-404")), whole=True)
    after = running.submit(inputs(event("e-4", subject="m-4")))
    running.start()
    assert before.result(10).number("accepted") == 1
    with pytest.raises(NotWhole):
        wrong.result(10)
    assert after.result(10).number("accepted") == 1
    running.stop()
    assert [member.id for member in read_state(tmp_path).programs["river"].state.members] == ["m-1", "m-4"]
