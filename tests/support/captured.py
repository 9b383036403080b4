"""An archive of what a test wants to have been captured, without a proxy: exchanges → segment → vault → catalog.

`Recording` collects exchanges in order; `archive_of` stores them as the shipper would have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from entrepot_store.archive import Archive
from entrepot_store.catalog.documents import Look
from entrepot_store.catalog.rows import ExchangeRow, Shipment
from entrepot_store.catalog.sql import SqlCatalog
from entrepot_store.documents import AtHand, Interpreter, Recipe
from entrepot_store.model import Action, Body, Exchange, Gap, Headers, Request, Response, exchange_id
from entrepot_store.segment.payload import Payload
from entrepot_store.segment.writer import write_segment
from entrepot_store.vault.directory import DirectoryVault

START = 1_763_800_000_000_000
"""2025-11-22, in microseconds: when the recorded traffic begins."""


@dataclass
class Recording:
    """Exchanges with one destination, each a tenth of a second after the one before."""

    destination: str = "orders"
    authority: bytes = b"orders.internal"
    server_address: str = "10.1.2.3:80"
    start: int = START
    exchanges: list[Exchange] = field(default_factory=list)

    def add(
        self,
        method: str,
        path: str | bytes,
        body: bytes = b"",
        *,
        headers: Headers = ((b"Content-Type", b"application/json"),),
        status: int | None = 200,
        answer: bytes = b"{}",
        answer_headers: Headers = ((b"Content-Type", b"application/json"),),
        decoded: str = "",
        truncated: bool = False,
        answer_truncated: bool = False,
        error: str | None = None,
        action: Action = Action.CAPTURE,
    ) -> Exchange:
        """Adds an exchange; `status` None: no answer came. `decoded` says which coding of `body` is undone."""
        number = len(self.exchanges)
        started = self.start + number * 100_000
        sent = Body(data=body, size=len(body), truncated=truncated, decoded=decoded)
        response = None
        if status is not None:
            received = Body(data=answer, size=len(answer), truncated=answer_truncated)
            response = Response("HTTP/1.1", status, b"", answer_headers, received)
        exchange = Exchange(
            id=exchange_id(started, number.to_bytes(8)),
            started_at=started,
            source="billing",
            destination=self.destination,
            client_address="127.0.0.1:50000",
            server_address=self.server_address,
            rule="default",
            action=action,
            retention_class="default",
            request=Request(
                method.encode(),
                b"http",
                self.authority,
                path if isinstance(path, bytes) else path.encode(),
                "HTTP/1.1",
                ((b"Host", self.authority), *headers),
                sent,
            ),
            response=response,
            error=error if status is not None or error else "the connection was refused",
        )
        self.exchanges.append(exchange)
        return exchange


def archive_of(
    folder: Path,
    exchanges: Sequence[Exchange],
    *,
    gaps: Sequence[Gap] = (),
    catalog: SqlCatalog | None = None,
    recipes: Mapping[str, Recipe] | None = None,
) -> Archive:
    """A vault and (unless one is given) an SQLite catalog in `folder` that hold these exchanges. Close its catalog."""
    vault = DirectoryVault(folder / "vault")
    vault.check()
    catalog = catalog or SqlCatalog(f"sqlite:///{folder / 'catalog.sqlite'}")
    key = "segments/default/0001.warc.zst"
    file = folder / "segment"
    interpreter, looks = Interpreter(recipes or {}), list[Look]()

    def observe(row: ExchangeRow, request: Payload, response: Payload | None) -> None:
        looks.extend(interpreter.looks(row, AtHand(request, response)))

    index = write_segment(
        file,
        key=key,
        retention_class="default",
        worker="w1",
        spool="spool-1",
        exchanges=exchanges,
        ledger=None,
        gaps=gaps,
        bodies=folder,
        known=lambda digests: {},
        observe=observe,
    )
    vault.put(key, file)
    file.unlink()
    shipment = Shipment(
        *("spool-1", (index.segment,), index.exchanges, index.payloads), gaps=tuple(gaps), looks=tuple(looks)
    )
    catalog.commit_shipment(shipment)
    return Archive(vault, catalog)
