"""What of a recorded request is kept byte by byte, and what is made anew."""

import gzip
import zlib
from base64 import b64encode
from dataclasses import replace
from hashlib import md5
from uuid import UUID

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from entrepot_replay.credentials import Credentials, references_of
from entrepot_replay.encode import encode_bytes
from entrepot_replay.errors import Unsendable
from entrepot_replay.mapper import Mapped
from entrepot_replay.outgoing import Outgoing, build, idempotency_key, recorded_path
from entrepot_replay.target import Target
from entrepot_store.catalog import ExchangeRow, MessageRow
from entrepot_store.content import Limits, undo_bytes
from entrepot_store.model import Action, Headers, exchange_id
from entrepot_store.redact import reference_for

NOW = 1_763_800_000_000_000
TARGET = Target("http", "127.0.0.1", 9002)
REFERENCE = reference_for(bytes(32), "authorization", b"x")


def row(
    method: str = "PUT", url: str = "http://orders/v1/x?a=1", headers: Headers = (), encoding: str = ""
) -> ExchangeRow:
    message = MessageRow(headers, "application/json", 2, bytes(32), 0, 10, encoding=encoding)
    return ExchangeRow(
        *(exchange_id(NOW), NOW, 1000, "billing", "orders", method, url, "/v1/x", 200, "HTTP/1.1"),
        *("default", Action.CAPTURE, "default", True, None, None, "segment", message, message),
    )


def built(recorded: ExchangeRow, body: bytes = b"{}", *, target: Target = TARGET, without: bool = False) -> Outgoing:
    path = recorded_path(recorded)
    assert path is not None
    mapped = Mapped(path, recorded.request.headers, body)
    return build(recorded, mapped, target=target, credentials=Credentials(), without_credentials=without, key="key-1")


def test_order_case_and_duplicates_are_kept() -> None:
    headers = (
        *((b"X-b", b"1"), (b"x-A", b"2"), (b"X-B", b"3"), (b"Content-Type", b"application/json")),
        *((b"COOKIE", b"a=b"), (b"If-Match", b'"7"'), (b"x-latin", b"\xe9")),
    )
    request = built(row(headers=headers))
    assert request.headers == [
        (b"Host", b"127.0.0.1:9002"),
        *headers,
        (b"Content-Length", b"2"),
        (b"Idempotency-Key", b"key-1"),
    ]
    assert (request.method, request.path, b"".join(request.body)) == (b"PUT", b"/v1/x?a=1", b"{}")


def test_what_belonged_to_the_connection_is_left_out() -> None:
    headers = (
        *((b"host", b"orders"), (b"Connection", b"keep-alive, X-Hop"), (b"Keep-Alive", b"timeout=5"), (b"x-hop", b"1")),
        *((b"Transfer-Encoding", b"chunked"), (b"TE", b"trailers"), (b"Trailer", b"x"), (b"Expect", b"100-continue")),
        *((b"Proxy-Authorization", REFERENCE), (b"Proxy-Connection", b"x"), (b"Upgrade", b"h2c"), (b"X-End", b"2")),
    )
    assert built(row(headers=headers)).headers == [
        (b"Host", b"127.0.0.1:9002"),
        (b"X-End", b"2"),
        (b"Content-Length", b"2"),
        (b"Idempotency-Key", b"key-1"),
    ]


def test_the_length_is_made_anew_under_its_recorded_name() -> None:
    request = built(row(headers=((b"CONTENT-length", b"99"), (b"x", b"y"))), b"12345")
    assert (b"CONTENT-length", b"5") in request.headers
    assert request.length == 5


@pytest.mark.parametrize(("method", "says"), [("POST", True), ("PUT", True), ("DELETE", False), ("GET", False)])
def test_an_empty_body_has_a_length_where_a_server_expects_one(method: str, says: bool) -> None:
    request = built(row(method), b"")
    assert ((b"Content-Length", b"0") in request.headers) is says


@pytest.mark.parametrize(("method", "says"), [("POST", True), ("PATCH", True), ("DELETE", True), ("GET", False)])
def test_writes_carry_an_idempotency_key(method: str, says: bool) -> None:
    assert ((b"Idempotency-Key", b"key-1") in built(row(method)).headers) is says


def test_a_recorded_idempotency_key_is_kept() -> None:
    request = built(row(headers=((b"idempotency-KEY", b"theirs"),)))
    assert [value for name, value in request.headers if name.lower() == b"idempotency-key"] == [b"theirs"]


