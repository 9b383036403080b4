"""What another configuration would have made of the exchanges captured last. For `entrepot rules preview`.

An exchange is decided again from what the catalog knows of it, and redacted again from what is stored: what was taken
out when it was captured stays out. Nothing is changed, and nothing that would be taken out gets into the answer.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Self
from uuid import UUID

from ..archive import Archive, Side
from ..catalog import ExchangeFilter, ExchangeRow, MessageRow, Order
from ..config import Settings
from ..errors import Damaged, NotFound
from ..imports.intake import redacted
from ..model import Action, Body, Exchange, Request, Response
from ..redact import RedactionFailed, RedactionProcess, Redactor, find_references, load_key, redact_bodies
from .decision import Decision
from .ruleset import RuleSet

LONGEST_BODY = 1024 * 1024
"""Longer bodies are not looked into here."""


@dataclass(slots=True, frozen=True)
class TakenOut:
    """What would be taken out in one place (`request header x-key`, `response body`) that is stored at present: how
    many references of which labels would come in. `withheld` is why a body could not be kept at all."""

    place: str
    references: tuple[tuple[str, int], ...] = ()
    withheld: str = ""


@dataclass(slots=True, frozen=True)
class Decided:
    """What a rule asks for an exchange."""

    rule: str
    action: Action
    retention_class: str
    durability: str
    on_failure: str
    fidelity: str


@dataclass(slots=True, frozen=True)
class Preview:
    """One exchange: `now` is what the rules in force make of it, `then` what the others would."""

    exchange: ExchangeRow
    now: Decided
    then: Decided
    taken_out: tuple[TakenOut, ...] = ()
    left_in: tuple[str, ...] = ()
    """Places that the rule in force redacts and the other does not: `header x-key`, `json $.card`."""
    unread: str = ""
    """Why its bodies were not looked into."""

    @property
    def changes(self) -> bool:
        return self.now != self.then or bool(self.taken_out or self.left_in)


class Previewer(AbstractContextManager["Previewer"]):
    """Compares two configurations. To be closed, as a context. Raises ConfigError without a redaction key."""

    def __init__(self, archive: Archive, now: Settings, then: Settings) -> None:
        self._archive = archive
        self._key = load_key(now.data)
        self._now = RuleSet.compile(now, self._key, keep_references=True)
        self._then = RuleSet.compile(then, self._key, keep_references=True)
        self._process = RedactionProcess(self._key, keep_references=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.close()

    def latest(self, number: int) -> Iterator[Preview]:
        """Of the exchanges captured last, newest first. Raises what reading catalog and vault raises."""
        for row in islice(self._archive.catalog.iterate(ExchangeFilter(), Order.NEWEST), number):
            yield self.one(row)

    def exchange(self, identifier: UUID) -> Preview:
        """Raises NotFound."""
        return self.one(self._archive.catalog.exchange(identifier))

    def one(self, row: ExchangeRow) -> Preview:
        now, then = _decide(self._now, row), _decide(self._then, row)
        if then.action is Action.IGNORE:
            return Preview(row, _asked(now), _asked(then))
        taken_out, unread = self._redact(row, then)
        left_in = tuple(sorted(_redacts(now.redactor) - _redacts(then.redactor)))
        return Preview(row, _asked(now), _asked(then), taken_out, left_in, unread)

    def _redact(self, row: ExchangeRow, then: Decision) -> tuple[tuple[TakenOut, ...], str]:
        bodies = then.redactor.bodies
        unread = _TOO_LONG if bodies is not None and _longest(row) > LONGEST_BODY else ""
        try:
            before = self._stored(row, with_bodies=bodies is not None)
        except (NotFound, Damaged) as error:
            before, unread = self._stored(row, with_bodies=False), str(error)
        after = redacted(before, then.redactor)
        if bodies is not None:
            try:
                after, _ = redact_bodies(after, before, bodies, self._key, self._process.redact)
            except RedactionFailed as error:
                unread = f"the exchange could not be captured at all: {error}"
        return tuple(_taken_out(before, after)), unread

    def _stored(self, row: ExchangeRow, *, with_bodies: bool) -> Exchange:
        """As far as the redaction looks at it; bodies that are too long here are left out."""
        scheme, _, rest = row.url.partition("://")
        authority, slash, path = rest.partition("/")
        request = Request(
            row.method.encode(), scheme.encode(), authority.encode(), (slash + path).encode(), row.http_version,
            row.request.headers, self._body(row, "request", row.request) if with_bodies else Body(),
        )  # fmt: skip
        response = None
        if row.response is not None:
            body = self._body(row, "response", row.response) if with_bodies else Body()
            response = Response(row.http_version, row.status or 0, b"", row.response.headers, body)
        return Exchange(
            row.id, row.started_at, row.source, row.destination, "", "", row.rule, row.action, row.retention_class,
            request, response, row.error,
        )  # fmt: skip

    def _body(self, row: ExchangeRow, side: Side, message: MessageRow) -> Body:
        if not message.size or message.size > LONGEST_BODY:
            return Body()
        data = self._archive.body_bytes(row, side)
        return Body(data, None, len(data), message.truncated, message.encoding)


_TOO_LONG = f"bodies of more than {LONGEST_BODY} bytes are not looked into here"


def _longest(row: ExchangeRow) -> int:
    return max(row.request.size, row.response.size if row.response is not None else 0)


def _decide(rules: RuleSet, row: ExchangeRow) -> Decision:
    headers = row.response.headers if row.response is not None else ()
    content_type = next((value for name, value in headers if name.lower() == b"content-type"), None)
    return rules.decide(
        row.source, row.destination, row.method.encode(), row.path.encode("utf-8", "surrogateescape"), content_type,
        row.status,
    )  # fmt: skip


def _asked(decision: Decision) -> Decided:
    return Decided(
        decision.rule,
        decision.action,
        decision.retention_class,
        decision.durability,
        decision.on_failure,
        "wire" if decision.wire else "decoded",
    )


def _redacts(redactor: Redactor) -> frozenset[str]:
    found = {f"header {name}" for name in redactor.header_names} | {f"query {name}" for name in redactor.query_names}
    if redactor.bodies is not None:
        found |= {f"json {path}" for path in redactor.bodies.json}
        found |= {f"form {field}" for field in redactor.bodies.form}
        found |= {f"regex {pattern}" for pattern in redactor.bodies.regex}
    return frozenset(found)


def _taken_out(before: Exchange, after: Exchange) -> Iterator[TakenOut]:
    yield from _difference("path", before.request.path, after.request.path)
    yield from _differences("request", before.request, after.request)
    if before.response is not None and after.response is not None:
        yield from _differences("response", before.response, after.response)


def _differences(side: str, before: Request | Response, after: Request | Response) -> Iterator[TakenOut]:
    for (name, old), (_, new) in zip(before.headers, after.headers, strict=True):
        yield from _difference(f"{side} header {name.decode('latin-1').lower()}", old, new)
    if after.body.withheld:
        yield TakenOut(f"{side} body", withheld=after.body.withheld)
    else:
        yield from _difference(f"{side} body", before.body.data or b"", after.body.data or b"")


def _difference(place: str, before: bytes, after: bytes) -> Iterator[TakenOut]:
    if before == after:
        return
    labels = Counter(reference.name for reference in find_references(after))
    labels.subtract(reference.name for reference in find_references(before))
    yield TakenOut(place, tuple(sorted((label, number) for label, number in labels.items() if number > 0)))
