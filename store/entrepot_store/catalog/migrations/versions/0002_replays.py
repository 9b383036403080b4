"""Replays and their steps."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

# Spelled out here and not imported: a migration must not change when the models do.
IDENTIFIER = sa.LargeBinary(16).with_variant(postgresql.UUID(), "postgresql")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "replays",
        sa.Column("id", IDENTIFIER, nullable=False),
        sa.Column("created_at", WHOLE, nullable=False),
        *_required(TEXT, "destination", "target", "state", "wanted", "selection", "options", "plan"),
        sa.Column("runs", WHOLE, nullable=False),
        sa.Column("started_at", WHOLE, nullable=True),
        sa.Column("ended_at", WHOLE, nullable=True),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("lease_owner", TEXT, nullable=True),
        sa.Column("lease_expires_at", WHOLE, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_replays"),
    )
    op.create_table(
        "replay_steps",
        sa.Column("replay_id", IDENTIFIER, nullable=False),
        sa.Column("seq", WHOLE, nullable=False),
        sa.Column("exchange_id", IDENTIFIER, nullable=False),
        *_required(TEXT, "method", "path"),
        sa.Column("recorded_status", sa.Integer(), nullable=True),
        sa.Column("size", WHOLE, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("verdict", TEXT, nullable=True),
        *_required(WHOLE, "attempts", "unknown_attempts"),
        sa.Column("sent", sa.Boolean(), nullable=False),
        sa.Column("sent_at", WHOLE, nullable=True),
        sa.Column("duration_us", WHOLE, nullable=True),
        sa.Column("live_status", sa.Integer(), nullable=True),
        *_required(TEXT, "reason", "differences"),
        sa.Column("more_differences", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("replay_id", "seq", name="pk_replay_steps"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_replay_steps_replay_id_state_verdict_seq", "replay_steps", ["replay_id", "state", "verdict", "seq"]
    )


def _required[T](kind: sa.types.TypeEngine[T], *names: str) -> list[sa.Column[T]]:
    return [sa.Column(name, kind, nullable=False) for name in names]
