"""Exchanges as `.warc.gz`, which any WARC tool reads: one gzip member per record.

The records are those of a segment (`segment.records`) with two differences, because a file that leaves the vault must
stand alone: no payload is a revisit, and every payload states its SHA-256.
"""

import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from ..model import Exchange, derived_tail, exchange_id
from ..segment.fields import END_OF_RECORD
from ..segment.info import standard_lines, warcinfo
from ..segment.payload import prepare
from ..segment.records import ExchangeRecords, Record, Storing

_ALONE = Storing(digest=True)
_LEVEL = 6


def write_warc_gz(exchanges: Iterable[Exchange], stream: BinaryIO, spill: Path | None = None) -> int:
    """Writes every exchange in the order given and returns how many there were; none make an empty file. `spill` is
    the folder that holds the bodies named in `Body.file`; they are copied in constant memory.

    The same exchanges make the same bytes. Raises NotFound for a body whose file is gone, and what `exchanges` and
    `stream` raise.
    """
    count = 0
    for exchange in exchanges:
        if not count:
            _member(stream, _info(exchange))
        for record in _records(exchange, spill or Path()):
            _member(stream, record)
        count += 1
    return count


def _info(first: Exchange) -> Record:
    identifier = exchange_id(first.started_at, derived_tail(b"warc.gz", first.id.bytes))
    return Record(warcinfo(standard_lines(), identifier, first.started_at), None)


def _records(exchange: Exchange, bodies: Path) -> Iterator[Record]:
    records = ExchangeRecords(exchange)
    yield records.request(prepare(exchange.request, bodies), _ALONE)
    if exchange.response is not None:
        yield records.response(prepare(exchange.response, bodies), _ALONE)
    if exchange.messages:
        yield records.messages(digest=True)


def _member(stream: BinaryIO, record: Record) -> None:
    # A gzip header written by zlib has no name and no time in it, so the same record makes the same member.
    deflate = zlib.compressobj(_LEVEL, wbits=zlib.MAX_WBITS | 16)
    payload = record.payload.chunks() if record.payload is not None else ()
    for chunk in chain((record.head,), payload, (END_OF_RECORD,)):
        stream.write(deflate.compress(chunk))
    stream.write(deflate.flush())
