"""Ships one spool file. The order of the steps is the promise:

    read → segment on local disk → vault → read back and decoded → one catalog transaction → spool file deleted

What the exchanges say of documents (`entrepot_store.documents`) is worked out while their bodies are at hand, and
goes into the same transaction.

Every crash between two steps leaves garbage at worst (a segment nobody refers to, a file shipped twice), never a row
without its bytes: names are derived from the spool file, so doing it again finds what was done.
"""

import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from ..archive import Archive
from ..catalog import Catalog, ExchangeRow, PayloadRow, Shipment
from ..catalog.documents import Look
from ..catalog.erased import erased_row
from ..catalog.fields import FieldRow
from ..catalog.retention import ErasedRow
from ..catalog.rows import PayloadGone
from ..clock import Clock
from ..documents import AtHand, Interpreter, Recipe, dump_recipes, load_recipes, read_segment
from ..errors import AlreadyExists, Busy, Damaged, NotFound
from ..model import Body, Exchange, Gap, LedgerEntry
from ..segment.index import SegmentIndex
from ..segment.info import REVISIT_MIN
from ..segment.payload import Payload
from ..segment.reader import SegmentReader, VaultSource
from ..segment.verify import verify_segment
from ..segment.writer import write_segment
from ..spool import SpoolContent, SpoolFolder, SpoolName, read_spool_file
from ..spool.files import SEALED, sync_folder
from ..vault import Vault
from .losses import find_gaps, mark_missing_bodies

LEDGER_CLASS = "ledger"
"""Class of a segment that holds no exchange, only what a worker said about its completeness."""

UNFINISHED = "ship-"
"""Folders in the spool begin with this in which a segment is made; one that is left belongs to a shipper that died."""

_MAX_NAMES = 10
"""How many names a segment may be tried under before a person has to look."""


@dataclass(slots=True, frozen=True)
class Shipped:
    """What came of one spool file. `gaps` are the captures known to be lost in it; `repeated` says that the catalog
    had it already, from before a crash, and only the deletion was left to do."""

    name: SpoolName
    exchanges: int = 0
    bytes_stored: int = 0
    gaps: tuple[Gap, ...] = ()
    repeated: bool = False


@dataclass(slots=True)
class _Batch:
    """The part of a spool file that becomes one segment; the file's facts travel with one of them."""

    retention_class: str
    exchanges: list[Exchange]
    ledger: LedgerEntry | None = None
    gaps: tuple[Gap, ...] = ()


@dataclass(slots=True)
class _Stored:
    """One segment in the vault, and all that the catalog is to learn of it."""

    index: SegmentIndex
    gaps: tuple[Gap, ...]
    looks: tuple[Look, ...]
    fields: tuple[FieldRow, ...]


