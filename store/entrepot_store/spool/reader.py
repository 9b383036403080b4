"""Reads one spool file, whole, torn or damaged, and says exactly what it could not read."""

from dataclasses import dataclass, field
from pathlib import Path

from ..errors import Damaged, TooNew
from ..model import Exchange, Gap, LedgerEntry
from .frames import FILE_MAGIC, HEADER_SIZE, Bad, decode_frames
from .records import FORMAT, Head, unpack


@dataclass(slots=True, frozen=True)
class Damage:
    """Bytes `start` to `end` of a spool file that hold no readable record; `torn` if they are its unfinished tail."""

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
    """What the file holds; damage is returned, not raised.

    Raises TooNew if the format of the file or of a record is newer than ours, OSError if the file cannot be read.
    """
    raw = path.read_bytes()
    content = SpoolContent()
    position = min(len(FILE_MAGIC), len(raw))
    if raw[:position] != FILE_MAGIC:
        _refuse_newer(path, raw)
        # Every byte of the magic may be damaged or missing; the frames behind it are read all the same.
        content.damages.append(Damage(0, position, torn=position == len(raw)))
    for frame in decode_frames(raw, position):
        if isinstance(frame, Bad):
            content.damages.append(Damage(frame.start, frame.end, frame.torn))
            position = frame.end
            continue
        start, position = position, position + HEADER_SIZE + len(frame)
        try:
            record = unpack(frame)
        except Damaged:
            content.damages.append(Damage(start, position, torn=False))
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


def _refuse_newer(path: Path, raw: bytes) -> None:
    """Raises TooNew if the magic names a newer format, and the file's head does not say that the magic is damaged."""
    start = len(FILE_MAGIC)
    family, number = FILE_MAGIC[:-2], raw[start - 2 : start]
    if not raw.startswith(family) or len(number) < 2 or not number.isdigit() or int(number) <= FORMAT:
        return
    first = next(decode_frames(raw, start), None)
    if isinstance(first, memoryview):
        try:
            record = unpack(first)
        except Damaged as error:
            # Ours would decode. What this is, the version that wrote the file knows.
            raise _too_new(path, number) from error
        if isinstance(record, Head) and record.version == FORMAT:
            return
    raise _too_new(path, number)


def _too_new(path: Path, number: bytes) -> TooNew:
    return TooNew(
        f"{path}: spool format {number.decode()} is newer than ours, {FORMAT:02d}.",
        hint="Ship it with the version that wrote it.",
    )
