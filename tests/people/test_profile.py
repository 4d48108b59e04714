"""Profiles: what events say, kept small and given back whole."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest

from matcher.errors import Refused
from matcher.messages.events import MemberJoined, MemberUpdated
from matcher.messages.vocabulary import Theme
from matcher.people.profile import MentorWishes, Profile, theme_mask, themes_of
from matcher.people.recovery import Stated

WHOLE: dict[str, Any] = {
    "experiences": [{"code": "F11.20", "state": "early", "since": "2026-02-01"}, {"code": "Z59.01"}],
    "needs": ["housing", "cravings", "housing"],
    "languages": ["en", "es", "en"],
    "hours": [18, 19, 167],
    "zone": "America/Denver",
    "formats": ["phone", "video"],
    "gender": "woman",
    "birth_year": 1991,
    "place": {"lat": 0.0, "lon": -105.0},
    "wishes": {"mentor_gender": ["woman"], "languages": ["es"], "formats": ["phone"], "max_km": 25.5, "min_shared": 1},
    "seeks_mentor": True,
}


def _joined(**parts: Any) -> Profile:
    return Profile.joined(MemberJoined.model_validate({"experiences": [{"code": "F11.20"}], **parts}))


def test_a_profile_has_everything_that_was_said() -> None:
    profile = _joined(**WHOLE)
    assert [each.code for each in profile.experiences] == ["F11.20", "Z59.01"]
    assert profile.experiences[0].since == 1_769_904_000
    assert themes_of(profile.needs) == ("cravings", "housing")
    assert profile.languages == ("en", "es")
    assert profile.hours == 1 << 18 | 1 << 19 | 1 << 167
    assert (profile.zone, profile.gender, profile.birth_year, profile.place) == (
        "America/Denver", "woman", 1991, (0.0, -105.0),
    )  # fmt: skip
    assert profile.wishes == MentorWishes(("woman",), ("es",), ("phone",), 25.5, 1)


@pytest.mark.parametrize("parts", [WHOLE, {}, {"wishes": {"mentor_gender": "any"}}, {"hours": [0]}])
def test_json_and_back_loses_nothing(parts: dict[str, Any]) -> None:
    profile = _joined(**parts)
    assert Profile.from_json(json.loads(json.dumps(profile.to_json()))) == profile


def test_experiences_that_nobody_said_before_come_back_by_name() -> None:
    """A plain tuple is equal to a named one, and must not stand for it where one object is shared."""
    (only,) = Profile.from_json({"experiences": [["Z62.810", "sustained", None]]}).experiences
    assert (type(only), only.code) == (Stated, "Z62.810")


def test_what_was_not_said_takes_no_room_in_json() -> None:
    assert json.dumps(_joined().to_json()) == '{"experiences": [["F11.20", "active", null]]}'


@pytest.mark.parametrize("part", [name for name in WHOLE if name not in ("experiences", "seeks_mentor")])
def test_an_update_replaces_one_part_and_null_takes_it_back(part: str) -> None:
    empty, whole = _joined(), _joined(**WHOLE)
    update = MemberUpdated.model_validate({part: WHOLE[part]})
    assert getattr(empty.updated(update), part) == getattr(whole, part)
    taken_back = whole.updated(MemberUpdated.model_validate({part: None}))
    assert getattr(taken_back, part) == getattr(empty, part)
    others = [name for name in WHOLE if name not in (part, "seeks_mentor")]
    assert all(getattr(taken_back, name) == getattr(whole, name) for name in others)


def test_an_update_that_says_nothing_changes_nothing() -> None:
    whole = _joined(**WHOLE)
    assert whole.updated(MemberUpdated.model_validate({"experiences": None, "seeks_mentor": False})) is whole


def test_not_asked_for_and_any_are_told_apart() -> None:
    assert _joined(wishes={"languages": ["en"]}).wishes.mentor_gender is None
    assert _joined(wishes={"mentor_gender": []}).wishes.mentor_gender is None
    assert _joined(wishes={"mentor_gender": "any"}).wishes.mentor_gender == "any"


@pytest.mark.parametrize(
    ("parts", "code"),
    [({"experiences": [{"code": "F11.77"}]}, "KND-unknown-code"), ({"zone": "Mars/Olympus"}, "KND-unknown-zone")],
)
def test_an_unknown_code_or_zone_is_refused(parts: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as trouble:
        _joined(**parts)
    assert trouble.value.code == code
    with pytest.raises(Refused):
        _joined().updated(MemberUpdated.model_validate(parts))


def test_themes_are_one_mask() -> None:
    assert all(themes_of(theme_mask([theme])) == (theme,) for theme in get_args(Theme))
    assert theme_mask([]) == 0
