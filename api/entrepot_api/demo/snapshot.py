"""Everything the preferences product holds, read through its own API, and the comparison of two such readings.

The server stamps every object with `last_modified` when it writes it. No client can know that value beforehand and no
replay can bring it back; it is left out of the comparison and counted, so that nobody takes it for restored.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .client import Refused, call

SERVER_MADE = "last_modified"

type Snapshot = dict[str, dict[str, Any]]
"""Path of an object to its data and permissions."""


@dataclass(slots=True, frozen=True)
class Comparison:
    """Of one kind of object: how many there were and are, and what differs, by path with a sentence each."""

    kind: str
    before: int
    after: int
    identical: int
    differences: dict[str, str]


def take(root: str, authorization: str) -> Snapshot:
    """Reads every bucket, group, collection and record directly, not through the proxy. Raises Refused, OSError."""
    found: Snapshot = {}
    for path in _paths(root, authorization):
        found[path] = call("GET", f"{root}/v1/{path}", authorization=authorization, direct=True)
    return found


def _paths(root: str, authorization: str) -> Iterator[str]:
    def names(path: str) -> list[str]:
        try:
            listing = call("GET", f"{root}/v1/{path}?_limit=10000", authorization=authorization, direct=True)
        except Refused as refused:
            if refused.status in (403, 404):  # Kinto answers 403 for what is not there and not yours
                return []
            raise
        return sorted(str(item["id"]) for item in listing["data"])

    for bucket in names("buckets"):
        yield f"buckets/{bucket}"
        for group in names(f"buckets/{bucket}/groups"):
            yield f"buckets/{bucket}/groups/{group}"
        for collection in names(f"buckets/{bucket}/collections"):
            yield f"buckets/{bucket}/collections/{collection}"
            for record in names(f"buckets/{bucket}/collections/{collection}/records"):
                yield f"buckets/{bucket}/collections/{collection}/records/{record}"


def kind_of(path: str) -> str:
    """`records` of `buckets/shop/collections/preferences/records/ada`."""
    return path.split("/")[-2]


def compare(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Comparison:
    """Every object of one kind, value by value, but for what only the server makes."""
    differences = {}
    for path in sorted(before.keys() | after.keys()):
        if path not in after:
            differences[path] = "did not come back"
        elif path not in before:
            differences[path] = "was not there before"
        elif _comparable(before[path]) != _comparable(after[path]):
            differences[path] = f"was {_comparable(before[path])}, is {_comparable(after[path])}"
    identical = len(before.keys() & after.keys()) - sum(path in before and path in after for path in differences)
    return Comparison(kind, len(before), len(after), identical, differences)


def restamped(before: Snapshot, after: Snapshot) -> int:
    """How many objects carry another `last_modified` than before the loss."""
    return sum(
        before[path]["data"].get(SERVER_MADE) != after[path]["data"].get(SERVER_MADE)
        for path in before.keys() & after.keys()
    )


def _comparable(content: Any) -> str:
    """As JSON text, since Python takes 1, 1.0 and true for equal."""
    if isinstance(content, dict) and isinstance(content.get("data"), dict):
        content = {**content, "data": {key: value for key, value in content["data"].items() if key != SERVER_MADE}}
    return json.dumps(content, sort_keys=True, ensure_ascii=False)
