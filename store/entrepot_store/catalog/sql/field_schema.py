"""The table of index fields, as a SQLAlchemy model. It can be made again from the vault."""

from uuid import UUID

from sqlalchemy import Double, Index
from sqlalchemy.orm import Mapped, mapped_column

from .schema import Base


class Field(Base):
    """One value of one exchange. Both indexes end in the exchange's id, which is time: a page needs no sort."""

    __tablename__ = "fields"
    __table_args__ = (
        Index(None, "name", "text_value", "exchange_id"),
        Index(None, "name", "kind", "number_value", "exchange_id"),
        {"sqlite_with_rowid": False},
    )

    exchange_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    text_value: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    number_value: Mapped[float | None] = mapped_column(Double())
