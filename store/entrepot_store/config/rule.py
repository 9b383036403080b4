"""`[[rule]]`: which exchanges a rule speaks of, and what is to be done with them. Compiled in `entrepot_store.rules`."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ..model import Action
from .products import Name

type OneOrMany[T] = T | tuple[T, ...]


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
    source: OneOrMany[str] | None = Field(default=None, alias="from")
    destination: OneOrMany[str] | None = Field(default=None, alias="to")
    method: OneOrMany[Method] | None = None
    path: OneOrMany[PathTemplate] | None = None
    content_type: OneOrMany[str] | None = None
    status: OneOrMany[Status] | None = None
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
