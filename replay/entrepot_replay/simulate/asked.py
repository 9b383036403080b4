"""A request that somebody sends to the simulation, in the spelling that the catalog has captured ones in."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote, unquote_to_bytes

from entrepot_store.model import Headers, safe_text

from ..answer import header, read_body

type Fields = tuple[tuple[bytes, bytes], ...]
"""Fields of a query or a form: names and values decoded, by name; values of one name in their order."""

_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
_SAFE = "%/:@!$&'()*+,;=~\\"


@dataclass(slots=True, frozen=True)
class Asked:
    """One request. `path` is without the query; both are text as `safe_text` makes it. `digest` and `body` are of the
    body after transfer and content decoding; `body` is None if it is too long to be held."""

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes | None = b""
    digest: bytes = sha256(b"").digest()

    @classmethod
    def of(cls, method: str, target: bytes, headers: Headers, wire: Iterable[bytes] = ()) -> "Asked":
        """`target` is path and query as they stand in the request line; `wire` is the body as it was sent. A content
        coding that cannot be undone leaves the body as it is."""
        path, _, query = target.partition(b"?")
        body, _, digest, _ = read_body(headers, wire)
        return cls(method, safe_text(path), safe_text(query), headers, body, digest)

    def header(self, name: bytes) -> bytes | None:
        """All values of the header with this lower-case name, joined as one list; None if it is not there."""
        return header(self.headers, name)

    @property
    def reads(self) -> bool:
        return self.method in ("GET", "HEAD")

    @property
    def paths(self) -> tuple[str, ...]:
        """The path as it was sent and, if that is another one, with its escapes made normal (RFC 3986 §6.2.2)."""
        normal = quote(_ESCAPE.sub(_normal, self.path), safe=_SAFE)
        return (self.path,) if normal == self.path else (self.path, normal)


def fields_of(text: str | bytes, ignored: frozenset[bytes] = frozenset()) -> Fields:
    """The fields of a query or of a urlencoded form, without those whose name is ignored."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    fields = []
    for pair in raw.split(b"&"):
        if pair:
            name, _, value = (unquote_to_bytes(part.replace(b"+", b" ")) for part in pair.partition(b"="))
            if name not in ignored:
                fields.append((name, value))
    return tuple(sorted(fields, key=lambda field: field[0]))


def query_of(url: str) -> str:
    return url.partition("#")[0].partition("?")[2]


def _normal(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if _UNRESERVED.fullmatch(character) else f"%{escape[1].upper()}"
