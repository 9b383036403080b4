"""Which exchanges become steps: one row of the decision table each."""

from dataclasses import replace

import pytest

from entrepot_replay.selection import Selection, Skip, choose
from entrepot_store.catalog import ExchangeFilter, ExchangeRow, MessageRow
from entrepot_store.errors import BadInput
from entrepot_store.model import Action, exchange_id

NOW = 1_763_800_000_000_000
MESSAGE = MessageRow(((b"Host", b"orders"),), "application/json", 2, bytes(32), 0, 10)
ROW = ExchangeRow(
    *(exchange_id(NOW), NOW, 1000, "billing", "orders", "PUT", "http://orders/v1/x", "/v1/x", 200, "HTTP/1.1"),
    *("default", Action.CAPTURE, "default", True, None, None, "segment", MESSAGE, MESSAGE),
)


def chosen(row: ExchangeRow, *, allow_delete: bool = False, **where: object) -> Skip | None:
    selection = Selection(ExchangeFilter(destination=("orders",), **where), allow_delete)  # type: ignore[arg-type]
    return choose(row, selection).skip


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("status", [200, 201, 204, 302])
def test_writes_that_succeeded_are_steps(method: str, status: int) -> None:
    assert chosen(replace(ROW, method=method, status=status)) is None


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (replace(ROW, method="GET"), Skip.READ),
        (replace(ROW, method="HEAD"), Skip.READ),
        (replace(ROW, method="GET", path="/healthz"), Skip.HEALTH_CHECK),
        (replace(ROW, method="GET", path="/v1/__heartbeat__"), Skip.HEALTH_CHECK),
        (replace(ROW, method="DELETE"), Skip.DELETE),
        (replace(ROW, method="PROPPATCH"), Skip.OTHER_METHOD),
        (replace(ROW, method="CONNECT"), Skip.TUNNEL),
        (replace(ROW, status=409), Skip.FAILED),
        (replace(ROW, status=500), Skip.FAILED),
        (replace(ROW, status=None, response=None), Skip.UNANSWERED),
        (replace(ROW, request=replace(MESSAGE, truncated=True)), Skip.INCOMPLETE),
        (replace(ROW, status=101), Skip.WEBSOCKET),
        (replace(ROW, method="GET", request=replace(MESSAGE, headers=((b"upgrade", b"WebSocket"),))), Skip.WEBSOCKET),
        (replace(ROW, request=replace(MESSAGE, content_type="application/grpc+proto")), Skip.GRPC),
        (replace(ROW, response=replace(MESSAGE, content_type="text/event-stream;x=y")), Skip.EVENT_STREAM),
    ],
)
def test_everything_else_has_its_reason(row: ExchangeRow, reason: Skip) -> None:
    assert chosen(row) is reason


def test_a_write_to_a_path_that_looks_like_a_health_check_is_still_a_write() -> None:
    assert chosen(replace(ROW, path="/v1/ping")) is None


def test_delete_needs_to_be_allowed_even_when_it_is_named() -> None:
    row = replace(ROW, method="DELETE", status=204)
    assert chosen(row, method=("DELETE",)) is Skip.DELETE
    assert chosen(row, allow_delete=True) is None
    assert chosen(row, method=("POST",), allow_delete=True) is Skip.OTHER_METHOD


def test_naming_methods_replaces_the_default() -> None:
    assert chosen(replace(ROW, method="GET"), method=("GET",)) is None
    assert chosen(ROW, method=("GET",)) is Skip.OTHER_METHOD
    assert chosen(replace(ROW, method="GET", path="/health"), method=("GET",)) is Skip.HEALTH_CHECK


def test_naming_a_status_brings_in_what_failed() -> None:
    assert chosen(replace(ROW, status=409), status=(409,)) is None


def test_skipped_writes_are_listed_and_reads_only_counted() -> None:
    selection = Selection(ExchangeFilter(destination=("orders",)))
    assert choose(replace(ROW, status=409), selection).listed
    assert not choose(replace(ROW, method="GET"), selection).listed


@pytest.mark.parametrize("destination", [(), ("orders", "billing")])
def test_a_replay_is_of_one_product(destination: tuple[str, ...]) -> None:
    with pytest.raises(BadInput):
        Selection(ExchangeFilter(destination=destination))


def test_what_was_asked_for_is_told_without_what_was_not() -> None:
    where = ExchangeFilter(destination=("orders",), method=("POST",), since=NOW)
    assert Selection(where, allow_delete=True).to_json() == {
        "destination": ("orders",),
        "method": ("POST",),
        "since": "2025-11-22T08:26:40.000000Z",
        "allow_delete": True,
    }
