"""Bodies of steps out of the vault: short ones in memory, long ones as streams, each ready to be put on the wire."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import BinaryIO

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeRow
from entrepot_store.errors import Damaged
from entrepot_store.model import Exchange

from .encode import encode_stream

INLINE = 1024 * 1024
"""A request body up to this many bytes is held in memory, where a Mapper can change it."""
PIECE = 256 * 1024


def captured(archive: Archive, row: ExchangeRow) -> Exchange:
    """The exchange as its request record tells it, without response and bodies: what the catalog leaves out."""
    head = archive.head(row, "request")
    if head.exchange is None:
        raise Damaged(f"{row.segment}: the record at {row.request.offset} is no request.")
    return head.exchange


class RequestBody:
    """The request body of one step: `data` in memory, or `stream` with its length, if it is longer than INLINE.

    A context manager, because a stream holds a vault connection or a temporary file. A stream can be read more than
    once: to sign it, and to send it again.
    """

    def __init__(self, archive: Archive, row: ExchangeRow) -> None:
        self._archive = archive
        self._row = row
        self._stack = ExitStack()
        self.data: bytes | None = None
        self.stream: tuple[Iterable[bytes], int] | None = None

    def __enter__(self) -> "RequestBody":
        """Raises what reading the vault raises: NotFound, Damaged, VaultUnavailable, VaultDenied."""
        row = self._row
        if row.request.size <= INLINE:
            self.data = self._archive.body_bytes(row, "request")
            return self
        with ExitStack() as stack:
            source = stack.enter_context(self._archive.body(row, "request"))
            if row.request.encoding:
                source = stack.enter_context(_coded_file(source, row.request.encoding))
                length = source.seek(0, 2)
                self.stream = _File(source), length
            else:
                self.stream = _Stored(source, lambda: self._archive.body(row, "request")), row.request.size
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


class _File:
    """A file, from its beginning each time."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(0)
        return _pieces(self._file)


class _Stored:
    """A body in the vault: `opened` the first time, so that a vault which is away is known before anything is sent;
    opened again after that."""

    def __init__(self, opened: BinaryIO, reopen: Callable[[], AbstractContextManager[BinaryIO]]) -> None:
        self._opened: BinaryIO | None = opened
        self._reopen = reopen

    def __iter__(self) -> Iterator[bytes]:
        opened, self._opened = self._opened, None
        if opened is not None:
            yield from _pieces(opened)
            return
        with self._reopen() as source:
            yield from _pieces(source)


def _pieces(source: BinaryIO) -> Iterator[bytes]:
    while piece := source.read(PIECE):
        yield piece


def _coded_file(source: BinaryIO, encoding: str) -> BinaryIO:
    """The coded body in an unlinked temporary file: its length must be known before the header is sent, and chunked
    requests, which would not need it, are refused by many servers."""
    # The caller closes it.
    file = tempfile.TemporaryFile(prefix="entrepot-replay-")  # noqa: SIM115
    try:
        for piece in encode_stream(_pieces(source), encoding):
            file.write(piece)
    except BaseException:
        file.close()
        raise
    return file
