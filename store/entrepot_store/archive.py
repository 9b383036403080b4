"""Vault and catalog together: how every reader (API, replay, export) gets at what was captured.

Opened from the settings once per process; safe to use from several threads.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Literal

from .catalog import Catalog, ExchangeRow
from .errors import Damaged
from .segment.reader import Revisit, SegmentReader, VaultSource
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
        reader = SegmentReader(VaultSource(self.vault, row.segment))
        found = reader.open_body(message.offset, message.length, message.digest)
        with self.payload(row.retention_class, message.digest) if isinstance(found, Revisit) else found as stream:
            yield stream

    @contextmanager
    def payload(self, retention_class: str, digest: bytes) -> Iterator[BinaryIO]:
        """The payload that a class stores under a digest, as a stream. Raises as `body`."""
        row = self.catalog.payload(retention_class, digest)
        found = SegmentReader(VaultSource(self.vault, row.segment)).open_body(row.offset, row.length, digest)
        if isinstance(found, Revisit):
            raise Damaged(f"{row.segment}: the record at {row.offset} is a revisit of a revisit.")
        with found as stream:
            yield stream

    def body_bytes(self, row: ExchangeRow, side: Side) -> bytes:
        """The whole body in memory; for bodies whose `size` the caller has looked at."""
        with self.body(row, side) as stream:
            return stream.read()
