"""What one exchange says about documents, method by method."""

import gzip
import json
from typing import Any

import pytest

from entrepot_store.catalog.documents import Effect, Look
from entrepot_store.catalog.rows import ExchangeRow
from entrepot_store.documents import Interpreter, Recipe
from entrepot_store.documents.identity import LONGEST_KEY, document_id, document_key
from entrepot_store.model import Action
from tests.support.catalog_rows import exchange_row, message_row

JSON_TYPE = "application/json"


class Bodies:
    def __init__(self, request: bytes, response: bytes) -> None:
        self._held = {"request": request, "response": response}

    def read(self, side: str) -> bytes:
        return self._held[side]


def looks(
    method: str,
    url: str,
    status: int | None,
    *,
    sent: Any = None,
    shown: Any = None,
    headers: tuple[tuple[bytes, bytes], ...] = (),
    recipe: Recipe | None = None,
    **changed: Any,
) -> list[Look]:
    request, response = (b"" if value is None else json.dumps(value).encode() for value in (sent, shown))
    row: ExchangeRow = exchange_row(
        1,
        **{
            "method": method,
            "url": f"http://orders{url}",
            "path": url.partition("?")[0],
            "status": status,
            "duration_us": 500,
            "action": Action.PROTECT,
            "rule": "r",
            "request": message_row(content_type=changed.pop("sent_type", JSON_TYPE), size=len(request)),
            "response": None
            if status is None
            else message_row(content_type=JSON_TYPE, size=len(response), headers=headers),
            **changed,
        },
    )
    return Interpreter({"r": recipe} if recipe else {}).looks(row, Bodies(request, response))


def said(found: list[Look]) -> list[tuple[str, Effect, str]]:
    return [(look.key, look.effect, look.side) for look in found]


SHOWN = {"id": 7, "name": "x", "revision": 3}


@pytest.mark.parametrize(
    ("method", "url", "status", "sent", "shown", "headers", "expected"),
    [
        ("GET", "/a", 200, None, SHOWN, (), [("/a", Effect.CONTENT, "response")]),
        ("GET", "/a?b=2&a=1", 200, None, SHOWN, (), [("/a?a=1&b=2", Effect.CONTENT, "response")]),
        ("GET", "/a", 206, None, SHOWN, (), []),
        ("GET", "/a", 304, None, None, (), []),
        ("GET", "/a", 500, None, SHOWN, (), []),
        ("HEAD", "/a", 200, None, None, (), []),
        ("GET", "/a", 404, None, SHOWN, (), [("/a", Effect.TOMBSTONE, "response")]),
        ("HEAD", "/a", 410, None, None, (), [("/a", Effect.TOMBSTONE, "response")]),
        ("POST", "/a", 404, SHOWN, None, (), []),
        ("PUT", "/a", 204, {"name": "x"}, None, (), [("/a", Effect.CONTENT, "request")]),
        ("PUT", "/a", 200, {"name": "x"}, SHOWN, (), [("/a", Effect.CONTENT, "response")]),
        ("PUT", "/a", 200, {"name": "x"}, {"status": "ok"}, (), [("/a", Effect.CONTENT, "request")]),
        ("PUT", "/a", 200, {"name": "x"}, {"data": SHOWN}, (), [("/a", Effect.CONTENT, "response")]),
        ("PUT", "/a", 412, {"name": "x"}, SHOWN, (), []),
        ("PATCH", "/a", 200, {"name": "x"}, SHOWN, (), [("/a", Effect.CONTENT, "response")]),
        ("PATCH", "/a", 204, {"name": "x"}, None, (), [("/a", Effect.PATCH, "request")]),
        ("DELETE", "/a", 204, None, None, (), [("/a", Effect.TOMBSTONE, "response")]),
        ("DELETE", "/a", 202, None, None, (), []),
        ("DELETE", "/a", 404, None, None, (), [("/a", Effect.TOMBSTONE, "response")]),
        ("POST", "/a", 201, {"name": "x"}, SHOWN, ((b"Location", b"/a/7"),), [("/a/7", Effect.CONTENT, "response")]),
        ("POST", "/a", 201, {"name": "x"}, None, ((b"location", b"a/7"),), [("/a/7", Effect.CONTENT, "request")]),
        (
            *("POST", "/a", 201, {"name": "x"}, None),
            *(((b"Location", b"http://elsewhere/b/7"),), [("POST /a", Effect.CONTENT, "request")]),
        ),
        (
            *("POST", "/a", 201, {"name": "x"}, None),
            *(((b"Location", b"https://behind-the-proxy:8443/a/7"),), [("/a/7", Effect.CONTENT, "request")]),
        ),
        (
            *("POST", "/a", 201, {"name": "x"}, None),
            *(((b"Location", b"http://[bad"),), [("POST /a", Effect.CONTENT, "request")]),
        ),
        ("POST", "/a", 201, {"name": "x"}, SHOWN, (), [("/a/7", Effect.CONTENT, "response")]),
        ("POST", "/a", 200, {"name": "x"}, {"id": "req-1"}, (), [("POST /a", Effect.CONTENT, "request")]),
        ("POST", "/a", 204, {"name": "x"}, None, (), [("POST /a", Effect.CONTENT, "request")]),
        ("POST", "/a", 422, {"name": "x"}, SHOWN, (), []),
        ("OPTIONS", "/a", 200, None, SHOWN, (), []),
    ],
)
def test_what_is_said(  # noqa: PLR0917 - one row of the table
    method: str, url: str, status: int, sent: Any, shown: Any, headers: Any, expected: Any
) -> None:
    assert said(looks(method, url, status, sent=sent, shown=shown, headers=headers)) == expected


