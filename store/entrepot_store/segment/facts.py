"""What we know of an exchange beyond HTTP, as `Entrepot-*` fields of its request record, and back."""

import ipaddress
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

from ..model import Action, Exchange, Headers, Request
from .exact import Exact, as_text, is_plain_text, is_token
from .fields import Fields, format_date, parse_date

_LONGEST = 256
_STEADY = (
    (b"Entrepot-Source", "source"),
    (b"Entrepot-Destination", "destination"),
    (b"Entrepot-Server", "server_address"),
    (b"Entrepot-Rule", "rule"),
    (b"Entrepot-Action", "action"),
    (b"Entrepot-Class", "retention_class"),
)


def date_of(exchange: Exchange, exact: Exact) -> bytes:
    try:
        return format_date(exchange.started_at)
    except ValueError:
        exact["started_at"] = exchange.started_at
        return format_date(0)


def format_facts(exchange: Exchange, exact: Exact) -> bytes:
    """The fields, each with its line end. The few that differ from exchange to exchange come first and together."""
    texts = (
        exchange.source,
        exchange.destination,
        exchange.server_address,
        exchange.rule,
        exchange.action.value,
        exchange.retention_class,
    )
    # Names may come from what clients send: long ones are not remembered, so that they cannot fill the memory.
    steady, unsafe = _steady(texts) if max(map(len, texts)) <= _LONGEST else _format_steady(texts)
    if unsafe:
        exact.update(unsafe)
    lines = b"Entrepot-Timing: %d %d %d\r\n" % (exchange.request_us, exchange.waiting_us, exchange.response_us)
    if exchange.client_address:
        lines += _text_field(b"Entrepot-Client", "client_address", exchange.client_address, exact)
    if exchange.trace_id is not None:
        lines += _text_field(b"Entrepot-Trace", "trace_id", exchange.trace_id, exact)
    if exchange.error is not None:
        lines += _text_field(b"Entrepot-Error", "error", exchange.error, exact)
    if exchange.messages:
        lines += b"Entrepot-Messages: %d\r\n" % len(exchange.messages)
    if exchange.messages_missing:
        lines += b"Entrepot-Messages-Missing: %d\r\n" % exchange.messages_missing
    return lines + steady


def format_trailers(trailers: Headers, exact: Exact) -> bytes:
    """One `Entrepot-Trailer` field for each; all of them in `exact` if one would not survive."""
    lines = b"".join([b"Entrepot-Trailer: %s: %s\r\n" % pair for pair in trailers])
    count = len(trailers)
    plain = lines.count(b"\n") == count and lines.count(b"\r") == count and b"\x00" not in lines
    if plain and all(is_token(name) for name, _ in trailers):
        return lines
    exact["trailers"] = trailers
    return b""


def parse_trailers(fields: Fields, exact: Exact) -> Headers:
    if "trailers" in exact:
        return tuple((name, value) for name, value in exact["trailers"])
    if fields.get(b"Entrepot-Trailer") is None:
        return ()
    pairs = (value.partition(b": ") for value in fields.all(b"Entrepot-Trailer"))
    return tuple((name, value) for name, _, value in pairs)


def parse_started_at(fields: Fields, exact: Exact) -> int:
    """Raises ValueError."""
    return _whole(exact.get("started_at", parse_date(fields.need(b"WARC-Date"))))


def parse_rule(fields: Fields, exact: Exact) -> str:
    return cast("str", exact.get("rule", fields.text(b"Entrepot-Rule"))) or ""


def parse_facts(identifier: UUID, fields: Fields, exact: Exact, request: Request) -> Exchange:
    """The exchange without response, messages and bodies. Raises ValueError."""

    def text(name: bytes, attribute: str) -> str | None:
        return cast("str | None", exact.get(attribute, fields.text(name)))

    timing = [int(number) for number in fields.need(b"Entrepot-Timing").split(b" ")]
    return Exchange(
        id=identifier,
        started_at=parse_started_at(fields, exact),
        source=text(b"Entrepot-Source", "source") or "",
        destination=text(b"Entrepot-Destination", "destination") or "",
        client_address=text(b"Entrepot-Client", "client_address") or "",
        server_address=text(b"Entrepot-Server", "server_address") or "",
        rule=parse_rule(fields, exact),
        action=Action(fields.need(b"Entrepot-Action").decode("ascii")),
        retention_class=text(b"Entrepot-Class", "retention_class") or "",
        request=request,
        error=text(b"Entrepot-Error", "error"),
        request_us=timing[0],
        waiting_us=timing[1],
        response_us=timing[2],
        trace_id=text(b"Entrepot-Trace", "trace_id"),
        messages_missing=int(fields.get(b"Entrepot-Messages-Missing") or 0),
    )


def _whole(value: Any) -> int:
    if not isinstance(value, int):
        raise ValueError(f"{value!r} is not a time")  # noqa: TRY004 - malformed data, not a programming error
    return value


def _text_field(name: bytes, attribute: str, text: str, exact: Exact) -> bytes:
    if not is_plain_text(text):
        exact[attribute] = text
        text = as_text(text)
    return b"%s: %s\r\n" % (name, text.encode())


def _format_steady(texts: tuple[str, ...]) -> tuple[bytes, Exact]:
    """Fields that whole streams of exchanges share; formatted once for each combination."""
    unsafe: Exact = {}
    lines = b""
    for (name, attribute), text in zip(_STEADY, texts, strict=True):
        if text:
            lines += _text_field(name, attribute, text, unsafe)
    address = _ip_of(texts[2])
    if address:
        lines += b"WARC-IP-Address: %s\r\n" % address
    return lines, unsafe


_steady = lru_cache(maxsize=1024)(_format_steady)


def _ip_of(server: str) -> bytes:
    host = server.rpartition(":")[0].removeprefix("[").removesuffix("]") if ":" in server else server
    try:
        return str(ipaddress.ip_address(host)).encode()
    except ValueError:
        return b""
