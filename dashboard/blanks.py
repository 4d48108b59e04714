"""Forms that are drawn from their models: a field's title, hint and choices stand where its type stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

Kind = Literal["text", "number", "date", "choice", "many", "tick"]


class Blank(BaseModel):
    """One field of a form."""

    name: str
    title: str
    kind: Kind
    hint: str
    required: bool
    choices: list[tuple[str, str]]


def blanks(form: type[BaseModel], choices: Mapping[str, Mapping[str, str]] | None = None) -> list[Blank]:
    """The fields of a form, in order; ``choices`` are those of fields that do not say them themselves."""
    return [_blank(name, field, (choices or {}).get(name)) for name, field in form.model_fields.items()]


def _blank(name: str, field: FieldInfo, offered: Mapping[str, str] | None) -> Blank:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    given = extra.get("choices") if offered is None else offered
    choices = {str(key): str(value) for key, value in given.items()} if isinstance(given, Mapping) else {}
    return Blank(
        name=name,
        title=field.title or name.replace("_", " "),
        kind=_kind(field.annotation, "choices" in extra),
        hint=field.description or "",
        required=field.is_required(),
        choices=list(choices.items()),
    )


def _kind(annotation: Any, has_choices: bool) -> Kind:
    parts = {annotation, *get_args(annotation)}
    if get_origin(annotation) in (list, tuple) or any(get_origin(part) in (list, tuple) for part in parts):
        return "many"
    if has_choices:
        return "choice"
    if date in parts:
        return "date"
    if bool in parts:
        return "tick"
    return "number" if int in parts else "text"