class Shipper:
    """Ships spool files of one spool into one vault and catalog.

    `recipes` is asked before every file for how documents are named and compared, by rule. `step` is called with the
    name of every step just done; fault tests end the process in it.
    """

    def __init__(
        self,
        spool: SpoolFolder,
        vault: Vault,
        catalog: Catalog,
        clock: Clock,
        step: Callable[[str], None] = lambda _: None,
        *,
        recipes: Callable[[], Mapping[str, Recipe]] = dict,
    ) -> None:
        self._recipes = recipes
        self._interpreter = Interpreter({})
        self._spool = spool
        self._vault = vault
        self._catalog = catalog
        self._clock = clock
        self._step = step
        self._withdrawn: set[str] = set()
        self._erased: Mapping[UUID, ErasedRow] = {}

    def ship(self, name: SpoolName, *, abandoned: bool = False) -> Shipped:
        """Ships `<name>.sealed` (or `.abandoned`) and deletes it.

        Raises VaultUnavailable, VaultDenied, CatalogUnavailable, TooNew, Damaged (what was stored does not read back)
        and OSError; the spool file is then untouched and can be shipped again.
        """
        path = self._spool.abandoned_path(name) if abandoned else self._spool.sealed_path(name)
        content = read_spool_file(path)
        self._step("read")
        if self._catalog.is_shipped(str(name)):
            self._forget(path, name, content)
            return Shipped(name, repeated=True)
        gaps = (
            *content.gaps,
            *find_gaps(name, content, abandoned=abandoned, now=self._clock.now()),
            *mark_missing_bodies(self._spool, name, content.exchanges),
        )
        recipes = self._recipes()
        if recipes != self._interpreter.recipes:
            self._interpreter = Interpreter(recipes)
        self._erase_again(content.exchanges)
        shipment = self._commit(name, content, gaps)
        self._step("committed")
        self._forget(path, name, content)
        return Shipped(
            name,
            exchanges=len(shipment.exchanges),
            bytes_stored=sum(segment.size for segment in shipment.segments),
            gaps=shipment.gaps,
        )

    def _commit(self, name: SpoolName, content: SpoolContent, gaps: tuple[Gap, ...]) -> Shipment:
        """Stores the file's segments and has the catalog know them, all or none."""
        for _ in range(_MAX_NAMES):
            stored = [self._store(name, batch) for batch in _batches(content, gaps)]
            shipment = _shipment(str(name), content.ledger, stored)
            try:
                self._catalog.commit_shipment(shipment)
            except PayloadGone:
                # Pruned or expunged since the segment was written. Nobody knows these segments yet, and the spool file
                # has all that is in them.
                for segment in shipment.segments:
                    self._vault.delete(segment.key)
                    self._withdrawn.add(segment.key)
                self._step("withdrawn")
            else:
                return shipment
        raise Busy(f"Payloads vanish faster than {name} can be shipped.", hint="Run it again when nothing is pruned.")

    def _erase_again(self, exchanges: Sequence[Exchange]) -> None:
        """What was erased stays erased when the same recording is imported again."""
        self._erased = self._catalog.retention.erased([exchange.id for exchange in exchanges])
        for exchange in exchanges:
            row = self._erased.get(exchange.id)
            if row is None:
                continue
            sides = [exchange.request.body] if row.request else []
            if row.response and exchange.response is not None:
                sides.append(exchange.response.body)
            for body in sides:  # its file keeps its name here, and goes with the others
                body.data, body.size, body.truncated = b"", 0, True
            if row.request and row.response:
                exchange.messages = []

    def _store(self, name: SpoolName, batch: _Batch) -> _Stored:
        """Brings one segment into the vault; returns what it says, as a rebuild would read it.

        A segment of that name that is already there was stored before a crash and is adopted, if it is whole and
        holds the same exchanges. Otherwise it is left for a person to look at and the next name is taken.
        """
        first = name.segment_key(batch.retention_class)
        for attempt in range(_MAX_NAMES):
            key = first if attempt == 0 else first.replace(".warc.zst", f"-r{attempt}.warc.zst")
            if key in self._withdrawn:
                continue
            try:
                self._vault.stat(key)
            except NotFound:
                return self._write(name, batch, key)
            adopted = self._adopt(key, batch)
            if adopted is not None:
                return adopted
        raise AlreadyExists(
            f"{first}: {_MAX_NAMES} segments of that name hold other content than spool file {name}.",
            hint="Two spools seem to share worker names; look at the segments before removing any.",
        )

    def _adopt(self, key: str, batch: _Batch) -> _Stored | None:
        try:
            index, _, gaps = SegmentReader(VaultSource(self._vault, key)).index(key)
        except Damaged:
            return None
        if [row.id for row in index.exchanges] != [exchange.id for exchange in batch.exchanges]:
            return None
        if any(erased_row(row, self._erased[row.id]) != row for row in index.exchanges if row.id in self._erased):
            # Erased since it was stored, which the spool file knows by now: it is written again without that.
            self._vault.erase(key)
            self._withdrawn.add(key)
            return None
        # By the recipes that the segment states, which a rebuild would go by.
        interpreter = Interpreter(load_recipes(index.recipes))
        archive = Archive(self._vault, self._catalog)
        try:
            looks, fields = read_segment(index, VaultSource(self._vault, key), archive, interpreter, self._erased)
        except NotFound:
            # It refers to a payload that was forgotten since; the spool file has all that is in it.
            self._vault.delete(key)
            self._withdrawn.add(key)
            return None
        self._step("adopted")
        return _Stored(index, gaps, looks, fields)

    def _write(self, name: SpoolName, batch: _Batch, key: str) -> _Stored:
        looks: list[Look] = []
        fields: list[FieldRow] = []

        def observe(row: ExchangeRow, request: Payload, response: Payload | None) -> None:
            bodies = AtHand(request, response)
            looks.extend(self._interpreter.looks(row, bodies, self._erased.get(row.id)))
            fields.extend(self._interpreter.fields(row, bodies))

        def known(digests: Collection[bytes]) -> Mapping[bytes, PayloadRow]:
            return self._catalog.known_payloads(batch.retention_class, digests)

        with tempfile.TemporaryDirectory(dir=self._spool.path, prefix=UNFINISHED) as folder:
            target = Path(folder) / "segment.warc.zst"
            index = write_segment(
                target,
                key=key,
                retention_class=batch.retention_class,
                worker=name.worker,
                spool=str(name),
                exchanges=batch.exchanges,
                ledger=batch.ledger,
                gaps=batch.gaps,
                bodies=self._spool.bodies,
                known=known,
                recipes=dump_recipes(self._interpreter.recipes, {exchange.rule for exchange in batch.exchanges}),
                observe=observe,
            )
            self._step("written")
            self._vault.put(key, target)
        self._step("put")
        verify_segment(VaultSource(self._vault, key), index)
        self._step("verified")
        return _Stored(index, batch.gaps, tuple(looks), tuple(fields))

    def _forget(self, path: Path, name: SpoolName, content: SpoolContent) -> None:
        """Removes a spool file that is in the catalog, and the bodies it names; keeps a damaged one for a person.

        Bodies go last: were they first, a crash between the two would leave a file that names bodies that are gone.
        """
        # A torn tail is what a killed worker leaves; a file that was sealed has none, unless it was damaged.
        if any(not damage.torn or path.suffix == SEALED for damage in content.damages):
            path.rename(self._spool.damaged_path(name))
        else:
            path.unlink(missing_ok=True)
        sync_folder(self._spool.path)
        self._step("deleted")
        for exchange in content.exchanges:
            for body in (exchange.request.body, exchange.response.body if exchange.response else Body()):
                if body.file is not None:
                    self._spool.body_path(body.file).unlink(missing_ok=True)


