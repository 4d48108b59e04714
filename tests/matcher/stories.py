"""Stories of eight people in which anything may happen, at odd times: told late, out of order, at the same instant.

A seed makes one story; half of what is told is likely, so that there are mentors, newcomers and matches to tell of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from tests.matcher.people import DAY, HOUR, T0, day

PEOPLE = [f"p-{number}" for number in range(8)]
MIDNIGHT = T0 - 9 * HOUR
LATER = [0] * 8 + [1, HOUR, 5 * HOUR, 12 * HOUR, 12 * HOUR, DAY, DAY, 3 * DAY, 12 * DAY, -HOUR, -9 * DAY]
LONG = [40 * DAY, 370 * DAY, -300 * DAY]
CODES = ["F10.20", "F11.20", "F43.10", "F33.1", "Z59.01"]

Step = tuple[str, str, dict[str, Any], int]
"""Event type, subject (``@3`` is the third of all matches there ever were), data, time."""


class Chance(Random):
    """A source of chance that fills in events."""

    def some(self, **parts: Callable[[], Any]) -> dict[str, Any]:
        """Some of these parts."""
        return {name: make() for name, make in parts.items() if self.random() < 0.25}

    def person(self) -> str:
        return self.choice(PEOPLE)

    def until(self) -> str:
        return day(T0 + self.choice([-2, 0, 1, 2, 7, 30, 90]) * DAY)

    def ago(self) -> str | None:
        days = self.choice([None, 5, 30, 200, 364, 365, 366, 600, 2_000])
        return None if days is None else day(T0 - days * DAY)

    def experiences(self) -> list[dict[str, Any]]:
        states = ["active", "early", "sustained", "sustained", "past"]
        return [
            {"code": self.choice(CODES), "state": self.choice(states), "since": self.ago()}
            for _ in range(self.randint(1, 3))
        ]

    def words(self, *words: str) -> list[str]:
        return self.sample(words, self.randint(0, len(words)))

    def profile(self) -> dict[str, Any]:
        return self.some(
            languages=lambda: self.words("en", "es"),
            formats=lambda: self.words("phone", "in_person"),
            gender=lambda: self.choice(["woman", "man"]),
            birth_year=lambda: self.choice([1960, 1991, 2007, 2008, 2009]),
            hours=lambda: self.choice([[], [1, 2], [2, 3, 40], list(range(168))]),
            zone=lambda: self.choice(["America/Denver", "Asia/Kolkata", None]),
            place=lambda: self.choice([{"lat": 39.7, "lon": -105.0}, {"lat": 41.0, "lon": -104.0}]),
            wishes=lambda: {"mentor_gender": self.choice(["any", ["woman"]]), "max_km": self.choice([5, 500, None])},
            seeks_mentor=lambda: self.choice([True, True, False]),
            needs=lambda: self.words("work", "sleep"),
        )

    def consent(self) -> dict[str, Any]:
        if self.choice([True, False]):
            return {"scope": "matching"}
        return {"scope": "clinician"} | self.some(to=lambda: self.choice(["a-1", "a-2"]), purpose=lambda: "treatment")

    def offer(self) -> dict[str, Any]:
        return self.some(
            capacity=lambda: self.randint(0, 3),
            trained=self.ago,
            supervised=lambda: day(T0 - self.randint(0, 40) * DAY),
            newcomer_wishes=lambda: {"gender": self.choice(["any", ["woman"]])},
            strategies=lambda: self.words("work", "sleep"),
        )


def _open(chance: Chance) -> dict[str, Any]:
    """A newcomer whom nothing bars but what may come."""
    return {
        "experiences": chance.experiences(), "birth_year": 1991, "gender": "woman",
        "wishes": {"mentor_gender": "any"}, "seeks_mentor": True, **chance.profile(),
    }  # fmt: skip


def _trained(chance: Chance) -> dict[str, Any]:
    return {"trained": day(T0 - 90 * DAY), **chance.offer()}


def _waiver(chance: Chance) -> dict[str, Any]:
    return {"rule": "recovery_time", "reason": "steady", "until": chance.until()}


Make = Callable[[Chance], dict[str, Any]]
TOLD: dict[str, Make] = {
    "member.joined": _open,
    "member.updated": lambda c: c.profile() | c.some(experiences=c.experiences),
    "member.left": lambda c: c.some(reason=lambda: c.choice(["moved", "died"])),
    "member.paused": lambda c: c.some(until=c.until),
    "member.resumed": lambda c: {},
    "member.referred": lambda c: {},
    "member.contacted": lambda c: {},
    "member.erased": lambda c: {},
    "mentor.volunteered": _trained,
    "mentor.screened": lambda c: {"outcome": c.choice(["cleared", "cleared", "declined"])} | c.some(until=c.until),
    "mentor.supervised": lambda c: c.some(at=lambda: day(T0 - c.randint(0, 40) * DAY)),
    "mentor.updated": lambda c: c.offer(),
    "mentor.paused": lambda c: c.some(until=c.until),
    "mentor.resumed": lambda c: {},
    "mentor.withdrawn": lambda c: {},
    "progress.checked_in": lambda c: c.some(mood=lambda: c.randint(0, 10)),
    "progress.milestone": lambda c: {"kind": "days"} | c.some(days=lambda: c.randint(0, 500)),
    "progress.setback": lambda c: (
        {"severity": c.choice(["lapse", "relapse"]), "by": c.choice(["self", "clinician"])}
        | c.some(code=lambda: c.choice(CODES))
    ),
    "progress.assessed": lambda c: {"instrument": "PHQ-9", "total": 2, "items": [0] * 8 + [2]},
    "progress.distress": lambda c: {"level": "high"},
    "treatment.discharged": lambda c: {},
    "match.recorded": lambda c: {"mentor": c.person()},
    "match.reviewed": lambda c: {
        "decision": c.choice(["approve", "approve", "hold", "reject", "reassign"]),
        "mentor": c.person(),
    },
    "match.opened": lambda c: {"by": "s-1"},
    "match.answered": lambda c: {"by": c.person(), "answer": c.choice(["accept", "decline"])},
    "match.recalled": lambda c: {},
    "match.contacted": lambda c: {"by": c.person()},
    "match.pulsed": lambda c: {"by": c.person()},
    "match.closed": lambda c: c.some(reason=lambda: c.choice(["completed", "moved"])),
    "alert.acknowledged": lambda c: {"by": "s-1"},
    "alert.resolved": lambda c: {},
    "circle.confirmed": lambda c: {},
    "circle.dissolved": lambda c: {},
    "circle.joined": lambda c: {},
    "circle.left": lambda c: {},
    "circle.met": lambda c: {},
    "safety.reported": lambda c: {"by": c.person()},
    "safety.resolved": lambda c: {"outcome": c.choice(["unfounded", "unfounded", "upheld"])},
    "exclusion.added": lambda c: {"other": c.person(), "kind": c.choice(["conflict", "never_again"])},
    "exclusion.removed": lambda c: {"other": c.person()},
    "consent.granted": lambda c: c.consent() | c.some(until=c.until),
    "consent.revoked": lambda c: c.consent(),
    "waiver.granted": _waiver,
    "waiver.revoked": lambda c: {"rule": "recovery_time"},
    "program.started": lambda c: {},
    "program.stopped": lambda c: {},
}
"""How every event type is filled in."""

LIKELY = [
    "member.joined", "member.joined", "mentor.volunteered", "mentor.screened", "mentor.supervised", "mentor.supervised",
    "match.reviewed", "match.reviewed", "match.recorded", "match.closed", "member.updated",
    "program.started", "member.resumed",
]  # fmt: skip
ON_MATCHES = frozenset(type_ for type_ in TOLD if type_.startswith("match.") and type_ != "match.recorded")


def story(seed: int, length: int) -> Iterator[Step]:
    """Four steady people offer support, then ``length`` things happen."""
    chance = Chance(seed)
    start = chance.choice([T0, MIDNIGHT])
    for who, days in zip(PEOPLE, (3_000, 2_500, 2_000, 300), strict=False):
        since = [{"code": chance.choice(CODES[:3]), "state": "sustained", "since": day(T0 - days * DAY)}]
        profile = {"experiences": since, "birth_year": 1980, "gender": "woman", "wishes": {"mentor_gender": "any"}}
        yield "member.joined", who, profile, start
        yield "mentor.volunteered", who, {"trained": day(T0 - 900 * DAY), "capacity": chance.randint(1, 2)}, start
        yield "mentor.screened", who, {"outcome": "cleared"}, start
    now = start
    for _ in range(length):
        type_ = chance.choice(LIKELY if chance.random() < 0.5 else list(TOLD))
        subject = f"@{chance.randint(0, 40)}" if type_ in ON_MATCHES else chance.person()
        time = now + chance.choice(LATER if chance.random() < 0.97 else LONG)
        if chance.random() < 0.1:  # a midnight, at which pauses, waivers and supervisions end
            time = -(-time // DAY) * DAY
        now = max(now, time)
        yield type_, subject, TOLD[type_](chance), time
