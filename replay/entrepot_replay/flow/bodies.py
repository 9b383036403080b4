"""The values in a body: JSON leaves, form fields, XML elements, tokens of any other text."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from html import unescape
from typing import Any

from .inside import pairs_of, url_parts, value_parts
from .names import entity, names_an_id, role_of_field
from .part import Part
from .values import LONGEST, is_distinctive

_DEEPEST = 100
XML_LEAF = re.compile(r"<([A-Za-z_][\w.:-]*)(?:\s[^<>]*)?>([^<>]{1,4096})</\1\s*>")
_TAG = re.compile(r"<(?:input|meta|a|form|button|link|option)\s[^<>]{1,4096}>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"([A-Za-z-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_TOKEN = re.compile(r"[A-Za-z0-9_+/=.~:-]{8,2048}")
FIELD = re.compile(r'name="([^"\r\n]{1,200})"\r\n(?:[^\r\n]+\r\n){0,20}\r\n([^\r\n]{1,2048})\r\n--')


def is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type.endswith(("/json", "+json")) or media_type.startswith("application/x-amz-json")


def is_form(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded"


def is_text(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return (
        media_type.startswith(("text/", "multipart/"))
        or media_type.endswith(("/xml", "+xml", "/javascript", "/graphql", "/yaml", "/toml"))
        or media_type == ""
    )


def body_parts(content_type: str, body: bytes, collection: str) -> Iterator[Part]:
    """The values in a body, in document order. A body that is not what its media type says is read as text."""
    if is_json(content_type) or (not content_type and body[:1] in b"{["):
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            pass
        else:
            yield from json_parts(value, collection)
            return
    if is_form(content_type):
        yield from pairs_of("form:", body.decode("latin-1"), collection)
    elif is_text(content_type) or is_json(content_type):
        yield from _text_parts(body, collection)


def json_parts(value: Any, collection: str) -> Iterator[Part]:
    """The leaves of a parsed JSON document that can be told by a text: strings and integers."""
    yield from _leaves(value, "json:", (), collection, 0)


def _leaves(value: Any, where: str, names: tuple[str, ...], collection: str, depth: int) -> Iterator[Part]:
    if isinstance(value, dict):
        if depth < _DEEPEST:
            for name, inner in value.items():
                spelled = name.replace("~", "~0").replace("/", "~1")
                yield from _leaves(inner, f"{where}/{spelled}", (*names, name), collection, depth + 1)
    elif isinstance(value, list):
        if depth < _DEEPEST:
            for index, inner in enumerate(value):
                yield from _leaves(inner, f"{where}/{index}", names, collection, depth + 1)
    elif isinstance(value, str):
        if value and len(value) <= LONGEST * 4:
            yield from value_parts(_part(where, value, names, collection))
    elif isinstance(value, int) and not isinstance(value, bool):
        yield _part(where, str(value), names, collection)


def _part(where: str, text: str, names: tuple[str, ...], collection: str) -> Part:
    is_id = bool(names) and names_an_id(names[-1])
    return Part(where, text, role_of_field(names, collection) if is_id or len(names) > 0 else collection, is_id)


def _tag_parts(text: str, collection: str) -> Iterator[Part]:
    """What HTML hides in tags for the next request: `<input name="csrf" value="…">`, `<meta name=… content=…>`."""
    seen: Counter[str] = Counter()
    for tag in _TAG.finditer(text):
        attributes = {found[1].lower(): unescape(found[2] or found[3]) for found in _ATTRIBUTE.finditer(tag[0])}
        name = attributes.get("name") or attributes.get("property") or attributes.get("id") or ""
        value = attributes.get("value") or attributes.get("content") or ""
        if name and value:
            yield from value_parts(
                Part(f"tag:{name}#{seen[name]}", value, entity(name) or collection, names_an_id(name))
            )
            seen[name] += 1
        for link in (attributes.get("href"), attributes.get("action")):
            if link:
                yield from url_parts(f"href#{seen['href']}", link)
                seen["href"] += 1


def _text_parts(body: bytes, collection: str) -> Iterator[Part]:
    text = body.decode("latin-1")
    if text.lstrip()[:1] == "<":
        seen: Counter[str] = Counter()
        for found in XML_LEAF.finditer(text):
            name = found[1].rpartition(":")[2]
            where = f"xml:{name}#{seen[name]}"
            seen[name] += 1
            is_id = names_an_id(name)
            yield from value_parts(Part(where, unescape(found[2]).strip(), entity(name) or collection, is_id))
        yield from _tag_parts(text, collection)
        return
    fields: Counter[str] = Counter()
    for found in FIELD.finditer(text):
        name = found[1]
        yield Part(f"field:{name}#{fields[name]}", found[2], entity(name) or collection, names_an_id(name))
        fields[name] += 1
    for number, found in enumerate(_TOKEN.finditer(text)):
        if is_distinctive(found[0]):
            yield Part(f"text#{number}", found[0])
