"""Short bodies read without understanding their records: the same bytes, or the question is handed back."""

from hashlib import sha256
from pathlib import Path

from entrepot_store.errors import Damaged
from entrepot_store.segment import FileSource, Revisit, SegmentReader
from tests.support.segments import exchange, write

BODY = b'{"id": 7, "pad": "' + b"x" * 600 + b'"}'


def test_a_short_body_is_read_or_handed_back(tmp_path: Path) -> None:
    sent = [BODY, BODY, BODY + b"2", BODY + b"3", BODY + b"4"]
    reader, index = write(tmp_path, [exchange(number, sent=body) for number, body in enumerate(sent)])
    handed_back = []
    for body, row in zip(sent, index.exchanges, strict=True):
        message = row.request
        found = reader.short_body(message.offset, message.length, message.size, message.digest)
        assert found in (body, None)
        if found is None:
            assert isinstance(reader.open_body(message.offset, message.length, message.digest), Revisit)
            handed_back.append(row)
    assert handed_back == [index.exchanges[1]]  # the same payload again: it is stored once


def test_nothing_is_taken_for_a_body_that_is_not_it(tmp_path: Path) -> None:
    reader, index = write(tmp_path, [exchange(0, sent=BODY)])
    message = index.exchanges[0].request
    for size, digest in (
        (message.size, sha256(b"other").digest()),
        (message.size - 1, message.digest),
        (message.size + 1, message.digest),
        (10_000_000, message.digest),
        (0, message.digest),
    ):
        assert reader.short_body(message.offset, message.length, size, digest) is None


def test_no_flipped_byte_gives_another_body(tmp_path: Path) -> None:
    _, index = write(tmp_path, [exchange(0, sent=BODY)])
    path = tmp_path / "segment.warc.zst"
    content = path.read_bytes()
    message = index.exchanges[0].request
    damaged = 0
    for at in range(message.offset, message.offset + message.length):
        path.write_bytes(content[:at] + bytes([content[at] ^ 0x5A]) + content[at + 1 :])
        try:
            found = SegmentReader(FileSource(path)).short_body(
                message.offset, message.length, message.size, message.digest
            )
        except Damaged:
            damaged += 1
        else:
            assert found in (BODY, None)
    assert damaged > message.length // 2
