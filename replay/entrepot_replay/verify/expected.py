"""What a rebuilt service is expected to hold: one document, and the evidence of it in the recording."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from entrepot_store.catalog.documents import Side


class Basis(StrEnum):
    """How it is known what a document was; the text is for people."""

    READ = "its last read"
    SHOWN = "the answer of its last write"
    WRITTEN = "what was last written to it"
    CHANGED = "changes to what was seen"
    GONE = "it was gone"


@dataclass(frozen=True, slots=True)
class Expected:
    """One document as of the moment that is verified.

    `path` is path and query as recorded. The content is the body of `side` of `exchange`, true at `at` (microseconds),
    with the PATCHes `changes` on top. `asks` is the exchange whose headers the document is asked for with.

    `was_read` says that it was readable; `sure` that it was there as itself, whether it was read or not: a 404 means
    that it is lost. `doubt` says what may have changed it unseen: then only agreement proves anything. `perhaps_gone`:
    what it stood below was deleted after it was seen. `guessed`: its path is that of the collection and an id that the
    collection gave, and nothing there was ever asked for. `varies` is an earlier read that showed something else
    although nothing at all was written in between: what differs between the two is noise.
    """

    path: str
    basis: Basis
    exchange: UUID
    at: int
    asks: UUID
    side: Side = "response"
    changes: tuple[UUID, ...] = ()
    was_read: bool = False
    sure: bool = False
    doubt: str = ""
    perhaps_gone: bool = False
    guessed: bool = False
    varies: UUID | None = None

    @property
    def bare(self) -> str:
        """The path without its query."""
        return self.path.partition("?")[0]
