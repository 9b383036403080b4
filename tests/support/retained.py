"""A store with histories to prune: documents that were written and read over weeks, beside a journal."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeFilter
from entrepot_store.catalog.documents import DocumentRow
from entrepot_store.catalog.sql import SqlCatalog, open_catalog
from entrepot_store.clock import FixedClock
from entrepot_store.config.rule import RuleConfig
from entrepot_store.documents import Recipe
from entrepot_store.model import Action, Body, Exchange, Request, Response, exchange_id
from entrepot_store.retention.prune import Pruned, prune
from entrepot_store.ship import rebuild_catalog, run_shipper
from entrepot_store.spool import SpoolFolder
from entrepot_store.vault.directory import DirectoryVault
from tests.support.spooled import write_sealed

DAY = 86_400_000_000
START = 1_763_800_000_000_000
FAR = 4_000_000_000_000_000
"""Later than any grace: the vault dates its objects by the machine's clock."""
LONG = b"x" * 700
"""Makes a body long enough to be stored once in a class."""


class Ended(BaseException):
    """Stands for the end of the process: nothing below may catch it."""


def rule(name: str, **fields: object) -> RuleConfig:
    return RuleConfig.model_validate({"name": name, "action": "protect", "class": name, **fields})


class Store:
    """A spool, a vault and a catalog in a folder; exchanges are shipped a few to a segment."""

    def __init__(self, folder: Path, url: str = "") -> None:
        self.folder = folder
        self.spool = SpoolFolder(folder / "spool")
        self.vault = DirectoryVault(folder / "vault")
        self.catalog = open_catalog(url or f"sqlite:///{folder / 'catalog.sqlite'}")
        self.exchanges: list[Exchange] = []
        self.recipes: dict[str, Recipe] = {}
        self._shipped = 0

    def add(
        self,
        method: str,
        path: str,
        days: float,
        body: bytes = b"",
        *,
        rule: str = "settings",
        action: Action = Action.PROTECT,
        status: int = 200,
        media_type: bytes = b"application/json",
    ) -> Exchange:
        """An exchange `days` after START; a GET answers with `body`, anything else sends it."""
        started = START + round(days * DAY)
        read = method == "GET"
        kind = ((b"Content-Type", media_type),)
        found = Exchange(
            id=exchange_id(started, len(self.exchanges).to_bytes(8)),
            started_at=started,
            source="billing",
            destination="orders",
            client_address="127.0.0.1:50000",
            server_address="127.0.0.1:9001",
            rule=rule,
            action=action,
            retention_class=rule,
            request=Request(
                method.encode(),
                b"http",
                b"orders.internal",
                path.encode(),
                "HTTP/1.1",
                ((b"Host", b"orders.internal"), *(() if read else kind)),
                Body() if read else Body.of(body),
            ),
            response=Response("HTTP/1.1", status, b"", kind if read else (), Body.of(body) if read else Body()),
        )
        self.exchanges.append(found)
        return found

    def ship(self, each: int = 4) -> None:
        while self._shipped < len(self.exchanges):
            batch = self.exchanges[self._shipped : self._shipped + each]
            self._shipped += len(batch)
            write_sealed(self.spool, batch, sequence=self._shipped, worker=f"w{self._shipped % 3}")
        stop = threading.Event()
        run_shipper(self.spool, self.vault, self.catalog, stop, mode="drain", recipes=lambda: self.recipes)

    def prune(
        self,
        rules: Sequence[RuleConfig],
        *,
        end_at: str = "",
        dead_part: float = 0.0,
        step: Callable[[str], None] | None = None,
    ) -> Pruned:
        def end(done: str) -> None:
            if done == end_at:
                raise Ended

        clock = FixedClock(FAR)
        upkeep = self.folder / "upkeep"
        return prune(
            self.vault, self.catalog.retention, rules, upkeep, clock=clock, dead_part=dead_part, step=step or end
        )

    def paths(self) -> list[str]:
        """Method and path of all that is there, oldest first."""
        return [f"{row.method} {row.path}" for row in self.catalog.iterate(ExchangeFilter())]

    def versions(self, key: str) -> list[float]:
        """Days after START on which the versions of a document begin."""
        found = self.catalog.documents.iterate_versions(self.document(key).id)
        return [round((version.at - START) / DAY, 2) for version in found]

    def document(self, key: str) -> DocumentRow:
        return self.catalog.documents.find("orders", key)

    def check(self) -> None:
        """All that is in the catalog reads as it was captured, and the vault alone tells the same."""
        check_readable(self.catalog, self)
        other = self.rebuilt()
        assert same(other, self.catalog)
        other.close()

    def rebuilt(self, but: Callable[[Exchange], bool] = lambda _: False) -> SqlCatalog:
        other = open_catalog(f"sqlite:///{self.folder / f'other-{len(list(self.folder.iterdir()))}.sqlite'}")
        assert rebuild_catalog(self.vault, other).damaged == ()
        check_readable(other, self, but)
        return other


def check_readable(catalog: SqlCatalog, store: Store, but: Callable[[Exchange], bool] = lambda _: False) -> None:
    archive = Archive(store.vault, catalog)
    captured = {exchange.id: exchange for exchange in store.exchanges}
    for row in catalog.iterate(ExchangeFilter()):
        found = captured[row.id]
        if not but(found):
            assert archive.body_bytes(row, "request") == found.request.body.data
            assert found.response is not None
            assert archive.body_bytes(row, "response") == found.response.body.data


def same(one: SqlCatalog, other: SqlCatalog, *, flows: bool = True) -> bool:
    """Equal, in pins and holds too; without `flows` but for those: the end of a prune counts
    them anew, and the bytes of what was erased stay counted as seen."""
    left, right = one.fingerprint(), other.fingerprint()
    different = {name for name in left if left[name] != right[name] and (flows or not name.startswith("flow"))}
    assert not different, different
    assert one.retention.pins() == other.retention.pins()
    assert one.retention.holds(released=None) == other.retention.holds(released=None)
    assert one.retention.erasures() == other.retention.erasures()
    return True
