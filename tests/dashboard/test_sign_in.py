"""Sign-in by a provider: what is believed, what is refused with which code, and what is left behind."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import OctKey
from sqlalchemy import select, text
from structlog.testing import capture_logs

from dashboard.access import accounts, departures, identities, invites, provider
from dashboard.access.provider import Provider, Registration
from dashboard.access.tables import AUDIT, DEPARTURES
from matcher.errors import ConfigurationError
from tests.dashboard.forger import OTHER_KEY, PUBLIC, SECRET, UNKNOWN_KEY, Forger, forger
from tests.dashboard.house import PASSWORD, House, form_token

pytestmark = pytest.mark.slow


@pytest.fixture
def clinic() -> Iterator[Forger]:
    with forger() as made:
        yield made


@pytest.fixture
def house(clinic: Forger) -> House:
    house = House()
    object.__setattr__(house.parts, "provider", clinic.provider())
    return house


def invite(house: House, account: str) -> str:
    with house.engine.begin() as db:
        return f"/welcome/{invites.invite(db, account, house.now)}"


def bound(house: House, clinic: Forger, subject: str = "robin") -> str:
    account = house.account(("*", "lead"))
    with house.engine.begin() as db:
        identities.bind(db, account, clinic.issuer, subject)
    return account


def leave(client, **form: str) -> dict[str, str]:
    """Go to the provider from the sign-in page; what the provider is told."""
    token = form_token(client.get("/sign-in"))
    return gone(client.post("/sign-in/provider", data={"form_token": token, **form}))


def gone(page) -> dict[str, str]:
    assert page.status_code == 200, page.text
    where = html.unescape(re.search(r'content="0;url=([^"]+)"', page.text)[1])
    return {name: values[0] for name, values in parse_qs(urlsplit(where).query).items()}


def back(client, told: dict[str, str], **answer: str):
    return client.get("/sign-in/back", params={"code": "a-code", "state": told["state"], **answer})


def test_somebody_who_is_known_comes_in_with_a_new_session(house: House, clinic: Forger) -> None:
    bound(house, clinic)
    client = house.client()
    client.cookies.set("kindred_session", "somebody-put-this-here")
    told = leave(client, then="/account?x=1")
    assert told["code_challenge_method"] == "S256"
    assert (told["scope"], told["response_type"], told["prompt"]) == ("openid", "code", "login")
    assert told["redirect_uri"] == f"{PUBLIC}/sign-in/back"
    clinic.says(clinic.claims(house, told["nonce"]))
    answer = back(client, told)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account?x=1")
    token = next(line for line in answer.headers.get_list("set-cookie") if line.startswith("kindred_session="))
    assert "somebody-put-this-here" not in token
    assert "HttpOnly" in token
    verifier = clinic.asked[0]["code_verifier"]
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    assert digest == told["code_challenge"]


FORGERIES = {
    "alg none": lambda clinic, claims: unsigned(clinic, claims),
    "signed with the client's secret": lambda clinic, claims: clinic.says(
        claims, OctKey.import_key(SECRET), alg="HS256"
    ),
    "another's signature": lambda clinic, claims: clinic.says(claims, OTHER_KEY),
    "an unknown key": lambda clinic, claims: clinic.says(claims, UNKNOWN_KEY, kid="two"),
    "wrong issuer": lambda clinic, claims: clinic.says({**claims, "iss": "https://another.example"}),
    "wrong audience": lambda clinic, claims: clinic.says({**claims, "aud": "somebody-else"}),
    "for another, through us": lambda clinic, claims: clinic.says({**claims, "aud": "other", "azp": "kindred"}),
    "many audiences, not authorized": lambda clinic, claims: clinic.says({**claims, "aud": ["kindred", "other"]}),
    "authorized for another": lambda clinic, claims: clinic.says({**claims, "azp": "other"}),
    "expired": lambda clinic, claims: clinic.says({**claims, "exp": claims["iat"] - 61}),
    "of the future": lambda clinic, claims: clinic.says({**claims, "iat": claims["iat"] + 61}),
    "wrong nonce": lambda clinic, claims: clinic.says({**claims, "nonce": "of another sign-in"}),
    "no nonce": lambda clinic, claims: clinic.says(without(claims, "nonce")),
    "no subject": lambda clinic, claims: clinic.says(without(claims, "sub")),
    "no expiry": lambda clinic, claims: clinic.says(without(claims, "exp")),
    "an empty subject": lambda clinic, claims: clinic.says({**claims, "sub": ""}),
    "of another access token": lambda clinic, claims: clinic.says({**claims, "at_hash": "AAAA"}),
    "no token": lambda clinic, claims: setattr(clinic, "token", (200, {"access_token": "x", "token_type": "Bearer"})),
    "no JWT": lambda clinic, claims: setattr(clinic, "token", (200, {"access_token": "x", "id_token": "a.b.c"})),
}


def without(claims: dict[str, object], name: str) -> dict[str, object]:
    return {key: value for key, value in claims.items() if key != name}


def unsigned(clinic: Forger, claims: dict[str, object]) -> None:
    parts = [json.dumps(part).encode() for part in ({"alg": "none", "kid": "one"}, claims)]
    head, body = (base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    clinic.token = (200, {"access_token": "x", "token_type": "Bearer", "id_token": f"{head}.{body}."})


@pytest.mark.parametrize("what", FORGERIES)
def test_a_token_that_is_not_the_providers_for_us_and_now_lets_nobody_in(
    house: House, clinic: Forger, what: str
) -> None:
    bound(house, clinic)
    client = house.client()
    clinic.about["id_token_signing_alg_values_supported"] = ["RS256", "HS256", "none"]
    told = leave(client)
    FORGERIES[what](clinic, clinic.claims(house, told["nonce"]))
    with capture_logs() as logs:
        answer = back(client, told)
    assert answer.status_code == 403
    assert "KND-oidc-token" in answer.text
    assert "kindred_session" not in client.cookies
    with house.engine.connect() as db:
        assert db.execute(select(AUDIT.c.what).order_by(AUDIT.c.n.desc())).scalar() == "failed to sign in"
    secrets = (SECRET, "a-code", told["state"], told["nonce"], "robin", clinic.asked[0]["code_verifier"])
    assert logs
    assert not [secret for secret in secrets if secret in str(logs) + answer.text]


def test_a_state_is_good_once_in_the_browser_that_left_and_for_ten_minutes(house: House, clinic: Forger) -> None:
    bound(house, clinic)
    client, other = house.client(), house.client()
    told = leave(client)
    clinic.says(clinic.claims(house, told["nonce"]))
    leave(other)
    assert "KND-oidc-expired" in back(other, told).text
    told = leave(client)
    clinic.says(clinic.claims(house, told["nonce"]))
    assert back(client, told).status_code == 303
    assert "KND-oidc-expired" in back(client, told).text
    fresh = house.client()
    told = leave(fresh)
    house.now += departures.AWAY_SECONDS
    assert "KND-oidc-expired" in back(fresh, told).text
    assert len(clinic.asked) == 1


@pytest.mark.parametrize(
    "then", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "/%5Cevil"]
)
def test_nobody_is_sent_elsewhere_afterwards(house: House, clinic: Forger, then: str) -> None:
    bound(house, clinic)
    client = house.client()
    told = leave(client, then=then)
    clinic.says(clinic.claims(house, told["nonce"]))
    assert back(client, told).headers["location"] == "/"


def test_who_was_denied_or_is_nobody_here_is_told_so(house: House, clinic: Forger) -> None:
    client = house.client()
    told = leave(client)
    denied = client.get("/sign-in/back", params={"error": "access_denied", "state": told["state"]})
    assert (denied.status_code, "KND-oidc-denied" in denied.text) == (403, True)
    clinic.says(clinic.claims(house, told["nonce"]))
    assert "KND-oidc-expired" in back(client, told).text
    told = leave(client)
    clinic.says(clinic.claims(house, told["nonce"], sub="a stranger"))
    nobody = back(client, told)
    assert (nobody.status_code, "KND-oidc-nobody" in nobody.text) == (403, True)
    assert "a stranger" not in nobody.text
    told = leave(client)
    clinic.says(clinic.claims(house, told["nonce"]))
    mixed_up = back(client, told, iss="https://another.example")
    assert "KND-oidc-token" in mixed_up.text


def test_a_closed_account_does_not_come_in(house: House, clinic: Forger) -> None:
    account = bound(house, clinic)
    house.account(("*", "lead"))
    with house.engine.begin() as db:
        accounts.set_active(db, account, False)
    client = house.client()
    told = leave(client)
    clinic.says(clinic.claims(house, told["nonce"]))
    assert "KND-oidc-nobody" in back(client, told).text


def test_a_code_that_the_provider_does_not_take_back(house: House, clinic: Forger) -> None:
    client = house.client()
    told = leave(client)
    clinic.token = (400, {"error": "invalid_grant", "error_description": "code a-code was used"})
    with capture_logs() as logs:
        answer = back(client, told)
    assert (answer.status_code, "KND-oidc-code" in answer.text) == (403, True)
    assert "a-code" not in str(logs) + answer.text


def test_a_provider_that_is_away_or_another_says_so_and_is_asked_again_later(house: House, clinic: Forger) -> None:
    minute = [0.0]
    own = Provider(clinic.provider().registered, ticks=lambda: minute[0])
    object.__setattr__(house.parts, "provider", own)
    clinic.about["issuer"] = "https://another.example"
    client = house.client()
    token = form_token(client.get("/sign-in"))
    answer = client.post("/sign-in/provider", data={"form_token": token})
    assert (answer.status_code, "KND-oidc-away" in answer.text) == (503, True)
    assert answer.headers["retry-after"]
    clinic.about["issuer"] = clinic.issuer
    minute[0] += provider.FRESH_SECONDS
    told = leave(client)
    clinic.token = (502, {})
    assert "KND-oidc-away" in back(client, told).text


def test_one_that_does_not_answer_is_left_alone_for_some_seconds(house: House) -> None:
    away = Provider(Registration("http://127.0.0.1:1", "kindred", PUBLIC), ticks=lambda: 7.0)
    object.__setattr__(house.parts, "provider", away)
    client = house.client()
    token = form_token(client.get("/sign-in"))
    for _ in range(2):
        assert client.post("/sign-in/provider", data={"form_token": token}).status_code == 503


def test_new_keys_are_asked_for_and_forged_ones_do_not_make_us_ask_more_often(house: House, clinic: Forger) -> None:
    bound(house, clinic)
    ticks = [0.0]
    object.__setattr__(house.parts, "provider", Provider(clinic.provider().registered, ticks=lambda: ticks[0]))
    client = house.client()
    told = leave(client)
    clinic.says(clinic.claims(house, told["nonce"]))
    assert back(client, told).status_code == 303
    clinic.keys = [UNKNOWN_KEY]
    for passed, status in ((1, 403), (provider.KEYS_SECONDS, 303)):
        ticks[0] += passed
        client = house.client()
        told = leave(client)
        clinic.says(clinic.claims(house, told["nonce"]), UNKNOWN_KEY, kid="two")
        assert back(client, told).status_code == status
    assert clinic.fetched.count("/keys") == 2


def test_an_invitation_binds_whoever_signs_in_and_takes_the_password_away(house: House, clinic: Forger) -> None:
    account = house.account(("river", "coordinator"), name="Robin")
    with house.engine.begin() as db:
        accounts.set_password(db, account, PASSWORD)
    client, link = house.client(), invite(house, account)
    page = client.get(link)
    assert "Sign in with The clinic" in page.text
    told = gone(client.post(link, data={"form_token": form_token(page), "by": "provider"}))
    clinic.says(clinic.claims(house, told["nonce"]))
    assert back(client, told).status_code == 303
    assert "coordinator of river" in client.get("/account").text
    assert house.client().get(link).status_code == 404
    with house.engine.connect() as db:
        row = accounts.find_row(db, account)
        assert row is not None
        assert row["password"] is None
        assert identities.find(db, clinic.issuer, "robin") == account
    client, link = house.client(), invite(house, account)
    fields = {"password": PASSWORD, "again": PASSWORD, "form_token": form_token(client.get(link))}
    assert client.post(link, data=fields).status_code == 303
    with house.engine.connect() as db:
        assert identities.find(db, clinic.issuer, "robin") is None


def test_an_invitation_that_ended_meanwhile_binds_nobody(house: House, clinic: Forger) -> None:
    account = house.account(("river", "coordinator"))
    client, link = house.client(), invite(house, account)
    told = gone(client.post(link, data={"form_token": form_token(client.get(link)), "by": "provider"}))
    invite(house, account)
    clinic.says(clinic.claims(house, told["nonce"]))
    assert "KND-oidc-nobody" in back(client, told).text


def test_one_person_of_the_provider_has_one_account(house: House, clinic: Forger) -> None:
    bound(house, clinic)
    client, link = house.client(), invite(house, house.account(("river", "lead")))
    told = gone(client.post(link, data={"form_token": form_token(client.get(link)), "by": "provider"}))
    clinic.says(clinic.claims(house, told["nonce"]))
    answer = back(client, told)
    assert (answer.status_code, "KND-oidc-taken" in answer.text) == (409, True)


def test_the_first_account_may_come_by_the_provider(house: House, clinic: Forger) -> None:
    with house.engine.begin() as db:
        link = f"/welcome/{invites.first(db, house.now)}"
    client = house.client()
    token = form_token(client.get(link))
    assert client.post(link, data={"form_token": token, "by": "provider"}).status_code == 422
    told = gone(client.post(link, data={"form_token": token, "by": "provider", "name": "Robin"}))
    clinic.says(clinic.claims(house, told["nonce"]))
    assert back(client, told).status_code == 303
    assert "lead of all programs" in client.get("/account").text


def test_a_draft_waits_sealed_until_its_sender_is_back(house: House, clinic: Forger) -> None:
    account, client = bound(house, clinic), house.client()
    draft = {"draft_of": account, "draft_path": "/record/river/n-1/contact", "draft.outcome": "spoke about her mother"}
    told = leave(client, **draft)
    with house.engine.connect() as db:
        kept = str(db.execute(select(DEPARTURES)).all())
    assert "mother" not in kept
    assert told["state"] not in kept
    clinic.says(clinic.claims(house, told["nonce"]))
    assert "spoke about her mother" in back(client, told).text


def test_failures_are_limited_by_browser_and_sign_ins_under_way_by_address(
    house: House, clinic: Forger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(departures, "ADDRESS_MAX", 3)
    client = house.client()
    for _ in range(5):
        told = leave(client)
        clinic.says(clinic.claims(house, told["nonce"], sub="a stranger"))
        assert back(client, told).status_code == 403
    token = form_token(client.get("/sign-in"))
    refused = client.post("/sign-in/provider", data={"form_token": token})
    assert (refused.status_code, "KND-too-many-tries" in refused.text) == (429, True)
    other = house.client()
    token = form_token(other.get("/sign-in"))
    answers = [
        other.post("/sign-in/provider", data={"form_token": token}).status_code
        for _ in range(departures.ADDRESS_MAX + 1)
    ]
    assert answers[-2:] == [200, 429]


def test_forms_of_other_sites_lead_nowhere(house: House) -> None:
    client = house.client()
    token = form_token(client.get("/sign-in"))
    assert client.post("/sign-in/provider", data={"form_token": "0" * 64}).status_code == 403
    foreign = {"origin": "https://evil.example"}
    assert client.post("/sign-in/provider", data={"form_token": token}, headers=foreign).status_code == 403


def test_without_a_provider_nothing_is_offered() -> None:
    house = House()
    client = house.client()
    page = client.get("/sign-in")
    assert "Sign in with" not in page.text
    assert client.post("/sign-in/provider", data={"form_token": form_token(page)}).status_code == 404
    assert client.get("/sign-in/back").status_code == 404


@pytest.mark.parametrize(
    ("issuer", "public"),
    [
        ("http://clinic.example", PUBLIC),
        ("https://clinic.example?x=1", PUBLIC),
        ("clinic", PUBLIC),
        ("https://clinic.example", "http://kindred.example"),
    ],
)
def test_what_others_could_read_on_the_way_is_refused_at_the_start(issuer: str, public: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Provider(Registration(issuer, "kindred", public))
    assert caught.value.code == "KND-oidc-settings"


def test_no_secret_is_in_what_a_log_would_write_of_a_setting() -> None:
    assert SECRET not in repr(Registration("https://clinic.example", "kindred", PUBLIC, SECRET))


def test_nothing_that_signs_in_is_kept(house: House, clinic: Forger) -> None:
    bound(house, clinic)
    client = house.client()
    told = leave(client)
    clinic.says(clinic.claims(house, told["nonce"]))
    back(client, told)
    with house.engine.connect() as db:
        names = db.execute(text("select name from sqlite_master where type = 'table'")).scalars().all()
        rows = " ".join(str(db.execute(text(f"select * from {name}")).all()) for name in names)
    given = clinic.token[1]
    assert isinstance(given, dict)
    secrets = (given["id_token"], "an-access-token", "a-code", clinic.asked[0]["code_verifier"], told["nonce"])
    assert not [secret for secret in secrets if secret in rows]
