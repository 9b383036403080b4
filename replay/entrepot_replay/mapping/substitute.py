"""Puts live values into a request, each at the place where the recorded one stood; every other byte stays.

Places are those of `flow.reading`. A value is looked for at its place in the spelling it was read in there, so a number
in a path cannot replace the same number in a price.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape, unescape

from entrepot_store.model import Headers

from ..flow.bodies import FIELD, XML_LEAF
from ..flow.headers import ETAGS, VALIDATORS
from .within import Done, Inside, Substitution, everywhere, in_json, in_pairs, in_segments, rewritten

__all__ = ["Substituted", "Substitution", "substitute"]


@dataclass(frozen=True, slots=True)
class Substituted:
    """The request with live values. `missed` are those that did not stand where they were read."""

    path: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes | None
    missed: tuple[Substitution, ...] = ()


def substitute(path: bytes, headers: Headers, body: bytes | None, changes: Sequence[Substitution]) -> Substituted:
    """Raises nothing: what cannot be put in is told as `missed`."""
    done: Done = set()
    places: dict[str, dict[str, list[Inside]]] = {}
    for change in changes:
        kind, _, name = change.where.partition(":")
        if kind.startswith("text#"):
            kind, name = "text", ""
        places.setdefault(kind, {}).setdefault(name, []).append((change.inside, change))
    bare, mark, query = path.decode("latin-1").partition("?")
    if "path" in places:
        bare = in_segments(bare, {int(index): group for index, group in places["path"].items()}, done)
    if "query" in places:
        query = in_pairs(query, places["query"], done)
    kept = _in_headers(headers, places.get("header", {}), places.get("cookie", {}), done)
    if body is not None:
        body = _in_body(body, places, done)
    missed = tuple(change for change in changes if change not in done)
    return Substituted((bare + mark + query).encode("latin-1"), kept, body, missed)


def _in_headers(
    headers: Headers, wanted: Mapping[str, Sequence[Inside]], cookies: Mapping[str, Sequence[Inside]], done: Done
) -> list[tuple[bytes, bytes]]:
    kept = list(headers)
    if not wanted and not cookies:
        return kept
    validators = {
        name: [change for place, group in wanted.items() if place.startswith(f"{name}#") for _, change in group]
        for name in map(bytes.decode, VALIDATORS)
    }
    seen: Counter[str] = Counter()
    for index, (raw, value) in enumerate(headers):
        name, text = raw.lower().decode("latin-1"), value.decode("latin-1")
        found: Done = set()
        number = seen[name]
        seen[name] += 1
        if name == "cookie":
            new = _in_cookies(text, cookies, found)
        elif validators.get(name):
            new = _in_validators(text, validators[name], found)
        else:
            new = rewritten(text.strip(), wanted.get(f"{name}#{number}", ()), found)
            new = text.replace(text.strip(), new, 1)
        if new.isascii() and new.isprintable():
            kept[index] = raw, new.encode("latin-1")
            done |= found
    return kept


def _in_validators(text: str, changes: Sequence[Substitution], done: Done) -> str:
    """A list of entity tags, weak ones too, or a date."""
    wanted = {change.use.text: change for change in changes}
    if text in wanted:
        done.add(wanted[text])
        return wanted[text].live

    def live_one(found: re.Match[bytes]) -> bytes:
        group = 1 if found[1] is not None else 2
        change = wanted.get(found[group].decode("latin-1"))
        if change is None:
            return found[0]
        done.add(change)
        start, end = found.start(group) - found.start(), found.end(group) - found.start()
        return found[0][:start] + change.live.encode("latin-1", "replace") + found[0][end:]

    return ETAGS.sub(live_one, text.encode("latin-1")).decode("latin-1")


def _in_cookies(text: str, wanted: Mapping[str, Sequence[Inside]], done: Done) -> str:
    pairs = text.split(";")
    for index, pair in enumerate(pairs):
        name, equals, value = pair.partition("=")
        group = wanted.get(name.strip())
        if equals and group:
            old = value.strip()
            pairs[index] = f"{name}={value.replace(old, rewritten(old, group, done), 1)}" if old else pair
    return ";".join(pairs)


def _in_body(body: bytes, places: Mapping[str, Mapping[str, Sequence[Inside]]], done: Done) -> bytes:
    if "json" in places:
        found: Done = set()
        try:
            made = in_json(body.decode("utf-8"), places["json"], found).encode("utf-8")
        except UnicodeError:
            return body  # another coding than JSON is sent in today
        done |= found
        return made
    if "form" in places:
        return in_pairs(body.decode("latin-1"), places["form"], done).encode("latin-1")
    text = body.decode("latin-1")
    if "xml" in places:
        text = _in_fields(text, XML_LEAF, places["xml"], done, markup=True)
    if "field" in places:
        text = _in_fields(text, FIELD, places["field"], done, markup=False)
    if "text" in places:
        text = everywhere(text, [change for _, change in places["text"][""]], done)
    return text.encode("latin-1", "xmlcharrefreplace")


def _in_fields(
    text: str,
    pattern: re.Pattern[str],
    wanted: Mapping[str, Sequence[Inside]],
    done: Done,
    *,
    markup: bool,
) -> str:
    """The text with live values in some of what the pattern finds, by name and number as `flow.bodies` counts them.

    `markup`: names may have a prefix, and contents are escaped."""
    seen: Counter[str] = Counter()
    pieces, position = [], 0
    for found in pattern.finditer(text):
        name = found[1].rpartition(":")[2] if markup else found[1]
        places = wanted.get(f"{name}#{seen[name]}")
        seen[name] += 1
        if not places:
            continue
        raw = found[2]
        old = unescape(raw).strip() if markup else raw
        new = rewritten(old, places, done)
        if new != old:
            if markup:
                before, after = raw[: len(raw) - len(raw.lstrip())], raw[len(raw.rstrip()) :]
                new = before + escape(new, quote=False) + after
            pieces += [text[position : found.start(2)], new]
            position = found.end(2)
    return "".join([*pieces, text[position:]])
