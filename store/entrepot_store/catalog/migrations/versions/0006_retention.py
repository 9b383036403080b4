"""Repacked segments, removals, pins, legal holds and the erasure ledger."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"

# Spelled out here and not imported: a migration must not change when the models do.
IDENTIFIER = sa.LargeBinary(16).with_variant(postgresql.UUID(), "postgresql")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "superseded",
        *_required(TEXT, "key", "retention_class"),
        *_required(WHOLE, "size"),
        *_required(TEXT, "replaced_by"),
        *_required(WHOLE, "since"),
        sa.PrimaryKeyConstraint("key", name="pk_superseded"),
    )
    op.create_table(
        "repackings",
        *_required(TEXT, "key", "replaces"),
        *_required(WHOLE, "planned_at"),
        sa.PrimaryKeyConstraint("key", name="pk_repackings"),
    )
    op.create_table(
        "removals",
        *_required(TEXT, "key"),
        *_required(sa.Boolean(), "done"),
        sa.PrimaryKeyConstraint("key", name="pk_removals"),
    )
    op.create_table(
        "removal_segments",
        *_required(TEXT, "removal", "segment"),
        sa.PrimaryKeyConstraint("removal", "segment", name="pk_removal_segments"),
        sa.ForeignKeyConstraint(["removal"], ["removals.key"], name="fk_removal_segments_removal"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_removal_segments_segment", "removal_segments", ["segment"])
    op.create_table(
        "pins",
        *_required(IDENTIFIER, "id", "document_id"),
        sa.Column("version_id", IDENTIFIER, nullable=True),
        sa.Column("at", WHOLE, nullable=True),
        *_required(WHOLE, "created_at"),
        *_required(TEXT, "created_by", "note"),
        sa.PrimaryKeyConstraint("id", name="pk_pins"),
    )
    op.create_table(
        "holds",
        *_required(IDENTIFIER, "id"),
        *_required(TEXT, "retention_class"),
        *_required(WHOLE, "since"),
        *_required(TEXT, "placed_by", "reason"),
        sa.Column("released_at", WHOLE, nullable=True),
        sa.Column("released_by", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_holds"),
    )
    op.create_table(
        "erasures",
        *_required(IDENTIFIER, "id"),
        *_required(WHOLE, "at"),
        *_required(TEXT, "erased_by", "reason"),
        *_required(sa.Boolean(), "done"),
        sa.PrimaryKeyConstraint("id", name="pk_erasures"),
    )
    op.create_table(
        "due_segments",
        *_required(TEXT, "segment"),
        sa.PrimaryKeyConstraint("segment", name="pk_due_segments"),
    )
    op.create_table(
        "erased_exchanges",
        *_required(IDENTIFIER, "exchange_id", "erasure_id"),
        *_required(sa.Boolean(), "request", "response"),
        sa.PrimaryKeyConstraint("exchange_id", name="pk_erased_exchanges"),
    )


def _required[T](kind: sa.types.TypeEngine[T], *names: str) -> list[sa.Column[T]]:
    return [sa.Column(name, kind, nullable=False) for name in names]
