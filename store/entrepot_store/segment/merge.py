"""Makes one segment out of others: records are copied byte by byte, what is to go is left out, and the dictionary is
trained anew, so that it holds nothing of what was left out.

The catalog decides what stays; nothing here asks why. A payload that the catalog still names at its place stays as a
record of its own when the exchange that brought it goes, because revisits elsewhere refer to it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

import zstandard

from ..catalog.retention import Stored, StoredExchange
from ..catalog.rows import PayloadRow, SegmentRow
from ..errors import Damaged
from ..model import LedgerEntry
from . import dictionary as dictionaries
from .facts import parse_rule, parse_started_at
from .frame_writer import FrameWriter
from .head import Kind
from .info import LATEST, SOFTWARE, SegmentInfo
from .open_record import OpenRecord
from .payload import IN_MEMORY, Payload
from .reader import SegmentReader
from .recast import erased_head, payload_head
from .records import Record
from .sources import FileSource, RangeSource


@dataclass(slots=True, frozen=True)
class Erased:
    """What of an exchange was erased, and by which erasure. WebSocket messages go with both sides."""

    erasure: UUID
    request: bool = True
    response: bool = True

    def covers(self, kind: Kind) -> bool:
        sides = {Kind.REQUEST: self.request, Kind.RESPONSE: self.response}
        return sides.get(kind, self.request and self.response)


@dataclass(slots=True)
class Part:
    """One segment that goes into another, and what of it stays: the exchanges that the catalog knows there, and the
    payloads that it knows there, by the offset of their record."""

    key: str
    source: RangeSource
    exchanges: Mapping[UUID, StoredExchange]
    payloads: Mapping[int, PayloadRow] = field(default_factory=dict)
    erased: Mapping[UUID, Erased] = field(default_factory=dict)


@dataclass(slots=True, frozen=True)
class Merged:
    """What became of the parts: the row of the new segment, and where in it everything is."""

    segment: SegmentRow
    exchanges: tuple[StoredExchange, ...]
    payloads: tuple[PayloadRow, ...]
    content_crc: int


def merge_segments(target: Path, parts: Sequence[Part], *, key: str, recipes: str, replaces: Sequence[str]) -> Merged:
    """Writes `target` (0600, fsynced) out of the parts, which are of one retention class, in their order; returns what
    the catalog needs of it, read back from what was written. `replaces` are the keys that count no more: those of the
    parts, and of what these replaced and is still there.

    Deterministic: the same parts and the same zstd make the same bytes.
    Raises Damaged if a part does not read, or does not hold what the catalog says; TooNew, OSError, and what the
    sources raise.
    """
    readers = [SegmentReader(part.source) for part in parts]
    info = _info([reader.info() for reader in readers], parts, key, recipes, replaces)
    with FrameWriter(target, _dictionary(parts, readers)) as frames:
        frames.write(Record(info.format(key), None))
        for part, reader in zip(parts, readers, strict=True):
            for record in _records(part, reader):
                frames.write(record)
        frames.seal()
    exchanges, payloads = _read_back(target, key, info, changed=any(part.erased for part in parts))
    _check(key, parts, exchanges, payloads)
    times = [exchange.started_at for exchange in exchanges]
    segment = SegmentRow(
        key=key,
        retention_class=info.retention_class,
        worker=info.worker,
        spool=info.spool,
        size=frames.offset,
        content_size=frames.content_size,
        digest=frames.digest.digest(),
        dictionary=frames.dictionary_size,
        exchanges=len(exchanges),
        first_at=min(times, default=info.at),
        last_at=max(times, default=info.at),
    )
    return Merged(segment, tuple(exchanges), tuple(payloads), frames.content_crc)


def _info(
    infos: Sequence[SegmentInfo], parts: Sequence[Part], key: str, recipes: str, replaces: Sequence[str]
) -> SegmentInfo:
    """The facts of all parts, of the ledger the last entry of every worker."""
    last: dict[str, LedgerEntry] = {}
    for entry in (entry for info in infos for entry in info.ledgers):
        known = last.get(entry.worker)
        if known is None or _progress(entry) > _progress(known):
            last[entry.worker] = entry
    ledgers = [last[worker] for worker in sorted(last)]
    times = [found.started_at for part in parts for found in part.exchanges.values()] or [info.at for info in infos]
    return replace(
        infos[0],
        worker="entrepot",
        spool=key.rpartition("/")[2].removesuffix(".warc.zst"),
        exchanges=sum(len(part.exchanges) for part in parts),
        at=min(max(min(times), 0), LATEST),
        ledger=ledgers[0] if ledgers else None,
        others=tuple(ledgers[1:]),
        gaps=tuple(dict.fromkeys(gap for info in infos for gap in info.gaps)),
        recipes=recipes,
        replaces=tuple(replaces),
        software=SOFTWARE,
    )


def _progress(entry: LedgerEntry) -> tuple[int, int, int]:
    """Which of two entries of a worker is the later: counts only grow, a clock may have been set back."""
    return entry.seen, entry.stored + entry.ignored + entry.truncated + entry.failed, entry.at


def _records(part: Part, reader: SegmentReader) -> Iterator[Record]:
    """What of a part goes into the new segment. What is not read of a record is passed over by the reader."""
    seen = 0
    for record in reader.records(http=False):
        head = record.head
        if head.kind is Kind.INFO:
            continue
        stays = head.kind is not Kind.PAYLOAD and head.exchange_id in part.exchanges
        seen += stays and head.kind is Kind.REQUEST
        erased = part.erased.get(head.exchange_id) if stays else None
        covered = erased is not None and erased.covers(head.kind)
        if stays and not covered:
            yield Record(head.raw, None if head.revisit is not None else _payload(record))
            continue
        known = part.payloads.get(record.offset)
        if known is not None and head.revisit is None:
            yield Record(payload_head(head, known.digest), _payload(record))
        if erased is not None and head.kind in (Kind.REQUEST, Kind.RESPONSE):
            messages = int(head.fields.get(b"Entrepot-Messages") or 0) if erased.covers(Kind.MESSAGES) else 0
            yield Record(erased_head(head, erased.erasure, messages), None)
    if seen != len(part.exchanges):
        raise _differs(f"{part.key}: {len(part.exchanges) - seen} exchanges that the catalog knows in it are not there")


def _payload(record: OpenRecord) -> Payload:
    size = record.head.size
    if size <= IN_MEMORY:
        return Payload(size, b"", b"".join(record.payload))
    return Payload(size, b"", source=lambda: record.payload)  # read once, as it is written


def _dictionary(parts: Sequence[Part], readers: Sequence[SegmentReader]) -> zstandard.ZstdCompressionDict | None:
    """Trained on evenly spaced exchanges of all parts, as the writer of a segment does, on what stays of them."""
    paired = zip(parts, readers, strict=True)
    places = [(part, reader, exchange) for part, reader in paired for exchange in part.exchanges.values()]
    useful = sum(_useful(side) for _, _, exchange in places for side in exchange.sides)
    if useful <= dictionaries.TRAIN_ABOVE:
        return None
    samples: list[bytes] = []
    for part, reader, exchange in places[:: dictionaries.sample_every(useful)]:
        if exchange.id not in part.erased:
            samples.extend(_sample(reader.record(side.offset, side.length, http=False)) for side in exchange.sides)
    return dictionaries.train(samples)


def _useful(side: Stored) -> int:
    """Bytes of the record that are worth training on; its head is taken for half a KiB."""
    return min(side.size + 512, dictionaries.SAMPLE_LONGEST)


def _sample(record: OpenRecord) -> bytes:
    sample = record.head.raw
    for piece in record.payload:
        sample += piece
        if len(sample) >= dictionaries.SAMPLE_LONGEST:
            break
    record.payload.close()
    return sample[: dictionaries.SAMPLE_LONGEST]


def _read_back(
    target: Path, key: str, info: SegmentInfo, *, changed: bool
) -> tuple[list[StoredExchange], list[PayloadRow]]:
    """Where everything is in what was written; every byte of it decoded and checked. HTTP messages were parsed when
    the bytes that are copied here were first stored, and are parsed again only if some were `changed`."""
    exchanges: list[StoredExchange] = []
    payloads: list[PayloadRow] = []
    for record in SegmentReader(FileSource(target)).records(http=changed):
        head = record.head
        for _ in record.payload:
            pass
        stored = Stored(head.size, record.digest, record.offset, record.length)
        if head.kind is Kind.REQUEST:
            exact = head.fields.exact
            started, rule = parse_started_at(head.fields, exact), parse_rule(head.fields, exact)
            exchanges.append(StoredExchange(head.record_id, started, rule, stored, None))
        elif head.kind is Kind.RESPONSE:
            exchanges[-1] = replace(exchanges[-1], response=stored)
        if head.kind is Kind.PAYLOAD or (
            head.kind in (Kind.REQUEST, Kind.RESPONSE) and head.revisit is None and head.size >= info.revisit_min
        ):
            place = (head.record_id, key, record.offset, record.length)
            payloads.append(PayloadRow(record.digest, info.retention_class, head.size, *place))
    return exchanges, payloads


def _check(
    key: str, parts: Sequence[Part], exchanges: Sequence[StoredExchange], payloads: Sequence[PayloadRow]
) -> None:
    """Every exchange and payload that stays is in the new segment as the catalog knows it, and nothing else is."""
    expected = {found.id: _bodies(found) for part in parts for found in part.exchanges.values()}
    if expected != {found.id: _bodies(found) for found in exchanges} or len(expected) != len(exchanges):
        raise _differs(f"{key} does not come out as the catalog says")
    wanted = {row.digest for part in parts for row in part.payloads.values()}
    if not wanted <= {row.digest for row in payloads}:
        raise _differs(f"{key} lacks payloads that the catalog says are there")


def _bodies(exchange: StoredExchange) -> tuple[tuple[bytes, int], ...]:
    return tuple((side.digest, side.size) for side in exchange.sides)


def _differs(what: str) -> Damaged:
    return Damaged(f"{what}.", hint="Nothing was changed. Run `entrepot rebuild-catalog`.")
