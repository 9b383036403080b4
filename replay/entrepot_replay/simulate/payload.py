"""Whether the body of a write that is asked is the one of a recorded write: what counts of it, and where they differ.

Bytes are compared first, by their digests; then JSON by RFC 8785 and forms by their fields; then what is *significant*
of both, which leaves out what only tells one sending from another: times of the sending, request ids, nonces
(`SENDING`), what the operator says (`--ignore-json`), and secrets, for which the recording has references.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from entrepot_store.documents.canonical import canonical_json, is_json, parse_json
from entrepot_store.jsonpaths import Path
from entrepot_store.redact.reference import is_reference

from .asked import fields_of
from .likeness import Likeness, likeness

LONGEST = 1024 * 1024
"""Bytes of a body that is parsed; longer ones are compared byte by byte."""
SENDING = frozenset(
    {
        *("nonce", "requestid", "traceid", "spanid", "correlationid", "messageid", "eventid", "idempotencykey", "jti"),
        *("timestamp", "ts", "sentat", "requestedat", "createdat", "updatedat", "modifiedat", "lastmodified"),
        *("occurredat", "generatedat", "issuedat", "iat", "exp", "nbf"),
    }
)
"""Names, in lower case and without `_` and `-`, of what a client makes anew for every sending."""

_BOUNDARY = re.compile(r'multipart/.*;\s*boundary="?([^";]+)"?', re.IGNORECASE)
_NAME = re.compile(r"[_-]")
_DEEPEST = 100


class Match(IntEnum):
    """How well two bodies match, in ascending order."""

    DIFFERENT = 0
    SIGNIFICANT = 1
    EQUIVALENT = 2
    IDENTICAL = 3


@dataclass(slots=True, frozen=True)
class Payload:
    """A body of up to LONGEST bytes, and its `Content-Type` as sent (empty if none)."""

    content_type: str
    data: bytes

    @property
    def essence(self) -> str:
        return self.content_type.partition(";")[0].strip().lower()


def compare(recorded: Payload, asked: Payload, ignore: Sequence[Path], key: bytes | None) -> tuple[Match, str]:
    """How well they match, and where they differ (empty unless DIFFERENT). Raises ValueError and RecursionError for
    what is nested too deeply."""
    if recorded.data == asked.data:
        return Match.IDENTICAL, ""
    if is_json(recorded.content_type) and is_json(asked.content_type):
        return _compare_json(recorded.data, asked.data, ignore, key)
    if recorded.essence != asked.essence:
        return Match.DIFFERENT, f"its type, {recorded.essence or 'none'}"
    if asked.essence == "application/x-www-form-urlencoded":
        return _compare_forms(recorded.data, asked.data, key)
    if asked.essence.startswith("multipart/") and _without_boundary(recorded) == _without_boundary(asked):
        return Match.EQUIVALENT, ""
    return Match.DIFFERENT, "its bytes"


def _compare_json(recorded: bytes, asked: bytes, ignore: Sequence[Path], key: bytes | None) -> tuple[Match, str]:
    one, other = canonical_json(recorded), canonical_json(asked)
    if one.malformed or other.malformed:
        return Match.DIFFERENT, "its bytes, which are no JSON"
    if one.digest == other.digest:
        return Match.EQUIVALENT, ""
    before, after = parse_json(recorded), parse_json(asked)
    for path in ignore:
        before, after = path.remove(before), path.remove(after)
    where = _difference("$", before, after, key, 0)
    return (Match.DIFFERENT, where) if where else (Match.SIGNIFICANT, "")


def _difference(where: str, recorded: Any, asked: Any, key: bytes | None, depth: int) -> str:
    """The path of the first significant difference; empty if there is none."""
    if depth > _DEEPEST:
        return "" if recorded == asked else where
    if isinstance(recorded, dict) and isinstance(asked, dict):
        for name in [*recorded, *(name for name in asked if name not in recorded)]:
            if _NAME.sub("", name).lower() in SENDING:
                continue
            if name not in recorded or name not in asked:
                return f"{where}.{name}"
            if found := _difference(f"{where}.{name}", recorded[name], asked[name], key, depth + 1):
                return found
        return ""
    if isinstance(recorded, list) and isinstance(asked, list):
        if len(recorded) != len(asked):
            return f"{where}.length"
        pairs = enumerate(zip(recorded, asked, strict=True))
        return next((found for i, (a, b) in pairs if (found := _difference(f"{where}[{i}]", a, b, key, depth + 1))), "")
    if isinstance(recorded, str):
        text = recorded.encode("utf-8", "surrogatepass")
        if isinstance(asked, str):
            return "" if likeness(text, asked.encode("utf-8", "surrogatepass"), key) else where
        return "" if is_reference(text) else where  # it may stand for what was no text: a number, an object
    return "" if isinstance(recorded, bool) == isinstance(asked, bool) and recorded == asked else where


def _compare_forms(recorded: bytes, asked: bytes, key: bytes | None) -> tuple[Match, str]:
    before, after = fields_of(recorded), fields_of(asked)
    if before == after:
        return Match.EQUIVALENT, ""
    kept = [[(name, value) for name, value in fields if not _of_sending(name)] for fields in (before, after)]
    names = [[name for name, _ in fields] for fields in kept]
    if names[0] != names[1]:
        differing = sorted(set(names[0]) ^ set(names[1])) or names[0]
        return Match.DIFFERENT, differing[0].decode("utf-8", "replace")
    for (name, value), (_, other) in zip(*kept, strict=True):
        if likeness(value, other, key) is Likeness.NONE:
            return Match.DIFFERENT, name.decode("utf-8", "replace")
    return Match.SIGNIFICANT, ""


def _of_sending(name: bytes) -> bool:
    return _NAME.sub("", name.decode("utf-8", "replace")).lower() in SENDING


def _without_boundary(multipart: Payload) -> bytes:
    """The body without its boundary, which clients make up for each sending."""
    found = _BOUNDARY.match(multipart.content_type)
    return multipart.data.replace(found[1].encode("latin-1", "replace"), b"") if found else multipart.data
