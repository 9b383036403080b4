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
from .canonical import is_json
from .coded import codings_of, uncoded
from .content import content_bytes, history_of, open_content


@dataclass(slots=True, frozen=True)
class Representation:
    """The content of one version. `media_type` is as sent, with its parameters; `size` is in bytes, `digest` raw
    SHA-256. `codings` are the content codings that it was kept under (`fidelity = "wire"`). `settled` says that no
    later look can change it: true but for what a PATCH made of the version before, since a look that arrives late may
    come to stand between."""

    archive: Archive
    version: VersionRow
    media_type: str
    size: int
    digest: bytes
    settled: bool
    made: bytes | None = None
    codings: tuple[str, ...] = ()

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

    def plain(self, most: int) -> bytes:
        """All of it, without its content codings: what is compared. As it is if `most` bytes do not hold it."""
        return uncoded(self.read(), self.codings, most)


def represent(archive: Archive, version: VersionRow) -> Representation:
    """Raises NotFound for a tombstone and for what is not stored any more, and what `content_bytes` raises."""
    if version.effect is Effect.CONTENT:
        sent, codings = _as_sent(archive, version)
        return Representation(archive, version, sent, version.size, version.digest, settled=True, codings=codings)
    documents = archive.catalog.documents
    made = content_bytes(archive, documents, version)
    base, _ = history_of(documents, version)
    sent, _ = _as_sent(archive, base)
    kind = sent if is_json(sent) else "application/json"
    return Representation(archive, version, kind, len(made), sha256(made).digest(), settled=False, made=made)


def _as_sent(archive: Archive, version: VersionRow) -> tuple[str, tuple[str, ...]]:
    """Media type, and the content codings it is stored under."""
    row = archive.catalog.exchange(version.exchange)
    message = row.request if version.side == "request" else row.response
    return (version.media_type, ()) if message is None else (message.content_type, codings_of(message))
