"""Puts live values into one value of a request: the whole of it, or the very places inside it that were read.

Places inside are those of `flow.inside`. All that belongs into one value is put in at once, so a live value that looks
like another recorded one (the order 2 in the place of 1, beside the line 2) is never replaced again.
"""

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from ..flow.inside import COMMA, URL, decode_base64
from ..flow.links import Use
from .jsonspans import leaves

_SEGMENT_SAFE = "!$&'()*+,;=:@-._~"
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SOMEWHERE = ("part#", "token#", "bit#")
"""Steps to a value that is told by its text wherever it stands."""


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


type Inside = tuple[str, Substitution]
"""What is left of a place within the value at hand, and what is to be put there."""
type Done = set[Substitution]
"""Those that found their place."""


def rewritten(value: str, wanted: Iterable[Inside], done: Done) -> str:
    """The value with live ones in their places; as it is where none was found."""
    loose: list[Substitution] = []
    deeper: dict[str, list[Inside]] = {}
    for inside, change in wanted:
        if not inside and value == change.use.text:
            done.add(change)
            return change.live
        step, _, rest = inside.partition("|")
        if not inside or step.startswith(_SOMEWHERE):
            loose.append(change)
        elif step.startswith("url"):
            deeper.setdefault("url", []).append((inside, change))
        else:
            deeper.setdefault(step, []).append((rest, change))
    for step, group in deeper.items():
        value = _deeper(value, step, group, done)
    return everywhere(value, loose, done) if loose else value


def _deeper(value: str, step: str, group: Sequence[Inside], done: Done) -> str:
    if step == "url":
        return _in_url(value, group, done)
    if step == "base64":
        return _in_base64(value, group, done)
    if step.startswith("json:"):
        return in_json(value, {step.removeprefix("json:"): group}, done)
    if step.startswith("item#"):
        pieces, number = COMMA.split(value), 2 * int(step.removeprefix("item#"))
        if number < len(pieces):
            pieces[number] = rewritten(pieces[number], group, done)
        return "".join(pieces)
    return value  # a JWT is signed by the lost service


def everywhere(value: str, changes: Sequence[Substitution], done: Done) -> str:
    """The value with every occurrence of a distinctive text replaced that is not part of a longer word, percent-encoded
    ones too. Others (`7`) say nothing where they are not at their place."""
    spelled: dict[str, tuple[str, Substitution]] = {}
    for change in changes:
        if change.use.key.distinctive:
            text, live = change.use.text, change.live
            spelled.setdefault(quote(text, safe=""), (quote(live, safe=""), change))
            spelled[text] = live, change
    if not spelled:
        return value

    def live_one(found: re.Match[str]) -> str:
        live, change = spelled[found[0]]
        done.add(change)
        return live

    longest_first = "|".join(map(re.escape, sorted(spelled, key=len, reverse=True)))
    return re.sub(rf"(?<![A-Za-z0-9])(?:{longest_first})(?![A-Za-z0-9])", live_one, value)


def in_segments(path: str, wanted: Mapping[int, Sequence[Inside]], done: Done) -> str:
    """A path (from its first slash) with live values in some of its segments; indexes from 0, or from the end."""
    segments = path.split("/")[1:]
    for index, group in wanted.items():
        if -len(segments) <= index < len(segments):
            old = unquote(segments[index])
            new = rewritten(old, group, done)
            if new != old:
                segments[index] = quote(new, safe=_SEGMENT_SAFE)
    return "/".join(["", *segments])


def in_pairs(text: str, wanted: Mapping[str, Sequence[Inside]], done: Done) -> str:
    """A query or form with live values in some of its fields, each by its name and number (`user#0`)."""
    pairs, seen = text.split("&"), dict[str, int]()
    for index, pair in enumerate(pairs):
        raw, equals, value = pair.partition("=")
        if not equals or not value:
            continue
        name = unquote_plus(raw)
        number = seen.get(name, 0)
        seen[name] = number + 1
        group = wanted.get(f"{name}#{number}")
        if not group:
            continue
        old = unquote_plus(value)
        new = rewritten(old, group, done)
        if new != old:
            spell = quote if "%20" in value else quote_plus
            pairs[index] = f"{raw}={spell(new, safe=':/@')}"
    return "&".join(pairs)


def in_json(text: str, wanted: Mapping[str, Sequence[Inside]], done: Done) -> str:
    """A JSON text with live values in some of its leaves, by their pointers; every other character stays."""
    try:
        found = [leaf for leaf in leaves(text) if leaf.pointer in wanted]
    except (ValueError, RecursionError):
        return text
    pieces, position = [], 0
    for leaf in found:
        raw = text[leaf.start : leaf.end]
        old = raw if leaf.string is None else leaf.string
        new = rewritten(old, wanted[leaf.pointer], done)
        if new != old and (leaf.string is not None or _INTEGER.fullmatch(new) is None):
            raw = json.dumps(new, ensure_ascii=text.isascii() or _SURROGATE.search(new) is not None)
        elif new != old:
            raw = new
        pieces += [text[position : leaf.start], raw]
        position = leaf.end
    return "".join([*pieces, text[position:]])


def _in_url(value: str, group: Sequence[Inside], done: Done) -> str:
    bare = value.strip()
    found = URL.fullmatch(bare)
    if found is None:
        return value
    segments: dict[int, list[Inside]] = {}
    fields: dict[str, list[Inside]] = {}
    for inside, change in group:
        step, _, rest = inside.partition("|")
        if step.startswith("url:"):
            segments.setdefault(int(step.removeprefix("url:")), []).append((rest, change))
        else:
            name = step.removeprefix("url?")
            numbered = re.search(r"#\d+\Z", name) is not None
            fields.setdefault(name if numbered else f"{name}#0", []).append((rest, change))
    made = bare[: found.start(1)] + in_segments(found[1], segments, done)
    if found[2]:
        made += "?" + in_pairs(found[2], fields, done)
    made += bare[found.end(2) if found[2] else found.end(1) :]
    return value.replace(bare, made, 1)


def _in_base64(value: str, group: Sequence[Inside], done: Done) -> str:
    decoded = decode_base64(value)
    if decoded is None:
        return value
    new = rewritten(decoded, group, done)
    if new == decoded:
        return value
    encode = urlsafe_b64encode if "-" in value or "_" in value else b64encode
    made = encode(new.encode()).decode()
    return made if value.endswith("=") or len(value) % 4 == 0 else made.rstrip("=")
