"""The data flow: who made a value, who uses it, and that a client's own values are left alone."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from entrepot_replay.flow import Analysis, Flow, Key, request_parts, response_parts
from entrepot_replay.flow.names import collection_of, entity, names_an_id
from entrepot_replay.flow.order import PathOrder
from entrepot_replay.flow.values import Kind, is_distinctive, kind_of

JSON = "application/json"


class Traffic:
    """Exchanges as the analysis sees them, by short names."""

    def __init__(self) -> None:
        self.analysis = Analysis(lambda secret: f"hash-of-{secret.decode()}")
        self.numbers: dict[UUID, int] = {}

    def see(
        self,
        path: str,
        body: Any = None,
        answer: Any = None,
        *,
        headers: dict[str, str] | None = None,
        answer_headers: dict[str, str] | None = None,
        writes: bool = True,
    ) -> UUID:
        one = uuid4()
        sent = tuple((name.encode(), value.encode()) for name, value in (headers or {}).items())
        got = tuple((name.encode(), value.encode()) for name, value in (answer_headers or {}).items())
        raw = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        back = None if answer is None else answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        kind = JSON if not isinstance(body, bytes) else "application/x-www-form-urlencoded"
        back_kind = JSON if not isinstance(answer, bytes) else "application/xml"
        self.analysis.see(
            one,
            request_parts(path.encode(), sent, kind, raw),
            response_parts(path.encode(), got, back_kind, back),
            writes=writes,
        )
        if writes:
            self.numbers[one] = len(self.numbers)
        return one

    def flow(self, exchange: UUID) -> Flow:
        return self.analysis.flows(self.numbers, set()).get(exchange, Flow())

    def uses(self, exchange: UUID) -> set[tuple[str, str, int | None]]:
        return {(use.where, use.text, use.made_by) for use in self.flow(exchange).uses}


@pytest.mark.parametrize(
    ("text", "kind", "distinctive"),
    [
        ("7b0a3a56-94c7-4f26-9d0e-0f1c86a0b6d5", Kind.UUID, True),
        ("i-0f3a9c01d2b4e5f67", Kind.TOKEN, True),
        ("d41d8cd98f00b204e9800998ecf8427e", Kind.HEX, True),
        ("1700000000123", Kind.NUMBER, True),
        ("1234567", Kind.NUMBER, False),
        ("2026-11-22", Kind.WORD, False),
        ("2026-11-22T10:00:00Z", Kind.TIME, True),
        ("Sun, 22 Nov 2026 10:00:00 GMT", Kind.TIME, True),
        ("preferences", Kind.WORD, False),
        ("us-east-1", Kind.WORD, False),
        ("wvhzfabbzbumfrflluloindjcvfagrfizvaiuxqjzncxkhushcrmg", Kind.TOKEN, True),
        ("a sentence of 3 words", Kind.TEXT, False),
    ],
)
def test_what_a_value_looks_like(text: str, kind: Kind, distinctive: bool) -> None:
    assert (kind_of(text), is_distinctive(text)) == (kind, distinctive)


@pytest.mark.parametrize(
    ("name", "of"),
    [("order_id", "order"), ("orderId", "order"), ("Orders", "order"), ("categories", "category"), ("id", ""),
     ("paid", "paid"), ("address", "address"), ("piano", "piano"), ("InstanceId", "instance")],
)  # fmt: skip
def test_what_a_name_speaks_of(name: str, of: str) -> None:
    assert entity(name) == of


def test_names_of_ids() -> None:
    assert [name for name in ("id", "_id", "order_id", "orderId", "paid", "idea", "title") if names_an_id(name)] == [
        "id", "_id", "order_id", "orderId",
    ]  # fmt: skip
    assert collection_of(["v1", "orders", "7", "lines"]) == "line"
    assert collection_of(["v1", "orders"]) == "order"


def test_an_id_that_the_server_made_is_followed_into_path_query_header_and_body() -> None:
    traffic = Traffic()
    made = traffic.see("/v1/orders", {"title": "tea"}, {"id": 7, "title": "tea"}, answer_headers={"ETag": '"3"'})
    put = traffic.see("/v1/orders/7", {"title": "coffee"}, headers={"If-Match": '"3"'})
    line = traffic.see("/v1/lines?order=7", {"order_id": 7, "amount": 7, "order": {"id": "7"}})
    assert {place for place, _, by in traffic.uses(put) if by == 0} == {"path:2"}
    assert traffic.uses(line) == {
        ("query:order#0", "7", 0), ("json:/order_id", "7", 0), ("json:/order/id", "7", 0),
    }  # fmt: skip
    assert {make.key for make in traffic.flow(made).makes} == {Key("order", "7")}
    assert traffic.flow(line).after == (0,)


def test_an_id_under_another_name_is_known_if_it_can_be_of_one_thing_only() -> None:
    traffic = Traffic()
    traffic.see("/orders", {}, {"id": 7})
    child = traffic.see("/orders", {"parent_id": 7, "amount": 7, "note": "7"}, {"id": 8})
    traffic.see("/customers", {}, {"id": 8})
    unclear = traffic.see("/orders", {"parent_id": 8, "customer_id": 7})
    assert traffic.uses(child) == {("json:/parent_id", "7", 0)}
    assert not traffic.uses(unclear)  # 8 is an order and a customer; there are customers, and none of them is 7


def test_a_validator_belongs_to_its_document() -> None:
    traffic = Traffic()
    traffic.see("/a", {}, {}, answer_headers={"ETag": 'W/"1"'})
    traffic.see("/b", {}, {}, answer_headers={"ETag": '"1"'})
    again = traffic.see("/a", {}, {}, headers={"If-Match": '"1"'}, answer_headers={"ETag": '"2"'})
    then = traffic.see("/a", {}, {}, headers={"If-Match": '"2"'})
    assert traffic.uses(again) == {("header:if-match#0", "1", 0)}
    assert traffic.uses(then) == {("header:if-match#0", "2", 2)}


def test_what_a_client_chose_is_never_followed() -> None:
    traffic = Traffic()
    chosen = str(uuid4())
    traffic.see(f"/records/{chosen}", {"id": chosen, "n": 5}, {"id": chosen, "last_modified": 1700000000123})
    later = traffic.see(f"/records/{chosen}", {"see": chosen})
    assert not traffic.uses(later)


def test_a_batch_a_composite_id_and_what_base64_hides() -> None:
    traffic = Traffic()
    one, cursor = str(uuid4()), "eyJhZnRlciI6ImFiYzEyM2RlZjQ1NiJ9"
    traffic.see("/things", {}, {"id": one, "key": "abc123def456"})
    batch = traffic.see("/batch", {"requests": [{"path": f"/v1/things/{one}", "method": "PUT"}]})
    composite = traffic.see("/notes", {"about": f"thing:{one}", "state": cursor})
    assert traffic.uses(batch) == {("json:/requests/0/path|url:-1", one, 0)}
    assert ("json:/about|token#1", one, 0) in traffic.uses(composite) or any(
        where.startswith("json:/about|") for where, _, _ in traffic.uses(composite)
    )
    assert ("json:/state|base64|json:/after", "abc123def456", 0) in traffic.uses(composite)


def test_a_location_an_upload_id_in_xml_and_a_form() -> None:
    traffic = Traffic()
    traffic.see("/uploads", {}, None, answer_headers={"Location": "http://h/uploads/41?sig=Zm9vYmFyMTIz"})
    chunk = traffic.see("/uploads/41?sig=Zm9vYmFyMTIz", {})
    assert {(text, by) for _, text, by in traffic.uses(chunk)} == {("41", 0), ("Zm9vYmFyMTIz", 0)}
    traffic.see("/b/k?uploads", {}, b"<?xml version='1.0'?><R xmlns='x'><UploadId>Ab3dEf6hIj</UploadId></R>")
    part = traffic.see("/b/k?partNumber=1&uploadId=Ab3dEf6hIj", {})
    assert traffic.uses(part) == {("query:uploadId#0", "Ab3dEf6hIj", 2)}
    traffic.see(
        "/",
        b"Action=RunInstances",
        b"<R><instancesSet><item><instanceId>i-0a1b2c3d4e</instanceId></item></instancesSet></R>",
    )
    stop = traffic.see("/", b"Action=StopInstances&InstanceId.1=i-0a1b2c3d4e")
    assert traffic.uses(stop) == {("form:InstanceId.1#0", "i-0a1b2c3d4e", 4)}


def test_secrets_are_followed_by_their_digests() -> None:
    traffic = Traffic()
    reference = "{{secret:set-cookie:" + "ab" * 16 + "}}"
    login = traffic.see(
        "/login", {}, {"token": "tok3n-tok3n-9"}, answer_headers={"Set-Cookie": f"sid={reference}; Path=/"}
    )
    cookie = traffic.see("/x", {}, headers={"Cookie": "sid={{secret:cookie:" + "ab" * 16 + "}}; theme=dark"})
    assert [(use.key, use.made_by) for use in traffic.flow(cookie).uses] == [(Key("secret", "ab" * 16), 0)]
    made = traffic.flow(login).makes
    assert [make.secret for make in made] == ["ab" * 16]
    assert "tok3n" not in traffic.flow(login).dump()


def test_reads_that_a_write_needs_are_found_through_one_another() -> None:
    traffic = Traffic()
    one, two = str(uuid4()), str(uuid4())
    first = traffic.see("/list", None, {"items": [{"id": one}]}, writes=False)
    second = traffic.see(f"/list/{one}", None, {"token": two}, writes=False)
    traffic.see("/list", None, {"items": [{"id": one}, {"id": str(uuid4())}]}, writes=False)
    write = traffic.see("/do", {"with": two})
    assert traffic.analysis.needed({write}) == {first, second}


def test_a_flow_survives_its_json() -> None:
    traffic = Traffic()
    made = traffic.see("/v1/orders", {}, {"id": 7})
    used = traffic.see("/v1/orders/7", {})
    for exchange in (made, used):
        flow = traffic.flow(exchange)
        assert Flow.load(flow.dump()) == flow
    assert Flow().dump() == ""
    assert Flow.load("") == Flow()


def test_steps_on_one_document_keep_their_order_and_lists_wait_for_their_items() -> None:
    order = PathOrder()

    def after(seq: int, path: str, *, whole: bool = False) -> list[int] | None:
        found = order.after(seq, [path], whole=whole)
        return None if found is None else list(found)

    assert after(0, "/buckets/a") == []
    assert after(1, "/buckets/a/records/1") == [0]
    assert after(2, "/buckets/a/records/2") == [0]
    assert after(3, "/buckets/a/records/1") == [0, 1]
    assert after(4, "/buckets/a/records", whole=True) == [0, 1, 2, 3]
    assert after(5, "/other") == []
    assert after(6, "/buckets/a/records/2") == [0, 2, 4]
    for seq in range(7, 107):
        after(seq, f"/many/{seq}")
    assert after(107, "/many", whole=True) is None


def parts_of(content_type: str, body: bytes) -> Iterator[tuple[str, str]]:
    for part in request_parts(b"/x", (), content_type, body):
        yield part.where, part.text


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (JSON, b"{not json"), (JSON, b"[" * 100_000), (JSON, b'"' + b"a" * 100_000 + b'"'),
        ("application/xml", b"<" * 50_000), ("multipart/form-data; boundary=x", b'name="' * 10_000),
        ("text/plain", b"/" * 100_000), ("application/x-www-form-urlencoded", b"%" * 50_000),
        (JSON, b'{"a": "' + b"/" * 5000 + b'"}'), ("", b"\xff\x00" * 1000),
    ],
)  # fmt: skip
def test_hostile_bodies_are_read_in_time(content_type: str, body: bytes) -> None:
    assert sum(1 for _ in parts_of(content_type, body)) < 30_000
