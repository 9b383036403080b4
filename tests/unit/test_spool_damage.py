"""A spool file with any one byte changed, or cut anywhere: at most the record that was hit is lost, and it is said."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from entrepot_store.errors import TooNew
from entrepot_store.model import Action, Body, Exchange, Gap, LedgerEntry, Request, Response, exchange_id
from entrepot_store.spool import Damage, SpoolContent, read_spool_file
from entrepot_store.spool.frames import FILE_MAGIC, encode_frame
from entrepot_store.spool.records import Head, pack_exchange, pack_gap, pack_head, pack_ledger

type Fact = Head | Exchange | Gap | LedgerEntry


def small_exchange(number: int) -> Exchange:
    request = Request(b"PUT", b"http", b"orders", b"/v1/%d" % number, "HTTP/1.1", ((b"A", b"b"),), Body.of(b"{}"))
    response = Response("HTTP/1.1", 204, b"No Content", ())
    identifier = exchange_id(number * 1_000_000, number.to_bytes(8))
    return Exchange(identifier, number, "a", "b", "", "", "r", Action.CAPTURE, "c", request, response)


@dataclass
class Whole:
    """An undamaged file: its bytes, and each record with the bytes it takes up."""

    raw: bytes
    facts: list[tuple[int, int, Fact]]


@pytest.fixture(scope="module")
def whole() -> Whole:
    head, gap, ledger = Head("w1", 1, 5), Gap("w1", 1, 2, 0, "full"), LedgerEntry("w1", 9, seen=3, stored=3)
    packed: list[tuple[Fact, bytes]] = [(head, pack_head(head))]
    packed += [(exchange, pack_exchange(exchange)) for exchange in map(small_exchange, (1, 2, 3))]
    packed += [(gap, pack_gap(gap)), (ledger, pack_ledger(ledger))]
    raw, facts = FILE_MAGIC, []
    for fact, payload in packed:
        frame = encode_frame(payload)
        facts.append((len(raw), len(raw) + len(frame), fact))
        raw += frame
    return Whole(raw, facts)


def read(path: Path, raw: bytes) -> SpoolContent:
    path.write_bytes(raw)
    return read_spool_file(path)


def facts_of(content: SpoolContent) -> list[Fact]:
    found: list[Fact | None] = [content.head, *content.exchanges, *content.gaps, content.ledger]
    return [fact for fact in found if fact is not None]


def test_an_undamaged_file(tmp_path: Path, whole: Whole) -> None:
    content = read(tmp_path / "spool", whole.raw)
    assert facts_of(content) == [fact for _, _, fact in whole.facts]
    assert content.damages == []


def test_every_flipped_bit_costs_at_most_its_record_and_is_reported(tmp_path: Path, whole: Whole) -> None:
    path = tmp_path / "spool"
    for offset in range(len(whole.raw)):
        for bit in range(8):
            raw = bytearray(whole.raw)
            raw[offset] ^= 1 << bit
            content = read(path, bytes(raw))
            kept = [fact for start, end, fact in whole.facts if not start <= offset < end]
            assert facts_of(content) == kept, (offset, bit)
            assert any(damage.start <= offset < damage.end for damage in content.damages), (offset, bit)


def test_every_lost_byte_costs_at_most_its_record_and_is_reported(tmp_path: Path, whole: Whole) -> None:
    """A byte that is gone moves everything behind it: the frames behind are found by their markers."""
    path = tmp_path / "spool"
    for offset in range(len(FILE_MAGIC), len(whole.raw)):
        content = read(path, whole.raw[:offset] + whole.raw[offset + 1 :])
        found = facts_of(content)
        assert content.damages, offset
        for start, end, fact in whole.facts:
            # A frame whose payload lacks a byte reaches one byte into the next, which is then lost with it.
            previous = next((begin for begin, stop, _ in whole.facts if stop == start), None)
            if not (start <= offset < end or (previous is not None and previous <= offset < start)):
                assert fact in found, offset


def test_every_truncation_costs_only_what_is_cut_and_is_reported(tmp_path: Path, whole: Whole) -> None:
    path = tmp_path / "spool"
    ends = {end for _, end, _ in whole.facts} | {len(FILE_MAGIC)}
    for length in range(len(whole.raw)):
        content = read(path, whole.raw[:length])
        assert facts_of(content) == [fact for _, end, fact in whole.facts if end <= length], length
        if length in ends:
            # No frame is torn there. That the file has no ledger entry at its end says that it was not finished.
            assert content.damages == []
            assert content.ledger is None
        else:
            last = max((end for end in ends if end <= length), default=0)
            assert content.damages == [Damage(last, length, torn=True)], length


def test_a_record_that_does_not_decode_is_reported_where_it_is(tmp_path: Path, whole: Whole) -> None:
    odd = encode_frame(b"\xc1 no msgpack")
    start, _, _ = whole.facts[2]
    content = read(tmp_path / "spool", whole.raw[:start] + odd + whole.raw[start:])
    assert facts_of(content) == [fact for _, _, fact in whole.facts]
    assert content.damages == [Damage(start, start + len(odd), torn=False)]


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    newer = b"ENTSPL02" + encode_frame(pack_head(Head("w1", 1, 5, version=2)))
    with pytest.raises(TooNew, match="spool format 02 is newer than ours, 01"):
        read(tmp_path / "spool", newer)
    with pytest.raises(TooNew):
        read(tmp_path / "spool", b"ENTSPL02 laid out in another way")
    with pytest.raises(TooNew):
        read(tmp_path / "spool", b"ENTSPL02" + encode_frame(b"\xc1"))
