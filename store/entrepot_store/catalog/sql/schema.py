"""The tables, as SQLAlchemy models. `migrations/` makes them; a test compares the two.

What can be rebuilt from the vault: segments, exchanges, payloads, products, ledger, gaps, shipments, and what
`document_schema` has. What lives here only: tokens, gap_acknowledgements. Writes go through Core (`shipping`), never
through ORM objects: a shipment has thousands of rows.
"""

from uuid import UUID

from sqlalchemy import Boolean, ForeignKey, Index, Integer, LargeBinary, MetaData, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from .types import Bytewise, Identifier, Whole

INDEXED_PATH = 512
"""Characters of a path that PostgreSQL's index holds."""


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {int: Whole, str: Bytewise, bytes: LargeBinary(), bool: Boolean(), UUID: Identifier()}  # noqa: RUF012 - SQLAlchemy's own idiom


def _partial(name: str, *columns: str, sqlite: str, postgresql: str = "") -> Index:
    return Index(name, *columns, sqlite_where=text(sqlite), postgresql_where=text(postgresql or sqlite))


def _only(dialect: str, index: Index) -> Index:
    """An index of one database; `info` tells the test that compares models and migrations."""
    index.info["dialect"] = dialect
    return index.ddl_if(dialect=dialect)


class Shipment(Base):
    """Spool files that were committed: what makes shipping one twice harmless."""

    __tablename__ = "shipments"

    spool: Mapped[str] = mapped_column(primary_key=True)


class Segment(Base):
    """`id` stands for the long key in the wide tables; it means nothing outside this database."""

    __tablename__ = "segments"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    retention_class: Mapped[str]
    worker: Mapped[str]
    spool: Mapped[str]
    size: Mapped[int]
    content_size: Mapped[int]
    digest: Mapped[bytes]
    dictionary: Mapped[int]
    exchanges: Mapped[int]
    first_at: Mapped[int]
    last_at: Mapped[int]


class Exchange(Base):
    """One row an exchange. Listings walk an index of (something, id), and id is time, so no page needs a sort."""

    __tablename__ = "exchanges"
    __table_args__ = (
        Index(None, "destination", "id"),
        Index(None, "source", "id"),
        _only("sqlite", Index(None, "path", "id")),
        # PostgreSQL takes no more than 2,700 bytes into an index, and clients choose paths of any length.
        _only("postgresql", Index("ix_exchanges_path_start_id", text(f"substr(path, 1, {INDEXED_PATH})"), "id")),
        _partial("ix_exchanges_trace_id_id", "trace_id", "id", sqlite="trace_id IS NOT NULL"),
        # What people look for first, and what is rare: a walk along the time would read all that went well.
        _partial("ix_exchanges_failed", "id", sqlite="status >= 400"),
        _partial("ix_exchanges_incomplete", "id", sqlite="complete = 0", postgresql="NOT complete"),
        Index(None, "segment_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    started_at: Mapped[int]
    duration_us: Mapped[int]
    source: Mapped[str]
    destination: Mapped[str]
    method: Mapped[str]
    url: Mapped[str]
    path: Mapped[str]
    status: Mapped[int | None] = mapped_column(Integer)
    http_version: Mapped[str]
    rule: Mapped[str]
    action: Mapped[str]
    retention_class: Mapped[str]
    complete: Mapped[bool]
    error: Mapped[str | None]
    trace_id: Mapped[str | None]
    media_type: Mapped[str]
    """The response's content type in lower case and without parameters; empty if there is none."""
    segment_id: Mapped[int] = mapped_column(ForeignKey("segments.id"))
    headers: Mapped[bytes]
    """Both header lists, packed by `headers.py`."""
    request_content_type: Mapped[str]
    request_size: Mapped[int]
    request_digest: Mapped[bytes]
    request_offset: Mapped[int]
    request_length: Mapped[int]
    request_truncated: Mapped[bool]
    request_encoding: Mapped[str]
    response_content_type: Mapped[str | None]
    response_size: Mapped[int | None]
    response_digest: Mapped[bytes | None]
    response_offset: Mapped[int | None]
    response_length: Mapped[int | None]
    response_truncated: Mapped[bool | None]
    response_encoding: Mapped[str | None]


class Payload(Base):
    """Where one distinct body of a class is stored."""

    __tablename__ = "payloads"
    __table_args__ = (Index(None, "segment_id"), {"sqlite_with_rowid": False})

    retention_class: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    size: Mapped[int]
    record_id: Mapped[UUID]
    segment_id: Mapped[int] = mapped_column(ForeignKey("segments.id"))
    offset: Mapped[int]
    length: Mapped[int]


class Product(Base):
    """Running totals over `exchanges`, kept by every shipment: counting millions of rows is no way to draw a list."""

    __tablename__ = "products"

    name: Mapped[str] = mapped_column(primary_key=True)
    as_source: Mapped[int]
    as_destination: Mapped[int]
    first_seen: Mapped[int]
    last_seen: Mapped[int]


class Ledger(Base):
    """The last entry of every worker run."""

    __tablename__ = "ledger"

    worker: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[int]
    seen: Mapped[int]
    stored: Mapped[int]
    ignored: Mapped[int]
    truncated: Mapped[int]
    failed: Mapped[int]
    in_flight: Mapped[int]


class Gap(Base):
    """`id` is made of the gap's content, so that a rebuild gives the same gap the same id."""

    __tablename__ = "gaps"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    worker: Mapped[str]
    since: Mapped[int]
    until: Mapped[int]
    missing: Mapped[int]
    reason: Mapped[str]


class GapAcknowledgement(Base):
    """Apart from `gaps` and without a foreign key: it outlives a rebuild, and the gap comes back to it."""

    __tablename__ = "gap_acknowledgements"

    gap_id: Mapped[UUID] = mapped_column(primary_key=True)
    acknowledged_at: Mapped[int]
    acknowledged_by: Mapped[str]


class Token(Base):
    __tablename__ = "tokens"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    digest: Mapped[bytes] = mapped_column(unique=True)
    scopes: Mapped[str]
    """Separated by spaces."""
    created_at: Mapped[int]
    expires_at: Mapped[int | None]
    revoked_at: Mapped[int | None]
