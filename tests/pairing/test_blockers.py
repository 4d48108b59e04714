"""Blockers: two who fit, one thing changed, exactly this code appears, and what unblocks it takes it away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from bench.plain import Ties
from matcher.instants import DAY
from matcher.messages.events import NewcomerWishes
from matcher.pairing import fit
from matcher.pairing.blockers import BLOCKERS, BY_CODE
from matcher.pairing.judge import BARRED, Judge
from matcher.people.member import Member
from matcher.people.profile import MentorWishes
from matcher.people.recovery import Recovery, Stated
from matcher.people.roster import Roster
from matcher.policy import ConsentTable, MentorTable, Policy, WaiverTable
from tests.pairing.people import AT, Related, mentor, newcomer

NO_REST = Policy(mentor=MentorTable(lapse_pause_days=0))
PAIR = frozenset({"ada", "ben"})
LENIENT = Policy(waiver=WaiverTable(allowed=("recovery_time", "training_lapsed", "supervision_lapsed")))
UPRIGHT = (Stated("F11.20", "sustained", AT - 1_800 * DAY), Stated("F43.10", "past", AT - 900 * DAY))


@dataclass
class Scene:
    """A newcomer, a mentor, and what is between them."""

    n: Member
    m: Member
    ties: Ties
    at: int = AT
    policy: Policy = field(default_factory=Policy)

    def codes(self) -> list[str]:
        roster = Roster()
        i, j = (roster.write(each, self.at, self.policy) for each in (self.n, self.m))
        judge = Judge(roster, Related(roster, self.ties), self.policy)
        codes = [hit.code for hit in fit.barred(judge, i, j, self.at)]
        row = judge.row(i, np.array([j]), self.at)
        assert (row[0] == BARRED) == bool(codes)
        return codes


Change = Callable[[Scene], None]


def _n(**changes: object) -> Change:
    return lambda scene: setattr(scene, "n", replace(scene.n, **changes))


def _m(**changes: object) -> Change:
    return lambda scene: setattr(scene, "m", replace(scene.m, **changes))


def _offer(**changes: object) -> Change:
    return lambda scene: setattr(scene.m, "mentorship", replace(scene.m.mentorship, **changes))


def _asks(**wishes: object) -> Change:
    return _says_n(wishes=MentorWishes(**wishes))


def _says_n(**changes: object) -> Change:
    return lambda scene: setattr(scene, "n", _saying(scene.n, changes))


def _says_m(**changes: object) -> Change:
    return lambda scene: setattr(scene, "m", _saying(scene.m, changes))


def _saying(member: Member, changes: dict[str, object]) -> Member:
    profile, recovery = replace(member.profile, **changes), Recovery()
    recovery.declare(profile.experiences, member.joined_at)
    return replace(member, profile=profile, recovery=recovery)


def _tied(**ties: object) -> Change:
    return lambda scene: setattr(scene, "ties", Ties(**ties))


def _at(at: int) -> Change:
    return lambda scene: setattr(scene, "at", at)


def _policy(policy: Policy) -> Change:
    return lambda scene: setattr(scene, "policy", policy)


def _and(*changes: Change) -> Change:
    def all_of_them(scene: Scene) -> None:
        for change in changes:
            change(scene)

    return all_of_them


def _slip(severity: str, days_ago: int, code: str | None = "F11.20") -> Change:
    return lambda scene: scene.m.recovery.setback(code, severity, "self", AT - days_ago * DAY)


NEW_YEAR_2026 = 1_767_225_600
FAR, NEAR = (41.9, -87.6), (39.8, -105.1)

CASES: list[tuple[str, str, Change, Change]] = [
    ("exclusion", "not again", _tied(excluded=[PAIR]), _tied()),
    ("lineage", "ada mentors ben", _tied(supports=[("ada", "ben")]), _tied()),
    ("open_report", "about the mentor", _m(open_reports=1), _m(open_reports=0)),
    ("open_report", "about the newcomer", _n(open_reports=2), _n(open_reports=0)),
    ("not_admitted", "no mentor", _m(mentorship=None), _m(mentorship=mentor().mentorship)),
    ("not_admitted", "not screened", _offer(cleared_until=0), _offer(cleared_until=AT + 1)),
    ("not_admitted", "cleared till now", _offer(cleared_until=AT), _offer(cleared_until=AT + 1)),
    ("not_admitted", "declined", _offer(declined=True), _offer(declined=False)),
    (
        "recovery_time", "a day short",
        _and(_says_m(experiences=(Stated("F10.20", "past", AT - 364 * DAY), *UPRIGHT))),
        _m(waivers={"recovery_time": AT + 1}),
    ),
    (
        "recovery_time", "not ahead by half a year",
        _says_n(experiences=(Stated("F11.20", "sustained", AT - 1_621 * DAY),)),
        _says_n(experiences=(Stated("F11.20", "sustained", AT - 1_620 * DAY),)),
    ),
    (
        "recovery_time", "not ahead, waived",
        _says_n(experiences=(Stated("F11.20", "sustained", AT - 1_700 * DAY),)),
        _m(waivers={"recovery_time": AT + DAY}),
    ),
    ("recovery_time", "relapsed", _slip("relapse", 366 - 30, "F13.20"), _m(waivers={"recovery_time": AT + 1})),
    ("training_lapsed", "never trained", _offer(trained_at=None), _offer(trained_at=AT)),
    (
        "training_lapsed", "not required", _offer(trained_at=None),
        _policy(Policy(mentor=MentorTable(training_required=False))),
    ),
    (
        "training_lapsed", "waived where allowed", _offer(trained_at=None),
        _and(_m(waivers={"training_lapsed": AT + 1}), _policy(LENIENT)),
    ),
    (
        "supervision_lapsed", "32 days ago", _offer(supervised_at=AT - 32 * DAY),
        _offer(supervised_at=AT - 31 * DAY),
    ),
    (
        "supervision_lapsed", "never since volunteering", _offer(supervised_at=None, volunteered_at=AT - 40 * DAY),
        _offer(volunteered_at=AT - 4 * DAY),
    ),
    (
        "supervision_lapsed", "waived where allowed", _offer(supervised_at=AT - 32 * DAY),
        _and(_m(waivers={"supervision_lapsed": AT + 1}), _policy(LENIENT)),
    ),
    ("paused", "newcomer away", _n(paused_until=AT + 1), _n(paused_until=AT)),
    ("paused", "newcomer left", _n(present=False), _n(present=True)),
    ("paused", "mentor away", _m(paused_until=AT + 1), _m(paused_until=AT)),
    ("paused", "mentor left", _m(present=False), _m(present=True)),
    ("paused", "mentor's pause", _offer(paused_until=AT + 1), _offer(paused_until=0)),
    ("paused", "after a slip", _slip("lapse", 89), _at(AT + DAY + 1)),
    ("in_distress", "mentor in distress", _m(distress_until=AT + 1), _m(distress_until=AT)),
    (
        "same_risk", "both early in the same family",
        _and(_says_n(experiences=(Stated("F43.10", "early", AT - 30 * DAY),)),
             _says_m(experiences=(Stated("F43.22", "active", None), UPRIGHT[0]))),
        _says_m(experiences=UPRIGHT),
    ),
    (
        "same_risk", "mentor slipped lately", _and(_slip("lapse", 29), _policy(NO_REST)),
        _and(_at(AT + DAY + 1), lambda scene: None),
    ),
    ("minor", "newcomer turns 18 this year", _says_n(birth_year=2008), _says_n(birth_year=2007)),
    ("minor", "mentor", _says_m(birth_year=2008), _says_m(birth_year=None)),
    ("gender_wish", "not met", _asks(mentor_gender=("woman",)), _asks(mentor_gender="any")),
    (
        "gender_wish", "not known to be met", _and(_asks(mentor_gender=("woman", "man")), _says_m(gender=None)),
        _says_m(gender="man"),
    ),
    (
        "gender_wish", "the mentor's", _offer(newcomer_wishes=NewcomerWishes(gender=["man"])),
        _offer(newcomer_wishes=NewcomerWishes(gender="any")),
    ),
    ("no_common_language", "none", _says_m(languages=("so",)), _says_m(languages=("so", "es-MX"))),
    (
        "no_common_language", "wish", _asks(languages=("es",)), _asks(languages=("en-GB",)),
    ),
    (
        "no_common_language", "the mentor's wish",
        _offer(newcomer_wishes=NewcomerWishes(languages=["so"])),
        _offer(newcomer_wishes=NewcomerWishes(languages=["es"])),
    ),
    ("no_common_format", "none", _says_m(formats=("chat", "in_person")), _says_m(formats=())),
    ("no_common_format", "wish", _asks(formats=("video",)), _asks(formats=("phone",))),
    ("consent_missing", "newcomer revoked it", _n(consent_until=0), _n(consent_until=None)),
    ("consent_missing", "mentor's is over", _m(consent_until=AT), _m(consent_until=AT + 1)),
    (
        "consent_missing", "must be on record",
        _and(_policy(Policy(consent=ConsentTable(recorded_required=True))), _n(consent_until=AT + 1)),
        _m(consent_until=AT + 1),
    ),
    ("declined", "before", _tied(declined=[PAIR]), _tied()),
    (
        "low_fit", "hardly anything in common",
        _and(_says_n(experiences=(Stated("Z59.01", "active", None),)),
             _says_m(hours=1 << 18, place=FAR), _says_n(needs=1 << 17, formats=("video",), languages=("es", "en")),
             _says_m(formats=("video",)), _offer(matches_had=9), _says_m(experiences=(Stated("F20.9", "past", None),)),
             _policy(Policy.model_validate({"quality": {"fit_min": 400_000}}))),
        _n(seeks_since=AT - 7 * DAY),
    ),
    ("low_fit", "wish for more shared", _asks(min_shared=3), _asks(min_shared=2)),
    ("no_common_hours", "none", _says_m(hours=1 << 7), _says_m(hours=1 << 18)),
    ("no_common_hours", "widened away", _says_m(hours=1 << 7), _n(seeks_since=AT - 7 * DAY)),
    (
        "no_common_hours", "another zone", _says_m(hours=1 << 18 | 1 << 42, zone="Pacific/Kiritimati"),
        _says_m(zone="Africa/Abidjan"),
    ),
    (
        "too_far", "only in person", _and(_says_n(formats=("in_person",)), _says_m(place=FAR)), _says_m(place=NEAR),
    ),
    (
        "too_far", "widened", _and(_says_n(formats=("in_person",)), _says_m(place=(40.3, -105.0))),
        _n(seeks_since=AT - 2 * DAY),
    ),
    ("too_far", "wish", _asks(max_km=10), _asks(max_km=15)),
    ("too_far", "wish, place unsaid", _and(_asks(max_km=10), _says_m(place=None)), _says_m(place=(39.7, -105.0))),
]  # fmt: skip


def _fine() -> Scene:
    return Scene(newcomer(), mentor(), Ties())


def test_the_two_are_fine() -> None:
    assert _fine().codes() == []


@pytest.mark.parametrize(("code", "case", "change", "unblock"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_one_change_bars_with_exactly_its_code_and_another_unblocks(
    code: str, case: str, change: Change, unblock: Change
) -> None:
    scene = _fine()
    change(scene)
    assert scene.codes() == [code]
    unblock(scene)
    assert scene.codes() == []


def test_nobody_is_their_own_mentor() -> None:
    roster, both = Roster(), mentor()
    both.seeks_since = AT
    row = roster.write(both, AT, Policy())
    codes = [hit.code for hit in fit.barred(Judge(roster, Related(roster, Ties()), Policy()), row, row, AT)]
    assert codes == ["same_person", "recovery_time"]


def test_a_waiver_that_the_policy_does_not_allow_lifts_nothing() -> None:
    scene = _fine()
    _and(_offer(trained_at=None), _m(waivers={"training_lapsed": AT + DAY}))(scene)
    assert scene.codes() == ["training_lapsed"]


def test_wishes_do_not_widen() -> None:
    scene = _fine()
    _and(_asks(min_shared=3, max_km=10), _n(seeks_since=AT - 400 * DAY))(scene)
    assert scene.codes() == ["low_fit", "too_far"]


def test_both_at_risk_in_circumstances_or_nicotine_is_no_risk() -> None:
    scene = _fine()
    shared = (Stated("Z59.01", "active", None), Stated("F17.210", "active", None))
    _and(_says_n(experiences=shared), _says_m(experiences=(*UPRIGHT, *shared)))(scene)
    assert scene.codes() == []


def test_a_person_alone_is_closed_to_everybody_by_their_own_rules() -> None:
    roster = Roster()
    n, m = newcomer(), mentor()
    n.paused_until = n.open_reports = AT + 1
    m.distress_until, m.consent_until, m.mentorship = AT + 1, 0, replace(m.mentorship, trained_at=None)
    i, j = (roster.write(each, AT, Policy()) for each in (n, m))
    judge = Judge(roster, Related(roster, Ties()), Policy())
    assert judge.codes(judge.newcomer_alone(i, AT)) == ["open_report", "paused"]
    assert judge.codes(judge.mentor_alone(j, AT)) == ["training_lapsed", "in_distress", "consent_missing"]
    assert judge.codes(judge.mentor_alone(j, AT + 1)) == ["training_lapsed", "consent_missing"]


def test_every_code_of_the_contract_has_its_class_and_words() -> None:
    safety = (
        "same_person, exclusion, lineage, open_report, not_admitted, recovery_time, training_lapsed, "
        "supervision_lapsed, paused, in_distress, same_risk, minor, no_slot"
    )
    consent = "gender_wish, no_common_language, no_common_format, consent_missing, declined"
    quality = "low_fit, no_common_hours, too_far"
    by_class = {
        kind: ", ".join(each.code for each in BLOCKERS if each.kind == kind)
        for kind in ("SAFETY", "CONSENT", "QUALITY")
    }
    assert by_class == {"SAFETY": safety, "CONSENT": consent, "QUALITY": quality}
    assert all(each.reason.endswith(".") and each.unblocks.endswith(".") for each in BLOCKERS)


def test_what_is_nobody_elses_business_reads_like_any_other_pause() -> None:
    private = {"recovery_time", "exclusion", "open_report", "in_distress", "same_risk", "declined"}
    assert {each.code for each in BLOCKERS if each.told_as == "paused"} == private
    assert not BY_CODE["paused"].told_as


def test_the_compiled_rules_are_those_that_have_words_in_the_same_order() -> None:
    from matcher.pairing._rules import RULES

    assert list(RULES) == [each.code for each in BLOCKERS if each.code != "no_slot"]


def test_every_rule_has_a_case() -> None:
    assert {code for code, *_ in CASES} | {"same_person", "no_slot"} == set(BY_CODE)
