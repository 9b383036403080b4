"""One attempt at one step: build the request, send it, compare the answer. Runs in whatever thread sends.

Whatever happens becomes an Attempt, which says what it means: a verdict, a step that may be sent again, or a reason to
stop the whole run. Nothing is stored here; the executor stored the intent before and stores the outcome after.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeRow
from entrepot_store.catalog.replays import Difference, Outcome, StepState, Verdict
from entrepot_store.clock import Clock
from entrepot_store.errors import EntrepotError, VaultUnavailable
from entrepot_store.model import header_text

from .answer import Answer
from .bodies import RequestBody, captured
from .compare import compare
from .credentials import Credentials
from .errors import NotSent, OutcomeUnknown, Unsendable
from .flow import Flow
from .mapper import Mapped, Mapper, Recorded, Seen
from .mapping.explain import micros_of
from .options import RunOptions
from .outgoing import build, idempotency_key, recorded_path
from .schedule import Step
from .selection import IDEMPOTENT
from .sender import Sender
from .target import Target

_BUSY = frozenset({429, 503})
"""Refusals that pass: nothing was done, and asking again later is what they ask for."""
_AGREES = frozenset({Verdict.IDENTICAL, Verdict.EQUIVALENT})


class Next(StrEnum):
    """What the executor does after an attempt."""

    GO_ON = "go on"
    AGAIN = "again"
    BACK_OFF = "back off"
    TARGET_DOWN = "target down"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Attempt:
    """`outcome` is to be stored; `reason` says why the run waits or stops. For BACK_OFF, `seconds` is how long the
    target asked to be left alone (0: it did not say), and `final` the outcome if it has been waited for long enough."""

    outcome: Outcome
    next: Next = Next.GO_ON
    reason: str = ""
    seconds: float = 0.0
    final: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Attempter:
    """Everything an attempt needs, the same for all steps of a run. Safe to share between threads."""

    replay: UUID
    archive: Archive
    target: Target
    options: RunOptions
    credentials: Credentials
    mapper: Mapper
    clock: Clock

    def __call__(self, step: Step, sender: Sender, *, last_try: bool) -> Attempt:
        """Never raises for anything that the step, the vault or the target does."""
        seq, row, sent_at = step.row.seq, step.exchange, self.clock.now()
        if row is None:
            return Attempt(_failed(seq, "the exchange is no longer in the catalog"))
        flow = Flow.load(step.row.flow)
        try:
            recorded, mapped, answer = self._send(seq, row, flow, sender)
        except NotSent as error:
            return _not_sent(seq, error)
        except Unsendable as error:
            return Attempt(_failed(seq, str(error)))
        except OutcomeUnknown as error:
            return self._unknown(seq, row, str(error), sent_at, last_try=last_try)
        except VaultUnavailable as error:
            return Attempt(_put_back(seq, str(error)), Next.STOP, str(error))
        except EntrepotError as error:
            return Attempt(_failed(seq, str(error)))
        judged = self._judged(recorded, mapped, answer, sent_at)
        if answer.status in _BUSY and row.status not in _BUSY:
            reason = f"the target answered {answer.status}"
            return Attempt(_put_back(seq, reason), Next.BACK_OFF, reason, retry_after(answer, sent_at), judged)
        return Attempt(judged)

    def _send(self, seq: int, row: ExchangeRow, flow: Flow, sender: Sender) -> tuple[Recorded, Mapped, Answer]:
        """Raises as Sender does; an EntrepotError means that nothing was sent."""
        path = recorded_path(row)
        if path is None:  # the few whose text in the catalog does not tell the bytes
            path = captured(self.archive, row).request.path
        with RequestBody(self.archive, row) as body:
            recorded = Recorded(seq, row, flow, path, row.request.headers, body.data)
            mapped = self.mapper.outgoing(recorded)
            _check_mapped(mapped)
            request = build(
                row,
                mapped,
                target=self.target,
                credentials=self.credentials,
                without_credentials=self.options.without_credentials,
                key=idempotency_key(self.replay, seq),
                streamed=body.stream,
            )
            try:
                return recorded, mapped, sender.send(request)
            except EntrepotError as error:  # the vault failed while a long body was on its way
                raise OutcomeUnknown(f"the request broke off: {error}") from error

    def _judged(self, recorded: Recorded, mapped: Mapped, answer: Answer, sent_at: int) -> Outcome:
        row = recorded.row

        def recorded_answer() -> bytes:
            return self.archive.body_bytes(row, "response")

        content_type = header_text(answer.header(b"content-type") or b"")
        seen = Seen(answer.status, answer.headers, content_type, answer.body, sent_at)
        try:
            accounting = self.mapper.learn(recorded, seen, recorded_answer)
            found = compare(row, answer, self.target, recorded_answer, accounting)
            if found.verdict in _AGREES:
                accounting.keep()
            verdict, reason, differences, more = found.verdict, found.reason, tuple(found.differences), found.more
        except EntrepotError as error:
            # The step is done; only what it should be compared with cannot be read.
            verdict, reason, differences, more = Verdict.UNKNOWN, f"the recorded answer cannot be read: {error}", (), 0
        return Outcome(
            seq=recorded.seq,
            state=StepState.DONE,
            verdict=verdict,
            sent=True,
            sent_at=sent_at,
            duration_us=answer.duration_us,
            live_status=answer.status,
            reason=reason,
            differences=(*_unmapped(mapped), *differences),
            more_differences=more,
            values=self.mapper.news(recorded.seq),
        )

    def _unknown(self, seq: int, row: ExchangeRow, reason: str, sent_at: int, *, last_try: bool) -> Attempt:
        """It left, and nothing came back. Sent again only if sending it twice is as good as once, or if asked for."""
        may_repeat = row.method.upper() in IDEMPOTENT or self.options.retry_unknown
        if may_repeat and not last_try:
            return Attempt(
                Outcome(seq, StepState.PENDING, None, sent=True, sent_at=sent_at, reason=reason, unknown=True),
                Next.AGAIN,
                reason,
            )
        return Attempt(
            Outcome(seq, StepState.DONE, Verdict.UNKNOWN, sent=True, sent_at=sent_at, reason=reason, unknown=True)
        )


def retry_after(answer: Answer, now: int) -> float:
    """Seconds to wait as `Retry-After` asks (RFC 9110 §10.2.3), 0 if it does not; `now` is in microseconds."""
    value = (answer.header(b"retry-after") or b"").decode("latin-1").strip()
    if value.isdigit():
        return float(value[:6])
    moment = micros_of(value)
    return max(0.0, (moment - now) / 1_000_000) if moment is not None else 0.0


def _check_mapped(mapped: Mapped) -> None:
    """Raises Unsendable for an id that says nothing by itself (`7`) and whose live counterpart is not known: at the
    target it may be the id of something else, which the request would change."""
    for use in mapped.unmapped:
        if use.made_by is not None and use.key.role and not use.key.role.startswith("etag "):
            raise Unsendable(
                f"the {use.key.role} id {use.text} in its {use.where} comes from step #{use.made_by} "
                f"({use.made_at}), whose answer did not give it here"
            )


def _unmapped(mapped: Mapped) -> list[Difference]:
    """What went out as recorded although an answer should have said what it is now."""
    return [
        Difference(
            f"request {use.where}",
            use.text,
            "(sent as recorded)",
            decisive=False,
            why=f"unmapped: made by step #{use.made_by} ({use.made_at})"
            if use.made_by is not None
            else "unmapped: made before the plan",
        )
        for use in mapped.unmapped
    ]


def _failed(seq: int, reason: str) -> Outcome:
    return Outcome(seq, StepState.DONE, Verdict.FAILED, sent=False, reason=reason)


def _put_back(seq: int, reason: str) -> Outcome:
    return Outcome(seq, StepState.PENDING, None, sent=False, reason=reason)


def _not_sent(seq: int, error: NotSent) -> Attempt:
    if error.passing:
        return Attempt(_put_back(seq, str(error)), Next.TARGET_DOWN, str(error))
    return Attempt(_failed(seq, str(error)), Next.STOP, str(error))
