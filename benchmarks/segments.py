"""Stored bytes: 100,000 exchanges in segments, beside mitmproxy's flow file of the same exchanges.

Segments are made as the shipper makes them, one of every 16 MiB of spool, and each is read back and verified. Two kinds
of traffic: one in which no two bodies are equal, which is the harder case and the one that counts, and one in which a
document that nobody changed reads the same each time.
"""

import os
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from entrepot_store.catalog.rows import PayloadRow
from entrepot_store.model import Body, Exchange
from entrepot_store.segment import FileSource, SegmentIndex, verify_segment, write_segment
from entrepot_store.segment.info import REVISIT_MIN
from entrepot_store.spool.records import pack_exchange

from .flow_file import FlowFile
from .machine import Machine
from .ship import SEAL_BYTES
from .traffic import generate_exchanges

EXCHANGES = 100_000


def sealed(exchanges: Iterator[Exchange]) -> Iterator[list[Exchange]]:
    """The exchanges of one spool file after the other."""
    batch: list[Exchange] = []
    size = 0
    for exchange in exchanges:
        batch.append(exchange)
        size += len(pack_exchange(exchange))
        if size >= SEAL_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def measure(count: int, *, distinct: bool) -> dict[str, float]:
    """Bytes and CPU time of `count` exchanges in segments, and bytes in a flow file."""
    segments: list[SegmentIndex] = []
    stored: dict[bytes, PayloadRow] = {}
    writing = verifying = 0.0
    revisits = bodies = 0

    def known(digests: Collection[bytes]) -> Mapping[bytes, PayloadRow]:
        return {digest: stored[digest] for digest in digests if digest in stored}

    with tempfile.TemporaryDirectory() as name, Path(os.devnull).open("wb") as nowhere:
        folder, flows = Path(name), FlowFile(nowhere)
        for number, batch in enumerate(sealed(islice(generate_exchanges(distinct=distinct), count))):
            flows.add_all(batch)
            target = folder / f"{number}.warc.zst"
            started = time.process_time()
            index = write_segment(
                target,
                key=target.name,
                retention_class="default",
                worker="bench",
                spool=f"bench-{number:06d}",
                exchanges=batch,
                ledger=None,
                gaps=(),
                bodies=folder,
                known=known,
            )
            written = time.process_time()
            verify_segment(FileSource(target), index)
            writing += written - started
            verifying += time.process_time() - written
            assert target.stat().st_size == index.segment.size
            segments.append(index)
            stored.update((payload.digest, payload) for payload in index.payloads)
            bodies += sum(len(side.data or b"") for exchange in batch for side in _bodies(exchange))
            sides = [side for row in index.exchanges for side in (row.request, row.response) if side is not None]
            worth_it = sum(side.size >= REVISIT_MIN for side in sides)
            revisits += worth_it - len(index.payloads)
    size = sum(index.segment.size for index in segments)
    return {
        "exchanges": count,
        "segments": len(segments),
        "body_bytes": bodies,
        "record_bytes": sum(index.segment.content_size for index in segments),
        "stored_bytes": size,
        "dictionary_bytes": sum(index.segment.dictionary for index in segments),
        "flow_file_bytes": flows.size,
        "revisits": revisits,
        "bytes_per_exchange": round(size / count, 1),
        "flow_bytes_per_exchange": round(flows.size / count, 1),
        "vs_flow_file": round(size / flows.size, 4),
        "write_us_per_exchange": round(writing / count * 1e6, 1),
        "verify_us_per_exchange": round(verifying / count * 1e6, 1),
    }


def _bodies(exchange: Exchange) -> Iterator[Body]:
    yield exchange.request.body
    if exchange.response is not None:
        yield exchange.response.body


def run(count: int = EXCHANGES) -> dict[str, object]:
    distinct, repeating = measure(count, distinct=True), measure(count, distinct=False)
    table = Table("", "no two bodies equal", "bodies repeat", title=f"{count:,} exchanges")
    for figure in distinct:
        table.add_row(figure, f"{distinct[figure]:,}", f"{repeating[figure]:,}")
    Console(width=100).print(table)
    return {
        "vs_flow_file": max(distinct["vs_flow_file"], repeating["vs_flow_file"]),
        "bytes_per_exchange": distinct["bytes_per_exchange"],
        "flow_bytes_per_exchange": distinct["flow_bytes_per_exchange"],
        "write_us_per_exchange": distinct["write_us_per_exchange"],
        "verify_us_per_exchange": distinct["verify_us_per_exchange"],
        "distinct": distinct,
        "repeating": repeating,
    }


if __name__ == "__main__":
    machine = Machine()
    machine.report(run())
