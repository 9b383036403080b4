"""Reads one spool file, whole, torn or damaged, and says exactly what it could not read."""

from dataclasses import dataclass, field
from pathlib import Path

from ..errors import Damaged, TooNew
from ..model import Exchange, Gap, LedgerEntry
from .frames import FILE_MAGIC, Bad, decode_frames
from .records import Head, unpack


@dataclass(slots=True, frozen=True)
class Damage:
    """Bytes `start` to `end` of a spool file that hold no readable record. A `torn` one is the file's unfinished tail."""

    start: int
    end: int
    torn: bool


@dataclass(slots=True)
class SpoolContent:
    """What a spool file holds. `ledger` is the last ledger entry."""

    head: Head | None = None
    exchanges: list[Exchange] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    ledger: LedgerEntry | None = None
    damages: list[Damage] = field(default_factory=list)


def read_spool_file(path: Path) -> SpoolContent:
    """Raises TooNew if the file's format is newer than ours, OSError if it cannot be read. Damage is returned, not raised."""
    raw = path.read_bytes()
    content = SpoolContent()
    start = len(FILE_MAGIC)
    if raw[:start] != FILE_MAGIC:
        if raw[:6] == FILE_MAGIC[:6] and raw[6:start].isdigit():
            raise TooNew(
                f"{path}: spool format {raw[6:start].decode()} is newer than ours, 01.",
                hint="Ship it with the version that wrote it.",
            )
        # Every byte of the magic may be damaged or missing; the frames behind it are still found by their markers.
        content.damages.append(Damage(0, min(start, len(raw)), torn=len(raw) < start))
    for frame in decode_frames(raw, min(start, len(raw))):
        if isinstance(frame, Bad):
            content.damages.append(Damage(frame.start, frame.end, frame.torn))
            continue
        try:
            record = unpack(frame)
        except TooNew:
            raise
        except Damaged:
            content.damages.append(Damage(0, 0, torn=False))
            continue
        if isinstance(record, Exchange):
            content.exchanges.append(record)
        elif isinstance(record, LedgerEntry):
            content.ledger = record
        elif isinstance(record, Gap):
            content.gaps.append(record)
        else:
            content.head = record
    return content