def test_a_key_is_the_same_for_the_same_step_only() -> None:
    one, other = UUID(int=1), UUID(int=2)
    assert idempotency_key(one, 3) == idempotency_key(one, 3)
    assert len({idempotency_key(one, 3), idempotency_key(one, 4), idempotency_key(other, 3)}) == 3


def test_a_prefix_goes_before_the_path() -> None:
    request = built(row(), target=Target("https", "new.example", 443, "/tenant/7"))
    assert request.path == b"/tenant/7/v1/x?a=1"
    assert request.headers[0] == (b"Host", b"new.example")


def test_a_missing_secret_is_refused_or_left_out() -> None:
    recorded = row(headers=((b"Authorization", b"Bearer " + REFERENCE), (b"X-Note", REFERENCE)))
    with pytest.raises(Unsendable, match="authorization"):
        built(recorded)
    names = [name for name, _ in built(recorded, without=True).headers]
    assert b"Authorization" not in names
    assert b"X-Note" in names  # not ours: the client sent it so


def test_a_coding_is_put_back_and_checksums_are_those_of_the_new_bytes() -> None:
    headers = ((b"Content-Encoding", b"gzip"), (b"Content-MD5", b"x"), (b"Digest", b"y"), (b"X-Checksum", b"z"))
    request = built(row(headers=headers, encoding="gzip"), b"hello " * 100)
    body = b"".join(request.body)
    assert gzip.decompress(body) == b"hello " * 100
    assert request.length == len(body)
    assert request.headers[1:4] == [
        (b"Content-Encoding", b"gzip"),
        (b"Content-MD5", b64encode(md5(body).digest())),  # noqa: S324 - what the header is
        (b"X-Checksum", b"z"),
    ]


def test_a_hash_that_redaction_hid_is_made_anew_without_any_secret() -> None:
    hidden = (b"Content-MD5", reference_for(bytes(32), "content-md5", b"x"))
    assert references_of((hidden,), b"/") == []
    expected = b64encode(md5(b"{}").digest())  # noqa: S324 - as above
    assert (b"Content-MD5", expected) in built(row(headers=(hidden,))).headers


def test_a_long_body_is_asked_for_where_the_client_asked() -> None:
    recorded = row(headers=((b"Expect", b"100-continue"),))
    mapped = Mapped(b"/v1/x", recorded.request.headers, None)
    given = {"target": TARGET, "credentials": Credentials(), "without_credentials": False, "key": "k"}
    request = build(recorded, mapped, streamed=([b"abc"], 3), **given)
    assert (b"Expect", b"100-continue") in request.headers
    assert not any(name == b"Expect" for name, _ in built(recorded).headers)


def test_checksums_of_bytes_sent_as_they_are_stay() -> None:
    assert (b"Content-MD5", b"x") in built(row(headers=((b"Content-MD5", b"x"),))).headers


@given(st.binary(max_size=3000), st.lists(st.sampled_from(["gzip", "deflate", "br", "zstd"]), min_size=1, max_size=3))
def test_every_coding_the_store_undoes_can_be_put_back(data: bytes, names: list[str]) -> None:
    assert undo_bytes(encode_bytes(data, ", ".join(names)), names, Limits()) == data


def test_codings_are_what_other_people_call_them() -> None:
    data = b"a body " * 50
    assert zlib.decompress(encode_bytes(data, "deflate")) == data
    assert brotli.decompress(encode_bytes(data, "br")) == data
    assert zstandard.ZstdDecompressor().decompressobj().decompress(encode_bytes(data, "zstd")) == data


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://orders", b"/"),
        ("http://orders/a/b?x=%20&y=//z", b"/a/b?x=%20&y=//z"),
        ("http://orders/?", b"/?"),
        ("http://orders/caf\u00e9", None),
        ("http://orders/a\\xff", None),
    ],
)
def test_a_path_is_taken_from_the_row_only_where_it_is_certain(url: str, path: bytes | None) -> None:
    assert recorded_path(row(url=url)) == path


def test_bytes_no_request_line_can_hold_are_escaped() -> None:
    recorded = row()
    mapped = Mapped(b"/caf\xc3\xa9 \x7f?q=%20\xff", (), b"")
    request = build(
        replace(recorded), mapped, target=TARGET, credentials=Credentials(), without_credentials=False, key="k"
    )
    assert request.path == b"/caf%C3%A9%20%7F?q=%20%FF"
