"""The values in headers: validators, URLs, cookies, references to secrets, and what services put into their own."""

import re
from collections import Counter
from collections.abc import Iterator

from entrepot_store.model import Headers
from entrepot_store.redact import find_references

from .inside import url_parts, value_parts
from .names import entity, names_an_id
from .part import Part

ETAGS = re.compile(rb'(?:W/)?"([^"]*)"|([^\s,"]+)')
_LINK = re.compile(r"<([^<>]*)>([^,<]*)")
_REL = re.compile(r'rel="?([^";,]+)')
_URLS = frozenset({b"location", b"content-location"})
VALIDATORS = frozenset({b"if-match", b"if-none-match", b"if-range"})
_DATES = frozenset({b"if-modified-since", b"if-unmodified-since", b"last-modified"})
_ORDINARY = frozenset(
    b"accept accept-charset accept-encoding accept-language accept-ranges age allow alt-svc cache-control connection "
    b"content-disposition content-encoding content-language content-length content-md5 content-range content-type "
    b"cookie date expect expires forwarded from host keep-alive max-forwards origin pragma proxy-authenticate "
    b"proxy-authorization proxy-connection range referer retry-after sec-fetch-dest sec-fetch-mode sec-fetch-site "
    b"server strict-transport-security te trailer transfer-encoding upgrade user-agent vary via www-authenticate "
    b"x-forwarded-for x-forwarded-host x-forwarded-proto x-powered-by x-real-ip traceparent tracestate x-request-id "
    b"x-amzn-requestid x-amz-request-id x-amz-id-2 x-amz-date x-amz-content-sha256 idempotency-key "
    b"set-cookie link etag authorization digest content-digest repr-digest".split()
)
"""Headers whose values no later request takes over, and those that are read here one by one."""


def request_header_parts(headers: Headers, path: str) -> Iterator[Part]:
    seen: Counter[str] = Counter()
    for raw, value in headers:
        name = raw.lower()
        if name in VALIDATORS:
            for found in ETAGS.finditer(value):
                yield _etag(f"header:{name.decode()}#{seen['etag']}", found[1] or found[2] or b"", path)
                seen["etag"] += 1
        elif name in _DATES:
            yield Part(f"header:{name.decode()}#0", value.decode("latin-1"))
        elif name == b"cookie":
            yield from _cookies(value)
        elif b"{{secret:" in value:
            for reference in find_references(value):
                yield Part(f"header:{name.decode('latin-1')}#0", "", secret=reference.digest)
        elif name not in _ORDINARY:
            yield from _own(name, value, seen)


def answer_header_parts(headers: Headers, path: str) -> Iterator[Part]:
    seen: Counter[str] = Counter()
    for raw, value in headers:
        name = raw.lower()
        if name in _URLS:
            yield from url_parts(name.decode(), value.decode("latin-1"))
        elif name == b"etag":
            for found in ETAGS.finditer(value):
                yield _etag("header:etag#0", found[1] or found[2] or b"", path)
                break
        elif name in _DATES:
            yield Part(f"header:{name.decode()}#0", value.decode("latin-1"))
        elif name == b"link":
            yield from _links(value.decode("latin-1"), seen)
        elif name == b"set-cookie":
            yield from _set_cookie(value)
        elif name not in _ORDINARY and b"{{secret:" not in value:
            yield from _own(name, value, seen)


def _etag(where: str, value: bytes, path: str) -> Part:
    # `"2"` says something only together with the document it is a version of.
    return Part(where, value.decode("latin-1"), f"etag {path}", is_id=True)


def _own(name: bytes, value: bytes, seen: Counter[str]) -> Iterator[Part]:
    text = name.decode("latin-1")
    where = f"header:{text}#{seen[text]}"
    seen[text] += 1
    bare = text.removeprefix("x-")
    yield from value_parts(Part(where, value.decode("latin-1").strip(), entity(bare), names_an_id(bare)))


def _links(value: str, seen: Counter[str]) -> Iterator[Part]:
    for target, parameters in _LINK.findall(value):
        relation = _REL.search(parameters)
        rel = relation[1].strip() if relation else "link"
        yield from url_parts(f"link:{rel}#{seen['link ' + rel]}", target)
        seen["link " + rel] += 1


def _cookies(value: bytes) -> Iterator[Part]:
    for pair in value.split(b";"):
        name, equals, content = pair.strip().partition(b"=")
        where = f"cookie:{name.decode('latin-1')}"
        references = find_references(content if equals else name)
        if references:
            yield Part(where, "", secret=references[0].digest)
        elif equals:
            yield Part(where, content.decode("latin-1"))


def _set_cookie(value: bytes) -> Iterator[Part]:
    name, equals, content = value.partition(b";")[0].strip().partition(b"=")
    if not equals:
        return
    where = f"cookie:{name.decode('latin-1')}"
    references = find_references(content)
    yield Part(where, "", secret=references[0].digest) if references else Part(where, content.decode("latin-1"))
