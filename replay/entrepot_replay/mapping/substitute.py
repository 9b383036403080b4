"""Puts live values into a request, each at the place where the recorded one stood; every other byte stays.

Places are those of `flow.reading`. A value is looked for at its place in the spelling it was read in there, so a number
in a path cannot replace the same number in a price.
"""

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from entrepot_store.model import Headers

from ..flow.inside import decode_base64
from ..flow.links import Use
from .jsonspans import leaves

_SEGMENT_SAFE = "!$&'()*+,;=:@-._~"
_BOUND = r"(?<![A-Za-z0-9]){}(?![A-Za-z0-9])"


@dataclass(frozen=True, slots=True)
class Substitution:
    """One value to put in: `use` says where and what stands there, `live` what is to stand there."""

    use: Use
    live: str

    @property
    def where(self) -> str:
        return self.use.where.partition("|")[0]

    @property
    def inside(self) -> str:
        return self.use.where.partition("|")[2]


@dataclass(frozen=True, slots=True)
class Substituted:
    """The request with live values. `missed` are those that did not stand where they were read."""

    path: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes | None
    missed: tuple[Substitution, ...] = ()


def substitute(path: bytes, headers: Headers, body: bytes | None, changes: Sequence[Substitution]) -> Substituted:
    """Raises nothing: what cannot be put in is told as `missed`."""
    missed: list[Substitution] = []
    kept = list(headers)
    json_changes: dict[str, list[Substitution]] = {}
    for change in changes:
        kind, _, name = change.where.partition(":")
        done = False
        if kind == "path":
            path, done = _in_path(path, int(name), change)
        elif kind == "query":
            path, done = _in_query(path, name, change)
        elif kind in ("header", "cookie"):
            done = _in_headers(kept, name.partition("#")[0] if kind == "header" else "cookie", change)
        elif kind == "json":
            json_changes.setdefault(name, []).append(change)
            continue
        elif body is not None:
            body, done = _in_text(body, kind, name, change)
        if not done:
            missed.append(change)
    if json_changes:
        body, left = _in_json(body, json_changes)
        missed += left
    return Substituted(path, kept, body, tuple(missed))


def _replace(value: str, change: Substitution) -> str | None:
    """The value with the live one in its place; None if the recorded one is not there."""
    inside, text, live = change.inside, change.use.text, change.live
    if not inside:
        return live if value == text else _bounded(value, text, live)
    if inside.startswith("base64"):
        decoded = decode_base64(value)
        inner = None if decoded is None else _bounded(decoded, text, live)
        if inner is None:
            return None
        encode = urlsafe_b64encode if "-" in value or "_" in value else b64encode
        made = encode(inner.encode()).decode()
        return made if value.endswith("=") or len(value) % 4 == 0 else made.rstrip("=")
    if inside.startswith("jwt"):
        return None  # signed by the lost service
    return _bounded(value, text, live)


def _bounded(value: str, text: str, live: str) -> str | None:
    """The value with every occurrence of the text replaced that is not part of a longer word."""
    for spelled, new in ((text, live), (quote(text, safe=""), quote(live, safe=""))):
        # Split and joined, because a replacement text of `re.sub` would be read for escapes.
        pieces = re.split(_BOUND.format(re.escape(spelled)), value)
        if len(pieces) > 1:
            return new.join(pieces)
    return None


def _in_path(path: bytes, index: int, change: Substitution) -> tuple[bytes, bool]:
    bare, mark, query = path.decode("latin-1").partition("?")
    segments = bare.split("/")
    if index + 1 >= len(segments):
        return path, False
    made = _replace(unquote(segments[index + 1]), change)
    if made is None:
        return path, False
    segments[index + 1] = quote(made, safe=_SEGMENT_SAFE)
    return ("/".join(segments) + mark + query).encode("latin-1"), True


def _in_query(path: bytes, name: str, change: Substitution) -> tuple[bytes, bool]:
    bare, mark, query = path.decode("latin-1").partition("?")
    made, done = _in_pairs(query, name, change)
    return (bare + mark + made).encode("latin-1"), done


def _in_pairs(text: str, name: str, change: Substitution) -> tuple[str, bool]:
    wanted, _, number = name.rpartition("#")
    pairs = text.split("&")
    seen = 0
    for index, pair in enumerate(pairs):
        raw, equals, value = pair.partition("=")
        if not equals or not value or unquote_plus(raw) != wanted:
            continue
        if seen == int(number):
            made = _replace(unquote_plus(value), change)
            if made is None:
                return text, False
            plus = "%20" not in value
            pairs[index] = f"{raw}={quote_plus(made, safe=':/@') if plus else quote(made, safe=':/@')}"
            return "&".join(pairs), True
        seen += 1
    return text, False


def _in_headers(headers: list[tuple[bytes, bytes]], name: str, change: Substitution) -> bool:
    done = False
    for index, (raw, value) in enumerate(headers):
        if raw.lower().decode("latin-1") != name:
            continue
        text = value.decode("latin-1")
        made = change.live if text == change.use.text else _replace(text, change)
        if made is None:
            made = _bounded(text, change.use.text, change.live)
        if made is not None and made.isascii() and made.isprintable():
            headers[index] = raw, made.encode("latin-1")
            done = True
    return done


def _in_json(body: bytes | None, changes: dict[str, list[Substitution]]) -> tuple[bytes | None, Iterable[Substitution]]:
    everything = [change for group in changes.values() for change in group]
    if body is None:
        return body, everything
    try:
        text = body.decode("utf-8")
        found = [leaf for leaf in leaves(text) if leaf.pointer in changes]
    except (ValueError, RecursionError):
        return body, everything
    pieces, position = [], 0
    missed = {id(change): change for change in everything}
    for leaf in found:
        old = text[leaf.start : leaf.end]
        value: str | None = leaf.string if leaf.string is not None else old
        for change in changes[leaf.pointer]:
            made = None if value is None else _replace(value, change)
            if made is not None:
                value = made
                missed.pop(id(change), None)
        number = leaf.string is None and value is not None and re.fullmatch(r"-?\d+", value) is not None
        new = old if value == (leaf.string if leaf.string is not None else old) else value or ""
        if new is not old:
            new = new if number else json.dumps(new, ensure_ascii=text.isascii())
        pieces += [text[position : leaf.start], new]
        position = leaf.end
    return "".join([*pieces, text[position:]]).encode("utf-8"), missed.values()


def _in_text(body: bytes, kind: str, name: str, change: Substitution) -> tuple[bytes, bool]:
    text = body.decode("latin-1")
    if kind == "form":
        made, done = _in_pairs(text, name, change)
        return made.encode("latin-1"), done
    if kind in ("xml", "field"):
        wanted, _, number = name.rpartition("#")
        pattern = (
            rf"<(?:[\w.-]+:)?{re.escape(wanted)}(?:\s[^<>]*)?>([^<>]{{1,4096}})</"
            if kind == "xml"
            else rf'name="{re.escape(wanted)}"\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]{{1,2048}})\r\n--'
        )
        for index, found in enumerate(re.finditer(pattern, text)):
            if index == int(number):
                value = _replace(found[1], change) or _replace(found[1].strip(), change)
                if value is None and kind == "xml":
                    value = _bounded(found[1], escape(change.use.text), escape(change.live))
                if value is None:
                    return body, False
                made = text[: found.start(1)] + value + text[found.end(1) :]
                return made.encode("latin-1", "xmlcharrefreplace"), True
        return body, False
    replaced = _bounded(text, change.use.text, change.live)
    return (body, False) if replaced is None else (replaced.encode("latin-1", "replace"), True)
