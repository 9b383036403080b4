"""What contents are compared by: RFC 8785 for JSON, without the fields that the rule ignores; the bytes for all else.

Most JSON has no fractions, and for that Python's own encoder, told to sort, writes what RFC 8785 asks for, in a fifth
of the time; the library does the rest. Integers beyond 2**53, which RFC 8785 refuses because JavaScript would round
them, are compared exactly: a difference that a client cannot see does less harm than one that Entrepot hides.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import rfc8785

from ..jsonpaths import Path

LONGEST_JSON = 16 * 1024 * 1024
"""Longer bodies are compared byte by byte: parsed JSON takes many times its size in memory."""


@dataclass(slots=True, frozen=True)
class Canonical:
    """`digest` is SHA-256 over the canonical content. `malformed` says that the JSON is none, and why; the bytes are
    compared then."""

    digest: bytes
    malformed: str = ""


def is_json(media_type: str) -> bool:
    """`media_type` may have parameters: `application/problem+json; charset=utf-8`."""
    kind = media_type.partition(";")[0].strip().lower()
    return kind in {"application/json", "text/json"} or kind.endswith("+json")


def canonical_json(data: bytes, ignore: Sequence[Path] = ()) -> Canonical:
    """The digest of JSON without what `ignore` selects."""
    try:
        value, plain = parse_json(data)
        for path in ignore:
            value = path.remove(value)
        text = _plain(value) if plain else _with_fractions(value)
    except (ValueError, RecursionError) as error:
        return Canonical(sha256(data).digest(), str(error) or "it is nested too deeply")
    return Canonical(sha256(text).digest())


def parse_json(data: bytes) -> tuple[Any, bool]:
    """The value, and whether it has neither fractions nor characters that RFC 8785 sorts otherwise than Python does.

    Raises ValueError (UnicodeDecodeError too) and RecursionError.
    """
    fractions: list[None] = []

    def fraction(digits: str) -> float:
        fractions.append(None)
        return float(digits)

    text = data.decode(json.detect_encoding(data), "strict")
    value = json.loads(text.removeprefix("\ufeff"), parse_float=fraction, parse_constant=_refuse)
    return value, not fractions and (text.isascii() or max(text) < "\ud800")


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


_dump: Callable[[Any], str] = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"), check_circular=False
).encode


def _plain(value: Any) -> bytes:
    # A lone surrogate, written as an escape, is no Unicode but is what was sent.
    return _dump(value).encode("utf-8", "surrogatepass")


def _with_fractions(value: Any) -> bytes:
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError:
        # Too large an integer, a lone surrogate, or an infinity (1e999). The mark keeps it apart from canonical text.
        return b"\0" + json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode(
            "utf-8", "surrogatepass"
        )
