"""A version as it is given out: its bytes, and what is said of them. HTTP, the command line, diffs and checkouts agree
by it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import BinaryIO

from ..archive import Archive
from ..catalog.documents import Effect, VersionRow
from .content import content_bytes, open_content


@dataclass(slots=True, frozen=True)
class Representation:
    """The content of one version. `media_type` is as sent, with its parameters; `size` is in bytes, `digest` raw
    SHA-256. `settled` says that no later look can change it: true but for what a PATCH made of the version before,
    since a look that arrives late may come to stand between."""

    archive: Archive
    version: VersionRow
    media_type: str
    size: int
    digest: bytes
    settled: bool
    made: bytes | None = None

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Streams the content; raises what `Archive.body` raises."""
        if self.made is not None:
            yield BytesIO(self.made)
            return
        with open_content(self.archive, self.archive.catalog.documents, self.version) as stream:
            yield stream

    def read(self) -> bytes:
        """All of it; for contents whose `size` the caller has looked at."""
        with self.open() as stream:
            return stream.read()


def represent(archive: Archive, version: VersionRow) -> Representation:
    """Raises NotFound for a tombstone and for what is not stored any more, and what `content_bytes` raises."""
    if version.effect is Effect.CONTENT:
        row = archive.catalog.exchange(version.exchange)
        message = row.request if version.side == "request" else row.response
        sent = message.content_type if message is not None else version.media_type
        return Representation(archive, version, sent, version.size, version.digest, settled=True)
    made = content_bytes(archive, archive.catalog.documents, version)
    return Representation(
        archive, version, "application/json", len(made), sha256(made).digest(), settled=False, made=made
    )
