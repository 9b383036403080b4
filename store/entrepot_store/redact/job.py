"""One exchange's work for a BodyRedactor, and what comes of it: plain values, which go to another process and back."""

from collections.abc import Sequence
from typing import NamedTuple

from .body_redactor import BodyRedactor, Redacted


class Job(NamedTuple):
    """`bodies` are (bytes, Content-Type, content codings), `messages` WebSocket messages, `values` header values, paths
    and the like as (before, after) the redaction of what is named there."""

    bodies: Sequence[tuple[bytes, str, Sequence[str]]] = ()
    messages: Sequence[bytes] = ()
    values: Sequence[tuple[bytes, bytes]] = ()

    @property
    def size(self) -> int:
        """Bytes to be looked into, roughly."""
        bodies = sum(len(data) for data, _, _ in self.bodies) + sum(map(len, self.messages))
        return bodies + sum(len(redacted) for _, redacted in self.values)


class Result(NamedTuple):
    """In the order of the job; `values` are the new ones."""

    bodies: Sequence[Redacted] = ()
    messages: Sequence[Redacted] = ()
    values: Sequence[bytes] = ()


def work(redactor: BodyRedactor, job: Job) -> Result:
    return Result(
        [redactor.body(data, content_type, codings) for data, content_type, codings in job.bodies],
        [redactor.message(message) for message in job.messages],
        [redactor.value(raw, redacted) for raw, redacted in job.values],
    )
