"""Index fields."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

# Spelled out here and not imported: a migration must not change when the models do.
IDENTIFIER = sa.LargeBinary(16).with_variant(postgresql.UUID(), "postgresql")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "fields",
        sa.Column("exchange_id", IDENTIFIER, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("text_value", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("number_value", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("exchange_id", "name", "text_value", name="pk_fields"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_fields_name_text_value_exchange_id", "fields", ["name", "text_value", "exchange_id"])
    op.create_index(
        "ix_fields_name_kind_number_value_exchange_id", "fields", ["name", "kind", "number_value", "exchange_id"]
    )
