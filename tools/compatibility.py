"""What would break somebody who reads or writes our messages: compares the JSON Schemas of now with a kept snapshot.

``python -m tools.compatibility`` lists the breaks since the snapshot (exit 1 when there are any);
``--accept`` writes the schemas of now as the new snapshot, which belongs into the same commit as the change.

Old events and old facts must stay readable: nothing more may be demanded of them and nothing narrowed. Whoever reads
our notices must find what was always there: nothing may be taken away or become optional.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from matcher.messages.schema import schemas

SNAPSHOT = Path(__file__).parent.parent / "tests" / "samples" / "v1" / "schemas.json"
LOWER_BOUNDS = ("minimum", "exclusiveMinimum", "minLength", "minItems")
UPPER_BOUNDS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
PROSE = frozenset({"title", "description", "default", "examples", "$schema"})

Schema = dict[str, Any]


def breaks(old: dict[str, Schema], new: dict[str, Schema]) -> list[str]:
    """Each way in which the schemas `new` (file name → schema) break what `old` promised, a sentence each."""
    found = [f"{name}: the type is gone" for name in sorted(old.keys() - new.keys())]
    for name in sorted(old.keys() & new.keys()):
        was, now = (resolved(schema) for schema in (old[name], new[name]))
        compare = _withheld if name.startswith("outbound/") else _refused
        found += [f"{name}: {trouble}" for trouble in compare(was, now, "")]
    return found


def resolved(schema: Schema) -> Schema:
    """The schema with its definitions in place of the references to them, and without prose."""
    definitions = schema.get("$defs", {})

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(item) for item in node]
        if not isinstance(node, dict):
            return node
        if reference := node.get("$ref"):
            return walk(definitions[reference.rsplit("/", 1)[-1]])
        return {key: _properties(value) if key == "properties" else walk(value) for key, value in _told(node)}

    def _properties(named: Schema) -> Schema:
        return {name: walk(node) for name, node in named.items()}

    def _told(node: Schema) -> Iterator[tuple[str, Any]]:
        return ((key, value) for key, value in node.items() if key not in PROSE and key != "$defs")

    walked: Schema = walk(schema)
    return walked


def _refused(old: Schema, new: Schema, where: str) -> Iterator[str]:
    """Ways in which a document that `old` takes is refused, or read for less, by `new`."""
    yield from _removed(old, new, where)
    for name in sorted(set(new.get("required", ())) - set(old.get("required", ()))):
        yield f"{where}{name} is newly required"
    yield from _narrowed(old, new, where)
    for name, schema in old.get("properties", {}).items():
        if name in new.get("properties", {}):
            yield from _refused(schema, new["properties"][name], f"{where}{name}.")
    yield from _alternatives(old, new, where)
    if "items" in old and "items" in new:
        yield from _refused(old["items"], new["items"], f"{where}[].")


def _alternatives(old: Schema, new: Schema, where: str) -> Iterator[str]:
    for option in _options(old):
        kin = [other for other in _options(new) if _kind(other) == _kind(option)]
        if not kin:
            yield f"{where.rstrip('.') or 'document'} no longer takes {_kind(option)}"
        elif option is not old or kin[0] is not new:
            yield from _refused(option, kin[0], where)


def _withheld(old: Schema, new: Schema, where: str) -> Iterator[str]:
    """Ways in which a reader of `old` misses something, or meets another type, in a document of `new`."""
    yield from _removed(old, new, where)
    for name in sorted(set(old.get("required", ())) - set(new.get("required", ()))):
        yield f"{where}{name} is no longer always there"
    for kind in sorted({_kind(option) for option in _options(new)} - {_kind(option) for option in _options(old)}):
        yield f"{where.rstrip('.') or 'document'} may newly be {kind}"
    for name, schema in old.get("properties", {}).items():
        if name in new.get("properties", {}):
            yield from _withheld(schema, new["properties"][name], f"{where}{name}.")


def _removed(old: Schema, new: Schema, where: str) -> Iterator[str]:
    for name in sorted(old.get("properties", {}).keys() - new.get("properties", {}).keys()):
        yield f"{where}{name} is gone"


def _narrowed(old: Schema, new: Schema, where: str) -> Iterator[str]:
    place = where.rstrip(".") or "document"
    if missing := sorted(set(map(str, old.get("enum", ()))) - set(map(str, new.get("enum") or old.get("enum", ())))):
        yield f"{place} no longer takes {', '.join(missing)}"
    for bound in LOWER_BOUNDS:
        if bound in new and new[bound] > old.get(bound, float("-inf")):
            yield f"{place}: {bound} rose to {new[bound]}"
    for bound in UPPER_BOUNDS:
        if bound in new and new[bound] < old.get(bound, float("inf")):
            yield f"{place}: {bound} fell to {new[bound]}"
    for key in ("pattern", "const"):
        if key in new and new[key] != old.get(key):
            yield f"{place}: {key} changed"
    if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
        yield f"{place} no longer takes fields it does not know"


def _options(schema: Schema) -> list[Schema]:
    options: list[Schema] = schema.get("anyOf", [schema])
    return options


def _kind(schema: Schema) -> str:
    if "const" in schema:
        return f"the constant {schema['const']}"
    return str(schema.get("type", "anything"))


def _snapshot() -> str:
    """The schemas of now without their prose, a line each, so that a difference is easy to see."""
    lines = [f"{json.dumps(name)}: {json.dumps(resolved(schema))}" for name, schema in sorted(schemas().items())]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> int:
    """Compare, or accept what is now."""
    parser = argparse.ArgumentParser(description="Compare the message schemas with the kept snapshot.")
    parser.add_argument("--accept", action="store_true", help="write the schemas of now as the snapshot")
    if parser.parse_args().accept:
        SNAPSHOT.write_text(_snapshot())
        return 0
    found = breaks(json.loads(SNAPSHOT.read_text()), schemas())
    sys.stdout.writelines(f"{line}\n" for line in found)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
