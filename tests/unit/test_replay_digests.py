"""Hashes over a body: made anew where the algorithm is known, left out where it is not, left alone where they say
something else."""

import zlib
from base64 import b64decode, b64encode
from hashlib import md5, sha1, sha256, sha512

import google_crc32c
import pytest

from entrepot_replay.digests import remade

BODY = b"a new body"
PIECES = (b"a new", b" body")


def b64(digest: bytes) -> bytes:
    return b64encode(digest)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (b"Content-MD5", b"eA==", b64(md5(BODY).digest())),  # noqa: S324 - what the header is
        (b"Content-Digest", b"sha-256=:eA==:", b"sha-256=:%b:" % b64(sha256(BODY).digest())),
        (
            b"Repr-Digest",
            b"unixsum=:eA==:, sha-512=:eA==:,sha-256=:eQ==:",
            b"sha-512=:%b:, sha-256=:%b:" % (b64(sha512(BODY).digest()), b64(sha256(BODY).digest())),
        ),
        (b"Digest", b"SHA-256=eA==", b"SHA-256=" + b64(sha256(BODY).digest())),
        (b"Digest", b"unixsum=30637", None),
        (b"x-amz-checksum-crc32", b"eA==", b64(zlib.crc32(BODY).to_bytes(4))),
        (b"x-amz-checksum-crc32c", b"eA==", b64(google_crc32c.value(BODY).to_bytes(4))),
        (b"x-amz-checksum-sha1", b"eA==", b64(sha1(BODY).digest())),  # noqa: S324 - as above
        (b"x-amz-checksum-sha256", b"eA==", b64(sha256(BODY).digest())),
        (b"x-amz-checksum-crc64nvme", b"eA==", None),
        (b"x-amz-checksum-crc32", b"eHh4eA==-3", b"eHh4eA==-3"),  # of an object that is put together from parts
        (b"X-Amz-Content-SHA256", b"0" * 64, sha256(BODY).hexdigest().encode()),
        (b"X-Amz-Content-SHA256", b"UNSIGNED-PAYLOAD", b"UNSIGNED-PAYLOAD"),
        (b"x-goog-hash", b"crc32c=eA==", b"crc32c=" + b64(google_crc32c.value(BODY).to_bytes(4))),
        (b"X-Checksum", b"eA==", b"eA=="),
    ],
)
def test_hashes(name: bytes, old: bytes, new: bytes | None) -> None:
    found = remade([(b"A", b"1"), (name, old), (b"B", b"2")], PIECES)
    assert found == [(b"A", b"1"), *([] if new is None else [(name, new)]), (b"B", b"2")]


def test_an_algorithm_is_not_named_without_its_checksum() -> None:
    algorithm = (b"x-amz-sdk-checksum-algorithm", b"CRC64NVME")
    assert remade([algorithm, (b"x-amz-checksum-crc64nvme", b"eA==")], PIECES) == []
    assert len(remade([algorithm, (b"x-amz-checksum-crc32", b"eA==")], PIECES)) == 2


def test_the_hash_of_an_object_is_not_that_of_the_request_which_completes_it() -> None:
    headers = [(b"x-amz-checksum-type", b"FULL_OBJECT"), (b"x-amz-checksum-crc32", b"eHh4eA==")]
    assert remade(headers, PIECES) == headers
    assert b64decode(headers[1][1]) != zlib.crc32(BODY).to_bytes(4)
