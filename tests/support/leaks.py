"""Secrets that tests plant, and every byte in which they must not be found."""

import base64
import struct
from collections.abc import Iterator
from pathlib import Path
from random import Random

import zstandard


class Secrets:
    """A new one for every place; `found` tells which of them are in some bytes, and how they are written there."""

    def __init__(self) -> None:
        self.by_place: dict[str, str] = {}

    def __call__(self, place: str, form: str = "zq{}") -> str:
        random = Random(place)
        self.by_place[place] = form.format("".join(random.choices("abcdefghjkmnp23456789", k=24)))
        return self.by_place[place]

    def found(self, data: bytes) -> set[str]:
        lower = data.lower()
        return {place for place, secret in self.by_place.items() for one in _spellings(secret) if one in lower}


def _spellings(secret: str) -> Iterator[bytes]:
    raw = secret.encode()
    yield raw
    yield raw[::-1]
    yield raw.hex().encode()
    yield raw[2:-2]
    for shift in range(3):
        # However it is aligned within what is encoded.
        encoded = base64.b64encode(b"x" * shift + raw)
        yield encoded[8:-8].lower()


def all_bytes(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below the folder, and what the compressed ones hold."""
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            yield str(path), str(path).encode() + b"\n" + data
            if path.name.endswith(".warc.zst"):
                yield f"{path} decompressed", b"\n".join(unpacked(data))


def unpacked(data: bytes) -> Iterator[bytes]:
    """Every frame of a segment, by the library alone; the dictionary and the other skippable frames as they are."""
    dictionary = None
    while data:
        magic, size = struct.unpack("<II", data[:8])
        if 0x184D2A50 <= magic <= 0x184D2A5F:
            content = data[8 : 8 + size]
            yield content
            if magic == 0x184D2A5D:
                if content[:4] == b"\x28\xb5\x2f\xfd":
                    content = zstandard.ZstdDecompressor().decompress(content)
                    yield content
                dictionary = zstandard.ZstdCompressionDict(content)
            data = data[8 + size :]
            continue
        frame = zstandard.ZstdDecompressor(dict_data=dictionary).decompressobj()
        yield frame.decompress(data)
        data = frame.unused_data
