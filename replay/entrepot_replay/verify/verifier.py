"""From a replay to a verification that is ready to run: what command line and HTTP call."""

import ssl
from collections.abc import Sequence
from pathlib import Path as File
from threading import Event

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeFilter, ExchangeRow
from entrepot_store.catalog.documents import Side
from entrepot_store.catalog.replay_checks import VerificationRow
from entrepot_store.catalog.replays import ReplayRow, ReplayState
from entrepot_store.clock import Clock, SystemClock, from_rfc3339
from entrepot_store.config import Settings
from entrepot_store.documents import recipes_of
from entrepot_store.errors import BadInput, Busy, Damaged, NotFound
from entrepot_store.jsonpaths import Path, compile_path
from entrepot_store.model import uuid7

from .. import wire
from ..bodies import INLINE
from ..credentials import Credentials
from ..flow.reading import Place
from ..lease import is_interrupted
from ..mapper import authority_of
from ..mapping import IdMap
from ..mapping.explain import Explainer
from ..options import RunOptions
from ..renewing import RenewingSender, asker
from ..sender import Sender, Timeouts, tls_context
from ..service import Replays, reach
from ..target import Target
from .accounts import Accounts
from .asking import Asker
from .expected import Expected
from .journal import Journal
from .judge import Asked, Judge, Known
from .verification import Verification


class Verifier:
    """Verifies replays of one archive. One instance serves many threads."""

    def __init__(
        self, archive: Archive, replays: Replays, settings: Settings | None = None, clock: Clock | None = None
    ) -> None:
        """`settings` tell which fields the rules ignore."""
        self._archive = archive
        self._replays = replays
        self._recipes = recipes_of(settings.rule) if settings is not None else {}
        self._clock = clock or SystemClock()

    def prepare(
        self,
        replay: ReplayRow,
        options: RunOptions | None = None,
        credentials: Credentials | None = None,
        *,
        reachable: bool = False,
    ) -> Verification:
        """Reads what is to be there out of the recording; nothing is asked or stored before `run`.

        `options` None means those of the plan; `credentials` those of the run, which know the sessions that it began.
        `reachable`: the target was reached a moment ago; should it be away by now, the verification says so.
        Raises BadInput (its plan is not finished), Busy (the replay is being run), TargetUnreachable, and what the
        vault raises when it cannot be reached.
        """
        if replay.state is ReplayState.PLANNING:
            raise BadInput(f"The plan of replay {replay.id} is not finished.", hint="Plan again.")
        if replay.state is ReplayState.RUNNING and not is_interrupted(replay):
            raise Busy(f"Replay {replay.id} is being run.", hint="Wait for its end, or pause it.")
        options = options or RunOptions.from_json(replay.options)
        credentials = credentials or Credentials()
        credentials.expects(replay.plan.get("learnt_secrets", ()))
        target = Target.parse(replay.target)
        tls = _tls(options) if target.is_tls else None
        if not reachable:
            reach(target, options.connect_timeout)
        timeouts = Timeouts(connect=options.connect_timeout, progress=options.timeout)
        credentials.connect(
            asker(target, lambda server: wire.new_sender(server, timeouts, _tls(options) if server.is_tls else None))
        )

        def new_sender() -> Sender:
            return RenewingSender(wire.new_sender(target, timeouts, tls))

        as_of = _as_of(replay)
        journal = Journal(as_of, self._body)
        span = _Span()
        for row in self._archive.catalog.iterate(_of_selection(replay, as_of)):
            span.see(row.started_at)
            journal.watch(row)
        documents = list(journal.expected())
        idmap = IdMap(self._replays.values(replay.id))
        now = self._clock.now()
        verification: Verification

        def waiting(reason: str) -> None:
            verification.progress.waiting = reason

        ask = Asker(self._archive, target, options, credentials, idmap, self._clock, Event(), waiting)
        sent = frozenset(journal.sent)
        began = replay.started_at or replay.created_at

        def accounting(expected: Expected, row: ExchangeRow, asked: Asked) -> Accounts:
            explainer = Explainer(
                idmap,
                step=0,
                collection=Place.of(expected.path.encode("utf-8", "surrogatepass")).collection,
                sent=lambda: sent,
                recorded_at=row.started_at,
                sent_at=asked.at,
                itself=(authority_of(row), target.authority),
            )
            return Accounts(explainer, sent, recorded=(span.first, expected.at), live=(began, asked.at))

        judge = Judge(
            self._archive,
            target,
            Known(documents, ask.live_path),
            translate=idmap.translate,
            accounting=accounting,
            ignore=self._ignoring(options),
        )
        verification = Verification(
            VerificationRow(uuid7(now), replay.id, as_of, len(documents), now),
            documents,
            store=self._replays.store,
            asker=ask,
            judge=judge,
            new_sender=new_sender,
            concurrency=options.concurrency,
            rate=options.rate,
            clock=self._clock,
        )
        return verification

    def _body(self, row: ExchangeRow, side: Side) -> bytes | None:
        message = row.request if side == "request" else row.response
        if message is None or message.size > INLINE:
            return None
        try:
            return self._archive.body_bytes(row, side)
        except (NotFound, Damaged):
            return None  # of what is lost in the vault no content is known; the document is asked for all the same

    def _ignoring(self, options: RunOptions) -> "_Ignoring":
        return _Ignoring(options.ignore, {name: recipe.ignore for name, recipe in self._recipes.items()})


class _Ignoring:
    """The fields of a document that do not count: those of the run's options and those of its rule."""

    def __init__(self, always: Sequence[str], by_rule: dict[str, tuple[str, ...]]) -> None:
        """Raises BadInput for a malformed path."""
        try:
            self._always = tuple(compile_path(text) for text in always)
        except ValueError as error:
            raise BadInput(f"{error}.", hint="A path to ignore looks like $.meta.took.") from None
        self._by_rule = {name: tuple(map(compile_path, paths)) for name, paths in by_rule.items()}

    def __call__(self, row: ExchangeRow) -> Sequence[Path]:
        return (*self._always, *self._by_rule.get(row.rule, ()))


class _Span:
    """When the recorded traffic began."""

    first = 0

    def see(self, moment: int) -> None:
        self.first = moment if not self.first else min(self.first, moment)


def _as_of(replay: ReplayRow) -> int:
    """The moment whose state is looked for, exclusive: the selection's end, else that of the plan, which may be behind
    the newest captures where clocks differ."""
    until = replay.selection.get("until")
    if until is not None:
        return from_rfc3339(until)
    last = replay.plan.get("last_at")
    return max(replay.created_at, 0 if last is None else from_rfc3339(last) + 1)


def _of_selection(replay: ReplayRow, as_of: int) -> ExchangeFilter:
    """What was recorded of the documents that were asked for; until the replay began, whose own traffic may have been
    captured too."""
    asked = replay.selection
    since = asked.get("since")
    return ExchangeFilter(
        destination=(replay.destination,),
        source=tuple(asked.get("source", ())),
        path=asked.get("path"),
        path_prefix=asked.get("path_prefix"),
        path_template=asked.get("path_template"),
        since=None if since is None else from_rfc3339(since),
        until=max(replay.started_at or replay.created_at, as_of),
    )


def _tls(options: RunOptions) -> ssl.SSLContext:
    return tls_context(File(options.tls_ca) if options.tls_ca else None, verify=options.tls_verify)
