"""What the numbers in `entrepot_store.segment.dictionary` and `info.REVISIT_MIN` rest on: `python -m
benchmarks.segment_tuning`. Not part of `make bench`: it takes minutes and asks nothing.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import zstandard
from rich.console import Console
from rich.table import Table

from entrepot_store.model import Body, Exchange
from entrepot_store.segment import SegmentIndex, write_segment, writer
from entrepot_store.segment import dictionary as dictionaries

from .machine import Machine
from .traffic import generate_exchanges

KIB = 1024
MANY = 6_000


def write(folder: Path, exchanges: list[Exchange]) -> tuple[SegmentIndex, float]:
    """The segment, and the least CPU seconds of three tries."""
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        index = write_segment(
            folder / "segment",
            key="segment",
            retention_class="default",
            worker="bench",
            spool="bench",
            exchanges=exchanges,
            ledger=None,
            gaps=(),
            bodies=folder,
            known=lambda _: {},
        )
        best = min(best, time.process_time() - started)
    return index, best


@contextmanager
def changed(module: ModuleType, **values: Any) -> Iterator[None]:
    """The module with other numbers."""
    before = {name: getattr(module, name) for name in values}
    for name, value in values.items():
        setattr(module, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)


def parameters(**values: int) -> zstandard.ZstdCompressionParameters:
    """Those in use, but for `values`."""
    names = ("strategy", "window_log", "hash_log", "chain_log", "search_log", "min_match", "target_length")
    flags = {"write_checksum": True, "write_content_size": True, "write_dict_id": True}
    own = {name: getattr(dictionaries.PARAMETERS, name) for name in names}
    return zstandard.ZstdCompressionParameters(**(own | flags | values))


def level(number: int) -> zstandard.ZstdCompressionParameters:
    return zstandard.ZstdCompressionParameters.from_level(
        number, dict_size=dictionaries.SIZE, write_checksum=True, write_content_size=True, write_dict_id=True
    )


def compare(title: str, exchanges: list[Exchange], cases: dict[str, dict[str, Any]]) -> None:
    table = Table("", "bytes an exchange", "dictionary frame", "µs an exchange", title=title)
    with tempfile.TemporaryDirectory() as folder:
        for name, values in cases.items():
            with changed(dictionaries, **values):
                index, seconds = write(Path(folder), exchanges)
            size = index.segment.size / len(exchanges)
            table.add_row(name, f"{size:.1f}", f"{index.segment.dictionary:,}", f"{seconds / len(exchanges) * 1e6:.0f}")
    Console(width=100).print(table)


def revisits() -> None:
    """Compressed bytes of a record in full and of a revisit, for bodies of several sizes."""
    table = Table("body", "in full", "as a revisit", title="A body seen again, compressed bytes of its record")
    traffic = list(islice(generate_exchanges(distinct=True), MANY))
    with tempfile.TemporaryDirectory() as folder, changed(writer, REVISIT_MIN=1):
        for size in (256, 384, 512, 640, 768):
            for place, exchange in enumerate(traffic):
                body = (exchange.response.body.data or b"") if exchange.response else b""
                source = body if len(body) >= size else exchange.request.body.data or b""
                again = traffic[place - 1].request.body.data or b""
                exchange.request.body = Body.of(source[:size] if place % 2 == 0 else again)
            index, _ = write(Path(folder), traffic)
            full = [row.request.length for row in index.exchanges[0::2] if row.request.size == size]
            short = [row.request.length for row in index.exchanges[1::2] if row.request.size == size]
            table.add_row(str(size), f"{sum(full) / len(full):.0f}", f"{sum(short) / len(short):.0f}")
    Console(width=100).print(table)


def main() -> None:
    machine = Machine()
    exchanges = list(islice(generate_exchanges(distinct=True), MANY))
    none = {"TRAIN_ABOVE": 1 << 60}
    for count in (20, 100, 400, 1600):
        compare(f"{count} exchanges", exchanges[:count], {"without a dictionary": none, "with one": {"TRAIN_ABOVE": 0}})
    compare("size of the dictionary", exchanges, {f"{kib} KiB": {"SIZE": kib * KIB} for kib in (64, 128, 256, 512)})
    compare(
        "bytes of samples",
        exchanges,
        {f"{kib} KiB": {"SAMPLE_LEAST": kib * KIB, "SAMPLE_MOST": kib * KIB} for kib in (512, 1024, 2048, 4096)},
    )
    compare("longest piece", exchanges, {str(piece): {"_PIECE": piece} for piece in (256, 1024, 2048, 4096, 8192)})
    compare(
        "search",
        exchanges,
        {
            "as it is": {},
            **{f"level {number}": {"PARAMETERS": level(number)} for number in (1, 3, 5, 6)},
            "search 4": {"PARAMETERS": parameters(search_log=4)},
            "shortest match 5": {"PARAMETERS": parameters(min_match=5)},
            "lazy": {"PARAMETERS": parameters(strategy=zstandard.STRATEGY_LAZY, target_length=8)},
        },
    )
    revisits()
    machine.report({})


if __name__ == "__main__":
    main()
