"""The envelope: a CloudEvent 1.0 in its JSON form, checked before its data is looked at."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from matcher.ids import OpaqueId
from matcher.messages.events import Instant

TYPE_PREFIX = "kindred."
TYPE_SUFFIX = ".v1"
Text = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$")]


class Envelope(BaseModel):
    """The attributes that Kindred reads. Extension attributes of other systems may come along and are not kept."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"]
    id: Text = Field(description="Unique for its source.")
    source: Text
    type: Text = Field(description="`kindred.<what>.<happened>.v1`")
    subject: OpaqueId = Field(description="The member or match that it is about.")
    partitionkey: OpaqueId = Field(description="The program; also the key on Kafka.")
    time: Instant = Field(description="When it happened; may be days ago.")
    datacontenttype: Literal["application/json"] = "application/json"
    data: dict[str, Any] = Field(default_factory=dict)  # looked at by the model of its type, not twice


def long_type(name: str) -> str:
    """The CloudEvents type of a short name: ``member.joined`` → ``kindred.member.joined.v1``."""
    return f"{TYPE_PREFIX}{name}{TYPE_SUFFIX}"


def short_type(name: str) -> str:
    """The short name of a CloudEvents type: ``kindred.member.joined.v1`` → ``member.joined``."""
    return name.removeprefix(TYPE_PREFIX).removesuffix(TYPE_SUFFIX)
