"""The state of one program: the fold of its facts, and nothing that can be derived from it.

Each room keeps its own part and changes it by facts; this module only hands every fact to the rooms that know it.
The market, the plan and the columns are derived (``pairing.desk``) and are not part of the state.
"""

from __future__ import annotations

import hashlib
import json
from operator import attrgetter
from typing import Any

from matcher.graph import SupportGraph
from matcher.messages.events import NewcomerWishes
from matcher.messages.facts import Fact, PolicyAdopted, Told
from matcher.pairing.matches import Matches
from matcher.people import concerns, consents
from matcher.people.concerns import Concern
from matcher.people.exclusions import Exclusions
from matcher.people.member import NO_WAIVERS, Member, Mentorship
from matcher.people.membership import Membership
from matcher.people.profile import Profile
from matcher.people.recovery import Recovery
from matcher.policy import Policy

FORMAT = 3
"""Of ``dump``; a reader that meets a newer one says "upgrade". Format 1 kept no concerns, nor who had made a pair;
format 2 no contacts with people, no setbacks of mentors that others told, not when a consent to be matched was said or
somebody had left, and only the newest report."""


class State:
    """Everything that the facts of a program say, after fact ``n`` at clock ``at``."""

    def __init__(self, program: str) -> None:
        self.program = program
        self.n = 0
        self.at: int | None = None
        self.policy = Policy()
        self.policy_digest: str | None = None
        self.started: bool | None = None
        self.members = Membership()
        self.exclusions = Exclusions()
        self.matches = Matches()
        self.support = SupportGraph()
        self.hears_all = True  # False: began with a snapshot of an older format, which could not tell all

    @property
    def pairing(self) -> bool:
        """Whether the program proposes pairs: told to, or made to start at once and never told to stop."""
        return self.policy.program.start == "at_once" if self.started is None else self.started

    def evolve(self, fact: Fact) -> None:
        """Take the next fact in. Never runs the algorithm: an upgrade cannot change what was decided."""
        self.n, self.at = fact.n, fact.at
        what = fact.type
        if what in _ONLY_MEMBERS:  # most facts there are
            self.members.evolve(fact, self.policy)
        elif isinstance(fact.data, PolicyAdopted):
            self.policy, self.policy_digest = Policy.from_text(fact.data.text), fact.data.digest
        elif what.startswith("program."):
            self.started = what == "program.started"
            self.matches.evolve(fact)
        else:
            self.members.evolve(fact, self.policy)
            self.exclusions.evolve(fact)
            self.matches.evolve(fact)
            self.support.evolve(fact)
            if what in _SIGNS_OF_LIFE and isinstance(fact.data, Told):
                pair = self.matches.members_of(fact.data.subject) or ()
                both = what == "match.contacted"
                heard_of = pair if both else [who for who in pair if who == getattr(fact.data.what, "by", None)]
                self.members.heard_of(heard_of, min(fact.data.time, fact.at))

    def to_json(self) -> dict[str, Any]:
        """The state as JSON writes it (a tuple as a list), lossless and in a fixed order."""
        return {
            "format": FORMAT,
            "program": self.program,
            "n": self.n,
            "at": self.at,
            "policy": self.policy.text() if self.policy_digest else None,
            "started": self.started,
            "members": [_member_to_json(member) for member in self.members],
            "exclusions": self.exclusions.to_json(),
            "matches": self.matches.to_json(),
            "support": self.support.to_json(),
            "hears_all": self.hears_all,
        }

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> State:
        """The state that ``to_json`` wrote. Raises ValueError or KeyError when another version wrote it."""
        state = cls(raw["program"])
        if raw["format"] in (1, 2):
            raw = {**raw, "format": FORMAT, "hears_all": False}
        if raw["format"] != FORMAT or raw.keys() != state.to_json().keys():
            raise ValueError("the state is in the format of another version")
        state.n, state.at = raw["n"], raw["at"]
        state.started, state.hears_all = raw["started"], raw["hears_all"]
        if raw["policy"] is not None:
            state.policy = Policy.from_text(raw["policy"])
            state.policy_digest = state.policy.digest()
        for one in raw["members"]:
            state.members.members[one["id"]] = _member_from_json(one)
        state.exclusions = Exclusions.from_json(raw["exclusions"])
        state.matches = Matches.from_json(raw["matches"])
        state.support = SupportGraph.from_json(raw["support"])
        return state

    def forget_what_is_new(self) -> None:
        """Let go of what snapshots of older formats did not hold, to compare the state with one begun with such."""
        self.hears_all = False
        for member in self.members:
            member.concerns.clear()
            member.clinicians, member.reached_at, member.consent_said, member.left_n = (), 0, None, 0
        for match in self.matches.open.values():
            match.recorded = False

    def hash(self) -> str:
        """SHA-256 of the state: equal for every reader of the same facts."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


_SIGNS_OF_LIFE = frozenset({"match.answered", "match.contacted", "match.pulsed"})
_ONLY_MEMBERS = frozenset(
    {"progress.checked_in", "progress.milestone", "progress.assessed", "progress.setback", "mentor.supervised"}
)


def _member_to_json(member: Member) -> dict[str, Any]:
    offer = member.mentorship
    plain = {
        **dict(zip(_PLAIN, _plain(member), strict=True)),
        "profile": member.profile.to_json(),
        "recovery": member.recovery.to_json(),
        "mentorship": None if offer is None else _mentorship_to_json(offer),
    }
    seldom = {"clinicians": member.clinicians or None, "consent_said": member.consent_said}  # most members have none
    return plain | {name: each for name, each in seldom.items() if each is not None}


def _mentorship_to_json(offer: Mentorship) -> dict[str, Any]:
    wishes = offer.newcomer_wishes
    plain = dict(zip(Mentorship.__slots__, _plain_offer(offer), strict=True))
    return plain if wishes is None else {**plain, "newcomer_wishes": wishes.model_dump(mode="json")}


def _member_from_json(raw: dict[str, Any]) -> Member:
    offer = raw["mentorship"]
    if offer is not None:
        wishes = offer["newcomer_wishes"]
        offer = Mentorship(**{**offer, "newcomer_wishes": wishes and NewcomerWishes.model_validate(wishes)})
    profile, recovery = Profile.from_json(raw["profile"]), Recovery.from_json(raw["recovery"])
    clinicians = consents.from_json(raw.get("clinicians", []))
    told = {
        "profile": profile, "recovery": recovery, "mentorship": offer, "clinicians": clinicians,
        "waivers": raw["waivers"] or NO_WAIVERS,
    }  # fmt: skip
    member = Member(**{**raw, **told})
    if "concerns" in raw:
        member.concerns = {key: Concern(*each) for key, each in raw["concerns"].items()}
    else:
        member.concerns = concerns.of_format_1(member)
    return member


_APART = ("profile", "recovery", "mentorship", "clinicians", "consent_said")
_PLAIN = [name for name in Member.__slots__ if name not in _APART]
_plain = attrgetter(*_PLAIN)
_plain_offer = attrgetter(*Mentorship.__slots__)
