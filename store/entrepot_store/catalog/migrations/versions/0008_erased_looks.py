"""Of an erased exchange, the side that the content of its document was on: the history keeps its place. Null, as for
what was erased before: it has left the histories."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

# Spelled out here and not imported: a migration must not change when the models do.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("erased_exchanges", sa.Column("content", TEXT, nullable=True))
