"""From what a browser or a program sends to a model: empty fields are absent, lists are fields that come again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from starlette.datastructures import FormData, QueryParams, UploadFile

from dashboard.frame import FormErrors, Given

Model = TypeVar("Model", bound=BaseModel)

WHOLE_FORM: Final = "form"
"""The name under which an error stands that belongs to no field."""

_MANY: Final = (list, tuple, set, frozenset)
_WORDS: Final = {
    "missing": "This is needed.",
    "extra_forbidden": "There is no such field.",
    "string_too_short": "This is needed.",
    "literal_error": "Choose one of the list.",
    "enum": "Choose one of the list.",
    "int_parsing": "This must be a whole number.",
    "float_parsing": "This must be a number.",
    "date_from_datetime_parsing": "This must be a date: 2026-03-02.",
    "date_parsing": "This must be a date: 2026-03-02.",
}


def read(model: type[Model], fields: FormData | QueryParams | Mapping[str, Any]) -> Model:
    """The model that the fields give. Raises FormErrors, one sentence a field; the value itself is not repeated."""
    try:
        return model.model_validate(_values(model, fields))
    except ValidationError as trouble:
        raise FormErrors(**_sentences(trouble)) from None


def plain(form: FormData) -> Given:
    """The texts of a form, to be shown again; neither files nor the form's token."""
    return Given([(name, it) for name, it in form.multi_items() if isinstance(it, str) and name != "form_token"])


def has_secrets(model: type[BaseModel]) -> bool:
    """Whether a form has fields that nothing may show again: passwords."""
    return any(field.annotation is SecretStr for field in model.model_fields.values())


async def with_files(form: FormData) -> FormData:
    """The form with the bytes of its files in place of the files."""
    pairs: list[tuple[str, Any]] = []
    for name, value in form.multi_items():
        pairs.append((name, await value.read() if isinstance(value, UploadFile) else value))
    return FormData(pairs)


def _values(model: type[BaseModel], fields: FormData | QueryParams | Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(fields, FormData | QueryParams):
        return dict(fields)
    values: dict[str, Any] = {}
    for name in fields:
        given = [value for value in fields.getlist(name) if value not in ("", b"")]
        if name == "form_token" or not given:
            continue
        field = model.model_fields.get(name)
        values[name] = given if field is not None and _is_many(field.annotation) else given[-1]
    return values


def _is_many(annotation: object) -> bool:
    return get_origin(annotation) in _MANY or any(_is_many(part) for part in get_args(annotation))


def _sentences(trouble: ValidationError) -> dict[str, str]:
    errors = trouble.errors(include_url=False, include_input=False)
    return {str(error["loc"][0]) if error["loc"] else WHOLE_FORM: _sentence(error) for error in reversed(errors)}


def _sentence(error: Mapping[str, Any]) -> str:
    if error["type"] in _WORDS:
        return _WORDS[error["type"]]
    text = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."
