"""What a value is the id of, told by the names around it: a field, a path segment, the collection a request goes to.

`order_id`, `orderId`, `/orders/…` and `{"order": {"id": …}}` all speak of an *order*. Names are compared in one
spelling: lower case, singular, letters and digits only.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

_BARE = frozenset(
    {"id", "ids", "uuid", "uuids", "guid", "uid", "oid", "pk", "identifier", "ref", "href", "self", "urn"}
)
"""Names that say "the id of what I stand in"."""
_SUFFIX = re.compile(
    r"(.+?)(?:[_\-.](?:ids?|uuid|guid|uid|oid|pk|ref|urn|href|number|no)"
    r"|(?<=[a-z0-9])(?:Id|ID|Uuid|UUID|Ref|Number|Urn|Href)s?)"
)
_WRAPPERS = frozenset(
    {"data", "item", "result", "record", "object", "value", "response", "responses", "entry", "body", "attribute"}
    | {"hit", "row", "element", "member", "list", "content", "embedded", "payload", "edge", "node"}
)
"""Names that wrap a thing without saying what it is."""
_OTHER = re.compile(r"[^a-z0-9]")
_VERSION = re.compile(r"v\d+(\.\d+)*|api|rest|latest", re.IGNORECASE)


@lru_cache(maxsize=16_384)
def entity(name: str) -> str:
    """`Orders` → `order`, `customer_id` → `customer`, `categories` → `category`; empty for a bare `id`."""
    if name.lower().strip("_@$") in _BARE:
        return ""
    found = _SUFFIX.fullmatch(name)
    return _singular(_OTHER.sub("", (found[1] if found else name).lower()))


@lru_cache(maxsize=16_384)
def names_an_id(name: str) -> bool:
    """Whether a field of this name holds an id: `id`, `_id`, `order_id`, `orderId`, `OrderNumber`."""
    return name.lower().strip("_@$") in _BARE or _SUFFIX.fullmatch(name) is not None


def role_of_field(names: Sequence[str], collection: str) -> str:
    """What the value of a JSON field is the id of. `names` are the member names from the outside in; `collection` is
    what the URL speaks of."""
    own = entity(names[-1]) if names else ""
    if own:
        return own
    for name in reversed(names[:-1]):
        around = entity(name)
        if around and around not in _WRAPPERS:
            return around
    return collection


def collection_of(segments: Sequence[str]) -> str:
    """What a path speaks of: `/v1/orders` and `/v1/orders/7` of an *order*, `/orders/7/lines` of a *line*.

    The last segment that looks like a name of many, else the last that is a name at all."""
    named = [segment for segment in segments if segment.isascii() and segment[:1].isalpha() and not _version(segment)]
    plural = [segment for segment in named if _singular(segment.lower()) != segment.lower()]
    last = plural[-1:] or named[-1:]
    return entity(last[0]) if last else ""


def _version(segment: str) -> bool:
    return _VERSION.fullmatch(segment) is not None


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return word[:-1]
    return word
