"""Drills: rehearsals of restorations, and what came of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"

# Spelled out here and not imported: a migration must not change when the models do.
IDENTIFIER = sa.LargeBinary(16).with_variant(postgresql.UUID(), "postgresql")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "drills",
        sa.Column("id", IDENTIFIER, nullable=False),
        sa.Column("destination", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("started_at", WHOLE, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("replay", IDENTIFIER, nullable=True),
        sa.Column("as_of", WHOLE, nullable=True),
        sa.Column("ready_at", WHOLE, nullable=True),
        sa.Column("rebuilt_at", WHOLE, nullable=True),
        sa.Column("ended_at", WHOLE, nullable=True),
        sa.Column("steps", TEXT, nullable=False),
        sa.Column("documents", TEXT, nullable=False),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("error", TEXT, nullable=False),
        sa.Column("log", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_drills"),
    )
    op.create_index("ix_drills_destination_id", "drills", ["destination", "id"])
