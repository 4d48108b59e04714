"""``kindred import`` as somebody at a shell meets it, and the same file by the page of a service that runs."""

from __future__ import annotations

import json
import re
import resource
import time
from contextlib import closing
from pathlib import Path

import pytest

from matcher.instants import DAY, format_instant
from tests.kindred.shell import kindred
from tests.kindred.test_dashboard import come_in, running, until

HEAD = "id,role,experiences,cleared,trained,mentor,full name"


def sheet(at: Path, *lines: str, name: str = "people.csv") -> Path:
    path = at / name
    path.write_text("\n".join([HEAD, *lines]) + "\n")
    return path


def morning(people: int = 40, pairs: int = 12) -> list[str]:
    """Mentors, newcomers, and pairs that are together already."""
    trained = format_instant(int(time.time()) - 100 * DAY)[:10]
    mentors = [
        f"m-{n},mentor,F11.20 sustained 2019-01-01; F43.10 past,yes,{trained},,Secret Name" for n in range(pairs)
    ]
    newcomers = [
        f"n-{n},newcomer,F11.20 early 2025-12-01; F43.10 past,,,{f'm-{n}' if n < pairs else ''},Secret Name"
        for n in range(people - pairs)
    ]
    return [*newcomers, *mentors]


def facts(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "facts.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_a_spreadsheet_comes_in_whole_and_again_changes_nothing(tmp_path: Path) -> None:
    sheet(tmp_path, *morning())
    looked = kindred("import", "people.csv", "--dry-run", "--data", "river", at=tmp_path)
    assert looked.returncode == 0, looked.stderr
    assert "Nothing was taken" in looked.stdout
    assert not (tmp_path / "river").exists()
    done = kindred("import", "people.csv", "--data", "river", at=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "never read, because of what it may hold: full name" in done.stderr
    assert re.search(r"pairs +12\n", done.stdout)
    before = (tmp_path / "river" / "facts.jsonl").read_bytes()
    status = json.loads(kindred("status", "river", "--json", at=tmp_path).stdout)
    assert (status["members"], status["mentors"], status["active"], status["proposed"]) == (40, 12, 12, 0)
    again = json.loads(kindred("import", "people.csv", "--data", "river", "--json", at=tmp_path).stdout)
    assert (again["events"], again["known"], again["problems"]) == (0, 76, 0)
    assert (tmp_path / "river" / "facts.jsonl").read_bytes() == before
    assert b"Secret" not in b"".join(path.read_bytes() for path in (tmp_path / "river").iterdir() if path.is_file())
    assert kindred("verify", "river", at=tmp_path).returncode == 0


@pytest.mark.slow
def test_one_wrong_line_and_nothing_is_taken_and_no_folder_is_made(tmp_path: Path) -> None:
    sheet(tmp_path, *morning(3, 1), "Secret Name,newcomer,F99.99,,,,", "n-9,newcomer,F10.20,,,m-404,")
    done = kindred("import", "people.csv", "--data", "river", at=tmp_path)
    assert done.returncode == 3
    assert "KND-import-lines: 3 problems" in done.stderr
    assert "line 5, id looks like a name" in done.stdout
    assert "line 5, experiences has a code that ICD-10-CM does not have" in done.stdout
    assert "line 6, mentor is refused: the mentor is not a member" in done.stdout
    assert "Secret" not in done.stdout + done.stderr
    assert not (tmp_path / "river").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "is empty"), (b"PK\x03\x04", "save it as CSV first"), (b"\xff\xfe\x00", "cannot be read")],
)
def test_what_is_no_table_is_one_sentence(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "people.csv").write_bytes(content)
    done = kindred("import", "people.csv", "--data", "river", at=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("KND-import-file: ")
    assert why in done.stderr
    gone = kindred("import", "nothing.csv", "--data", "river", at=tmp_path)
    assert (gone.returncode, "nothing.csv" in gone.stderr) == (2, True)


@pytest.mark.slow
def test_a_folder_with_several_programs_asks_which(tmp_path: Path) -> None:
    for program in ("river", "hill"):
        (tmp_path / f"{program}.csv").write_text(f"id,experiences,program\nn-1,F10.20,{program}\n")
        assert kindred("import", f"{program}.csv", "--data", "d", at=tmp_path).returncode == 0
    (tmp_path / "more.csv").write_text("id,experiences\nn-2,F10.20\n")
    asked = kindred("import", "more.csv", "--data", "d", at=tmp_path)
    assert (asked.returncode, "KND-import-program" in asked.stderr) == (2, True)
    assert kindred("import", "more.csv", "--data", "d", "--program", "hill", at=tmp_path).returncode == 0
    status = json.loads(kindred("status", "d", "--json", at=tmp_path).stdout)
    assert {name: each["members"] for name, each in status["programs"].items()} == {"river": 1, "hill": 2}


@pytest.mark.slow
def test_by_the_page_from_an_empty_folder_to_pairs(tmp_path: Path) -> None:
    content = sheet(tmp_path, *morning()).read_bytes()
    with (
        running("serve", "--data", "river", "--port", "0", at=tmp_path, name="serve") as said,
        closing(come_in(said)) as client,
    ):
        assert "/import" in client.get("/people").text
        checked = bring(client, content)
        assert checked["ready"], checked
        assert (checked["people"], checked["pairs"]) == (40, 12)
        answer = client.post(f"/api/v1/import/{checked['upload']}/take", json={})
        assert answer.status_code == 200, answer.text
        assert answer.json()["then"] == "/start/river"
        assert (tmp_path / "river" / "facts.jsonl").read_text().count("match.activated") == 12
        again = bring(client, content)
        assert (again["ready"], again["known"]) == (False, 76)
        taken = kindred("import", "people.csv", "--data", "river", at=tmp_path)
        assert taken.returncode == 4, "the page is for a folder that is served"
        assert kindred("import", "people.csv", "--data", "river", "--dry-run", at=tmp_path).returncode == 0
        before = len(facts(tmp_path / "river"))
        assert client.post("/api/v1/start/river/on", json={}).status_code == 200
        until(lambda: len(facts(tmp_path / "river")) > before, "what starting leads to")
    assert kindred("verify", "river", at=tmp_path).returncode == 0
    assert "Secret" not in (tmp_path / "serve.log").read_text()
    assert b"Secret" not in b"".join(path.read_bytes() for path in (tmp_path / "river").iterdir() if path.is_file())


def bring(client, content: bytes) -> dict:
    """Send the file by the form, and see what would become of it."""
    page = client.post(
        "/import",
        data={"program": "river", "form_token": client.headers["X-Form-Token"]},
        files={"file": ("people.csv", content, "text/csv")},
    )
    assert page.status_code == 200, page.text
    return client.get(f"/api/v1{page.url.path}").json()


@pytest.mark.soak
@pytest.mark.timeout(1_200)
def test_a_hundred_thousand_lines_come_in_and_again_change_nothing(tmp_path: Path) -> None:
    mentors = [f"m-{n},mentor,F11.20 sustained 2019-01-01; F43.10 past,yes,2026-06-01,," for n in range(500)]
    said = 'F11.20 early 2025-12-01; F43.10 past,,,{mentor},"Sécret, ""Name"""'
    people = [
        f"n-{n},{'newcomer' if n < 5_000 else 'neither'},{said.format(mentor=f'm-{n}' if n < 500 else '')}"
        for n in range(99_500)
    ]
    (tmp_path / "people.csv").write_bytes("\r\n".join([HEAD, *people, *mentors]).encode("utf-8-sig"))
    done = kindred("import", "people.csv", "--data", "river", "--json", at=tmp_path)
    told = json.loads(done.stdout)
    assert (told["lines"], told["people"], told["pairs"], told["problems"]) == (100_000, 100_000, 500, 0), done.stderr
    again = json.loads(kindred("import", "people.csv", "--data", "river", "--json", at=tmp_path).stdout)
    assert (again["events"], again["known"]) == (0, told["events"])
    peak_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert peak_kib < 1_500_000, "the program itself, with everybody in it, is most of that"
