"""The tables of retention, as SQLAlchemy models. What of them must outlive the catalog is in the vault as well:
`retention.facts` reads it back for a rebuild. `repackings` remembers work under way and is in the catalog only."""

from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from .schema import Base


class Superseded(Base):
    """A segment that another one has taken the place of, and that is still in the vault for those who read it."""

    __tablename__ = "superseded"

    key: Mapped[str] = mapped_column(primary_key=True)
    retention_class: Mapped[str]
    size: Mapped[int]
    replaced_by: Mapped[str]
    since: Mapped[int]
    """When the new one was stored, by the vault's clock: the grace of readers is counted from here."""


class Repacking(Base):
    """A segment that is being put in the place of others: written down before the first byte goes to the vault, so that
    whoever comes after a crash finishes it or clears it away."""

    __tablename__ = "repackings"

    key: Mapped[str] = mapped_column(primary_key=True)
    replaces: Mapped[str]
    """Keys, separated by line ends."""
    planned_at: Mapped[int]


class Removal(Base):
    """An object in the vault that says which exchanges of segments that still hold them count no more. `done` is false
    from before it is stored until the catalog has forgotten them too."""

    __tablename__ = "removals"

    key: Mapped[str] = mapped_column(primary_key=True)
    done: Mapped[bool]


class RemovalSegment(Base):
    """The segments a removal speaks of that are still in the vault. When the last one is gone, so is the removal."""

    __tablename__ = "removal_segments"
    __table_args__ = (Index(None, "segment"), {"sqlite_with_rowid": False})

    removal: Mapped[str] = mapped_column(ForeignKey("removals.key"), primary_key=True)
    segment: Mapped[str] = mapped_column(primary_key=True)


class Pin(Base):
    """One version (`version_id`) or what a document was at a moment (`at`) that no policy takes away."""

    __tablename__ = "pins"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    document_id: Mapped[UUID]
    version_id: Mapped[UUID | None]
    at: Mapped[int | None]
    created_at: Mapped[int]
    created_by: Mapped[str]
    note: Mapped[str]


class Hold(Base):
    """A legal hold on a retention class; `released_at` is null while it holds."""

    __tablename__ = "holds"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    retention_class: Mapped[str]
    since: Mapped[int]
    placed_by: Mapped[str]
    reason: Mapped[str]
    released_at: Mapped[int | None]
    released_by: Mapped[str | None]


class Erasure(Base):
    """An entry of the erasure ledger: that something was erased, when, by whom and why, and nothing of what it was."""

    __tablename__ = "erasures"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[int]
    erased_by: Mapped[str]
    reason: Mapped[str]
    done: Mapped[bool]
    """No segment holds what was erased any more."""


class Due(Base):
    """A segment that holds what was erased, and must be written again."""

    __tablename__ = "due_segments"

    segment: Mapped[str] = mapped_column(primary_key=True)


class ErasedExchange(Base):
    """What of an exchange was erased. Holds for exchanges that are not in the catalog (yet) as well."""

    __tablename__ = "erased_exchanges"

    exchange_id: Mapped[UUID] = mapped_column(primary_key=True)
    erasure_id: Mapped[UUID]
    request: Mapped[bool]
    response: Mapped[bool]
    content: Mapped[str | None]
    """The side that the content of its document is on; null if it says nothing of one."""
