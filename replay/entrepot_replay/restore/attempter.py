"""One attempt at one step of a restore: look once more, send, and read back. Runs in whatever thread sends.

A document that is not as it was planned for is left as it is, and so are all later steps for it: somebody else writes
there. What closes the moment between look and write is a condition, where the target honours it: `If-None-Match: *` on
a PUT that makes, `If-Match` with the mark it has now on everything that changes (RFC 9110 §13).
"""

from dataclasses import dataclass, field, replace

from entrepot_store.catalog import ExchangeRow
from entrepot_store.catalog.replays import Difference, Outcome, StepState, Verdict
from entrepot_store.errors import EntrepotError, VaultUnavailable
from entrepot_store.model import header_text

from ..answer import Answer
from ..attempt import Attempt, Attempter, Next, retry_after
from ..bodies import RequestBody, captured
from ..errors import NotSent, OutcomeUnknown, Unsendable
from ..flow import Flow
from ..mapper import Recorded, Seen
from ..mapping import IdMap
from ..outgoing import build, idempotency_key, recorded_path
from ..schedule import Step
from ..selection import IDEMPOTENT
from ..sender import Sender
from .decide import Do
from .live import CONDITIONS, Live, Looker, There, live_path
from .making import made_body, made_row
from .same import decides, differences
from .shape import Shape
from .step import RestoreStep
from .wanted import Content, content_of

BUSY = frozenset({429, 503})
"""Refusals that pass: nothing was done."""


class _Refused(Exception):
    """The step is not sent; the text is the reason."""


class _Done(Exception):
    """The document is as it should be already."""


@dataclass(slots=True)
class Broken:
    """Documents of which a step failed, and why: what was to follow is not sent. Shared by the threads of a run, of
    which only one at a time has a step of the same document."""

    reasons: dict[str, str] = field(default_factory=dict)

    def add(self, path: str, reason: str) -> None:
        self.reasons.setdefault(path, reason)

    def why(self, path: str) -> str:
        return self.reasons.get(path, "")

    def forget(self, path: str) -> None:
        """Its first step is sent once more."""
        self.reasons.pop(path, None)


