"""What all views share: how they are configured, paged, and written as JSON text."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

type Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""RFC 3339, UTC, microseconds: what `to_rfc3339` makes."""


class View(BaseModel):
    """A value on its way out. Fields are made from trusted rows and never change."""

    model_config = ConfigDict(frozen=True, validate_by_name=True, validate_by_alias=True)


class PageView[T](View):
    """One page of a listing. `next` is the cursor of the page after this one, null on the last."""

    items: list[T]
    next: str | None


def to_json(value: View | Sequence[View]) -> str:
    """JSON text for people and pipes: indented, field names as documented, everything that is not ASCII escaped as
    JSON allows where a terminal would obey it."""
    import json

    plain = (
        value.model_dump(mode="json", by_alias=True)
        if isinstance(value, View)
        else [item.model_dump(mode="json", by_alias=True) for item in value]
    )
    return json.dumps(plain, indent=2)
