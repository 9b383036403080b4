"""Values inside other values: segments and fields of a URL, tokens of a composite id, what base64 and JWT hide."""

import json
import re
from base64 import b64decode, urlsafe_b64decode
from binascii import Error as Base64Error
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import unquote, unquote_plus

from .names import collection_of, entity, names_an_id
from .part import Part
from .values import LONGEST, is_distinctive

URL = re.compile(r"(?:[a-z][a-z0-9+.-]*://[^/\s?#]*)?(/[^\s?#]*)(?:\?([^\s#]*))?(?:#\S*)?", re.IGNORECASE)
COMMA = re.compile(r"(\s*,\s*)")
_SHORT_IDS = re.compile(r"[A-Za-z0-9_.~-]{1,64}(?:\s*,\s*[A-Za-z0-9_.~-]{1,64})+")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{8,}")
_SEPARATORS = re.compile(r"[\s:;,|&]+")
_FINER = re.compile(r"[A-Za-z0-9]{8,}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_JWT = re.compile(r"[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*")
_DEEPEST = 3
_PRINTABLE = re.compile(r"[\t\n\r -~]+")


def segment_parts(prefix: str, path: str, *, from_end: bool = False) -> Iterator[Part]:
    """The segments of a path, each the id of what the segment before it names; tokens inside them as well.

    `from_end` counts them from the end (-1 is the last), for paths that may begin differently elsewhere."""
    segments = path.split("/")[1:]
    for index, raw in enumerate(segments):
        text = unquote(raw)
        if not text:
            continue
        number = index - len(segments) if from_end else index
        before = unquote(segments[index - 1]) if index else ""
        role = entity(before) if before[:1].isalpha() else ""
        where = f"{prefix}{number}"
        yield Part(where, text, role, is_id=bool(role))
        if not is_distinctive(text):
            yield from tokens_of(where, text)


def pairs_of(prefix: str, query: str, collection: str) -> Iterator[Part]:
    """The fields of a query or of a form."""
    seen: Counter[str] = Counter()
    for pair in query.split("&") if query else ():
        name, equals, value = pair.partition("=")
        name = unquote_plus(name)
        if not equals or not value:
            continue
        where = f"{prefix}{name}#{seen[name]}"
        seen[name] += 1
        text = unquote_plus(value)
        # `InstanceId.1=…` numbers the values of one field.
        bare = name.rstrip("0123456789").rstrip(".[]_") or name
        yield from value_parts(Part(where, text, entity(bare) or collection, names_an_id(bare)))


def url_parts(prefix: str, url: str) -> Iterator[Part]:
    """The segments and query fields of an absolute URL or of a path: `location:-1`, `location?cursor`."""
    found = URL.fullmatch(url.strip())
    if found is None:
        return
    path = found[1]
    yield from segment_parts(f"{prefix}:", path, from_end=True)
    collection = collection_of([unquote(segment) for segment in path.split("/") if segment])
    for part in pairs_of("", found[2] or "", collection):
        name, _, number = part.where.partition("#")
        yield replace(part, where=f"{prefix}?{name}" if number == "0" else f"{prefix}?{part.where}")


def value_parts(part: Part) -> Iterator[Part]:
    """The value itself, and what is inside it if it is made of others."""
    yield part
    text = part.text
    if part.is_id and "," in text and _SHORT_IDS.fullmatch(text):
        for number, item in enumerate(COMMA.split(text)[::2]):
            yield replace(part, where=f"{part.where}|item#{number}", text=item)
        return
    if not 8 < len(text) <= LONGEST * 4:
        return
    where = part.where
    if "/" in text and URL.fullmatch(text.strip()):
        for inner in url_parts("url", text):
            yield replace(inner, where=f"{where}|{inner.where}")
        return
    if _JWT.fullmatch(text) and text.startswith("ey"):
        yield from _jwt_parts(where, text)
        return
    if text[0] in "{[" and part.where.count("|") < _DEEPEST:
        # JSON as a text in JSON, in a form or in a header
        inside = list(_json_inside(where, text))
        yield from inside
        if inside:
            return
    if not is_distinctive(text) or not text.isalnum():
        yield from tokens_of(where, text)
    if _BASE64.fullmatch(text):
        yield from _base64_parts(where, text)


def tokens_of(where: str, text: str) -> Iterator[Part]:
    """Distinctive values inside a composite one, the longest first: what stands between separators
    (`user:token.signature`), the words of that, and what is left of a word without its hyphens. The value as a whole is
    not among them. Places are nested, so that what is inside a value that is known can be left aside."""
    pieces = _SEPARATORS.split(text)
    for number, piece in enumerate(pieces):
        place = where
        if len(pieces) > 1:
            place = f"{where}|part#{number}"
            if is_distinctive(piece):
                yield Part(place, piece)
        for index, found in enumerate(_TOKEN.finditer(piece)):
            token = found[0]
            inner = f"{place}|token#{index}"
            if token != piece and is_distinctive(token):
                yield Part(inner, token)
            if ("_" in token or "-" in token) and not is_distinctive_whole(token):
                for finer, bit in enumerate(_FINER.finditer(token)):
                    if is_distinctive(bit[0]):
                        yield Part(f"{inner}|bit#{finer}", bit[0])


def is_distinctive_whole(token: str) -> bool:
    """A UUID is one value, not five; `order-7f3a9c01d2` has one inside."""
    return len(token) == 36 and token.count("-") == 4


def _base64_parts(where: str, text: str) -> Iterator[Part]:
    decoded = decode_base64(text)
    if decoded is None:
        return
    if decoded[:1] in "{[":
        yield from _json_inside(f"{where}|base64", decoded)
    else:
        for part in value_parts(Part("", decoded)):
            yield replace(part, where=f"{where}|base64{part.where and part.where}")


def decode_base64(text: str) -> str | None:
    """The printable ASCII text that the base64 stands for; None if it stands for none."""
    padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
    try:
        raw = urlsafe_b64decode(padded) if "-" in text or "_" in text else b64decode(padded, validate=True)
        decoded = raw.decode("ascii")
    except (Base64Error, ValueError):
        return None
    return decoded if len(decoded) >= 4 and _PRINTABLE.fullmatch(decoded) else None


def _jwt_parts(where: str, text: str) -> Iterator[Part]:
    """The claims of a JWT. They can be read and not made anew: its signature is the server's."""
    claims = decode_base64(text.split(".")[1])
    if claims is not None:
        yield from _json_inside(f"{where}|jwt", claims)


def _json_inside(where: str, text: str) -> Iterator[Part]:
    from .bodies import json_parts

    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return
    for part in json_parts(value, ""):
        if part.where.count("|") < 3:
            yield replace(part, where=f"{where}|{part.where}")
