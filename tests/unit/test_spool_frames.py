"""The byte format of spool files: what is written is read, and damage costs one frame."""

import google_crc32c
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot_store.spool.frames import FILE_MAGIC, HEADER_SIZE, MAX_PAYLOAD, Bad, decode_frames, encode_frame

payloads = st.lists(st.binary(max_size=60), max_size=6)


def decoded(content: bytes) -> list[bytes | Bad]:
    return [frame if isinstance(frame, Bad) else bytes(frame) for frame in decode_frames(content)]


def test_a_frame_byte_by_byte() -> None:
    prefix = b"\xe7SPL\x03\x00\x00\x00"
    check = google_crc32c.value(prefix).to_bytes(4, "little")
    crc = google_crc32c.value(b"abc").to_bytes(4, "little")
    assert FILE_MAGIC == b"ENTSPL01"
    assert encode_frame(b"abc") == prefix + check + crc + b"abc"


@given(payloads)
def test_what_is_written_is_read(written: list[bytes]) -> None:
    assert decoded(b"".join(map(encode_frame, written))) == written


@given(payloads, st.binary(max_size=40))
def test_rubbish_behind_the_frames_is_torn(written: list[bytes], rubbish: bytes) -> None:
    content = b"".join(map(encode_frame, written))
    bad = [Bad(len(content), len(content) + len(rubbish), torn=True)] if rubbish else []
    assert decoded(content + rubbish) == written + bad


@given(st.binary(min_size=1, max_size=40), payloads)
def test_rubbish_before_the_frames_is_skipped(rubbish: bytes, written: list[bytes]) -> None:
    content = rubbish + b"".join(map(encode_frame, written))
    assert decoded(content) == [Bad(0, len(rubbish), torn=not written), *written]


@pytest.mark.parametrize("damaged", range(HEADER_SIZE))
def test_a_damaged_header_costs_its_frame(damaged: int) -> None:
    frames = [encode_frame(b"first"), bytearray(encode_frame(b"second")), encode_frame(b"third")]
    frames[1][damaged] ^= 0x10
    start = len(frames[0])
    assert decoded(b"".join(frames)) == [b"first", Bad(start, start + len(frames[1]), torn=False), b"third"]


def test_a_torn_payload_is_never_searched_for_frames() -> None:
    """A client sends a body that looks like spool frames; the worker dies while it writes that body."""
    forged = encode_frame(b"an exchange that never happened")
    content = encode_frame(b"before") + encode_frame(b"body: " + forged * 3 + b" and on")
    for cut in range(len(content) - 1, len(encode_frame(b"before")) + HEADER_SIZE, -1):
        assert decoded(content[:cut]) == [b"before", Bad(len(encode_frame(b"before")), cut, torn=True)]


def test_a_damaged_payload_is_never_searched_for_frames() -> None:
    forged = encode_frame(b"an exchange that never happened")
    frame = bytearray(encode_frame(b"body: " + forged))
    frame[HEADER_SIZE] ^= 1
    assert decoded(bytes(frame) + encode_frame(b"after")) == [Bad(0, len(frame), torn=False), b"after"]


def test_a_header_alone_does_not_swallow_what_follows() -> None:
    """Behind a damaged header, only a whole frame is a place to go on from: a lone header may claim the whole file."""
    lone = encode_frame(b"x" * 1000)[:HEADER_SIZE]
    frame = bytearray(encode_frame(b"body: " + lone))
    frame[5] ^= 1
    assert decoded(bytes(frame) + encode_frame(b"after")) == [Bad(0, len(frame), torn=False), b"after"]


def test_a_payload_over_the_bound_is_refused() -> None:
    class Long(bytes):
        def __len__(self) -> int:
            return MAX_PAYLOAD + 1

    with pytest.raises(ValueError, match="over the bound"):
        encode_frame(Long())
