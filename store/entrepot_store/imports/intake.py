"""Does to a recorded exchange what the proxy does to a live one: names its ends, decides by rule, redacts, gives an id.

The id is made of what the exchange is, so that importing the same recording again adds nothing. Exchanges of one
recording that do not differ in anything, time included, are told apart by their order.
"""

from collections import Counter
from dataclasses import replace
from hashlib import sha256
from typing import Self
from uuid import UUID

from ..config import Settings
from ..model import Action, Body, Exchange, Headers, cut_heads, derived_tail, exchange_id, id_micros
from ..redact import RedactionProcess, Redactor, load_key, redact_bodies
from ..rules import Decision, ProductNames, RuleSet
from .entries import Recorded
from .names import endpoint, split_endpoint

UNKNOWN_SOURCE = "import"
"""Name of the caller when neither the recording nor the user says who it was."""


class Intake:
    """Prepares the exchanges of one recording for the spool. `source` names the caller, unless Entrepot itself did. To
    be closed at the end, as a context.

    Raises ConfigError if there is no redaction key to be had.
    """

    def __init__(self, settings: Settings, source: str | None) -> None:
        self._source = source
        key = load_key(settings.data)
        self._key = key
        self._bodies = {own: RedactionProcess(key, keep_references=own) for own in (False, True)}
        self._rules = {own: RuleSet.compile(settings, key, keep_references=own) for own in (False, True)}
        self._names = ProductNames(settings.product)
        self._seen: Counter[bytes] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._bodies.values():
            process.close()

    def prepare(self, recorded: Recorded) -> Exchange | None:
        """The exchange as it may be stored, or None if its rule says to ignore it.

        Raises RedactionFailed if it cannot be told what is secret in it.
        """
        given = recorded.exchange
        source = given.source or self._caller(given.client_address)
        destination = given.destination or self._names.destination(*endpoint(given.request))
        decision = self._decide(given, source, destination, own=recorded.own)
        if decision.action is Action.IGNORE:
            return None
        exchange = redacted(given, decision.redactor)
        if decision.redactor.bodies is not None:
            redact = self._bodies[recorded.own].redact
            exchange, _ = redact_bodies(exchange, given, decision.redactor.bodies, self._key, redact)
        if decision.wire:
            exchange = _at_wire(exchange)
        cut_heads(exchange)
        # The id comes after redaction: a hash over a secret would let guesses at it be tried.
        return replace(
            exchange,
            id=given.id if _is_of(given.id, given.started_at) else self._identify(exchange),
            source=source,
            destination=destination,
            rule=decision.rule,
            action=decision.action,
            retention_class=decision.retention_class,
        )

    def _caller(self, address: str) -> str:
        if self._source or not address:
            return self._names.source("", self._source or UNKNOWN_SOURCE)
        return self._names.source(split_endpoint(address, 0)[0], None)

    def _decide(self, exchange: Exchange, source: str, destination: str, *, own: bool) -> Decision:
        request, response = exchange.request, exchange.response
        return self._rules[own].decide(
            source,
            destination,
            request.method,
            request.path,
            _content_type(response.headers) if response else None,
            response.status if response else None,
        )

    def _identify(self, exchange: Exchange) -> UUID:
        request, response = exchange.request, exchange.response
        parts = (
            exchange.client_address.encode(),
            request.method,
            request.url,
            _digest(request.body),
            b"%d" % response.status if response else b"",
            _digest(response.body) if response else b"",
        )
        same = derived_tail(exchange.started_at.to_bytes(8), *parts)
        self._seen[same] += 1
        return exchange_id(exchange.started_at, derived_tail(same, b"%d" % self._seen[same]))


def _is_of(identifier: UUID, started_at: int) -> bool:
    """Whether this is an id that we gave an exchange of that time. Ids are in order of time and the catalog relies on
    it, so one that a file merely claims must not get in. A millisecond of leeway: other formats keep floats."""
    return identifier.version == 7 and abs(id_micros(identifier) - started_at) <= 1000


def _at_wire(exchange: Exchange) -> Exchange:
    request, response = exchange.request, exchange.response
    return replace(
        exchange,
        request=replace(request, body=replace(request.body, wire=True)),
        response=response and replace(response, body=replace(response.body, wire=True)),
    )


def redacted(exchange: Exchange, redactor: Redactor) -> Exchange:
    """The exchange with references in place of the secrets in its headers, trailers and path."""
    request, response = exchange.request, exchange.response
    return replace(
        exchange,
        request=replace(
            request,
            authority=redactor.authority(request.authority),
            path=redactor.path(request.path),
            headers=redactor.headers(request.headers),
            trailers=redactor.headers(request.trailers),
        ),
        response=response
        and replace(response, headers=redactor.headers(response.headers), trailers=redactor.headers(response.trailers)),
    )


def _content_type(headers: Headers) -> bytes | None:
    return next((value for name, value in headers if name.lower() == b"content-type"), None)


def _digest(body: Body) -> bytes:
    return sha256(body.data or b"").digest() + body.size.to_bytes(8)
