"""The first record of a segment: `warcinfo`, with everything a catalog must know that no exchange says."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Self
from uuid import UUID

from ..errors import TooNew
from ..model import Gap, LedgerEntry, derived_tail, exchange_id
from . import record_ids
from .fields import FIELDS_TYPE, format_date

FORMAT_VERSION = 2
"""The newest that is read. What the shipper writes is version 1; version 2 takes the place of other segments."""
REVISIT_MIN = 512
"""Bodies of at least this many bytes are stored once per class. A revisit's digest and record id do not compress: it
takes as many bytes as a JSON body of this length stored again (`python -m benchmarks.segment_tuning`), and a second
read from the vault."""
LATEST = 253_402_300_799_999_999
"""The last microsecond that a WARC-Date can say."""
SOFTWARE = f"entrepot/{version('entrepot')}"


def standard_lines(software: str = SOFTWARE) -> list[str]:
    """What every WARC file of ours says of itself."""
    return [
        f"software: {software}",
        "format: WARC File Format 1.1",
        "conformsTo: http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
    ]


def warcinfo(lines: Sequence[str], identifier: UUID, at: int, filename: str | None = None) -> bytes:
    """A `warcinfo` record without its end; `at` is microseconds since the epoch. Raises ValueError for a line or name
    with a control character in it."""
    named = () if filename is None else (f"WARC-Filename: {filename}",)
    unfit = [line for line in (*lines, *named) if not line.isprintable()]
    if unfit:
        raise ValueError(f"{unfit[0]!r} does not fit in a warcinfo record")
    block = "".join(f"{line}\r\n" for line in lines).encode()
    return b"WARC/1.1\r\nWARC-Type: warcinfo\r\nWARC-Record-ID: %s\r\nWARC-Date: %s\r\n%s%s%s\r\n\r\n%s" % (
        record_ids.urn(identifier),
        format_date(min(max(at, 0), LATEST)),
        "".join(f"{line}\r\n" for line in named).encode(),
        b"Content-Type: %s\r\n" % FIELDS_TYPE,
        b"Content-Length: %d" % len(block),
        block,
    )


@dataclass(slots=True, frozen=True)
class SegmentInfo:
    """`at` dates the record: when the first exchange started. `exchanges` counts those that follow. `recipes` is one
    line of JSON that says by which rules its documents were named and compared (`entrepot_store.documents` reads and
    writes it); empty when nothing was set.

    A segment that was made out of others names them in `replaces`: they count no more, whether they are still there or
    not. `others` are then ledger entries of further workers, each the last one known."""

    retention_class: str
    worker: str
    spool: str
    exchanges: int
    at: int
    ledger: LedgerEntry | None = None
    gaps: Sequence[Gap] = ()
    revisit_min: int = REVISIT_MIN
    recipes: str = ""
    replaces: Sequence[str] = ()
    others: Sequence[LedgerEntry] = ()
    software: str = SOFTWARE

    @property
    def ledgers(self) -> tuple[LedgerEntry, ...]:
        return (() if self.ledger is None else (self.ledger,)) + tuple(self.others)

    def format(self, key: str) -> bytes:
        """The record without its end. Raises ValueError for a class, worker, spool or key with a control character."""
        lines = [
            *standard_lines(self.software),
            f"entrepot-segment: {2 if self.replaces else 1}",
            f"entrepot-class: {self.retention_class}",
            f"entrepot-worker: {self.worker}",
            f"entrepot-spool: {self.spool}",
            f"entrepot-exchanges: {self.exchanges}",
            f"entrepot-revisit-min: {self.revisit_min}",
        ]
        if self.recipes:
            lines.append(f"entrepot-recipes: {self.recipes}")
        lines.extend(f"entrepot-replaces: {key}" for key in self.replaces)
        lines.extend(f"entrepot-ledger: {_json(asdict(entry))}" for entry in self.ledgers)
        lines.extend(f"entrepot-gap: {_json(asdict(gap))}" for gap in self.gaps)
        identifier = exchange_id(self.at, derived_tail(key.encode()))
        return warcinfo(lines, identifier, self.at, key.rpartition("/")[2])

    @classmethod
    def parse(cls, block: bytes, at: int) -> Self:
        """Raises TooNew for a segment of a newer format, ValueError (or KeyError, TypeError) for a malformed block."""
        lines = [line.partition(": ") for line in block.decode("utf-8").split("\r\n")[:-1]]
        values = {name: value for name, _, value in lines}
        found = int(values["entrepot-segment"])
        if found > FORMAT_VERSION:
            raise TooNew(
                f"The segment has format {found}; this version reads up to {FORMAT_VERSION}.",
                hint="Use the version that wrote it, or a newer one.",
            )
        gaps = tuple(Gap(**json.loads(value)) for name, _, value in lines if name == "entrepot-gap")
        ledgers = [LedgerEntry(**json.loads(value)) for name, _, value in lines if name == "entrepot-ledger"]
        return cls(
            retention_class=values["entrepot-class"],
            worker=values["entrepot-worker"],
            spool=values["entrepot-spool"],
            exchanges=int(values["entrepot-exchanges"]),
            at=at,
            ledger=ledgers[0] if ledgers else None,
            gaps=gaps,
            revisit_min=int(values["entrepot-revisit-min"]),
            recipes=values.get("entrepot-recipes", ""),
            replaces=tuple(value for name, _, value in lines if name == "entrepot-replaces"),
            others=tuple(ledgers[1:]),
            software=values["software"],
        )


def _json(value: dict[str, object]) -> str:
    return json.dumps(value, separators=(",", ":"))
