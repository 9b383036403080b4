"""Amazon's framing of bodies: what the SDKs send is understood, what is not whole is refused."""

from collections.abc import Iterator
from hashlib import sha256

import pytest

from entrepot_replay.aws_chunked import is_framed, unframed
from entrepot_replay.errors import Unsendable

CONTENT = bytes(range(256)) * 10
SIGNATURE = b";chunk-signature=" + b"0" * 64


def framed(extension: bytes = b"", trailers: bytes = b"") -> bytes:
    chunks = [CONTENT[at : at + 1000] for at in range(0, len(CONTENT), 1000)]
    return b"".join(b"%x%b\r\n%b\r\n" % (len(one), extension, one) for one in chunks) + b"0%b\r\n%b\r\n" % (
        extension,
        trailers,
    )


def headers(kind: bytes, *more: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    return [
        (b"Content-Encoding", b"aws-chunked"),
        (b"X-Amz-Content-SHA256", kind),
        (b"X-Amz-Decoded-Content-Length", b"%d" % len(CONTENT)),
        *more,
    ]


class Pieces:
    """A body in pieces of one size, as often as it is read."""

    def __init__(self, data: bytes, size: int) -> None:
        self.data, self.size = data, size

    def __iter__(self) -> Iterator[bytes]:
        yield from (self.data[at : at + self.size] for at in range(0, len(self.data), self.size))


@pytest.mark.parametrize("size", [1, 7, 1000, 10_000])
def test_signed_chunks(size: int) -> None:
    given = headers(b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
    assert is_framed(given)
    kept, body, length = unframed(given, Pieces(framed(SIGNATURE), size))
    assert kept == [given[1]]
    assert (b"".join(body), b"".join(body), length) == (CONTENT, CONTENT, len(CONTENT))


def test_a_trailer_becomes_a_header_if_it_was_announced() -> None:
    trailers = b"x-amz-checksum-crc32:AAAAAA==\r\nx-amz-trailer-signature:" + b"0" * 64 + b"\r\n"
    given = headers(b"STREAMING-UNSIGNED-PAYLOAD-TRAILER", (b"X-Amz-Trailer", b"x-amz-checksum-crc32"))
    given[0] = (b"Content-Encoding", b"gzip, aws-chunked")
    kept, _, _ = unframed(given, (framed(b"", trailers),))
    assert kept == [(b"Content-Encoding", b"gzip"), given[1], (b"x-amz-checksum-crc32", b"AAAAAA==")]


def test_a_body_cut_anywhere_is_refused() -> None:
    whole = framed(SIGNATURE)
    for end in (0, 5, 90, 500, 1090, len(whole) - 100, len(whole) - 3):
        with pytest.raises(Unsendable):
            unframed(headers(b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), (whole[:end],))


@pytest.mark.parametrize(
    "body", [b"zz\r\n", b"-1\r\n", b"0x1\r\na\r\n0\r\n\r\n", b"1\r\nab\r\n0\r\n\r\n", b"a" * 20_000]
)
def test_what_is_malformed_or_of_another_length_is_refused(body: bytes) -> None:
    with pytest.raises(Unsendable):
        unframed(headers(b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), (body,))
    with pytest.raises(Unsendable, match="not as long"):
        unframed(headers(b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), (b"1\r\na\r\n0\r\n\r\n",))


def test_other_bodies_are_not_looked_into() -> None:
    assert not is_framed([(b"X-Amz-Content-SHA256", sha256(b"").hexdigest().encode())])
