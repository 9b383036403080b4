"""Keeps a copy of a body that streams through: in memory up to a bound, then in a file of the spool.

mitmproxy calls a tee for every chunk, on the event loop, and an exception in it would hang the client: whatever goes
wrong, the chunk goes on unchanged, the copy ends where it is and is marked truncated, and the error is reported.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from entrepot_store.model import Body

type Stream = Callable[[bytes], bytes | Iterable[bytes]]
"""What mitmproxy calls for every chunk of a message that streams, and once more with nothing at its end."""

ROOM_STEP = 4 * 1024 * 1024
"""The spool is asked for room in steps of this many bytes."""


@dataclass(slots=True, frozen=True)
class TeeLimits:
    """`memory_bytes`: held in memory before a file is made; `max_bytes`: kept of one body at all."""

    memory_bytes: int
    max_bytes: int


class BodyTee:
    """The stream callable of one message. `body` says what was kept, at any time."""

    def __init__(
        self,
        path: Path,
        limits: TeeLimits,
        has_room: Callable[[int], bool],
        report: Callable[[str, BaseException], None],
        then: Stream | None = None,
    ) -> None:
        """`path` is made (0600) only if the body outgrows memory. `report` is told of errors, once per tee. `then` is
        another addon's stream callable, which may change what goes on."""
        self._path = path
        self._limits = limits
        self._has_room = has_room
        self._report = report
        self._then = then
        self._chunks: list[bytes] = []
        self._descriptor: int | None = None
        self._made = False
        self._room = 0
        self.size = 0
        self.ended = False
        """The peer has sent the whole body."""
        self.cut = False
        """A bound of ours, or an error, ended the copy before the body ended."""

    def __call__(self, chunk: bytes) -> bytes | Iterable[bytes]:
        if not chunk:
            self.ended = True
        elif not self.cut:
            self.ended = False  # HTTP/2 peers may send empty frames in the middle
            try:
                self._keep(chunk)
            except Exception as error:  # noqa: BLE001 # a tee never raises; it is reported and the copy marked
                self.cut = True
                self._report("tee", error)
        return chunk if self._then is None else self._then(chunk)

    def _keep(self, chunk: bytes) -> None:
        room = self._limits.max_bytes - self.size
        if len(chunk) > room:
            chunk = chunk[:room]
            self.cut = True
        if self._descriptor is None and self.size + len(chunk) <= self._limits.memory_bytes:
            self._chunks.append(chunk)
            self.size += len(chunk)
            return
        if self._descriptor is None:
            self._ask_room(self.size + len(chunk))
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            self._made = True
            held, self._chunks = b"".join(self._chunks), []
            self.size = 0
            self._write(held)
        else:
            self._ask_room(len(chunk))
        self._write(chunk)

    @property
    def held(self) -> int:
        """Bytes of it in memory."""
        return 0 if self._made else self.size

    def _ask_room(self, size: int) -> None:
        self._room -= size
        if self._room < 0:
            if not self._has_room(size + ROOM_STEP):
                raise OSError("the spool has no room for the rest of a body")
            self._room = ROOM_STEP

    def _write(self, chunk: bytes) -> None:
        assert self._descriptor is not None  # noqa: S101 # for mypy
        view = memoryview(chunk)
        while view:
            written = os.write(self._descriptor, view)
            self.size += written
            view = view[written:]

    def finish(self) -> Body:
        """What was kept. Chunks that come later are not kept any more."""
        truncated = self.cut or not self.ended
        self.cut = True
        if not self._made:
            data, self._chunks = b"".join(self._chunks), []
            return Body(data=data, size=len(data), truncated=truncated)
        self._close()
        return Body(data=None, file=self._path.name, size=self.size, truncated=truncated)

    def discard(self) -> None:
        """Forgets the copy and removes its file."""
        self.cut = True
        self._chunks = []
        if self._made:
            self._close()
            try:
                self._path.unlink(missing_ok=True)
            except OSError as error:
                self._report("tee", error)

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            try:
                os.close(descriptor)
            except OSError as error:
                self._report("tee", error)
