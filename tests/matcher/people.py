"""A small program for tests: events in plain words, and a driver that feeds them as the processor does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from matcher.instants import DAY, HOUR, format_instant, parse_instant
from matcher.messages.catalog import Event, parse
from matcher.messages.envelope import long_type
from matcher.messages.facts import Fact
from matcher.pairing.matches import Match
from matcher.policy import Policy
from matcher.program import Program

T0 = parse_instant("2026-03-02T09:00:00Z")
"""A Monday, and no midnight."""


def day(at: int) -> str:
    """The calendar date of an instant."""
    return format_instant(at)[:10]


def tell(type_: str, subject: str, at: int = T0, /, **data: Any) -> Event:
    """Any event, as a platform would send it."""
    return parse(
        {
            "specversion": "1.0", "id": f"{type_}/{subject}/{at}", "source": "/tests", "type": long_type(type_),
            "subject": subject, "partitionkey": "river", "time": format_instant(at), "data": data,
        }
    )  # fmt: skip


def join(who: str, at: int = T0, **changes: Any) -> Event:
    """A newcomer a month in remission, who was asked for every wish and seeks a mentor."""
    profile = {
        "experiences": [{"code": "F11.20", "state": "early", "since": day(at - 30 * DAY)}, {"code": "F43.10"}],
        "needs": ["cravings"],
        "languages": ["en"],
        "formats": ["phone"],
        "gender": "woman",
        "birth_year": 1991,
        "wishes": {"mentor_gender": "any"},
        "seeks_mentor": True,
    }
    return tell("member.joined", who, at, **{**profile, **changes})


def veteran(who: str, at: int = T0, **changes: Any) -> Event:
    """A member five years in recovery who seeks nobody."""
    years = [{"code": code, "state": "sustained", "since": day(at - 1_800 * DAY)} for code in ("F11.20", "F43.10")]
    return join(who, at, **{"experiences": years, "birth_year": 1980, "seeks_mentor": None, **changes})


def volunteer(who: str, at: int = T0, **offer: Any) -> Event:
    """An offer of somebody trained long ago and supervised today."""
    return tell(
        "mentor.volunteered", who, at,
        **{"trained": day(at - 400 * DAY), "supervised": day(at), "strategies": ["cravings"], **offer},
    )  # fmt: skip


def mentor(who: str, at: int = T0, profile: dict[str, Any] | None = None, **offer: Any) -> list[Event]:
    """Everything that makes an admitted mentor."""
    return [
        veteran(who, at, **(profile or {})),
        volunteer(who, at, **offer),
        tell("mentor.screened", who, at, outcome="cleared"),
    ]


class River:
    """A program, fed as the processor feeds it: check, what is due, the event. Policy tables are given by name."""

    def __init__(self, *events: Event | list[Event], **tables: dict[str, Any]) -> None:
        self.program = Program("river")
        self.policy = Policy.model_validate(tables)
        self.facts: list[Fact] = []
        self.take(*events)

    def take(self, *events: Event | list[Event], at: int | None = None) -> list[Fact]:
        """Feed events; the facts that followed."""
        before = len(self.facts)
        for event in _flat(events):
            instant = max(self.program.at or event.time, event.time if at is None else at)
            if self.program.at is None:
                self.facts += self.program.adopt(self.policy, instant)
            self.facts += self.program.handle(event, instant)
        return self.facts[before:]

    def until(self, at: int) -> list[Fact]:
        """Let the clock run; the facts that fell due on the way."""
        found = self.program.advance(at)
        self.facts += found
        return [fact for fact in found if fact.type != "clock.advanced"]

    def match(self, newcomer: str) -> Match:
        """The newcomer's open match."""
        found = self.program.state.matches.of_newcomer(newcomer)
        assert found is not None, f"{newcomer} has no open match"
        return found

    def mentor_of(self, newcomer: str) -> tuple[str, str] | None:
        """Mentor and stage of the newcomer's open match."""
        found = self.program.state.matches.of_newcomer(newcomer)
        return None if found is None else (found.mentor, found.stage)

    def in_market(self) -> tuple[list[str], dict[str, int]]:
        """Newcomers and mentors with their slots as the market has them, sorted."""
        market = self.program.market()
        return sorted(market["newcomers"]), {
            m["id"]: m["slots"] for m in sorted(market["mentors"], key=lambda m: m["id"])
        }

    def sound(self) -> River:
        """Assert that nothing is wrong, and that the facts alone lead here."""
        assert self.program.violations() == []
        folded = Program.fold(self.facts)
        assert folded.state_hash() == self.program.state_hash()
        assert weights(folded) == weights(self.program)
        return self


def weights(program: Program) -> dict[str, Any]:
    """The market without the order in which people came to it: slots, weights, plan."""
    market = program.market()
    newcomers, mentors = market["newcomers"], [mentor["id"] for mentor in market["mentors"]]
    return {
        "slots": {mentor["id"]: mentor["slots"] for mentor in market["mentors"]},
        "newcomers": sorted(newcomers),
        "weights": {(newcomers[i], mentors[j]): (w, t) for i, j, w, t in market["weights"]},
        "plan": {newcomers[i]: mentors[j] for i, j in market["plan"]},
    }


def types(found: Iterable[Fact]) -> list[str]:
    """The facts' types, in order."""
    return [fact.type for fact in found]


def _flat(events: Iterable[Event | list[Event]]) -> Iterable[Event]:
    for each in events:
        yield from each if isinstance(each, list) else [each]


__all__ = ["DAY", "HOUR", "T0", "River", "day", "join", "mentor", "tell", "types", "veteran", "volunteer", "weights"]