@dataclass(frozen=True, slots=True)
class RestoreAttempter(Attempter):
    """`idmap` is the mapper's; `broken` has the documents of which a step failed in an earlier run."""

    idmap: IdMap = field(default_factory=IdMap)
    broken: Broken = field(default_factory=Broken)

    def __call__(self, step: Step, sender: Sender, *, last_try: bool) -> Attempt:
        """Never raises for anything that the step, the vault or the target does."""
        seq, sent_at, row = step.row.seq, self.clock.now(), step.exchange
        own = RestoreStep.load(step.row.flow)
        if own is None or row is None:
            return Attempt(_failed(seq, "the exchange is no longer in the catalog"))
        method = step.row.method
        try:
            recorded, answer = self._sent(step, row, own, sender)
        except NotSent as error:
            if error.passing:
                return Attempt(_put_back(seq, str(error)), Next.TARGET_DOWN, str(error))
            return Attempt(_failed(seq, str(error)), Next.STOP, str(error))
        except OutcomeUnknown as error:
            repeats = not last_try and (method in IDEMPOTENT or self.options.retry_unknown)
            if repeats:
                outcome = Outcome(
                    seq, StepState.PENDING, None, sent=True, sent_at=sent_at, reason=str(error), unknown=True
                )
                return Attempt(outcome, Next.AGAIN, str(error))
            self.broken.add(own.path, str(error))
            return Attempt(
                Outcome(
                    seq, StepState.DONE, Verdict.UNKNOWN, sent=True, sent_at=sent_at, reason=str(error), unknown=True
                )
            )
        except VaultUnavailable as error:
            return Attempt(_put_back(seq, str(error)), Next.STOP, str(error))
        except _Done as done:
            return Attempt(Outcome(seq, StepState.DONE, Verdict.IDENTICAL, sent=False, reason=str(done)))
        except (_Refused, Unsendable, EntrepotError) as error:
            self.broken.add(own.path, str(error))
            return Attempt(_failed(seq, str(error)))
        outcome = self._outcome(recorded, answer, sent_at, own=own, sender=sender)
        if answer.status in BUSY:
            reason = f"the target answered {answer.status}"
            again = _put_back(seq, reason)
            return Attempt(again, Next.BACK_OFF, reason, retry_after(answer, sent_at), outcome)
        return Attempt(outcome)

    def _sent(self, step: Step, row: ExchangeRow, own: RestoreStep, sender: Sender) -> tuple[Recorded, Answer]:
        """Raises as Sender does, _Refused, _Done, and an EntrepotError before anything is sent."""
        if own.first:
            self.broken.forget(own.path)
        elif why := self.broken.why(own.path):
            raise _Refused(f"not sent after an earlier step: {why}")
        flow, seq = Flow.load(step.row.flow), step.row.seq
        content = None if own.evidence is None else content_of(self.archive, own.evidence)
        live = self._checked(step, row, own, content, sender) if own.first else None
        if own.made:
            body = b"" if content is None or own.do is Do.DELETE else made_body(content, own.shape or Shape())
            row = made_row(row, step.row.method, own.path, None if own.do is Do.DELETE else content)
            return self._send_one(seq, row, flow, own.path.encode("latin-1", "replace"), body, live, own, sender)
        path = recorded_path(row) or captured(self.archive, row).request.path
        with RequestBody(self.archive, row) as held:
            return self._send_one(seq, row, flow, path, held.data, live, own, sender, held)

    def _send_one(  # noqa: PLR0917 - the parts of one request
        self,
        seq: int,
        row: ExchangeRow,
        flow: Flow,
        path: bytes,
        body: bytes | None,
        live: Live | None,
        own: RestoreStep,
        sender: Sender,
        held: RequestBody | None = None,
    ) -> tuple[Recorded, Answer]:
        headers = tuple((name, value) for name, value in row.request.headers if name.lower() not in CONDITIONS)
        headers += _condition(row, own, live)
        recorded = Recorded(seq, row, flow, path, headers, body)
        mapped = self.mapper.outgoing(recorded)
        for use in mapped.unmapped:
            if use.made_by is not None:
                raise _Refused(f"the {use.key.role} id {use.text} in its {use.where} comes from step #{use.made_by}, "
                               "which did not bring it")  # fmt: skip
        request = build(
            row,
            mapped,
            target=self.target,
            credentials=self.credentials,
            without_credentials=self.options.without_credentials,
            key=idempotency_key(self.replay, seq),
            streamed=None if held is None else held.stream,
        )
        try:
            return recorded, sender.send(request)
        except EntrepotError as error:  # the vault failed while a long body was on its way
            raise OutcomeUnknown(f"the request broke off: {error}") from error

    def _checked(self, step: Step, row: ExchangeRow, own: RestoreStep, content: Content | None, sender: Sender) -> Live:
        """The document as it is right now. Raises _Refused if it is not what was planned for, _Done if nothing is
        left to do."""
        try:
            live = self._looker.look(sender, row, live_path(own.path, self.idmap))
        except OutcomeUnknown as error:
            raise NotSent(str(error)) from error
        if live.there is There.UNREADABLE:
            raise _Refused(f"not sent, because the target does not say what is there: {live.reason}")
        if own.do is Do.DELETE and live.there is There.ABSENT:
            raise _Done("it is gone already")
        if live.digest == own.digest:
            return live
        if content is not None and live.there is There.PRESENT and not self._decisive(live, content, own):
            raise _Done("it is there already, and as it was")
        if own.do is Do.CREATE:
            raise _Refused("somebody made it since the plan; it was not overwritten")
        gone = live.there is There.ABSENT
        raise _Refused(f"it {'went away' if gone else 'changed'} since the plan; nothing was overwritten")

    @property
    def _looker(self) -> Looker:
        return Looker(self.target, self.credentials, self.clock, self.options.without_credentials)

    def _decisive(self, live: Live, content: Content, own: RestoreStep) -> bool:
        return decides(self._differences(live, content, own))

    def _differences(self, live: Live, content: Content, own: RestoreStep) -> list[Difference]:
        if live.answer is None:
            return []
        shape = own.shape or Shape()
        return differences(content, live.answer, own.path, shape=shape, idmap=self.idmap, now=live.at)

    def _outcome(
        self, recorded: Recorded, answer: Answer, sent_at: int, *, own: RestoreStep, sender: Sender
    ) -> Outcome:
        """Judged by what is there afterwards, and not by the recorded answer."""
        outcome = Outcome(
            recorded.seq,
            StepState.DONE,
            Verdict.EQUIVALENT,
            sent=True,
            sent_at=sent_at,
            duration_us=answer.duration_us,
            live_status=answer.status,
        )
        if answer.status in BUSY:
            return replace(outcome, verdict=Verdict.FAILED, reason=f"the target answered {answer.status}")
        if answer.status >= 400 and not (own.do is Do.DELETE and answer.status in (404, 410)):
            why = f"the target answered {answer.status}"
            if answer.status == 412:
                why = "somebody changed it between look and write; nothing was overwritten (412)"
            self.broken.add(own.path, why)
            return replace(outcome, verdict=Verdict.FAILED, reason=why)
        try:
            if not own.made:
                self._learn(recorded, answer, sent_at)
            if own.last:
                outcome = self._read_back(outcome, recorded.row, own, sender)
        except EntrepotError as error:
            outcome = replace(outcome, verdict=Verdict.UNKNOWN, reason=f"it was sent, and cannot be compared: {error}")
        if outcome.verdict in (Verdict.FAILED, Verdict.UNKNOWN):
            self.broken.add(own.path, outcome.reason)
        return replace(outcome, values=self.mapper.news(outcome.seq))

    def _learn(self, recorded: Recorded, answer: Answer, sent_at: int) -> None:
        content_type = header_text(answer.header(b"content-type") or b"")
        seen = Seen(answer.status, answer.headers, content_type, answer.body, sent_at)
        self.mapper.learn(recorded, seen, lambda: self.archive.body_bytes(recorded.row, "response"))

    def _read_back(self, outcome: Outcome, row: ExchangeRow, own: RestoreStep, sender: Sender) -> Outcome:
        try:
            live = self._looker.look(sender, row, live_path(own.path, self.idmap))
        except (NotSent, OutcomeUnknown, Unsendable) as error:
            return replace(outcome, verdict=Verdict.UNKNOWN, reason=f"it was taken, and cannot be read back: {error}")
        if live.there is There.UNREADABLE:
            return replace(outcome, verdict=Verdict.UNKNOWN, reason=f"it was taken, and {live.reason}")
        if (own.do is Do.DELETE) != (live.there is There.ABSENT):
            what = "still there" if own.do is Do.DELETE else "not there"
            return replace(outcome, verdict=Verdict.FAILED, reason=f"it was taken, and the document is {what}")
        if own.evidence is None or own.do is Do.DELETE:
            return outcome
        found = self._differences(live, content_of(self.archive, own.evidence), own)
        verdict = Verdict.DIFFERENT if decides(found) else Verdict.EQUIVALENT if found else Verdict.IDENTICAL
        return replace(outcome, verdict=verdict, differences=tuple(found))


def _condition(row: ExchangeRow, own: RestoreStep, live: Live | None) -> tuple[tuple[bytes, bytes], ...]:
    """What keeps the request from overwriting what came between look and write."""
    if live is None:
        return ()
    if live.there is There.ABSENT:
        return ((b"If-None-Match", b"*"),) if row.method.upper() == "PUT" else ()
    return ((b"If-Match", live.etag),) if live.etag is not None else ()


def _failed(seq: int, reason: str) -> Outcome:
    return Outcome(seq, StepState.DONE, Verdict.FAILED, sent=False, reason=reason)


def _put_back(seq: int, reason: str) -> Outcome:
    return Outcome(seq, StepState.PENDING, None, sent=False, reason=reason)
