"""Ids of flows, their paths and samples: made of what they stand for, so the same in every catalog of one vault."""

from functools import lru_cache
from hashlib import sha256
from uuid import UUID

from ...coverage.tally import FlowKey, PathKey, SampleKey


@lru_cache(maxsize=16_384)
def path_id(key: PathKey) -> UUID:
    return _made_of(*_path(key))


@lru_cache(maxsize=16_384)
def flow_id(key: FlowKey) -> UUID:
    return _made_of(*_path(key.path), key.source, key.method, str(key.status), key.media_type, key.rule, key.action)


def sample_id(key: SampleKey) -> UUID:
    return _made_of(*_path(key.path), key.method, str(key.hour))


def _path(key: PathKey) -> tuple[str, str, str]:
    return key.destination, "answered" if key.answered else "refused", key.path


def _made_of(*parts: str) -> UUID:
    # No name in a catalog holds a NUL: `segment.rows` sees to it.
    return UUID(bytes=sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()[:16])
