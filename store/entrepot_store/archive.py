"""Vault and catalog together: how every reader (API, replay, export) gets at what was captured.

Opened from the settings once per process; safe to use from several threads.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Literal

from .catalog import Catalog, ExchangeRow, MessageRow
from .errors import Damaged, NotFound
from .segment.reader import BodyStream, RecordHead, Revisit, SegmentReader, VaultSource
from .vault import Vault

type Side = Literal["request", "response"]


class Archive:
    """What was captured, by exchange. Does not own the vault and the catalog it is given."""

    def __init__(self, vault: Vault, catalog: Catalog) -> None:
        self.vault = vault
        self.catalog = catalog

    @contextmanager
    def body(self, row: ExchangeRow, side: Side) -> Iterator[BinaryIO]:
        """The body of one side after transfer and content decoding, as a stream; empty if there is no such side.

        Follows a revisit to the record that holds the payload. Raises NotFound if the segment or that record is gone,
        Damaged if it does not decode, VaultUnavailable and VaultDenied as the vault does.
        """
        message = row.request if side == "request" else row.response
        if message is None or message.size == 0:
            from io import BytesIO

            yield BytesIO()
            return
        found = self._record(row, side)
        with self.payload(row.retention_class, message.digest) if isinstance(found, Revisit) else found as stream:
            yield stream

    def head(self, row: ExchangeRow, side: Side) -> RecordHead:
        """The record of one side without its payload. Raises as `body`, and NotFound if there is no such side."""

        def read(row: ExchangeRow) -> RecordHead:
            message = _message(row, side)
            return self._reader(row.segment).head(message.offset, message.length)

        return self._where_it_is(row, read)

    @contextmanager
    def payload(self, retention_class: str, digest: bytes) -> Iterator[BinaryIO]:
        """The payload that a class stores under a digest, as a stream. Raises as `body`."""
        row = self.catalog.payload(retention_class, digest)
        try:
            found = self._reader(row.segment).open_body(row.offset, row.length, digest)
        except NotFound:
            row = self.catalog.payload(retention_class, digest)  # it may have moved in this very moment
            found = self._reader(row.segment).open_body(row.offset, row.length, digest)
        if isinstance(found, Revisit):
            raise Damaged(f"{row.segment}: the record at {row.offset} is a revisit of a revisit.")
        with found as stream:
            yield stream

    def body_bytes(self, row: ExchangeRow, side: Side) -> bytes:
        """The whole body in memory; for bodies whose `size` the caller has looked at. Raises as `body`."""
        message = row.request if side == "request" else row.response
        if message is None or message.size == 0:
            return b""

        def read(row: ExchangeRow) -> bytes | None:
            there = _message(row, side)
            return self._reader(row.segment).short_body(there.offset, there.length, there.size, there.digest)

        found = self._where_it_is(row, read)
        if found is not None:
            return found
        with self.body(row, side) as stream:
            return stream.read()

    def _record(self, row: ExchangeRow, side: Side) -> BodyStream | Revisit:
        def read(row: ExchangeRow) -> BodyStream | Revisit:
            message = _message(row, side)
            return self._reader(row.segment).open_body(message.offset, message.length, message.digest)

        return self._where_it_is(row, read)

    def _where_it_is[T](self, row: ExchangeRow, read: Callable[[ExchangeRow], T]) -> T:
        """What `read` finds by the row, or by the row as it is by now: another segment may have taken the place of the
        one that it led to, and a replay or an export holds rows for hours."""
        try:
            return read(row)
        except NotFound:
            now = self.catalog.exchange(row.id)
            if now.segment == row.segment:
                raise
            return read(now)

    def _reader(self, segment: str) -> SegmentReader:
        return SegmentReader(VaultSource(self.vault, segment))


def _message(row: ExchangeRow, side: Side) -> MessageRow:
    message = row.request if side == "request" else row.response
    if message is None:
        raise NotFound(f"Exchange {row.id} has no {side}.")
    return message
