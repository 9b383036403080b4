"""The tables of coverage, as SQLAlchemy models. All but `events` can be made again from the exchanges in the vault.

Ids are made of what they stand for (`flow_counts`), so that they are the same in every catalog of the same vault.
"""

from uuid import UUID

from sqlalchemy import Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from .schema import Base


class FlowPath(Base):
    """A path without its values. `seen_values` is a JSON list, as text: the one value of each place, null if there were
    several."""

    __tablename__ = "flow_paths"
    __table_args__ = (Index(None, "destination", "answered"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    destination: Mapped[str]
    answered: Mapped[bool]
    path: Mapped[str]
    seen_values: Mapped[str]


class Flow(Base):
    """Running totals, kept by every shipment. `status` 0 is no answer."""

    __tablename__ = "flows"
    __table_args__ = (
        Index(None, "destination"),
        Index(None, "path_id"),
        Index("ix_flows_news", "id", sqlite_where=text("news = 1"), postgresql_where=text("news")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    path_id: Mapped[UUID]
    destination: Mapped[str]
    source: Mapped[str]
    method: Mapped[str]
    status: Mapped[int] = mapped_column(Integer)
    media_type: Mapped[str]
    rule: Mapped[str]
    action: Mapped[str]
    exchanges: Mapped[int]
    request_bytes: Mapped[int]
    response_bytes: Mapped[int]
    first_seen: Mapped[int]
    last_seen: Mapped[int]
    news: Mapped[bool]
    """Nobody has taken notice of it yet; not a fact about the traffic."""


class FlowSample(Base):
    """The first exchange of an answered flow in an hour. Shapes are digests of `flow_schemas`, empty for none, null as
    long as nobody has looked."""

    __tablename__ = "flow_samples"
    __table_args__ = (
        Index(None, "path_id", "method", "hour"),
        Index(
            "ix_flow_samples_unread",
            "hour",
            sqlite_where=text("request_shape IS NULL"),
            postgresql_where=text("request_shape IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    path_id: Mapped[UUID]
    method: Mapped[str]
    hour: Mapped[int]
    exchange_id: Mapped[UUID]
    request_shape: Mapped[bytes | None]
    response_shape: Mapped[bytes | None]


class FlowSchema(Base):
    """JSON Schemas of samples, by SHA-256 of their text."""

    __tablename__ = "flow_schemas"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    document: Mapped[str]


class Event(Base):
    """What was raised, and its delivery. `document` is a CloudEvent, as JSON text. Outlives a rebuild: an event whose
    id is here has been raised before."""

    __tablename__ = "events"
    __table_args__ = (
        Index(
            "ix_events_due",
            "due_at",
            sqlite_where=text("due_at IS NOT NULL"),
            postgresql_where=text("due_at IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    at: Mapped[int]
    document: Mapped[str]
    attempts: Mapped[int]
    due_at: Mapped[int | None]
    delivered_at: Mapped[int | None]
    last_error: Mapped[str]
