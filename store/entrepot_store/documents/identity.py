"""The name of a document: its destination, and a key made of the path and of query fields.

All query fields count unless the rule names those that do. One field too many makes two documents of one, which anybody
can see; one too few makes one document of two, whose contents would then pass for each other's versions.
"""

from functools import lru_cache
from hashlib import sha256
from urllib.parse import unquote_plus
from uuid import UUID, uuid5

_NAMESPACE = UUID("6f4b4c1e-8a57-5d0c-9d0e-0f1c86a0b6d5")
LONGEST_KEY = 1200
"""Bytes of a key in UTF-8; PostgreSQL takes no more than 2,700 into an index, and the destination is in it as well."""


@lru_cache(maxsize=16_384)
def document_id(destination: str, key: str) -> UUID:
    """The same for the same document, in every catalog."""
    return uuid5(_NAMESPACE, f"{destination}\0{key}")


def document_key(path: str, query: str, fields: frozenset[str] | None = None) -> str:
    """`/v1/orders?page=2&size=10`: the path, and those fields of the query that count (None: all), by name.

    Percent-encoding is left as it is. A key that is too long keeps its beginning and ends in the digest of the whole.
    """
    pairs = [pair for pair in query.split("&") if pair] if query else []
    if fields is not None:
        pairs = [pair for pair in pairs if unquote_plus(pair.partition("=")[0]) in fields]
    # By name alone, and stable: the order of values of one field may mean something.
    pairs.sort(key=lambda pair: pair.partition("=")[0])
    key = f"{path}?{'&'.join(pairs)}" if pairs else path
    if len(key) * 4 <= LONGEST_KEY:
        return key
    raw = key.encode("utf-8", "surrogatepass")
    if len(raw) <= LONGEST_KEY:
        return key
    return f"{raw[: LONGEST_KEY - 80].decode('utf-8', 'ignore')}…{sha256(raw).hexdigest()}"
