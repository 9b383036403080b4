"""Exchange ids: UUIDv7 (RFC 9562) whose order is the order of time, to a quarter of a microsecond.

The 48-bit millisecond field is followed by 12 bits of the fraction of that millisecond (RFC 9562 §6.2, method 3).
A span of time is therefore a range of ids, and the primary key serves every keyset page.
"""

import os
from hashlib import sha256
from uuid import UUID


def exchange_id(micros: int, tail: bytes | None = None) -> UUID:
    """The id of an exchange that started at `micros`; `tail` (8 bytes) replaces randomness, for repeatable imports."""
    millis, rest = divmod(micros, 1000)
    fraction = rest * 4096 // 1000
    entropy = int.from_bytes(tail or os.urandom(8)) & ((1 << 62) - 1)
    return UUID(int=(millis & ((1 << 48) - 1)) << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | entropy)


def uuid7(micros: int) -> UUID:
    """A new time-ordered id for anything that is not an exchange: replays, jobs, tokens."""
    return exchange_id(micros)


def id_micros(identifier: UUID) -> int:
    """The microsecond an id was made for; exact for ids made by `exchange_id`."""
    value = identifier.int
    fraction = value >> 64 & 0xFFF
    return (value >> 80) * 1000 + -(-fraction * 1000 // 4096)


def id_floor(micros: int) -> UUID:
    """The smallest id an exchange started at `micros` can have: `id >= id_floor(t)` means `started_at >= t`."""
    millis, rest = divmod(max(micros, 0), 1000)
    return UUID(int=millis << 80 | 0x7 << 76 | (rest * 4096 // 1000) << 64 | 0b10 << 62)


def derived_tail(*parts: bytes) -> bytes:
    """Eight bytes that are the same for the same parts, for ids that must not change when an import is repeated."""
    digest = sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.digest()[:8]
