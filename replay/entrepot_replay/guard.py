"""Refuses a target that is a server the traffic was captured from, as soon as one planned exchange shows that it is."""

from collections.abc import Iterable

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeRow
from entrepot_store.errors import BadInput

from .bodies import captured
from .target import Target, captured_server

MAX_LOOKS = 256
"""Records whose server address is looked up in the vault: one for each authority in each segment, up to this many."""


class TargetGuard:
    """Holds one plan's target against every server the recording knows."""

    def __init__(self, target: Target, archive: Archive, *, allowed: bool) -> None:
        self._target = target
        self._archive = archive
        self._allowed = allowed
        self._seen: set[tuple[str, str]] = set()
        self._looked: set[tuple[str, str]] = set()

    def check(self, servers: Iterable[tuple[str, str]]) -> None:
        """(scheme, host[:port]) pairs. Raises BadInput."""
        fresh = [server for server in servers if server not in self._seen]
        self._seen.update(fresh)
        found = captured_server(self._target, fresh)
        if found is not None and not self._allowed:
            raise BadInput(
                f"The target {self._target.url} is a server this traffic was captured from ({found}): "
                "a replay would write everything there a second time.",
                hint="Name the rebuilt service, or give --allow-captured-host if this is it. Nothing was sent.",
            )

    def check_exchange(self, row: ExchangeRow) -> None:
        """The server as the client named it, and its address as the proxy saw it. Raises BadInput."""
        scheme, _, rest = row.url.partition("://")
        authority = rest.partition("/")[0]
        self.check([(scheme, authority)])
        place = (row.segment, authority)
        if self._allowed or place in self._looked or len(self._looked) >= MAX_LOOKS:
            return
        self._looked.add(place)
        address = captured(self._archive, row).server_address
        if address:
            self.check([(scheme, address)])
