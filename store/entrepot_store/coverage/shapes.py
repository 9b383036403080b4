"""The shape of payloads: which fields there are and of which types, as JSON Schema, and how it changed over time.

Fields are named by JSONPath: `$.lines[*].price`. Members named by a value (`{"7": …, "8": …}`) count as one field.
What is looked at is bounded: depth, fields, and items of a list.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from genson import SchemaBuilder

from ..documents.canonical import is_json, parse_json
from .segments import kind_of

LONGEST = 1024 * 1024
"""Bytes of a body that is looked at."""
DEEPEST = 12
MOST_FIELDS = 300
MOST_ITEMS = 50
_LONGEST_NAME = 64
MOST_SAMPLES = 100
BASE = 3
"""So many samples without a field make it new when it comes, so many with it make it missed when it is gone."""

_ITEMS, _MEMBERS = "[*]", ".*"


class Field(NamedTuple):
    """The JSON types a field was seen with, and the field that holds it (empty for the root)."""

    kinds: frozenset[str]
    parent: str


type Fields = Mapping[str, Field]


@dataclass(slots=True, frozen=True)
class Change:
    """A field that came, went or changed its types; `at` is the hour (since the epoch) of the sample that showed it.

    A field that comes and goes, an optional one, does not change by that."""

    field: str
    kind: Literal["added", "removed", "retyped"]
    at: int
    before: tuple[str, ...]
    after: tuple[str, ...]


def schema_of(content_type: str, body: bytes) -> str | None:
    """The JSON Schema of a body as JSON text, the same for bodies of the same shape; None if it is not JSON."""
    if not is_json(content_type) or not 0 < len(body) <= LONGEST:
        return None
    try:
        value = parse_json(body)
    except (ValueError, RecursionError):
        return None
    builder = SchemaBuilder(schema_uri=None)
    builder.add_object(_bounded(value, DEEPEST, [MOST_FIELDS]))
    return json.dumps(builder.to_schema(), sort_keys=True, separators=(",", ":"))


def _bounded(value: Any, depth: int, fields: list[int]) -> Any:
    if isinstance(value, dict):
        if depth == 0:
            return {}
        kept: dict[str, Any] = {}
        for name in sorted(value):
            shown = _field_name(name)
            if shown not in kept:
                if fields[0] == 0:
                    break
                fields[0] -= 1
                kept[shown] = _bounded(value[name], depth - 1, fields)
        return kept
    if isinstance(value, list):
        return [] if depth == 0 else [_bounded(item, depth - 1, fields) for item in value[:MOST_ITEMS]]
    return value


def _field_name(name: str) -> str:
    if len(name) > _LONGEST_NAME:
        return "{other}"
    kind = kind_of(name)
    return name if kind is None else f"{{{kind}}}"


@lru_cache(maxsize=4096)
def fields_of(schema: str) -> Fields:
    """The fields of a schema that `schema_of` made, by JSONPath."""
    found: dict[str, set[str]] = {}
    parents: dict[str, str] = {}
    for name, kind, parent in _walk(json.loads(schema), "$", ""):
        found.setdefault(name, set()).add(kind)
        parents[name] = parent
    return {name: Field(frozenset(kinds), parents[name]) for name, kinds in found.items()}


def _walk(schema: Mapping[str, Any], place: str, parent: str) -> Iterator[tuple[str, str, str]]:
    for alternative in schema.get("anyOf", (schema,)):
        kinds = alternative.get("type", ())
        for kind in (kinds,) if isinstance(kinds, str) else kinds:
            yield place, kind, parent
        for name, inner in alternative.get("properties", {}).items():
            yield from _walk(inner, place + step(name), place)
        items = alternative.get("items")
        if isinstance(items, dict):
            yield from _walk(items, f"{place}{_ITEMS}", place)


def step(name: str) -> str:
    if name.isidentifier() and name.isascii():
        return f".{name}"
    if name.startswith("{") and name.endswith("}"):
        return _MEMBERS
    # RFC 9535, section 2.3.1.1: a name in single quotes, escaped as in JSON but for the quotes.
    return "['" + json.dumps(name)[1:-1].replace('\\"', '"').replace("'", "\\'") + "']"


def changes(samples: Sequence[tuple[int, str | None]]) -> list[Change]:
    """What changed over `(hour, schema)` in the order of time; None for a body without one. Looks at the newest
    MOST_SAMPLES."""
    return list(_changes(tuple(samples[-MOST_SAMPLES:])))


@lru_cache(maxsize=4096)
def _changes(samples: tuple[tuple[int, str | None], ...]) -> tuple[Change, ...]:
    seen = [(hour, fields_of(schema)) for hour, schema in samples if schema is not None]
    parents = {name: field.parent for _, fields in seen for name, field in fields.items()}
    found: list[Change] = []
    for name, parent in parents.items():
        # Only where what holds the field was there: if that came or went, it is the change.
        shown = [(hour, fields.get(name)) for hour, fields in seen if not parent or parent in fields]
        found.extend(_of_field(name, [(hour, field.kinds if field else None) for hour, field in shown]))
    return tuple(sorted(found, key=lambda change: (change.at, change.field)))


def _of_field(name: str, shown: Sequence[tuple[int, frozenset[str] | None]]) -> Iterator[Change]:
    there = [number for number, (_, kinds) in enumerate(shown) if kinds is not None]
    first, last = there[0], there[-1]
    elusive = name.endswith((_ITEMS, _MEMBERS))  # a list that is empty for once has lost nothing
    if first >= BASE and not elusive:
        yield Change(name, "added", shown[first][0], (), _names(shown[first][1]))
    before: frozenset[str] = frozenset()
    for count, number in enumerate(there):
        hour, kinds = shown[number]
        new = (kinds or frozenset()) - {"null"}
        if count >= BASE and before and not new <= before:
            yield Change(name, "retyped", hour, _names(before), _names(new))
        before |= new | ({"integer"} if "number" in new else set())
    always = last - first + 1 == len(there)
    if always and len(there) >= BASE and len(shown) - 1 - last >= BASE and not elusive:
        yield Change(name, "removed", shown[last + 1][0], _names(shown[last][1]), ())


def _names(kinds: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(sorted(kinds or ()))
