"""The data flow of replays: what each step makes and uses, and the id map of a replay."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"

IDENTIFIER = sa.LargeBinary(16).with_variant(postgresql.UUID(), "postgresql")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("replay_steps", sa.Column("flow", TEXT, nullable=False, server_default=""))
    op.create_table(
        "replay_values",
        sa.Column("replay_id", IDENTIFIER, nullable=False),
        sa.Column("key", sa.LargeBinary(16), nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("recorded", TEXT, nullable=False),
        sa.Column("live", TEXT, nullable=True),
        sa.Column("step", WHOLE, nullable=True),
        sa.Column("place", TEXT, nullable=False),
        sa.Column("edited", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("replay_id", "key", name="pk_replay_values"),
        sqlite_with_rowid=False,
    )
