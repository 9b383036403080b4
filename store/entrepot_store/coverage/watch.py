"""Runs beside the shipper: looks at samples, raises events for what is new or changed and for drills that grew old, and
delivers them all.

Shipping writes down what is new in its own transaction and goes on; everything that takes time is here. All of it is
taken up again where it stopped: news stay news until they are noticed, samples unread until they are read, and events
wait in the catalog until a webhook took them, so an event may arrive twice and none is lost.
"""

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from ..archive import Archive, Side
from ..catalog.coverage import EventRow, SampleRow
from ..clock import Clock, SystemClock
from ..config import Settings
from ..documents.coded import codings_of, uncoded
from ..errors import Damaged, EntrepotError, NotFound
from . import drill_events, events, shapes
from .report import CoverageReport, Flow
from .templates import infer
from .webhook import Undelivered, Webhook

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 2.0
LONGEST_PAUSE = 60.0
DRILL_SECONDS = 60.0
"""Between two looks at the age of drills."""
_SAMPLES, _NEWS, _DELIVERIES = 50, 500, 20
"""How many are taken up in one go."""
_LEASE = 60_000_000
"""Microseconds for which a claimed event is not claimed again: longer than all attempts of one go may take."""
FIRST_RETRY, LONGEST_RETRY, GIVE_UP = 1_000_000, 3_600_000_000, 3 * 86_400_000_000
"""Microseconds: the pause after a first failure, which doubles; its bound; and how long an event is tried."""


@dataclass(slots=True, frozen=True)
class Done:
    """What one go did."""

    samples: int = 0
    flows: int = 0
    raised: int = 0
    delivered: int = 0
    failed: int = 0

    @property
    def idle(self) -> bool:
        return not (self.samples or self.flows or self.delivered)


