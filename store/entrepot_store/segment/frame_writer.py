"""Writes the file of a segment: records in, compressed frames out, counted and digested on both sides."""

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

import google_crc32c
import zstandard

from . import dictionary as dictionaries
from .fields import END_OF_RECORD
from .frames import format_seal
from .payload import Payload
from .records import Record

_FLUSH_BYTES = 1024 * 1024


class FrameWriter:
    """`offset` and `digest` are of the file so far, `content_size` and `content_crc` of the records, uncompressed."""

    def __init__(self, target: Path, dictionary: zstandard.ZstdCompressionDict | None) -> None:
        self._target = target
        self._compressor = dictionaries.compressor(dictionary)
        self._descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._frames = 0
        self.digest = sha256()
        self.content_crc = 0
        self.content_size = 0
        self.offset = 0
        self.dictionary_size = 0
        if dictionary is not None:
            frame = dictionaries.format_dictionary(dictionary)
            self.dictionary_size = len(frame)
            self._append(frame)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def write(self, record: Record) -> tuple[int, int]:
        """Offset and length of the record's frame."""
        start = self.offset
        self._frames += 1
        payload = record.payload
        if payload is not None and payload.data is None:
            self._stream(record.head, payload)
            return start, self.offset - start
        body = b"" if payload is None or payload.data is None else payload.data
        content = b"%s%s%s" % (record.head, body, END_OF_RECORD)
        self.content_crc = google_crc32c.extend(self.content_crc, content)
        self.content_size += len(content)
        frame = self._compressor.compress(content)
        self._append(frame)
        return start, len(frame)

    def seal(self) -> None:
        """Ends the segment and makes it durable."""
        self._flush()
        self._append(format_seal(self._frames, self.digest.digest()))
        self._flush()
        os.fsync(self._descriptor)

    def _stream(self, head: bytes, payload: Payload) -> None:
        size = len(head) + payload.size + len(END_OF_RECORD)
        frame = self._compressor.compressobj(size=size)
        for chunk in self._chunks(head, payload):
            self.content_crc = google_crc32c.extend(self.content_crc, chunk)
            compressed = frame.compress(chunk)
            if compressed:
                self._append(compressed)
        self._append(frame.flush())
        self.content_size += size

    @staticmethod
    def _chunks(head: bytes, payload: Payload) -> Iterator[bytes]:
        yield head
        yield from payload.chunks()
        yield END_OF_RECORD

    def _append(self, data: bytes) -> None:
        self.offset += len(data)
        self._pending.append(data)
        self._pending_bytes += len(data)
        if self._pending_bytes >= _FLUSH_BYTES:
            self._flush()

    def _flush(self) -> None:
        data = b"".join(self._pending)
        self._pending.clear()
        self._pending_bytes = 0
        self.digest.update(data)
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]
