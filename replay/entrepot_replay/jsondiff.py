"""Compares two JSON documents by structure: key order, white space, escapes and the spelling of numbers do not count.

Numbers are compared exactly, as decimals and not as doubles, so that a long amount or id that was rounded is noticed.
Values under names that look like secrets are never quoted.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from .flow.bodies import is_json

_SECRET = re.compile(
    r"passw|passphrase|secret|token|api_?-?key|authori[sz]ation|cookie|session|credential|private|jwt", re.IGNORECASE
)
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MAX_DEPTH = 200
_MAX_SHOWN = 1000


class Found(NamedTuple):
    """One difference: where, and both values as they may be shown (None: absent). `values` are the two leaves
    themselves, None where a branch is missing or of another form."""

    where: str
    recorded: str | None
    live: str | None
    values: tuple[Any, Any] | None = None


@dataclass(slots=True, frozen=True)
class Parsed:
    """A JSON document; a wrapper because `null` is one too."""

    value: Any


def parse_json(content_type: str, body: bytes) -> Parsed | None:
    """The document, or None if the media type is not JSON's or the body is not."""
    media_type = content_type.partition(";")[0].strip().lower()
    if not is_json(content_type) and media_type not in ("application/x-json", "text/json"):
        return None
    try:
        return Parsed(json.loads(body, parse_float=Decimal, parse_int=_integer, parse_constant=str))
    except (ValueError, RecursionError):
        return None


def _integer(text: str) -> int | Decimal:
    # Python refuses to make an int of more than 4300 digits, for good reason; a Decimal compares as well.
    return int(text) if len(text) < 1000 else Decimal(text)


def names_a_secret(name: str) -> bool:
    """Whether what stands under that name, or at that place, is to be shown to nobody."""
    return _SECRET.search(name) is not None


def json_differences(recorded: Any, live: Any) -> Iterator[Found]:
    """Every leaf or branch in which the two differ, in document order."""
    yield from _compare("$", recorded, live, secret=False, depth=0)


def _compare(path: str, recorded: Any, live: Any, *, secret: bool, depth: int) -> Iterator[Found]:
    if depth > _MAX_DEPTH:
        if recorded != live:
            yield Found(path, "(nested too deep to show)", "(nested too deep to show)")
    elif isinstance(recorded, dict) and isinstance(live, dict):
        for name in [*recorded, *(name for name in live if name not in recorded)]:
            yield from _member(path, name, recorded, live, secret=secret, depth=depth)
    elif isinstance(recorded, list) and isinstance(live, list):
        if len(recorded) != len(live):
            yield Found(f"{path}.length", str(len(recorded)), str(len(live)))
        for index, (one, other) in enumerate(zip(recorded, live, strict=False)):
            yield from _compare(f"{path}[{index}]", one, other, secret=secret, depth=depth + 1)
    elif _kind(recorded) != _kind(live) or recorded != live:
        leaf = not isinstance(recorded, dict | list) and not isinstance(live, dict | list)
        yield Found(path, _shown(recorded, secret), _shown(live, secret), (recorded, live) if leaf else None)


def _member(
    path: str, name: str, recorded: dict[str, Any], live: dict[str, Any], *, secret: bool, depth: int
) -> Iterator[Found]:
    where = f"{path}.{name}" if _PLAIN_NAME.fullmatch(name) else f"{path}[{json.dumps(name)}]"
    secret = secret or names_a_secret(name)
    if name not in live:
        yield Found(where, _shown(recorded[name], secret), None)
    elif name not in recorded:
        yield Found(where, None, _shown(live[name], secret))
    else:
        yield from _compare(where, recorded[name], live[name], secret=secret, depth=depth + 1)


def _kind(value: Any) -> str:
    """JSON's own types: `true` is no number although Python thinks so, and `1` is the same number as `1.0`."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | Decimal):
        return "number"
    return type(value).__name__


def _shown(value: Any, secret: bool) -> str:
    if secret:
        return "(not shown)"
    if isinstance(value, Decimal):
        return str(value)
    text = json.dumps(_without_secrets(value, 0), ensure_ascii=False, default=str)
    return text[:_MAX_SHOWN]


def _without_secrets(value: Any, depth: int) -> Any:
    """A branch as it may be shown: values under names that look like secrets are blanked, deep ones left out."""
    if depth > 5 and isinstance(value, dict | list):
        return "…"
    if isinstance(value, dict):
        return {
            name: "(not shown)" if names_a_secret(name) else _without_secrets(inner, depth + 1)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_without_secrets(inner, depth + 1) for inner in value[:100]]
    return value
