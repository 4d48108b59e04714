"""The closed word lists of the messages. Other words are refused, so that no free text about a person gets in."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

Theme = Literal[
    "anger", "anxiety", "boundaries", "cravings", "education", "faith", "family", "grief", "health", "housing", "legal",
    "loneliness", "medication", "money", "parenting", "sleep", "trauma", "work",
]  # fmt: skip
"""What a newcomer needs help with, a mentor has strategies for, and a pulse says has helped: one vocabulary."""

State = Literal["active", "early", "sustained", "past"]
"""Of an experience: active, early (under 12 months of remission), sustained, past."""

Gender = Literal["woman", "man", "nonbinary", "other"]
Format = Literal["phone", "video", "chat", "text", "in_person"]
PauseKind = Literal["treatment", "hospital", "custody", "away"]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=20)]
"""A BCP 47 tag such as ``en`` or ``es``."""
ExperienceCode = Annotated[str, StringConstraints(pattern=r"^[FZ][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?$")]
"""The form of an ICD-10-CM code of chapter F or Z; whether the code exists is for ``people.experience`` to say."""
Reason = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""A short code such as ``no_contact``; never free text."""