def test_a_read_counts_from_its_beginning_and_a_write_from_its_end() -> None:
    assert looks("GET", "/a", 200, shown=1)[0].at == exchange_row(1).started_at
    assert looks("PUT", "/a", 204, sent=1)[0].at == exchange_row(1).started_at + 500


def test_nothing_is_made_of_half_a_payload_or_of_what_no_rule_protects() -> None:
    assert looks("GET", "/a", 200, shown=SHOWN, complete=False) == []
    assert looks("GET", "/a", 200, shown=SHOWN, action=Action.CAPTURE) == []
    assert looks("GET", "/a", None) == []


def test_a_rule_says_which_query_fields_count() -> None:
    recipe = Recipe(query=("page",))
    assert looks("GET", "/a?utm=1&page=2", 200, shown=1, recipe=recipe)[0].key == "/a?page=2"
    assert looks("GET", "/a?utm=1", 200, shown=1, recipe=Recipe(query=()))[0].key == "/a"


def test_json_that_is_none_is_kept_as_bytes_and_marked() -> None:
    row = exchange_row(
        *(1,),
        **{
            "method": "GET",
            "url": "http://orders/a",
            "path": "/a",
            "action": Action.PROTECT,
            "response": message_row(content_type=JSON_TYPE, size=4),
        },
    )
    (look,) = Interpreter({}).looks(row, Bodies(b"", b"oops"))
    assert look.malformed


def kept_coded(body: bytes, media_type: str, packed: int, *, coding: bytes = b"gzip") -> tuple[ExchangeRow, Bodies]:
    """A read whose answer was kept as it was sent, under a coding; `packed` makes the same content other bytes."""
    data = gzip.compress(body, mtime=packed)
    response = message_row(data, content_type=media_type, headers=((b"Content-Encoding", coding),))
    row = exchange_row(1, method="GET", path="/a", rule="r", action=Action.PROTECT, response=response)
    return row, Bodies(b"", data)


def test_what_was_kept_under_its_coding_is_compared_and_indexed_by_what_is_in_it() -> None:
    recipe = Recipe(ignore=("$.served_at",), index=(("color", "$.color"),))
    interpreter = Interpreter({"r": recipe})
    found = [
        interpreter.looks(*kept_coded(b'{"color": "red", "served_at": %d}' % n, JSON_TYPE, n))[0] for n in range(2)
    ]
    assert found[0].content == found[1].content
    assert found[0].digest != found[1].digest
    assert not found[0].malformed
    (field,) = interpreter.fields(*kept_coded(b'{"color": "red"}', JSON_TYPE, 1))
    assert (field.name, field.value.text) == ("color", "red")
    one, other = (interpreter.looks(*kept_coded(b"a,b\n1,2\n", "text/csv", n))[0] for n in range(2))
    assert one.content == other.content
    (unread,) = interpreter.looks(*kept_coded(b"{}", JSON_TYPE, 1, coding=b"snappy"))
    assert unread.malformed
    assert unread.content == unread.digest


def test_the_same_patch_twice_is_one_change_only_where_it_changes_nothing_twice() -> None:
    merge, again = (looks("PATCH", "/a", 204, sent={"a": 1}, id=exchange_row(n).id)[0] for n in (1, 2))
    assert merge.content == again.content
    patch, other = (
        looks("PATCH", "/a", 204, sent=[1], sent_type="application/json-patch+json", id=exchange_row(n).id)[0]
        for n in (1, 2)
    )
    assert patch.content != other.content


def test_keys_are_bounded_and_stay_apart() -> None:
    one, other = (document_key("/" + "ä" * 5000 + end, "") for end in "ab")
    assert one != other
    assert len(one.encode()) <= LONGEST_KEY
    assert document_id("orders", "/a") == document_id("orders", "/a") != document_id("billing", "/a")
