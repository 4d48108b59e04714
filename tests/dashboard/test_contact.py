"""The local card: sealed where it lies, opened by those who may, each time written down, and gone with the person."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from sqlalchemy import event, select, update

from dashboard.access.tables import AUDIT
from dashboard.contact import cards, vault
from dashboard.contact.vault import Locked, Vault
from dashboard.database import forget, open_database
from dashboard.means import Means
from dashboard.projection import Place, Projection
from matcher.errors import ConfigurationError
from matcher.instants import DAY
from matcher.program import Program
from tests.dashboard.filled import forms_of
from tests.dashboard.house import Browser
from tests.dashboard.rivers import T0, Living, river
from tests.matcher.people import tell

pytestmark = pytest.mark.slow

CARD = {
    "version": "0", "name": "Rosalind Quill", "phone": "+1 555 0100 777", "mail": "rosalind@quill.example",
    "message": "no", "best_time": "Tuesdays after vespers",
    "notes": "Say you are from the library. <b>Never</b> \u00e9crire",
}  # fmt: skip
SECRETS = [value for name, value in CARD.items() if name not in ("version", "message")]
PATH = "/people/river/n-1/card"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "card-keys"


@pytest.fixture
def house(tmp_path: Path, keys: Path) -> Iterator[Living]:
    engine = open_database(f"sqlite:///{tmp_path / 'dashboard.db'}")
    house = Living(river().program, Program("hill"), engine=engine, vault=Vault.at(keys, fresh=True))
    house.now = T0 + DAY
    yield house
    engine.dispose()


def keeper(house: Living, role: str = "coordinator", program: str = "river", member: str | None = None) -> Browser:
    return house.browser(house.account((program, role), member=member))


def on_disk(at: Path) -> bytes:
    """Every byte of the folder, the write-ahead log included."""
    return b"".join(path.read_bytes() for path in sorted(at.iterdir()) if path.is_file())


def lines(house: Living) -> list[tuple[str, str, str | None, str | None]]:
    with house.engine.connect() as db:
        rows = db.execute(select(AUDIT.c.what, AUDIT.c.account, AUDIT.c.program, AUDIT.c.about).order_by(AUDIT.c.n))
        return [tuple(row) for row in rows if row.what.endswith("card")]


def version(house: Living) -> str:
    with house.engine.connect() as db:
        kept = cards.find(db, "river", "n-1")
    assert kept is not None
    return str(kept.version)


def test_a_card_is_kept_opened_changed_and_each_is_written_down(house: Living) -> None:
    browser = keeper(house)
    assert "Begin a card" in browser.get("/people/river/n-1").text
    kept = browser.post(f"{PATH}/keep", CARD)
    assert (kept.status_code, kept.headers["location"]) == (303, "/people/river/n-1")
    closed = [
        browser.get(path).text for path in ("/people/river/n-1", PATH, f"/api/v1{PATH}", "/api/v1/people/river/n-1")
    ]
    opened = browser.post(PATH)
    assert opened.status_code == 200
    assert "no-store" in opened.headers["cache-control"]
    for secret in SECRETS:
        assert secret in unescape(opened.text)
        assert not any(secret in unescape(page) for page in closed), "a closed card says nothing"
    assert "<b>Never" not in opened.text
    assert "Leave no message." in opened.text
    assert browser.post(f"{PATH}/keep", {**CARD, "version": version(house), "phone": "none"}).status_code == 303
    assert browser.api(f"/api/v1{PATH}", {}).json()["shown"]["card"]["phone"] == "none"
    who = browser.account
    assert lines(house) == [
        ("changed card", who, "river", "n-1"),
        ("opened card", who, "river", "n-1"),
        ("changed card", who, "river", "n-1"),
        ("opened card", who, "river", "n-1"),
    ]
    assert "opened card" in keeper(house, "lead").get("/audit").text
    assert house.sent == [], "no event knows of it"


def test_what_lies_on_the_disk_says_nothing(house: Living, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    browser = keeper(house)
    browser.post(f"{PATH}/keep", CARD)
    browser.post(PATH)
    browser.post(f"{PATH}/keep", {**CARD, "version": version(house)})
    everything, said = on_disk(tmp_path), "".join(capfd.readouterr())
    assert (tmp_path / "dashboard.db-wal").exists()
    for secret in SECRETS:
        assert secret.encode() not in everything
        assert secret not in said
        assert secret.encode("utf-16-le") not in everything
    assert b"local_card" in everything, "it is this database that was searched"


def test_no_audit_line_and_no_notice_holds_a_word_of_it(house: Living) -> None:
    browser = keeper(house)
    browser.post(f"{PATH}/keep", CARD)
    with house.engine.connect() as db:
        told = " ".join(
            str(row) for name in ("audit", "session") for row in db.exec_driver_sql(f"select * from {name}")
        )
    assert not any(secret in told for secret in SECRETS)


def test_roles_programs_and_ones_own_card(house: Living) -> None:
    keeper(house).post(f"{PATH}/keep", CARD)
    assert keeper(house, "lead").post(PATH).status_code == 200
    for browser in (keeper(house, role) for role in ("viewer", "clinician", "admin")):
        assert [answer.status_code for answer in all_doors(browser)] == [403] * 3
    assert {answer.status_code for answer in all_doors(keeper(house, program="hill"))} == {404}
    assert {answer.status_code for answer in all_doors(keeper(house, member="n-1"))} == {403}
    assert [what for what, *_ in lines(house)] == ["changed card", "opened card"]


def all_doors(browser: Browser) -> list:
    answers = [browser.get(PATH), browser.post(PATH), browser.post(f"{PATH}/keep", CARD)]
    assert not any(secret in answer.text for answer in answers for secret in SECRETS)
    return answers


def test_nobody_unknown_has_a_card(house: Living) -> None:
    assert keeper(house).post("/people/river/n-404/card/keep", CARD).status_code == 404


def test_of_two_who_change_it_at_once_the_second_is_told(house: Living) -> None:
    ana, ben = keeper(house), keeper(house)
    ana.post(f"{PATH}/keep", CARD)
    seen = version(house)
    for browser, name in ((ana, "Ana"), (ben, "Ben")):
        answer = browser.post(f"{PATH}/keep", {"version": seen, "name": name})
        assert answer.status_code == (303 if name == "Ana" else 409)
    assert 'value="Ben"' in answer.text, "what was typed is not lost"
    assert f'name="version" value="{seen}"' in answer.text, "and does not win by being sent again"
    assert "Ana" in ben.post(PATH).text


def test_a_card_begun_anew_is_not_overwritten_by_what_was_open_before(house: Living) -> None:
    ana, ben = keeper(house), keeper(house)
    ana.post(f"{PATH}/keep", CARD)
    old = version(house)
    assert ana.post(f"{PATH}/keep", {"version": old}).status_code == 303
    ana.post(f"{PATH}/keep", {**CARD, "phone": "+1 555 0199"})
    for form in ({**CARD, "version": old}, {"version": old}):
        assert ben.post(f"{PATH}/keep", form).status_code == 409
    assert "+1 555 0199" in ana.post(PATH).text


def test_of_two_who_begin_a_card_at_once_the_second_is_told(house: Living) -> None:
    ana, ben, first = keeper(house), keeper(house), [True]

    def meanwhile(_db, _cursor, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO local_card") and first.pop(0):
            first.append(False)
            assert ana.post(f"{PATH}/keep", CARD).status_code == 303

    event.listen(house.engine, "before_cursor_execute", meanwhile)
    assert ben.post(f"{PATH}/keep", {**CARD, "phone": "+1 555 0199"}).status_code == 409
    assert "+1 555 0199" not in ben.post(PATH).text


def test_an_emptied_card_is_none_and_an_empty_new_one_is_refused(house: Living) -> None:
    browser = keeper(house)
    assert browser.post(f"{PATH}/keep", {"version": "0"}).status_code == 422
    browser.post(f"{PATH}/keep", CARD)
    assert browser.post(f"{PATH}/keep", {"version": "0"}).status_code == 409
    assert browser.post(f"{PATH}/keep", {"version": version(house)}).status_code == 303
    with house.engine.connect() as db:
        assert not cards.any_kept(db)


def test_it_is_erased_with_the_person(house: Living, tmp_path: Path) -> None:
    program, browser = house.replica.programs["river"], keeper(house)
    browser.post(f"{PATH}/keep", CARD)
    browser.post("/people/river/m-1/card/keep", CARD)
    with house.engine.connect() as db:
        sealed = cards.find(db, "river", "n-1").sealed
    house.engine.dispose()  # nobody reads, so that the write-ahead log can be emptied
    assert sealed in on_disk(tmp_path)
    projection, read = Projection(house.engine, "0"), Program.load(program.dump())
    draft = projection.draft()
    for fact in program.handle(tell("member.erased", "n-1", T0 + DAY), T0 + DAY):
        draft.take(read, fact)
    draft.finish({"river": read})
    projection.write(draft, Place(projection.resume().position + 1, b"test"))
    forget(house.engine)
    with house.engine.connect() as db:
        assert cards.find(db, "river", "n-1") is None
        assert cards.find(db, "river", "m-1") is not None
        assert {row.about for row in db.execute(select(AUDIT.c.about))} >= {"erased", "m-1"}
    assert sealed not in on_disk(tmp_path)
    assert browser.post(PATH).status_code == 404


def test_a_sealed_card_in_another_persons_place_does_not_open(house: Living) -> None:
    browser = keeper(house)
    browser.post(f"{PATH}/keep", CARD)
    with house.engine.begin() as db:
        db.execute(update(cards.CARDS).values(person="m-1"))
    answer = browser.post("/people/river/m-1/card")
    assert answer.status_code == 409
    assert not any(secret in answer.text for secret in SECRETS)
    assert "does not open" in answer.text
    assert browser.api("/api/v1/people/river/m-1/card", {}).json()["code"] == "KND-card-locked"


def test_where_there_is_no_vault_there_is_a_link_or_nothing() -> None:
    house = Living(river().program, links={"river": "https://crm.example/people/{id}?from=kindred"})
    browser = keeper(house)
    person = browser.get("/people/river/n-1")
    assert 'href="https://crm.example/people/n-1?from=kindred" rel="noopener noreferrer"' in person.text
    assert "card is kept" not in person.text
    assert {answer.status_code for answer in all_doors(browser)} == {404}
    assert "How to reach them" not in keeper(Living(river().program)).get("/people/river/n-1").text
    assert Means().vault is None


def test_where_the_keys_cannot_be_used_pages_say_so_and_only_to_an_admin_which_file_it_is() -> None:
    house = Living(river().program)
    trouble = "/srv/kindred/card-keys is readable by others: chmod 600"
    object.__setattr__(house.parts, "means", Means(vault_trouble=trouble))
    browser = keeper(house)
    for path in ("/people/river/n-1", PATH):
        page = browser.get(path).text
        assert "No contact card opens now" in page
        assert not [word for word in ("Open the card", "Begin a card", "/srv") if word in page]
    refused = browser.post(PATH)
    assert (refused.status_code, "/srv" in refused.text) == (409, False)
    health = "/health-and-letters"
    assert "tell who keeps it" in (of_lead := keeper(house, "lead").get(health).text)
    assert "/srv" not in of_lead
    assert "/srv/kindred/card-keys is readable" in keeper(house, "admin", "*").get(health).text
    assert "/srv" not in keeper(house, "admin").get(health).text


# Keys


def test_keys_are_made_once_for_their_owner_alone(keys: Path) -> None:
    Vault.at(keys, fresh=True)
    first = keys.read_bytes()
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    Vault.at(keys, fresh=True)
    assert keys.read_bytes() == first


@pytest.mark.parametrize("spoil", ["gone", "open to others", "empty", "not a key"])
def test_keys_that_cannot_be_used_are_said_and_not_shown(keys: Path, spoil: str) -> None:
    vault.write(keys, [vault.new_key()])
    {
        "gone": keys.unlink,
        "open to others": lambda: keys.chmod(0o640),
        "empty": lambda: keys.write_bytes(b""),
        "not a key": lambda: keys.write_bytes(b"hunter2"),
    }[spoil]()
    with pytest.raises(ConfigurationError) as said:
        Vault.at(keys, fresh=False)
    assert said.value.code == "KND-card-keys"
    assert "hunter2" not in str(said.value)


def test_a_new_key_opens_what_the_old_one_sealed_and_later_the_old_one_goes(house: Living, keys: Path) -> None:
    browser = keeper(house)
    browser.post(f"{PATH}/keep", CARD)
    old, new = vault.read(keys)[0], vault.new_key()
    vault.write(keys, [new, old])
    assert "Rosalind" in browser.post(PATH).text, "the service reads the file anew"
    with house.engine.begin() as db:
        assert cards.reseal(db, Vault(keys)) == 1
    vault.write(keys, [new])
    assert "Rosalind" in browser.post(PATH).text
    vault.write(keys, [old])
    refused = browser.post(PATH)
    assert (refused.status_code, "older key" in refused.text) == (409, True)
    keys.unlink()
    gone = browser.post(PATH)
    assert (gone.status_code, str(keys) in gone.text) == (409, False)


def test_a_card_that_is_changed_while_keys_are_changed_stays_as_changed(house: Living, keys: Path) -> None:
    browser = keeper(house)
    browser.post(f"{PATH}/keep", CARD)

    class Busy(Vault):
        changes = ("+1 555 0199",)

        def reseal(self, sealed: bytes) -> bytes:
            for phone in self.changes:
                page = forms_of(browser.post(PATH).text)[f"{PATH}/keep"]
                assert browser.post(f"{PATH}/keep", page | {"phone": [phone]}).status_code == 303
            self.changes = ()
            return super().reseal(sealed)

    with house.engine.begin() as db:
        assert cards.reseal(db, Busy(keys)) == 1
    assert "+1 555 0199" in browser.post(PATH).text


def test_a_vault_opens_only_what_it_sealed(keys: Path) -> None:
    one = Vault.at(keys, fresh=True)
    sealed = one.seal("river", "n-1", {"name": "Ana"})
    assert one.open("river", "n-1", sealed) == {"name": "Ana"}
    for program, person, bytes_ in (
        ("hill", "n-1", sealed),
        ("river", "n-2", sealed),
        ("river", "n-1", sealed[:-4] + b"AAA="),
    ):
        with pytest.raises(Locked, match="KND-card-locked"):
            one.open(program, person, bytes_)
