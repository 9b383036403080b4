"""Documents and looks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

# Spelled out here and not imported: a migration must not change when the models do.
IDENTIFIER = sa.LargeBinary(16).with_variant(postgresql.UUID(), "postgresql")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "documents",
        *_required(IDENTIFIER, "id"),
        *_required(TEXT, "destination", "key", "media_type", "rule", "retention_class"),
        *_required(WHOLE, "first_seen", "last_seen", "versions"),
        *_required(IDENTIFIER, "last_look"),
        *_required(TEXT, "last_effect"),
        *_required(sa.LargeBinary(), "last_content"),
        sa.PrimaryKeyConstraint("id", name="pk_documents"),
    )
    op.create_index("ix_documents_destination_key", "documents", ["destination", "key"], unique=True)
    op.create_table(
        "looks",
        *_required(IDENTIFIER, "document_id", "id"),
        *_required(WHOLE, "at"),
        *_required(IDENTIFIER, "exchange_id"),
        *_required(TEXT, "effect", "side"),
        *_required(sa.LargeBinary(), "digest"),
        *_required(WHOLE, "size"),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        *_required(TEXT, "media_type", "rule", "retention_class"),
        *_required(sa.Boolean(), "malformed", "starts"),
        sa.PrimaryKeyConstraint("document_id", "id", name="pk_looks"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_looks_versions",
        "looks",
        ["document_id", "id"],
        sqlite_where=sa.text("starts = 1"),
        postgresql_where=sa.text("starts"),
    )
    op.create_index("ix_looks_exchange_id", "looks", ["exchange_id"])


def _required[T](kind: sa.types.TypeEngine[T], *names: str) -> list[sa.Column[T]]:
    return [sa.Column(name, kind, nullable=False) for name in names]
