"""What command line and HTTP do with replays: plan, start, and look. One instance serves many threads.

Starting checks everything that can be known before the first byte is sent: that secrets are there, that the target
takes connections, that nobody else runs the replay.
"""

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from entrepot_store.archive import Archive
from entrepot_store.catalog.replays import ReplayRow, ReplayState, ReplayStore, Settled, StepCounts, Wanted
from entrepot_store.clock import Clock, SystemClock
from entrepot_store.config import Settings
from entrepot_store.errors import BadInput
from entrepot_store.redact import Reference, load_key
from entrepot_store.redact.reference import secret_hash
from entrepot_store.spool import SpoolFolder
from entrepot_store.spool.backlog import seconds_behind
from entrepot_store.vault.read_ahead import ReadAheadVault

from . import wire
from .attempt import Attempter
from .credentials import Credentials
from .errors import TargetUnreachable
from .executor import Executor
from .lease import TTL_US, dead_holder, new_owner
from .mapper import FlowMapper
from .mapping import IdMap, Value
from .options import RunOptions
from .planner import Planner
from .renewing import RenewingSender, asker
from .restore.running import attempter_for
from .schedule import Graph
from .selection import IDEMPOTENT, Selection
from .sender import Sender, Timeouts, tls_context
from .target import Target

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has the lease and has sent nothing yet. `executor.run()` does it."""

    replay: ReplayRow
    counts: StepCounts
    settled: Settled
    executor: Executor


class Replays:
    """Replays of one archive, kept in one store."""

    def __init__(self, archive: Archive, store: ReplayStore, clock: Clock | None = None) -> None:
        self._archive = archive
        self.store = store
        self._clock = clock or SystemClock()

    def plan(
        self,
        selection: Selection,
        target: str,
        options: RunOptions,
        *,
        allow_captured_host: bool = False,
        settings: Settings | None = None,
    ) -> ReplayRow:
        """Makes and stores a plan; sends nothing. Raises BadInput and NotFound, see `Planner.plan`.

        `settings` tell which servers the destination has, and how far behind shipping is."""
        # The bodies of exchanges that follow one another lie beside one another.
        archive = Archive(ReadAheadVault(self._archive.vault), self._archive.catalog)
        return Planner(archive, self.store, self._clock, _hide(settings)).plan(
            selection,
            Target.parse(target),
            options,
            allow_captured_host=allow_captured_host,
            known_servers=known_servers(settings, selection.destination) if settings else (),
            behind=_behind(settings, self._clock) if settings else 0.0,
        )

    def values(self, replay: UUID, *, unmapped: bool | None = None) -> Iterator[Value]:
        """The replay's id map, read page by page. Raises NotFound."""
        cursor: str | None = None
        while True:
            page = self.store.values(replay, unmapped=unmapped, limit=_PAGE, cursor=cursor)
            yield from page.items
            cursor = page.next
            if cursor is None:
                return

    def ask(self, replay: UUID, wanted: Wanted) -> ReplayRow:
        """Asks a running replay to pause or cancel; cancels one that nobody runs. Raises NotFound; BadInput if there is
        nothing to pause."""
        return self.store.ask(replay, wanted, dead=dead_holder(self.store.get(replay)))

    def start(
        self,
        replay: UUID,
        options: RunOptions | None = None,
        credentials: Credentials | None = None,
    ) -> Run:
        """Takes the lease of a planned, paused, stopped, interrupted or finished replay and readies a run.

        `options` None means those it was planned with. Raises BadInput (nothing to send, cancelled, a secret is
        missing), Busy (somebody else runs it), TargetUnreachable, NotFound.
        """
        row = self.store.get(replay)
        options = options or RunOptions.from_json(row.options)
        credentials = credentials or Credentials()
        nothing_left = row.state is ReplayState.FINISHED and not (options.retry_failed or options.retry_unknown)
        if row.state not in (ReplayState.PLANNING, ReplayState.CANCELLED):  # `acquire` has the sentences for those
            if not row.plan.get("steps"):
                raise BadInput(f"The plan of replay {replay} has no step to send.", hint="Widen its filters.")
            if not nothing_left:
                credentials.expects(row.plan.get("learnt_secrets", ()))
                _check_secrets(row, options, credentials)
        target = Target.parse(row.target)
        tls = _tls(options) if target.is_tls else None
        if not nothing_left:
            reach(target, options.connect_timeout)
        owner = new_owner()
        row = self.store.acquire(replay, owner, TTL_US, dead=dead_holder(row))
        settled = self.store.settle(
            replay,
            owner,
            retry_methods=IDEMPOTENT,
            retry_unknown=options.retry_unknown,
            retry_failed=options.retry_failed,
        )
        timeouts = Timeouts(connect=options.connect_timeout, progress=options.timeout)

        def new_sender() -> Sender:
            return RenewingSender(wire.new_sender(target, timeouts, tls))

        credentials.connect(
            asker(target, lambda server: wire.new_sender(server, timeouts, _tls(options) if server.is_tls else None))
        )
        idmap = IdMap(self.values(replay))
        attempter = Attempter(
            replay=replay,
            archive=Archive(ReadAheadVault(self._archive.vault), self._archive.catalog),
            target=target,
            options=options,
            credentials=credentials,
            mapper=FlowMapper(idmap, credentials.learned, ignore=options.ignore, target=target.authority),
            clock=self._clock,
        )
        executor = Executor(
            replay,
            owner,
            store=self.store,
            schedule=Graph(self.store, replay),
            attempter=attempter_for(row, self.store, attempter, idmap),
            new_sender=new_sender,
            clock=self._clock,
        )
        return Run(row, self.store.counts(replay), settled, executor)


