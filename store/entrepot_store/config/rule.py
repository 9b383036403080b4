"""`[[rule]]`: which exchanges a rule speaks of, and what becomes of them. Compiled in `entrepot_store.rules`."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from ..model import Action
from .values import HeaderName, Name, OneOrMany


def _check_method(method: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z-]*", method):  # M-SEARCH is one
        raise ValueError(f"{method!r} is not an HTTP method")
    return method.upper()


def _check_status(status: object) -> int | str:
    """`404` or a class of statuses, `5xx`."""
    if isinstance(status, bool) or not isinstance(status, int | str):
        raise ValueError('must be a status such as 404 or a class such as "5xx"')  # noqa: TRY004 - pydantic's contract
    text = str(status).lower()
    if len(text) == 3 and text[0] in "12345" and (text[1:] == "xx" or text[1:].isdigit()):
        return int(text) if text.isdigit() else text
    raise ValueError(f"{status!r} is neither a status such as 404 nor a class such as 5xx")


def _check_path(path: str) -> str:
    # Imported here because rules stand on the configuration, which asks them for this alone.
    from ..rules.template import PathTemplate as Compiled

    Compiled.compile(path)
    return path


def _check_product(pattern: str) -> str:
    """A product or host name, or an address, in which `*` stands for anything."""
    if not pattern or any(c.isspace() for c in pattern):
        raise ValueError(f"{pattern!r} is not the name of a product, in which * stands for anything")
    return pattern


def _check_media_type(pattern: str) -> str:
    kind, slash, rest = pattern.partition("/")
    if pattern != "*" and (not kind or not slash or not rest or any(c in pattern for c in "; \t")):
        raise ValueError(f"{pattern!r} is not a media type without parameters, such as application/json or text/*")
    return pattern.lower()


def _check_not_empty[T](values: tuple[T, ...]) -> tuple[T, ...]:
    if not values:
        raise ValueError("an empty list would match nothing; leave the key out to match everything")
    return values


type Matcher[T] = Annotated[OneOrMany[T], AfterValidator(_check_not_empty)]
"""Alternatives; empty, as only the default can be, matches anything."""
type FieldName = Annotated[str, StringConstraints(min_length=1)]
type Method = Annotated[str, AfterValidator(_check_method)]
type Status = Annotated[int | str, BeforeValidator(_check_status)]
type ProductPattern = Annotated[str, AfterValidator(_check_product)]
type MediaType = Annotated[str, AfterValidator(_check_media_type)]
type PathTemplate = Annotated[str, AfterValidator(_check_path)]


class RedactConfig(BaseModel):
    """What a rule takes out of an exchange before it touches a disk, beyond the headers always taken out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    headers: OneOrMany[HeaderName] = ()
    query: OneOrMany[FieldName] = ()


class RuleConfig(BaseModel):
    """One rule. An absent matcher matches everything; the first rule that matches decides.

    `from` and `to` name products (`*` wildcards allowed); `path` is an OpenAPI-style template in which `{name}` stands
    for one segment, `*` for anything within a segment and `**` for any number of segments.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: Name
    source: Matcher[ProductPattern] = Field(default=(), alias="from")
    destination: Matcher[ProductPattern] = Field(default=(), alias="to")
    method: Matcher[Method] = ()
    path: Matcher[PathTemplate] = ()
    content_type: Matcher[MediaType] = ()
    status: Matcher[Status] = ()
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
