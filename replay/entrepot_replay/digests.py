"""Hashes over a request's body that its headers carry: made anew where the bytes are not those that were recorded.

Known are `Content-MD5`, `Content-Digest` and `Repr-Digest` (RFC 9530), `Digest` (RFC 3230), `x-amz-checksum-*`,
`x-amz-content-sha256` and `x-goog-hash`. A hash of another algorithm is left out: a wrong one gets the request refused,
and none is only a check less.
"""

import re
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from hashlib import md5, sha1, sha256, sha512
from typing import Protocol

import google_crc32c

DIGEST_HEADERS = frozenset({b"content-md5", b"content-digest", b"repr-digest", b"digest"})
"""Those that any server may send, over the bytes as they are on the wire."""

_AMAZON = b"x-amz-checksum-"
_HOW = frozenset({b"x-amz-checksum-algorithm", b"x-amz-checksum-mode", b"x-amz-checksum-type"})
_SHA256 = b"x-amz-content-sha256"
_LISTS = frozenset({b"content-digest", b"repr-digest", b"digest", b"x-goog-hash"})
_ALGORITHM = b"x-amz-sdk-checksum-algorithm"
_OF_OBJECT = frozenset({b"x-amz-checksum-type", b"x-amz-mp-object-size"})
"""Where one of these is, or a number of parts behind it (`…-3`), a checksum is that of an object put together from
parts and not of this body."""
_MEMBER = re.compile(rb"[ \t]*([A-Za-z0-9-]+)=(:?)[A-Za-z0-9+/=_-]+:?[ \t]*")
_HEX = re.compile(rb"[0-9a-f]{64}")
_PARTS = re.compile(rb"-[0-9]+\Z")


class Hash(Protocol):
    """As in hashlib."""

    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4)


def _md5() -> Hash:
    return md5(usedforsecurity=False)


def _sha1() -> Hash:
    return sha1(usedforsecurity=False)


_HASHES: Mapping[str, Callable[[], Hash]] = {
    "md5": _md5,
    "sha": _sha1,
    "sha1": _sha1,
    "sha-256": sha256,
    "sha256": sha256,
    "sha-512": sha512,
    "sha512": sha512,
    "crc32": _Crc32,
    "crc32c": google_crc32c.Checksum,
}


def is_digest_header(name: bytes) -> bool:
    """Whether the header is a hash over the body."""
    lower = name.lower()
    return lower in _LISTS or lower in (b"content-md5", _SHA256) or _is_checksum(lower)


def remade(headers: Iterable[tuple[bytes, bytes]], body: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
    """The headers with every hash over `body`, which is read once if any header needs it."""
    headers = list(headers)
    of_object = any(name.lower() in _OF_OBJECT for name, _ in headers)

    def is_hash(name: bytes, value: bytes) -> bool:
        whole = _is_checksum(name.lower()) and (of_object or _PARTS.search(value) is not None)
        return is_digest_header(name) and not whole

    needed = {algorithm for pair in headers if is_hash(*pair) for algorithm in _algorithms(*pair)}
    running = {algorithm: _HASHES[algorithm]() for algorithm in needed}
    if running:
        for piece in body:
            for one in running.values():
                one.update(piece)
    results = {algorithm: one.digest() for algorithm, one in running.items()}
    made = []
    for name, value in headers:
        new = _value(name, value, results) if is_hash(name, value) else value
        if new is not None:
            made.append((name, new))
    if any(_is_checksum(name.lower()) for name, _ in headers) and not any(_is_checksum(n.lower()) for n, _ in made):
        made = [(name, value) for name, value in made if name.lower() != _ALGORITHM]
    return made


def sha256_hex(body: Iterable[bytes]) -> str:
    """SHA-256 of a body, read once."""
    digest = sha256()
    for piece in body:
        digest.update(piece)
    return digest.hexdigest()


def _is_checksum(lower: bytes) -> bool:
    return lower.startswith(_AMAZON) and lower not in _HOW


def _algorithms(name: bytes, value: bytes) -> list[str]:
    lower = name.lower()
    if lower == b"content-md5":
        return ["md5"]
    if lower == _SHA256:
        return ["sha256"]
    if lower in _LISTS:
        found = [match[1].decode().lower() for match in map(_MEMBER.fullmatch, value.split(b",")) if match]
    else:
        found = [lower.removeprefix(_AMAZON).decode("latin-1")]
    return [algorithm for algorithm in found if algorithm in _HASHES]


def _value(name: bytes, value: bytes, results: Mapping[str, bytes]) -> bytes | None:
    """The header's new value; None to leave it out."""
    lower = name.lower()
    if lower == _SHA256:
        recorded_hash = _HEX.fullmatch(value) or b"{{secret:" in value
        return results["sha256"].hex().encode() if recorded_hash else value  # UNSIGNED-PAYLOAD stays true
    if lower not in _LISTS:
        algorithms = _algorithms(name, value)
        return b64encode(results[algorithms[0]]) if algorithms else None
    members = []
    for match in map(_MEMBER.fullmatch, value.split(b",")):
        if match is not None and match[1].decode().lower() in results:
            result = b64encode(results[match[1].decode().lower()])
            members.append(match[1] + b"=" + (b":" + result + b":" if match[2] else result))
    return b", ".join(members) or None