class CoverageWatch:
    """`settings` is asked at every go for the configuration in force."""

    def __init__(self, archive: Archive, settings: Callable[[], Settings], clock: Clock | None = None) -> None:
        self._archive = archive
        self._catalog = archive.catalog.coverage
        self._settings = settings
        self._clock = clock or SystemClock()
        self._webhook: tuple[str, Webhook] | None = None
        self._drills_due = 0.0  # by the monotonic clock

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set. Errors are logged and what failed is tried again."""
        pause = PAUSE_SECONDS
        while not stop.is_set():
            try:
                done = self.go()
                pause = PAUSE_SECONDS
                if not done.idle:
                    continue
            except EntrepotError as error:
                logger.warning("Coverage waits: %s", error)
                pause = min(pause * 2, LONGEST_PAUSE)
            except Exception:  # a defect of ours here must not end a process that ships captures
                logger.exception("Coverage is not up to date.")
                pause = LONGEST_PAUSE
            stop.wait(pause)
        self.close()

    def catch_up(self) -> None:
        """Everything there is to do now. What fails is logged and waits for the next time, as all of it can."""
        try:
            while not self.go().idle:
                pass
        except EntrepotError as error:
            logger.warning("Coverage waits: %s", error)

    def close(self) -> None:
        if self._webhook is not None:
            self._webhook[1].close()
            self._webhook = None

    def go(self) -> Done:
        """A bounded part of what there is to do, oldest first."""
        settings = self._settings()
        samples = self._catalog.unread_samples(_SAMPLES)
        raised = sum(self._read(sample, settings) for sample in samples)
        flows, found = self._notice(settings)
        overdue = self._overdue(settings)
        delivered, failed = self._deliver(settings)
        return Done(len(samples), flows, raised + found + overdue, delivered, failed)

    # Samples

    def _read(self, sample: SampleRow, settings: Settings) -> int:
        request, response = self._schemas(sample)
        if not self._catalog.read_sample(sample, request, response):
            return 0
        earlier = self._catalog.earlier_samples(sample, shapes.MOST_SAMPLES)
        schemas = self._catalog.schemas({shape for row in earlier for shape in _shapes(row) if shape})
        found: list[EventRow] = []
        sides: tuple[Side, Side] = ("request", "response")
        for number, side in enumerate(sides):
            history = [(row.hour, schemas[shape]) for row in earlier if (shape := _shapes(row)[number])]
            known = shapes.changes(history[:-1])
            new = [change for change in shapes.changes(history) if change not in known]
            flows = self._flows_of(sample, settings) if new else []
            if flows:
                found.append(
                    events.shape_changed(sample, side, new, flows, self._clock.now(), deliver=_delivers(settings))
                )
        return self._raise((), found) if found else 0

    def _schemas(self, sample: SampleRow) -> tuple[str | None, str | None]:
        """Nothing for an exchange that is gone or does not read back: there is nothing to compare then."""
        try:
            row = self._archive.catalog.exchange(sample.exchange)
        except NotFound:
            return None, None
        schemas: list[str | None] = []
        sides: tuple[Side, Side] = ("request", "response")
        for side, message in zip(sides, (row.request, row.response), strict=True):
            schema = None
            if message is not None and 0 < message.size <= shapes.LONGEST:
                try:
                    body = uncoded(self._archive.body_bytes(row, side), codings_of(message), shapes.LONGEST)
                    schema = shapes.schema_of(message.content_type, body)
                except (NotFound, Damaged) as error:
                    logger.info("No shape of the %s of %s: %s", side, row.id, error)
            schemas.append(schema)
        return schemas[0], schemas[1]

    def _flows_of(self, sample: SampleRow, settings: Settings) -> list[Flow]:
        template = self._template(sample.destination, sample.path)
        flows = CoverageReport(self._catalog, settings).of_destination(sample.destination)
        return [flow for flow in flows if flow.template == template and flow.method == sample.method]

    def _template(self, destination: str, path: str) -> str | None:
        return infer({row.path: row.values for row in self._catalog.paths(destination)}).get(path)

    # Flows

    def _notice(self, settings: Settings) -> tuple[int, int]:
        news = self._catalog.news(_NEWS)
        found: dict[str, EventRow] = {}
        for destination in sorted({row.destination for _, row in news}):
            paths = {row.path: row.values for row in self._catalog.paths(destination)}
            shown = infer(paths)
            lasting = infer({path: (None,) * len(values) for path, values in paths.items()})
            flows = {flow.place: flow for flow in CoverageReport(self._catalog, settings).of_destination(destination)}
            for _, row in news:
                place = (destination, shown.get(row.path, ""), row.method, row.source)
                if row.destination == destination and place in flows:
                    event = events.flow_is_new(
                        flows[place], lasting[row.path], self._clock.now(), deliver=_delivers(settings)
                    )
                    found[str(event.id)] = event
        raised = self._raise([identifier for identifier, _ in news], list(found.values())) if news else 0
        return len(news), raised

    def _raise(self, noticed: Collection[UUID], found: Sequence[EventRow]) -> int:
        new = self._catalog.noticed(noticed, found)
        for event in new:
            logger.warning("%s", events.sentence(event))
        return len(new)

    # Drills

    def _overdue(self, settings: Settings) -> int:
        """Tells of products whose last good drill is too old; looks once a minute."""
        max_age, steady = settings.drill.max_age, self._clock.monotonic()
        if max_age is None or steady < self._drills_due:
            return 0
        self._drills_due = steady + DRILL_SECONDS
        now = self._clock.now()
        late = drill_events.overdue(self._archive.catalog.drills.standings(), max_age, now, deliver=_delivers(settings))
        new = self._catalog.noticed((), late) if late else []
        for event in new:
            logger.warning("%s", drill_events.sentence(event))
        return len(new)

    # Delivery

    def _deliver(self, settings: Settings) -> tuple[int, int]:
        webhook = self._connected(settings)
        if webhook is None:
            return 0, 0
        now = self._clock.now()
        delivered = failed = 0
        for event in self._catalog.claim_events(now, now + _LEASE, _DELIVERIES):
            try:
                webhook.deliver(event)
            except Undelivered as error:
                failed += 1
                self._put_off(event, error)
                if not error.reached:
                    break  # the others are due again when their lease ends
            else:
                delivered += 1
                self._catalog.settle_event(event.id, delivered_at=self._clock.now(), due_at=None)
        return delivered, failed

    def _put_off(self, event: EventRow, error: Undelivered) -> None:
        now = self._clock.now()
        if error.final or now - event.at >= GIVE_UP:
            logger.error("Event %s is given up after %d attempts: %s.", event.id, event.attempts + 1, error.reason)
            self._catalog.settle_event(event.id, delivered_at=None, due_at=None, error=error.reason)
            return
        pause = min(FIRST_RETRY << min(event.attempts, 12), LONGEST_RETRY)
        logger.warning("Event %s was not delivered, next try in %d s: %s.", event.id, pause // 10**6, error.reason)
        self._catalog.settle_event(event.id, delivered_at=None, due_at=now + pause, error=error.reason)

    def _connected(self, settings: Settings) -> Webhook | None:
        secret = settings.events.webhook
        url = secret.get_secret_value() if secret is not None else None
        if self._webhook is not None and self._webhook[0] != url:
            self.close()
        if url is not None and self._webhook is None:
            self._webhook = (url, Webhook(url))
        return self._webhook[1] if self._webhook is not None else None


def _delivers(settings: Settings) -> bool:
    return settings.events.webhook is not None


def _shapes(row: SampleRow) -> tuple[bytes | None, bytes | None]:
    return row.request_shape, row.response_shape
