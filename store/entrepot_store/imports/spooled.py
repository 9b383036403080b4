"""Writes the exchanges of an import as sealed spool files, in a spool of their own: `DATA/imports`.

The files get their final names only after the whole recording was read, so an import that is broken off, however it
ends, brings nothing and leaves no gap: the recording is still there to be imported again.
"""

import os
from pathlib import Path
from typing import Self

from ..model import Body, Exchange, LedgerEntry
from ..spool import SpoolFolder, SpoolName
from ..spool.files import sync_folder
from ..spool.frames import FILE_MAGIC, encode_frame
from ..spool.records import Head, pack_exchange, pack_head, pack_ledger

PARTIAL = ".partial"
LONGEST_IN_FRAME = 1024 * 1024
"""Bytes of a body that stays in its record; a longer one becomes a file, as the proxy does it."""


class ImportSpool:
    """One import's spool files. As a context manager it removes whatever was not sealed."""

    def __init__(self, folder: SpoolFolder, worker: str, created: int, seal_bytes: int) -> None:
        self._folder = folder
        self._worker = worker
        self._created = created
        self._seal_bytes = seal_bytes
        self._partial: list[SpoolName] = []
        self._bodies: list[Path] = []
        self._descriptor = -1
        self._written = 0
        self.exchanges = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        for name in self._partial:
            self._partial_path(name).unlink(missing_ok=True)
        for body in self._bodies:
            body.unlink(missing_ok=True)

    def append(self, exchange: Exchange) -> None:
        """Raises OSError when the disk is full."""
        if self._descriptor < 0 or self._written >= self._seal_bytes:
            self._begin()
        self._move_long_body(exchange, exchange.request.body, "request")
        if exchange.response is not None:
            self._move_long_body(exchange, exchange.response.body, "response")
        self._write(pack_exchange(exchange))
        self.exchanges += 1

    def seal(self, ignored: int) -> list[SpoolName]:
        """Makes everything written durable and ready to be shipped; `ignored` counts what a rule left out."""
        if not self._partial:
            return []
        counts = LedgerEntry(
            self._worker, self._created, seen=self.exchanges + ignored, stored=self.exchanges, ignored=ignored
        )
        self._write(pack_ledger(counts))
        self._close()
        sync_folder(self._folder.bodies)
        sealed, self._partial, self._bodies = self._partial, [], []
        for name in sealed:
            self._partial_path(name).rename(self._folder.sealed_path(name))
        sync_folder(self._folder.path)
        return sealed

    def _begin(self) -> None:
        self._close()
        name = SpoolName(self._created, self._worker, len(self._partial) + 1)
        self._partial.append(name)
        self._descriptor = os.open(self._partial_path(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._written = 0
        os.write(self._descriptor, FILE_MAGIC)
        self._write(pack_head(Head(self._worker, name.sequence, self._created)))

    def _move_long_body(self, exchange: Exchange, body: Body, side: str) -> None:
        if body.data is None or len(body.data) <= LONGEST_IN_FRAME:
            return
        file = f"{self._worker}.{exchange.id}.{side}"
        path = self._folder.body_path(file)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._bodies.append(path)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(body.data)
            stream.flush()
            os.fsync(descriptor)
        body.data, body.file = None, file

    def _write(self, payload: bytes) -> None:
        frame = memoryview(encode_frame(payload))
        self._written += len(frame)
        while frame:
            frame = frame[os.write(self._descriptor, frame) :]

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.fsync(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def _partial_path(self, name: SpoolName) -> Path:
        return self._folder.path / f"{name}{PARTIAL}"


def clear_partial(folder: SpoolFolder) -> None:
    """Removes what an import that was killed left behind; call while holding the lock of imports."""
    for path in folder.path.glob(f"*{PARTIAL}"):
        path.unlink()
