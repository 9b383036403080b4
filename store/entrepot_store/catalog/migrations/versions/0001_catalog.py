"""The first tables: what the vault holds, how complete it is, and who may ask."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

# Spelled out here and not imported: a migration must not change when the models do.
IDENTIFIER = sa.LargeBinary(16).with_variant(postgresql.UUID(), "postgresql")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BYTES = sa.LargeBinary()


def upgrade() -> None:
    op.create_table(
        "shipments", sa.Column("spool", TEXT, nullable=False), sa.PrimaryKeyConstraint("spool", name="pk_shipments")
    )
    op.create_table(
        "segments",
        sa.Column("id", WHOLE, nullable=False),
        *_required(TEXT, "key", "retention_class", "worker", "spool"),
        *_required(WHOLE, "size", "content_size"),
        sa.Column("digest", BYTES, nullable=False),
        *_required(WHOLE, "dictionary", "exchanges", "first_at", "last_at"),
        sa.PrimaryKeyConstraint("id", name="pk_segments"),
        sa.UniqueConstraint("key", name="uq_segments_key"),
    )
    op.create_table(
        "exchanges",
        sa.Column("id", IDENTIFIER, nullable=False),
        *_required(WHOLE, "started_at", "duration_us"),
        *_required(TEXT, "source", "destination", "method", "url", "path"),
        sa.Column("status", sa.Integer(), nullable=True),
        *_required(TEXT, "http_version", "rule", "action", "retention_class"),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("error", TEXT, nullable=True),
        sa.Column("trace_id", TEXT, nullable=True),
        sa.Column("media_type", TEXT, nullable=False),
        sa.Column("segment_id", WHOLE, nullable=False),
        sa.Column("headers", BYTES, nullable=False),
        *_message("request", nullable=False),
        *_message("response", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_exchanges"),
        sa.ForeignKeyConstraint(["segment_id"], ["segments.id"], name="fk_exchanges_segment_id"),
    )
    for column in ("destination", "source"):
        op.create_index(f"ix_exchanges_{column}_id", "exchanges", [column, "id"])
    if op.get_context().dialect.name == "postgresql":
        # It refuses entries of more than 2,700 bytes, and clients choose paths of any length.
        op.create_index("ix_exchanges_path_start_id", "exchanges", [sa.text("substr(path, 1, 512)"), "id"])
    else:
        op.create_index("ix_exchanges_path_id", "exchanges", ["path", "id"])
    _partial_index("ix_exchanges_trace_id_id", "trace_id", "id", sqlite="trace_id IS NOT NULL")
    _partial_index("ix_exchanges_failed", "id", sqlite="status >= 400")
    _partial_index("ix_exchanges_incomplete", "id", sqlite="complete = 0", postgresql="NOT complete")
    op.create_index("ix_exchanges_segment_id", "exchanges", ["segment_id"])
    op.create_table(
        "payloads",
        sa.Column("retention_class", TEXT, nullable=False),
        sa.Column("digest", BYTES, nullable=False),
        sa.Column("size", WHOLE, nullable=False),
        sa.Column("record_id", IDENTIFIER, nullable=False),
        *_required(WHOLE, "segment_id", "offset", "length"),
        sa.PrimaryKeyConstraint("retention_class", "digest", name="pk_payloads"),
        sa.ForeignKeyConstraint(["segment_id"], ["segments.id"], name="fk_payloads_segment_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_payloads_segment_id", "payloads", ["segment_id"])
    op.create_table(
        "products",
        sa.Column("name", TEXT, nullable=False),
        *_required(WHOLE, "as_source", "as_destination", "first_seen", "last_seen"),
        sa.PrimaryKeyConstraint("name", name="pk_products"),
    )
    op.create_table(
        "ledger",
        sa.Column("worker", TEXT, nullable=False),
        *_required(WHOLE, "at", "seen", "stored", "ignored", "truncated", "failed", "in_flight"),
        sa.PrimaryKeyConstraint("worker", name="pk_ledger"),
    )
    op.create_table(
        "gaps",
        sa.Column("id", IDENTIFIER, nullable=False),
        sa.Column("worker", TEXT, nullable=False),
        *_required(WHOLE, "since", "until", "missing"),
        sa.Column("reason", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_gaps"),
    )
    op.create_table(
        "gap_acknowledgements",
        sa.Column("gap_id", IDENTIFIER, nullable=False),
        sa.Column("acknowledged_at", WHOLE, nullable=False),
        sa.Column("acknowledged_by", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("gap_id", name="pk_gap_acknowledgements"),
    )
    op.create_table(
        "tokens",
        sa.Column("id", IDENTIFIER, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("digest", BYTES, nullable=False),
        sa.Column("scopes", TEXT, nullable=False),
        sa.Column("created_at", WHOLE, nullable=False),
        sa.Column("expires_at", WHOLE, nullable=True),
        sa.Column("revoked_at", WHOLE, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.UniqueConstraint("digest", name="uq_tokens_digest"),
    )


def _partial_index(name: str, *columns: str, sqlite: str, postgresql: str = "") -> None:
    op.create_index(
        name, "exchanges", columns, sqlite_where=sa.text(sqlite), postgresql_where=sa.text(postgresql or sqlite)
    )


def _required(kind: sa.types.TypeEngine[Any], *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names]


def _message(side: str, *, nullable: bool) -> list[sa.Column[Any]]:
    columns: dict[str, sa.types.TypeEngine[Any]] = {
        "content_type": TEXT,
        "size": WHOLE,
        "digest": BYTES,
        "offset": WHOLE,
        "length": WHOLE,
        "truncated": sa.Boolean(),
        "encoding": TEXT,
    }
    return [sa.Column(f"{side}_{name}", kind, nullable=nullable) for name, kind in columns.items()]
