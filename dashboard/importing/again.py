"""What a file says again though something else holds by now: said otherwise since, by another file or by hand.

It is known, so it is not told again by itself: an old file must not undo what somebody said later. Whoever imports may
want it to, as where a mistake is taken back. Then it is told as a change of what stands, which brings back nobody who
left and gives nobody a new mentor.
"""

from __future__ import annotations

from typing import Any, Final

from dashboard.importing import lines
from matcher.messages.catalog import parse
from matcher.messages.envelope import long_type
from matcher.messages.events import MemberJoined, MentorVolunteered
from matcher.people.member import Member
from matcher.people.profile import Profile, theme_mask

JOINED: Final = long_type("member.joined")
VOLUNTEERED: Final = long_type("mentor.volunteered")
_PROFILE: Final = tuple(Profile.__dataclass_fields__)
_OFFER: Final = ("capacity", "strategies", "backup")  # when they were trained and supervised goes on without files


def holds(document: dict[str, object], member: Member | None) -> bool:
    """Whether what was said once still holds; yes, of whom nothing stands any more."""
    if document["type"] not in (JOINED, VOLUNTEERED) or member is None or not member.present:
        return True
    said = parse(document).data
    if isinstance(said, MemberJoined):
        return Profile.joined(said) == member.profile
    offer = member.mentorship
    if not isinstance(said, MentorVolunteered) or offer is None:
        return True
    return (
        said.capacity in (None, offer.capacity)
        and said.backup in (None, offer.backup)
        and (said.strategies is None or theme_mask(said.strategies) == offer.strategies)
    )


def told(document: dict[str, object], program: str, now: int) -> dict[str, object]:
    """The change that makes it hold again."""
    said: Any = document["data"]
    if document["type"] == JOINED:
        data, type_ = {name: said.get(name) for name in _PROFILE}, "member.updated"  # null takes a part back
    else:
        data, type_ = {name: said[name] for name in _OFFER if name in said}, "mentor.updated"
    changed = lines.document(program, str(document["subject"]), type_, now, data, str(now), None)
    return {**changed, "data": data}
