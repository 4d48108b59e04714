"""The hard rules in words: what bars a pair, in which class, why, and what would unblock it.

SAFETY never relaxes, except by a coordinator's dated waiver where the policy allows it. CONSENT relaxes only by the
person whose wish it is: a wish that is not known to be met is not met. QUALITY widens while the newcomer waits, except
where a newcomer's own wish (farthest way, least shared families) stands behind the code: that is theirs to change.

The rules themselves are in ``_rules``, but for an open slot (``no_slot``), which is for the market to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Class = Literal["SAFETY", "CONSENT", "QUALITY"]


@dataclass(frozen=True)
class Blocker:
    """A hard rule. Words are for coordinators, notices and the people concerned: calm, and without any diagnosis."""

    code: str
    kind: Class
    reason: str
    unblocks: str
    told_as: str = ""
    """The code to use outside of the coordinators' desk, when its own would tell what is nobody's business."""


BLOCKERS: tuple[Blocker, ...] = (
    Blocker(
        "same_person", "SAFETY",
        "Newcomer and mentor are the same person.",
        "Nothing: nobody is their own mentor.",
    ),
    Blocker(
        "exclusion", "SAFETY",
        "The two must not be paired.",
        "A coordinator removes the exclusion; \"not again\" is kept for ever.",
        told_as="paused",
    ),
    Blocker(
        "lineage", "SAFETY",
        "The newcomer supports this mentor, directly or through others.",
        "The line of support between the two ends.",
    ),
    Blocker(
        "open_report", "SAFETY",
        "A safety report about one of the two is open.",
        "A coordinator resolves the report.",
        told_as="paused",
    ),
    Blocker(
        "not_admitted", "SAFETY",
        "The mentor is not cleared to take people on.",
        "A coordinator screens the mentor and clears them.",
    ),
    Blocker(
        "recovery_time", "SAFETY",
        "The mentor has not been in recovery for long enough, in itself or ahead of the newcomer.",
        "Time; or a coordinator's waiver with a reason and an end, where the policy allows it.",
        told_as="paused",
    ),
    Blocker(
        "training_lapsed", "SAFETY",
        "The mentor's training is not on record.",
        "The mentor completes the training.",
    ),
    Blocker(
        "supervision_lapsed", "SAFETY",
        "The mentor's last supervision is too long ago.",
        "A supervision contact takes place.",
    ),
    Blocker(
        "paused", "SAFETY",
        "One of the two is taking a pause.",
        "The pause ends, or the person comes back earlier.",
    ),
    Blocker(
        "in_distress", "SAFETY",
        "The mentor was in distress lately.",
        "Some quiet days, or a coordinator's word that all is well.",
        told_as="paused",
    ),
    Blocker(
        "same_risk", "SAFETY",
        "Both are at risk in the same thing at the moment.",
        "One of the two reaches a steadier stage.",
        told_as="paused",
    ),
    Blocker(
        "minor", "SAFETY",
        "One of the two is not of the age that the program is made for.",
        "A program for young people; or the year in which they come of age ends.",
    ),
    Blocker(
        "no_slot", "SAFETY",
        "The mentor has no open slot.",
        "A match of the mentor ends, the mentor takes on more, or another mentor joins.",
    ),
    Blocker(
        "gender_wish", "CONSENT",
        "A wish on gender is not met, or not known to be met.",
        "The person who wished it changes the wish, or the other side says their gender.",
    ),
    Blocker(
        "no_common_language", "CONSENT",
        "The two have no language in common, or not one that was asked for.",
        "One of the two adds a language, or changes the wish.",
    ),
    Blocker(
        "no_common_format", "CONSENT",
        "The two have no way of talking in common, or not one that was asked for.",
        "One of the two adds a way of talking, or changes the wish.",
    ),
    Blocker(
        "consent_missing", "CONSENT",
        "The consent to be matched is missing or over.",
        "The person gives it.",
    ),
    Blocker(
        "declined", "CONSENT",
        "The two were proposed or paired before, and it is not wished again.",
        "Both, or a coordinator with them, wish it again.",
        told_as="paused",
    ),
    Blocker(
        "low_fit", "QUALITY",
        "The two have too little in common, or less than the newcomer asked for.",
        "Waiting lowers the least fit step by step; a wish is lowered by the newcomer.",
    ),
    Blocker(
        "no_common_hours", "QUALITY",
        "The two have too few hours of the week in common.",
        "One of the two adds hours; waiting lowers the least step by step.",
    ),
    Blocker(
        "too_far", "QUALITY",
        "The two live too far apart.",
        "Another format than in person; waiting widens the distance step by step, a wish only by the newcomer.",
    ),
)  # fmt: skip
"""Every blocker, in the order of the reference page; ``declined`` is the one that contract.md does not name."""


BY_CODE = {blocker.code: blocker for blocker in BLOCKERS}
