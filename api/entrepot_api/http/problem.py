"""What an error looks like on the wire (RFC 9457). `problems` makes them."""

from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"


class Mistake(BaseModel):
    """One value that was refused. `where` names it: `query.limit`, `path.identifier`, `body.target`."""

    where: str
    reason: str


class Problem(BaseModel):
    """An error, as RFC 9457 defines it. `hint` says what to do next; `errors` names each value that was refused."""

    type: str = Field(description="`about:blank`, or `urn:entrepot:problem:` and the kind of error.")
    title: str
    status: int
    detail: str
    hint: str | None = None
    errors: list[Mistake] | None = None
