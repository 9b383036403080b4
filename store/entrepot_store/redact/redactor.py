"""Takes the secrets out of the headers and the URL of an exchange. The proxy calls it before anything is spooled."""

import re
from collections.abc import Callable

from ..model import Headers
from .body_rules import BodyRules
from .cookies import redact_cookie, redact_set_cookie
from .reference import clean_label, is_reference, secret_hash
from .sigv4 import CREDENTIAL_FIELD, SCHEME, redact_credential, redact_signed
from .urls import redact_authority, redact_fields, redact_userinfo

_BOUND = 1024
"""Entries of a table before it is emptied."""
_LONGEST = 4096
"""Names and values longer than this (bytes) are not remembered."""

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
_CREDENTIAL_HEADERS = frozenset({b"authorization", b"proxy-authorization"})
_URL_HEADERS = frozenset({b"referer", b"location", b"content-location", b"link", b"destination", b"origin", b"refresh"})
_URL = re.compile(rb"[^\s<>\"]+")

type _Handler = Callable[[bytes], bytes]


class Redactor:
    """Redacts for one set of names. May be shared between rules and threads.

    `headers` are header names in lower case, `query` names of query fields, compared without regard to case. In the
    headers that hold URLs, and in `host`, userinfo and those query fields are taken out as well.

    A value that already looks like a reference is a secret like any other, because on the wire nothing but a forgery
    can look like one: kept, it would let a client borrow somebody else's secret when the exchange is replayed. With
    `keep_references`, for importing what Entrepot itself exported, references are kept, and redacting is idempotent.
    """

    def __init__(
        self,
        key: bytes,
        headers: frozenset[str],
        query: frozenset[str] = frozenset(),
        *,
        bodies: BodyRules | None = None,
        keep_references: bool = False,
    ) -> None:
        self._key = key
        self._keep = keep_references
        self.bodies = bodies
        """What is to be taken out of bodies, None for nothing. Not done here: see `redact_bodies`."""
        self.header_names = headers
        self.query_names = query
        self._fields = frozenset(field.lower().encode() for field in query)
        self._userinfo = self._hide("userinfo")
        handlers: dict[bytes, _Handler] = {b"host": self.authority}
        handlers |= dict.fromkeys(_URL_HEADERS, self._urls)
        handlers |= {_normal(name.encode()): self._handler(name.encode()) for name in headers}
        self._handlers = {name: _remembering(handler) for name, handler in handlers.items()}
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
        redacted = redact_fields(path, self._fields, self._hide_field) if self._fields else path
        if b"@" in redacted:
            redacted = redact_userinfo(redacted, self._userinfo)
        return path if redacted == path else redacted

    def authority(self, authority: bytes) -> bytes:
        """`user:pw@host:port` as a client may name a server; the very same object when there is no userinfo."""
        return redact_authority(authority, self._userinfo) if b"@" in authority else authority

    def _learn(self, name: bytes) -> _Handler | None:
        handler = self._handlers.get(_normal(name))
        if len(name) <= _LONGEST:
            if len(self._by_spelling) >= _BOUND:
                self._by_spelling.clear()
            self._by_spelling[name] = handler
        return handler

    def _handler(self, name: bytes) -> _Handler:
        hide = self._hide("cookie" if name == b"set-cookie" else name.decode())
        if name == b"cookie":
            return lambda value: redact_cookie(value, hide)
        if name == b"set-cookie":
            return lambda value: redact_set_cookie(value, hide)
        if name in _CREDENTIAL_HEADERS:
            return lambda value: _redact_credentials(value, hide)
        return hide

    def _urls(self, value: bytes) -> bytes:
        """A header that holds one URL or several, among other text."""
        return _URL.sub(lambda match: self.path(match[0]), value)

    def _hide(self, label: str) -> _Handler:
        form = b"{{secret:%s:%%s}}" % clean_label(label).encode()
        key, keep = self._key, self._keep
        return lambda secret: secret if keep and is_reference(secret) else form % secret_hash(key, secret)

    def _hide_field(self, name: bytes, secret: bytes) -> bytes:
        hide = self._hide(name.decode("latin-1"))
        kept = redact_credential(secret, hide) if name == CREDENTIAL_FIELD else None
        return hide(secret) if kept is None else kept


def _normal(name: bytes) -> bytes:
    """One spelling for names that servers take for the same: many turn `-` and `_` into one another."""
    return name.strip().lower().replace(b"_", b"-")


def _redact_credentials(value: bytes, hide: _Handler) -> bytes:
    """`Bearer x`: the scheme stays when it is a known one, and the scope of an AWS signature."""
    match = _CREDENTIALS.fullmatch(value)
    if match and match[1].lower() in _SCHEMES and match[3].strip():
        signed = redact_signed(match[3], hide) if match[1].lower() == SCHEME else None
        return match[1] + match[2] + (hide(match[3]) if signed is None else signed)
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
