"""Records of the spool: any exchange, ledger entry, gap or head comes back as it was."""

from typing import Any
from uuid import UUID

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot_store.errors import Damaged, TooNew
from entrepot_store.model import Action, Body, Exchange, Gap, LedgerEntry, Request, Response, WebSocketMessage
from entrepot_store.spool.records import FORMAT, HEAD, Head, pack_exchange, pack_gap, pack_head, pack_ledger, unpack

raw = st.binary(max_size=30)
text = st.text(st.characters(codec="utf-8"), max_size=20)
count = st.integers(0, 2**63 - 1)
headers = st.lists(st.tuples(raw, raw), max_size=4).map(tuple)
bodies = st.one_of(
    st.builds(Body.of, raw),
    st.builds(Body, data=st.none(), file=text, size=count, truncated=st.booleans(), decoded=text),
    st.builds(Body, data=raw, size=count, truncated=st.booleans(), decoded=text, withheld=text, wire=st.booleans()),
)
requests = st.builds(
    Request,
    method=raw,
    scheme=raw,
    authority=raw,
    path=raw,
    version=text,
    headers=headers,
    body=bodies,
    trailers=headers,
)
responses = st.builds(
    Response, version=text, status=st.integers(0, 999), reason=raw, headers=headers, body=bodies, trailers=headers
)
messages = st.builds(WebSocketMessage, at=count, from_client=st.booleans(), text=st.booleans(), data=raw)
exchanges = st.builds(
    Exchange,
    id=st.uuids(),
    started_at=count,
    source=text,
    destination=text,
    client_address=text,
    server_address=text,
    rule=text,
    action=st.sampled_from(Action),
    retention_class=text,
    request=requests,
    response=st.none() | responses,
    error=st.none() | text,
    request_us=count,
    waiting_us=count,
    response_us=count,
    trace_id=st.none() | text,
    messages=st.lists(messages, max_size=3),
    messages_missing=count,
)
ledgers = st.builds(LedgerEntry, text, count, count, count, count, count, count, count)
gaps = st.builds(Gap, text, count, count, count, text)
heads = st.builds(Head, text, count, count)


@given(exchanges)
def test_an_exchange_comes_back(exchange: Exchange) -> None:
    assert unpack(pack_exchange(exchange)) == exchange


@given(ledgers)
def test_a_ledger_entry_comes_back(entry: LedgerEntry) -> None:
    assert unpack(pack_ledger(entry)) == entry


@given(gaps)
def test_a_gap_comes_back(gap: Gap) -> None:
    assert unpack(pack_gap(gap)) == gap


@given(heads)
def test_a_head_comes_back(head: Head) -> None:
    assert unpack(pack_head(head)) == head
    assert head.version == FORMAT


def test_text_that_no_encoding_holds_does_not_cost_the_exchange() -> None:
    assert unpack(pack_gap(Gap("w", 1, 2, 0, "cannot open \udcff"))) == Gap("w", 1, 2, 0, "cannot open ?")


def test_fields_behind_those_we_know_are_ignored() -> None:
    fields = msgpack.unpackb(pack_head(Head("w", 1, 2)), use_list=False)
    assert unpack(msgpack.packb((*fields, "from the future"))) == Head("w", 1, 2)


def test_a_kind_of_the_future_is_refused() -> None:
    with pytest.raises(TooNew, match="kind 99"):
        unpack(msgpack.packb((99, "?")))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",
        b"\x93\x01",
        msgpack.packb(7),
        msgpack.packb({}),
        msgpack.packb(()),
        msgpack.packb((HEAD,)),
        msgpack.packb((1, b"short")),
        pack_exchange(
            Exchange(UUID(int=7), 1, "a", "b", "", "", "r", Action.CAPTURE, "c", Request(b"", b"", b"", b"", "", ()))
        )[:-1],
    ],
)
def test_a_malformed_record_is_damaged_and_nothing_else(payload: bytes) -> None:
    with pytest.raises(Damaged):
        unpack(payload)


@given(
    st.recursive(st.none() | st.integers(-(2**63), 2**64 - 1) | raw | text, lambda inner: st.lists(inner, max_size=20))
)
def test_no_msgpack_value_breaks_the_reader(value: Any) -> None:
    """A checksum only says that the bytes are those that were written."""
    try:
        unpack(msgpack.packb(value))
    except (Damaged, TooNew):
        return
    kind = value[0]
    assert kind in (1, 2, 3, 4)