def reach(target: Target, timeout: float) -> None:
    """Raises TargetUnreachable unless the target takes a connection within `timeout` seconds."""
    try:
        socket.create_connection((target.host, target.port), timeout).close()
    except OSError as error:
        reason = "no answer in time" if isinstance(error, TimeoutError) else error.strerror or str(error)
        raise TargetUnreachable(
            f"The target {target.url} takes no connections: {reason}.",
            hint="Nothing was sent. Start it, or correct --target, and try again.",
        ) from error


def known_servers(settings: Settings, destination: str) -> list[tuple[str, str]]:
    """(scheme, host[:port]) of the destination as the configuration names it: its hosts and its reverse listeners."""
    servers = [
        (scheme, host)
        for product in settings.product
        if product.name == destination
        for host in product.hosts
        for scheme in ("http", "https")
        if "/" not in host and "*" not in host
    ]
    for listener in settings.proxy.reverse:
        if listener.name == destination:
            scheme, _, authority = listener.target.partition("://")
            servers += [(scheme, authority), ("http", listener.listen)]
    return servers


def _behind(settings: Settings, clock: Clock) -> float:
    """Seconds of captures that wait in this machine's spool, which the catalog does not know."""
    folder = settings.data / "spool"
    return seconds_behind(SpoolFolder(folder), clock.now()) if folder.is_dir() else 0.0


def _hide(settings: Settings | None) -> Callable[[bytes], str] | None:
    """How this installation's redaction refers to a secret, so that a token in an answer is known again in the headers
    that carried it."""
    if settings is None:
        return None
    key = load_key(settings.data)
    return lambda value: secret_hash(key, value).decode()


def _tls(options: RunOptions) -> ssl.SSLContext:
    return tls_context(Path(options.tls_ca) if options.tls_ca else None, verify=options.tls_verify)


def _check_secrets(row: ReplayRow, options: RunOptions, credentials: Credentials) -> None:
    """Raises BadInput that lists the secrets nobody gave."""
    if options.without_credentials:
        return
    plan: Mapping[str, Any] = row.plan
    missing = [
        (Reference(entry["name"], entry["digest"]), entry["steps"])
        for entry in plan.get("secrets", ())
        if not credentials.covers(Reference(entry["name"], entry["digest"]))
    ]
    unlisted = [
        name
        for name in plan.get("secret_names", ())
        if plan.get("secrets_unlisted") and not credentials.covers_all(name)
    ]
    if not missing and not unlisted:
        return
    shown = ", ".join(f"{reference.name}:{reference.digest} ({steps} steps)" for reference, steps in missing[:5])
    more = len(missing) - 5 + int(plan.get("secrets_unlisted", 0)) if unlisted or len(missing) > 5 else 0
    name = missing[0][0].name if missing else unlisted[0]
    raise BadInput(
        f"The recording holds references in the place of secrets, and these have no credential: {shown}"
        f"{f' and up to {more} more' if more > 0 else ''}.",
        hint=f"Give --credential {name}=env:VARIABLE (or file:PATH, cmd:COMMAND), or --without-credentials to leave "
        "these headers out. Nothing was sent.",
    )
