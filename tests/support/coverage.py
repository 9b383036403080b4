"""Traffic that is shipped in several batches over hours, and a webhook that takes events."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from entrepot_store.archive import Archive
from entrepot_store.catalog.rows import Shipment
from entrepot_store.catalog.sql import SqlCatalog
from entrepot_store.coverage.tally import HOUR
from entrepot_store.model import Action, Exchange, exchange_id
from entrepot_store.segment.writer import write_segment
from entrepot_store.vault.directory import DirectoryVault

from .captured import START, Recording


class Traffic:
    """A vault and an SQLite catalog in `folder` that exchanges are shipped into. Close its `archive.catalog`."""

    def __init__(self, folder: Path, catalog: SqlCatalog | None = None) -> None:
        self._folder = folder
        self._shipped = 0
        self._recording = Recording()
        vault = DirectoryVault(folder / "vault")
        vault.check()
        self.archive = Archive(vault, catalog or SqlCatalog(f"sqlite:///{folder / 'catalog.sqlite'}"))

    def add(
        self,
        hour: float,
        method: str,
        path: str,
        answer: Any = None,
        body: Any = None,
        *,
        status: int = 200,
        source: str = "billing",
        rule: str = "default",
        action: Action = Action.CAPTURE,
    ) -> Exchange:
        """An exchange that is shipped with the next batch. `answer` and `body` become JSON."""
        exchange = self._recording.add(
            method,
            path,
            b"" if body is None else json.dumps(body).encode(),
            status=status,
            answer=b"" if answer is None else json.dumps(answer).encode(),
        )
        started = START + round(hour * HOUR) + len(self._recording.exchanges)
        exchange = replace(
            exchange,
            id=exchange_id(started, len(self._recording.exchanges).to_bytes(8) + bytes([self._shipped])),
            started_at=started,
            source=source,
            rule=rule,
            action=action,
        )
        self._recording.exchanges[-1] = exchange
        return exchange

    def ship(self) -> None:
        """Stores what was added as the shipper would."""
        self._shipped += 1
        spool = f"spool-{self._shipped}"
        key = f"segments/default/2025/11/22/{spool}.warc.zst"
        file = self._folder / "segment"
        index = write_segment(
            file,
            key=key,
            retention_class="default",
            worker="w1",
            spool=spool,
            exchanges=self._recording.exchanges,
            ledger=None,
            gaps=(),
            bodies=self._folder,
            known=lambda digests: {},
        )
        self.archive.vault.put(key, file)
        file.unlink()
        shipment = Shipment(spool, (index.segment,), index.exchanges, index.payloads)
        self.archive.catalog.commit_shipment(shipment)
        self._recording = Recording()


@dataclass
class Sink:
    """A webhook. `answers` are the statuses it gives, one a request; 202 when there are none left."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    types: set[str | None] = field(default_factory=set)


@contextmanager
def webhook() -> Iterator[Sink]:
    sink = Sink()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = sink.answers.pop(0) if sink.answers else 202
            if status < 300:
                sink.events.append(json.loads(body))
                sink.types.add(self.headers["Content-Type"])
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sink.url = f"http://127.0.0.1:{server.server_port}/hook?token=s3cret"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield sink
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
