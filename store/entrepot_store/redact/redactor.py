"""Takes the secrets out of the headers and the path of an exchange. The proxy calls it before anything is spooled."""

import re
from collections.abc import Callable

from ..model import Headers
from .cookies import redact_cookie, redact_set_cookie
from .reference import clean_label, is_reference, secret_hash
from .urls import redact_query, redact_userinfo

_BOUND = 4096
"""Entries of a table before it is emptied."""
_LONGEST = 4096
"""Values longer than this (bytes) are not remembered."""

_SCHEMES = frozenset(
    (
        # The IANA registry of HTTP authentication schemes.
        b"basic bearer concealed digest dpop gnap hoba mutual negotiate oauth privatetoken scram-sha-1 scram-sha-256 "
        b"vapid "
        # Not registered, but in such use that the word is no secret.
        b"aws4-hmac-sha256 ntlm token"
    ).split()
)
_CREDENTIALS = re.compile(rb"([!-~]+)([ \t]+)(.*)", re.DOTALL)
_URL_HEADERS = frozenset({"referer", "location", "content-location", "link", "destination", "origin", "refresh"})
_URL = re.compile(rb"[^\s<>\"',;]+")

type _Handler = Callable[[bytes], bytes]


class Redactor:
    """Redacts for one set of names. Safe to share between rules; one thread at a time.

    `headers` are header names in lower case, `query` names of query fields, compared without regard to case.

    A value that already looks like a reference is a secret like any other, because on the wire nothing but a forgery
    can look like one: kept, it would let a client borrow somebody else's secret when the exchange is replayed. With
    `keep_references`, for importing what Entrepot itself exported, references are kept, and redacting is idempotent.
    """

    def __init__(
        self, key: bytes, headers: frozenset[str], query: frozenset[str] = frozenset(), *, keep_references: bool = False
    ) -> None:
        self._key = key
        self._keep = keep_references
        self._fields = frozenset(field.lower().encode() for field in query)
        self._handlers: dict[bytes, _Handler] = {
            name.encode(): _remembering(self._handler(name)) for name in headers | _URL_HEADERS
        }
        self._by_spelling: dict[bytes, _Handler | None] = {}

    def headers(self, headers: Headers) -> Headers:
        """The headers, or trailers, with references for secrets; the very same object when there are none."""
        by_spelling = self._by_spelling
        found = None
        for position, (name, value) in enumerate(headers):
            try:
                handler = by_spelling[name]
            except KeyError:
                handler = self._learn(name)
            if handler is None or not value:
                continue
            redacted = handler(value)
            if redacted is not value:
                if found is None:
                    found = list(headers)
                found[position] = (name, redacted)
        return headers if found is None else tuple(found)

    def path(self, path: bytes) -> bytes:
        """A path with its query, or a whole URL; the very same object when nothing in it is secret."""
        redacted = path
        if b"@" in path and b"//" in path:
            redacted = redact_userinfo(path, self._hide("userinfo"))
        if self._fields and b"?" in redacted:
            before, _, query = redacted.partition(b"?")
            query, hash_sign, fragment = query.partition(b"#")
            redacted = before + b"?" + redact_query(query, self._fields, self._hide_field) + hash_sign + fragment
        return path if redacted == path else redacted

    def _learn(self, name: bytes) -> _Handler | None:
        if len(self._by_spelling) >= _BOUND:
            self._by_spelling.clear()
        handler = self._handlers.get(name.strip().lower())
        if len(name) <= _LONGEST:
            self._by_spelling[name] = handler
        return handler

    def _handler(self, name: str) -> _Handler:
        if name in _URL_HEADERS:
            return lambda value: _URL.sub(lambda match: self.path(match[0]), value)
        hide = self._hide("cookie" if name == "set-cookie" else name)
        if name == "cookie":
            return lambda value: redact_cookie(value, hide)
        if name == "set-cookie":
            return lambda value: redact_set_cookie(value, hide)
        if name in ("authorization", "proxy-authorization"):
            return lambda value: _redact_credentials(value, hide)
        return hide

    def _hide(self, label: str) -> _Handler:
        form = b"{{secret:%s:%%s}}" % clean_label(label).encode()
        key, keep = self._key, self._keep
        return lambda secret: secret if keep and is_reference(secret) else form % secret_hash(key, secret)

    def _hide_field(self, name: bytes, secret: bytes) -> bytes:
        return self._hide(name.decode("latin-1"))(secret)


def _redact_credentials(value: bytes, hide: _Handler) -> bytes:
    """`Bearer x`: the scheme stays when it is a known one."""
    match = _CREDENTIALS.fullmatch(value)
    if match and match[1].lower() in _SCHEMES and match[3].strip():
        return match[1] + match[2] + hide(match[3])
    return hide(value)


def _remembering(handler: _Handler) -> _Handler:
    """The same secret comes with every request of a client: answers are kept, as many as _BOUND."""
    known: dict[bytes, bytes] = {}

    def remembered(value: bytes) -> bytes:
        found = known.get(value)
        if found is None:
            found = handler(value)
            if found == value:
                found = value
            if len(value) <= _LONGEST:
                if len(known) >= _BOUND:
                    known.clear()
                known[value] = found
        return found

    return remembered
