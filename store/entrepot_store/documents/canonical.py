"""What contents are compared by: RFC 8785 for JSON, without the fields that the rule ignores; the bytes for all else.

Python's own encoder, told to sort, writes what RFC 8785 asks for, but for rare numbers and for rare mixtures of
characters in names; the library, which takes forty times as long, does those. Integers beyond 2**53, which RFC 8785
refuses because JavaScript would round them, are compared exactly: a difference that a client cannot see does less harm
than one that Entrepot hides.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

import rfc8785

from ..jsonpaths import Path

_LONGEST_TYPE = 256
"""Longer types are not remembered: hostile headers must not fill the memory."""
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
    return _remembered(media_type) if len(media_type) <= _LONGEST_TYPE else _says_json(media_type)


def _says_json(media_type: str) -> bool:
    kind = media_type.partition(";")[0].strip().lower()
    return kind in {"application/json", "text/json"} or kind.endswith("+json")


_remembered = lru_cache(maxsize=1024)(_says_json)


def canonical_json(data: bytes, ignore: Sequence[Path] = ()) -> Canonical:
    """The digest of JSON without what `ignore` selects."""
    try:
        return canonical_value(parse(data), ignore)
    except (ValueError, RecursionError) as error:
        return Canonical(sha256(data).digest(), str(error) or "it is nested too deeply")


def canonical_value(parsed: "Parsed", ignore: Sequence[Path] = ()) -> Canonical:
    """As `canonical_json`, of what is parsed already; takes what `ignore` selects out of the value. Raises ValueError
    and RecursionError."""
    value = parsed.value
    for path in ignore:
        value = path.remove(value)
    return Canonical(sha256(_plain(value) if parsed.plain else _exactly(value)).digest())


@dataclass(slots=True)
class Parsed:
    """A JSON value, and whether Python's encoder spells and sorts it as RFC 8785 does."""

    value: Any
    plain: bool


def parse_json(data: bytes) -> Any:
    """The value. Raises ValueError (UnicodeDecodeError too) and RecursionError."""
    return parse(data).value


def parse(data: bytes) -> Parsed:
    """Raises as `parse_json`."""
    text = data.decode(json.detect_encoding(data)).removeprefix("\ufeff")
    try:
        return Parsed(_decoder.decode(text), (text.isascii() and "\\u" not in text) or not _sorts_otherwise(text))
    except _RareNumberError:
        return Parsed(_any_number.decode(text), False)


class _RareNumberError(Exception):
    """A number that RFC 8785 spells otherwise than Python does."""


def _number(digits: str) -> float:
    value = float(digits)
    if value.is_integer():
        if abs(value) < 2**53:
            return int(value)  # RFC 8785 writes 1.0 as 1
    elif abs(value) >= 1e-4:
        return value  # no fraction is as large as 1e16, where Python begins to write exponents
    raise _RareNumberError


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


_decoder = json.JSONDecoder(parse_float=_number, parse_constant=_refuse)
_any_number = json.JSONDecoder(parse_constant=_refuse)
_ASTRAL = re.compile(r"[\U00010000-\U0010ffff]|\\u[dD][89abAB]")
_BEHIND_SURROGATES = re.compile(r"[\ue000-\uffff]|\\u[efEF]")


def _sorts_otherwise(text: str) -> bool:
    """RFC 8785 sorts names by UTF-16, in which characters beyond U+FFFF come before those from U+E000 on. Looks at all
    of the text, and so says yes too often, which costs time only."""
    return _ASTRAL.search(text) is not None and _BEHIND_SURROGATES.search(text) is not None


_dump: Callable[[Any], str] = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"), check_circular=False
).encode


def _plain(value: Any) -> bytes:
    # A lone surrogate, written as an escape, is no Unicode but is what was sent.
    return _dump(value).encode("utf-8", "surrogatepass")


def _exactly(value: Any) -> bytes:
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError:
        # Too large an integer, a lone surrogate, or an infinity (1e999). The mark keeps it apart from canonical text.
        return b"\0" + json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode(
            "utf-8", "surrogatepass"
        )
