"""`[[rule]]`: which exchanges a rule speaks of, and what becomes of them. Compiled in `entrepot_store.rules`."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ..model import Action
from .products import Name


def _as_tuple(value: object) -> object:
    """One value may be written without the brackets of a list."""
    if isinstance(value, list | tuple):
        if not value:
            raise ValueError("an empty list would match nothing; leave the key out to match everything")
        return tuple(value)
    return (value,)


type OneOrMany[T] = Annotated[tuple[T, ...], BeforeValidator(_as_tuple)]
"""Alternatives; empty, which only the default is, means anything."""


def _check_method(method: str) -> str:
    if not method.isascii() or not method.isalpha():
        raise ValueError(f"{method!r} is not an HTTP method")
    return method.upper()


def _check_status(status: int | str) -> int | str:
    """`404` or a class of statuses, `5xx`."""
    text = str(status).lower()
    if len(text) == 3 and text[0] in "12345" and (text[1:] == "xx" or text[1:].isdigit()):
        return int(text) if text.isdigit() else text
    raise ValueError(f"{status!r} is neither a status such as 404 nor a class such as 5xx")


def _check_path(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError(f"{path!r} does not begin with /")
    if path.count("{") != path.count("}"):
        raise ValueError(f"{path!r} has an unbalanced brace")
    return path


def _check_header(name: str) -> str:
    if not name or any(c in " :\r\n\t" for c in name) or not name.isascii():
        raise ValueError(f"{name!r} is not a header name")
    return name.lower()


type Method = Annotated[str, AfterValidator(_check_method)]
type Status = Annotated[int | str, AfterValidator(_check_status)]
type PathTemplate = Annotated[str, AfterValidator(_check_path)]
type HeaderName = Annotated[str, AfterValidator(_check_header)]


class RedactConfig(BaseModel):
    """What a rule takes out of an exchange before it touches a disk, beyond the headers always taken out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    headers: tuple[HeaderName, ...] = ()
    query: tuple[str, ...] = ()


class RuleConfig(BaseModel):
    """One rule. An absent matcher matches everything; the first rule that matches decides.

    `from` and `to` name products (`*` wildcards allowed); `path` is an OpenAPI-style template in which `{name}` stands
    for one segment, `*` for anything within a segment and `**` for any number of segments.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: Name
    source: OneOrMany[str] = Field(default=(), alias="from")
    destination: OneOrMany[str] = Field(default=(), alias="to")
    method: OneOrMany[Method] = ()
    path: OneOrMany[PathTemplate] = ()
    content_type: OneOrMany[str] = ()
    status: OneOrMany[Status] = ()
    action: Action = Action.CAPTURE
    retention_class: Name = Field(default="default", alias="class")
    redact: RedactConfig = RedactConfig()
    durability: Literal["async", "sync"] = "async"
    on_failure: Literal["open", "closed"] = "open"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.action is Action.IGNORE and (self.durability == "sync" or self.on_failure == "closed"):
            raise ValueError(
                'an ignored exchange is not stored, so durability = "sync" and on_failure = "closed" cannot hold'
            )
        return self
