"""The tables of documents, as SQLAlchemy models. All of them can be made again from the exchanges in the vault."""

from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from .schema import Base


class Document(Base):
    """Running totals over `looks`, and a copy of the last one: a look that arrives in order, as nearly all do, is
    compared with it and costs no further query. `id` is made of destination and key."""

    __tablename__ = "documents"
    __table_args__ = (Index(None, "destination", "key", unique=True),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    destination: Mapped[str]
    key: Mapped[str]
    media_type: Mapped[str]
    rule: Mapped[str]
    retention_class: Mapped[str]
    first_seen: Mapped[int]
    last_seen: Mapped[int]
    versions: Mapped[int]
    last_look: Mapped[UUID]
    last_effect: Mapped[str]
    last_content: Mapped[bytes]


class LookRow(Base):
    """One look. `id` holds the time, so the primary key is the history of a document in order. `content` is null where
    it equals `digest`."""

    __tablename__ = "looks"
    __table_args__ = (
        Index(
            "ix_looks_versions",
            "document_id",
            "id",
            sqlite_where=text("starts = 1"),
            postgresql_where=text("starts"),
        ),
        Index(None, "exchange_id"),
        {"sqlite_with_rowid": False},
    )

    document_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[int]
    exchange_id: Mapped[UUID]
    effect: Mapped[str]
    side: Mapped[str]
    digest: Mapped[bytes]
    size: Mapped[int]
    content: Mapped[bytes | None]
    media_type: Mapped[str]
    rule: Mapped[str]
    retention_class: Mapped[str]
    malformed: Mapped[bool]
    starts: Mapped[bool]
    """Differs from the look before it: a version begins here."""
