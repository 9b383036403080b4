"""Keyset cursors: opaque to whoever holds one, and good for the listing that made it only.

A cursor is a version, eight bytes that stand for the listing (which one, its filter, its order) and the id of the
last item given out. It holds nothing secret and trusts nothing: another listing's cursor is refused.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from uuid import UUID

from ...errors import BadInput

_VERSION = b"\x01"
_BINDING = 8


def make_cursor(listing: str, last: UUID) -> str:
    """`listing` is any text that is the same for the same listing, for example the `repr` of its filter."""
    return urlsafe_b64encode(_VERSION + _binding(listing) + last.bytes).decode().rstrip("=")


def read_cursor(listing: str, cursor: str) -> UUID:
    """The id behind which the page begins. Raises BadInput."""
    try:
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    except ValueError:
        raw = b""
    if len(raw) != len(_VERSION) + _BINDING + 16 or not raw.startswith(_VERSION):
        raise BadInput("The cursor is not one that a listing made.", hint="Use `next` of the page before, unchanged.")
    if raw[1 : 1 + _BINDING] != _binding(listing):
        raise BadInput(
            "The cursor belongs to another listing.", hint="Keep filter and order as they were on the first page."
        )
    return UUID(bytes=raw[1 + _BINDING :])


def _binding(listing: str) -> bytes:
    return sha256(listing.encode("utf-8", "surrogatepass")).digest()[:_BINDING]
