"""Verification after a replay: what became of each document."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"

# Spelled out here and not imported: a migration must not change when the models do.
IDENTIFIER = sa.LargeBinary(16).with_variant(postgresql.UUID(), "postgresql")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "replay_verifications",
        sa.Column("replay_id", IDENTIFIER, nullable=False),
        sa.Column("id", IDENTIFIER, nullable=False),
        sa.Column("as_of", WHOLE, nullable=False),
        sa.Column("expected", WHOLE, nullable=False),
        sa.Column("started_at", WHOLE, nullable=False),
        sa.Column("ended_at", WHOLE, nullable=True),
        sa.Column("reason", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("replay_id", name="pk_replay_verifications"),
    )
    op.create_table(
        "replay_checks",
        sa.Column("replay_id", IDENTIFIER, nullable=False),
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("path", TEXT, nullable=False),
        sa.Column("result", TEXT, nullable=False),
        sa.Column("place", TEXT, nullable=False),
        sa.Column("asked", TEXT, nullable=False),
        sa.Column("evidence", TEXT, nullable=False),
        sa.Column("exchange_id", IDENTIFIER, nullable=True),
        sa.Column("at", WHOLE, nullable=True),
        sa.Column("recorded_status", sa.Integer(), nullable=True),
        sa.Column("live_status", sa.Integer(), nullable=True),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("differences", TEXT, nullable=False),
        sa.Column("more_differences", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("replay_id", "number", name="pk_replay_checks"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_replay_checks_replay_id_result_number", "replay_checks", ["replay_id", "result", "number"])
