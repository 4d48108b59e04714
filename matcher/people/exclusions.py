"""Exclusions: people who must not be paired with each other, either way round, and for ever where that was said."""

from __future__ import annotations

from matcher.messages import events as told
from matcher.messages.facts import Fact, Told


class Exclusions:
    """For each person, whom they must not be put together with, and of what kind the exclusion is.

    Two-sided and without a reason asked. Both may have said so: the two stay apart until every exclusion between them
    is removed, and ``never_again`` cannot be removed at all.
    """

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], str] = {}
        self._of: dict[str, dict[str, None]] = {}

    def of(self, member: str) -> tuple[str, ...]:
        """Everybody the member must not be put together with."""
        return tuple(self._of.get(member, ()))

    def evolve(self, fact: Fact) -> None:
        """Take a fact in."""
        if not isinstance(fact.data, Told):
            return
        subject, what = fact.data.subject, fact.data.what
        if fact.type == "member.erased":
            self._erase(subject)
        elif isinstance(what, told.Exclusion):
            if fact.type == "exclusion.added":
                self._add(subject, what.other, what.kind)
            else:
                self._remove(subject, what.other)

    def _add(self, subject: str, other: str, kind: str) -> None:
        if subject == other:  # in journals of before it was refused
            return
        if self._said.get((subject, other)) != "never_again":
            self._said[subject, other] = kind
        self._of.setdefault(subject, {})[other] = None
        self._of.setdefault(other, {})[subject] = None

    def _remove(self, subject: str, other: str) -> None:
        if self._said.get((subject, other), "never_again") == "never_again":
            return
        del self._said[subject, other]
        if (other, subject) not in self._said:
            del self._of[subject][other], self._of[other][subject]

    def _erase(self, subject: str) -> None:
        for other in self._of.pop(subject, ()):
            self._of[other].pop(subject, None)
            self._said.pop((subject, other), None)
            self._said.pop((other, subject), None)

    def to_json(self) -> list[list[str]]:
        """The state as plain JSON."""
        return [[subject, other, kind] for (subject, other), kind in self._said.items()]

    @classmethod
    def from_json(cls, state: list[list[str]]) -> Exclusions:
        """The room whose state this was."""
        room = cls()
        for subject, other, kind in state:
            room._add(subject, other, kind)
        return room
