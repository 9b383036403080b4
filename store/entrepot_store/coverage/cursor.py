"""Keyset cursors of the coverage list, which is ordered by names: opaque, and good for the listing that made it only.
As `catalog.sql.cursor`, which is for lists ordered by id."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

from ..errors import BadInput

_VERSION = b"\x02"
_BINDING = 8


def make_cursor(listing: str, last: tuple[str, ...]) -> str:
    """`listing` is any text that is the same for the same listing; `last` the place of the last item given out."""
    return urlsafe_b64encode(_VERSION + _binding(listing) + json.dumps(last).encode()).decode().rstrip("=")


def read_cursor(listing: str, cursor: str) -> tuple[str, ...]:
    """The place behind which the page begins. Raises BadInput."""
    try:
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        place = json.loads(raw[1 + _BINDING :])
    except (ValueError, RecursionError):
        raw, place = b"", None
    if raw[:1] != _VERSION or not isinstance(place, list) or not all(isinstance(name, str) for name in place):
        raise BadInput("The cursor is not one that a listing made.", hint="Use `next` of the page before, unchanged.")
    if raw[1 : 1 + _BINDING] != _binding(listing) or not place:
        raise BadInput("The cursor belongs to another listing.", hint="Keep the filter as it was on the first page.")
    return tuple(place)


def _binding(listing: str) -> bytes:
    return sha256(listing.encode("utf-8", "surrogatepass")).digest()[:_BINDING]
