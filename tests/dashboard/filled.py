"""The forms of a page as a browser without scripts would send them."""

from __future__ import annotations

from html.parser import HTMLParser


def forms_of(page: str) -> dict[str, dict[str, list[str]]]:
    """By where a form is sent to: its fields with what is filled in or chosen; of two forms for one place, the last."""
    reader = _Reader()
    reader.feed(page)
    return reader.forms


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, list[str]]] = {}
        self._fields: dict[str, list[str]] = {}
        self._text: str | None = None
        """The name of the text area that is being read."""

        self._select = ""
        self._first = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        name, value, kind = said.get("name", ""), said.get("value", ""), said.get("type", "text")
        if tag == "form":
            self._fields = self.forms[said["action"]] = {}
        elif tag == "select":
            self._select, self._first = name, True
            self._fields.setdefault(name, [])
        elif tag == "textarea":
            self._text = name
            self._fields.setdefault(name, []).append("")
        elif tag == "option" and (self._first or "selected" in said):
            values = self._fields[self._select]
            self._fields[self._select] = [*(values if self._first else values[:-1]), value]
            self._first = False
        elif tag == "input" and name and (kind not in ("checkbox", "radio") or "checked" in said):
            self._fields.setdefault(name, []).append(value or ("on" if kind == "checkbox" else ""))

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._fields[self._text][-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._text = None