def _shipment(spool: str, ledger: LedgerEntry | None, stored: Sequence[_Stored]) -> Shipment:
    payloads = tuple(row for one in stored for row in one.index.payloads)
    here = {(row.retention_class, row.digest) for row in payloads}
    return Shipment(
        spool=spool,
        segments=tuple(one.index.segment for one in stored),
        exchanges=tuple(row for one in stored for row in one.index.exchanges),
        payloads=payloads,
        ledger=ledger,
        gaps=tuple(gap for one in stored for gap in one.gaps),
        refers_to=frozenset(
            (row.retention_class, message.digest)
            for one in stored
            for row in one.index.exchanges
            for message in (row.request, row.response)
            if message is not None and message.size >= REVISIT_MIN
        )
        - here,
        looks=tuple(look for one in stored for look in one.looks),
        fields=tuple(row for one in stored for row in one.fields),
    )


def _batches(content: SpoolContent, gaps: tuple[Gap, ...]) -> list[_Batch]:
    """One batch per retention class, by name; the ledger and the gaps go with the first."""
    by_class: dict[str, list[Exchange]] = {}
    for exchange in content.exchanges:
        by_class.setdefault(exchange.retention_class, []).append(exchange)
    batches = [_Batch(retention_class, exchanges) for retention_class, exchanges in sorted(by_class.items())]
    if not batches and (gaps or content.ledger is not None):
        batches.append(_Batch(LEDGER_CLASS, []))
    if batches:
        batches[0].ledger, batches[0].gaps = content.ledger, gaps
    return batches
