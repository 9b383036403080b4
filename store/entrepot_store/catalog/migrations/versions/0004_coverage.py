"""Flows, samples of their shape, and events."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

# Spelled out here and not imported: a migration must not change when the models do.
IDENTIFIER = sa.LargeBinary(16).with_variant(postgresql.UUID(), "postgresql")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "flow_paths",
        *_required(IDENTIFIER, "id"),
        *_required(TEXT, "destination"),
        *_required(sa.Boolean(), "answered"),
        *_required(TEXT, "path", "seen_values"),
        sa.PrimaryKeyConstraint("id", name="pk_flow_paths"),
    )
    op.create_index("ix_flow_paths_destination_answered", "flow_paths", ["destination", "answered"])
    op.create_table(
        "flows",
        *_required(IDENTIFIER, "id", "path_id"),
        *_required(TEXT, "destination", "source", "method"),
        *_required(sa.Integer(), "status"),
        *_required(TEXT, "media_type", "rule", "action"),
        *_required(WHOLE, "exchanges", "request_bytes", "response_bytes", "first_seen", "last_seen"),
        *_required(sa.Boolean(), "news"),
        sa.PrimaryKeyConstraint("id", name="pk_flows"),
    )
    op.create_index("ix_flows_destination", "flows", ["destination"])
    op.create_index("ix_flows_path_id", "flows", ["path_id"])
    _partial("ix_flows_news", "flows", "id", sqlite="news = 1", other="news")
    op.create_table(
        "flow_samples",
        *_required(IDENTIFIER, "id", "path_id"),
        *_required(TEXT, "method"),
        *_required(WHOLE, "hour"),
        *_required(IDENTIFIER, "exchange_id"),
        sa.Column("request_shape", sa.LargeBinary(), nullable=True),
        sa.Column("response_shape", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_flow_samples"),
    )
    op.create_index("ix_flow_samples_path_id_method_hour", "flow_samples", ["path_id", "method", "hour"])
    _partial("ix_flow_samples_unread", "flow_samples", "hour", sqlite="request_shape IS NULL")
    op.create_table(
        "flow_schemas",
        *_required(sa.LargeBinary(), "digest"),
        *_required(TEXT, "document"),
        sa.PrimaryKeyConstraint("digest", name="pk_flow_schemas"),
    )
    op.create_table(
        "events",
        *_required(IDENTIFIER, "id"),
        *_required(TEXT, "kind"),
        *_required(WHOLE, "at"),
        *_required(TEXT, "document"),
        *_required(WHOLE, "attempts"),
        sa.Column("due_at", WHOLE, nullable=True),
        sa.Column("delivered_at", WHOLE, nullable=True),
        *_required(TEXT, "last_error"),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    _partial("ix_events_due", "events", "due_at", sqlite="due_at IS NOT NULL")


def _partial(name: str, table: str, column: str, *, sqlite: str, other: str = "") -> None:
    op.create_index(name, table, [column], sqlite_where=sa.text(sqlite), postgresql_where=sa.text(other or sqlite))


def _required[T](kind: sa.types.TypeEngine[T], *names: str) -> list[sa.Column[T]]:
    return [sa.Column(name, kind, nullable=False) for name in names]
