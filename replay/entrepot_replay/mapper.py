"""Between the recording and the target: live values into requests, and out of answers.

Everything that a request carries passes through a Mapper before it is sent, and every pair of recorded and live answer
passes it after.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from entrepot_store.catalog import ExchangeRow
from entrepot_store.model import Headers

from .flow import Flow, Use
from .flow.analysis import SECRET
from .flow.reading import Place, request_parts
from .mapping import IdMap, Substitution, Value, learn_made, substitute
from .mapping.explain import Explainer


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a step is about to send, as recorded. `body` is None where it is streamed from the vault and not mapped."""

    seq: int
    row: ExchangeRow
    flow: Flow
    path: bytes
    headers: Headers
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Mapped:
    """What will be sent instead. `changed` says that the body is not the recorded one; `unmapped` are values that go
    out as recorded although an answer should have told what they are now."""

    path: bytes
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes | None
    changed: bool = False
    unmapped: tuple[Use, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """A whole answer. `body` is content-decoded, None if it was too long to hold."""

    status: int
    headers: Headers
    content_type: str
    body: bytes | None
    sent_at: int


class Mapper(Protocol):
    """Puts live values in the place of recorded ones. Called from the threads that send."""

    def outgoing(self, recorded: Recorded) -> Mapped: ...

    def learn(self, recorded: Recorded, answer: Seen, recorded_body: Callable[[], bytes]) -> Explainer:
        """Takes in what the answer made, and tells how to account for what differs. `recorded_body` reads the recorded
        answer's body; it may raise an EntrepotError, which is let pass."""
        ...

    def news(self, step: int) -> tuple[Value, ...]:
        """What that step learnt or missed since this was last asked, to be stored with its outcome."""
        ...


class FlowMapper:
    """Follows the data flow that planning found."""

    def __init__(
        self, idmap: IdMap, learned: Callable[[str, bytes], None], *, ignore: Sequence[str] = (), target: str = ""
    ) -> None:
        """`learned` takes live secrets, by the digest of the reference that stands for the recorded one; `ignore` are
        JSONPaths, `[*]` and `.*` standing for any item or member, that were declared to be noise;
        `target` is the authority (host[:port]) that is sent to."""
        self._target = target
        self.idmap = idmap
        self._ignore = _pattern(ignore)
        self._learned = learned

    def outgoing(self, recorded: Recorded) -> Mapped:
        changes: list[Substitution] = []
        unmapped: list[Use] = []
        for use in recorded.flow.uses:
            if use.key.role == SECRET:
                continue  # `Credentials` puts it in
            live = self.idmap.live(use.key)
            if live is None:
                self.idmap.miss(use.key, step=recorded.seq, where=use.where)
                unmapped.append(use)
            elif live != use.text:
                changes.append(Substitution(use, live))
        if not changes:
            return Mapped(recorded.path, recorded.headers, recorded.body, unmapped=tuple(unmapped))
        done = substitute(recorded.path, recorded.headers, recorded.body, changes)
        missed = [change.use for change in done.missed]
        for use in missed:
            self.idmap.miss(use.key, step=recorded.seq, where=use.where)
        return Mapped(done.path, done.headers, done.body, done.body != recorded.body, unmapped=(*unmapped, *missed))

    def news(self, step: int) -> tuple[Value, ...]:
        return self.idmap.news(step)

    def learn(self, recorded: Recorded, answer: Seen, recorded_body: Callable[[], bytes]) -> Explainer:
        learn_made(
            recorded.flow.makes if answer.status < 400 else (),
            recorded.path,
            answer.headers,
            answer.content_type,
            answer.body,
            step=recorded.seq,
            idmap=self.idmap,
            recorded_body=recorded_body,
            learned=self._learned,
        )

        def sent() -> frozenset[str]:
            row = recorded.row
            parts = request_parts(recorded.path, recorded.headers, row.request.content_type, recorded.body)
            return frozenset(part.text for part in parts)

        return Explainer(
            self.idmap,
            step=recorded.seq,
            collection=Place.of(recorded.path).collection,
            sent=sent,
            recorded_at=recorded.row.started_at,
            sent_at=answer.sent_at,
            ignore=self._ignore,
            itself=(authority_of(recorded.row), self._target) if self._target else None,
            tentative=True,
        )


def authority_of(row: ExchangeRow) -> str:
    """host[:port] as the client named the service."""
    return row.url.partition("://")[2].partition("/")[0]


def _pattern(paths: Sequence[str]) -> re.Pattern[str] | None:
    if not paths:
        return None
    escaped = (
        re.escape(path).replace(r"\[\*\]", r"\[\d+\]").replace(r"\.\*", r"(?:\.[^.\[]+|\[\"[^]]*\])") for path in paths
    )
    return re.compile("|".join(escaped))
