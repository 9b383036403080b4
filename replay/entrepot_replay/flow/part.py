"""One value at one place of a message."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """`where` is its place (see `reading`), `text` the value as text. `role` is what it would be the id of, empty where
    nothing says so; `is_id` says that the place itself makes it an id (a path segment, a field called `order_id`).
    `secret` is the digest of the reference that redaction left in the value's place; `text` is empty then."""

    where: str
    text: str
    role: str = ""
    is_id: bool = False
    secret: str = ""
