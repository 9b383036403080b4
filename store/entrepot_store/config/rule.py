"""`[[rule]]`: which exchanges a rule speaks of, and what becomes of them. Compiled in `entrepot_store.rules`."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from ..jsonpaths import compile_path
from ..model import Action
from .values import Duration, HeaderName, Name, OneOrMany


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


def _check_jsonpath(path: str) -> str:
    compile_path(path)
    return path


def _check_regex(pattern: str) -> str:
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
    if compiled.fullmatch("") is not None:
        raise ValueError(f"{pattern!r} matches an empty text, so it would be found everywhere")
    return pattern


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
type JsonPath = Annotated[str, AfterValidator(_check_jsonpath)]
type Regex = Annotated[str, AfterValidator(_check_regex)]
type Fidelity = Literal["decoded", "wire"]


class RedactConfig(BaseModel):
    """What a rule takes out of an exchange before it touches a disk, beyond the headers always taken out."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    headers: OneOrMany[HeaderName] = ()
    query: OneOrMany[FieldName] = ()
    json_paths: OneOrMany[JsonPath] = Field(default=(), alias="json")
    form: OneOrMany[FieldName] = ()
    regex: OneOrMany[Regex] = ()

    @property
    def bodies(self) -> bool:
        """Whether bodies have to be looked into."""
        return bool(self.json_paths or self.form or self.regex)


type Count = Annotated[int, Field(ge=1)]


class KeepConfig(BaseModel):
    """How long what a rule keeps is kept: what any of these words keeps, stays. Their meaning is that of restic.

    The counts are of versions of a document: the `last` ones, the last of each of so many hours, days and so on. The
    spans reach back from the document's latest version; `within_daily` keeps the last of each day within one.
    `deleted_within` is a limit and no promise: a document that was deleted longer ago than that goes altogether,
    whatever the other words say.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    last: Count | None = None
    hourly: Count | None = None
    daily: Count | None = None
    weekly: Count | None = None
    monthly: Count | None = None
    yearly: Count | None = None
    within: Duration | None = None
    within_hourly: Duration | None = None
    within_daily: Duration | None = None
    within_weekly: Duration | None = None
    within_monthly: Duration | None = None
    within_yearly: Duration | None = None
    deleted_within: Duration | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.words:
            raise ValueError("an empty keep would keep nothing; leave it out to keep everything")
        if self.words == ("deleted_within",):
            raise ValueError(
                "deleted_within says what becomes of deleted documents only; say with another word, such as within or "
                "last, what is kept of those that are there"
            )
        return self

    @property
    def words(self) -> tuple[str, ...]:
        """Those that are given."""
        return tuple(name for name in type(self).model_fields if getattr(self, name) is not None)


class DocumentConfig(BaseModel):
    """What tells one document from another, beside the path."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    query: OneOrMany[FieldName] | None = None
    """Fields of the query that count; None for all of them, empty for none."""


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
    keep: KeepConfig | None = None
    """None keeps everything."""
    ignore: OneOrMany[JsonPath] = ()
    """What does not make a version when it alone differs."""
    document: DocumentConfig = DocumentConfig()
    redact: RedactConfig = RedactConfig()
    index: Mapping[Name, JsonPath] = {}
    """Names of search fields, and where in a payload their values are."""
    fidelity: Fidelity = "decoded"
    durability: Literal["async", "sync"] = "async"
    on_failure: Literal["open", "closed"] = "open"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.action is Action.IGNORE and (self.durability == "sync" or self.on_failure == "closed"):
            raise ValueError(
                'an ignored exchange is not stored, so durability = "sync" and on_failure = "closed" cannot hold'
            )
        if self.action is Action.IGNORE and (self.keep or self.index):
            raise ValueError("an ignored exchange is not stored, so there is nothing to keep or index")
        if self.action is not Action.PROTECT:
            if self.keep and self.keep.words != ("within",):
                words = ", ".join(word for word in self.keep.words if word != "within")
                raise ValueError(
                    f'only action = "protect" makes versions, so keep can have no {words}; how long exchanges are '
                    "kept is said with within"
                )
            if self.ignore or self.document.query is not None:
                key = "ignore" if self.ignore else "document"
                raise ValueError(f'only action = "protect" makes documents and versions, so {key} says nothing')
        if "$" in self.ignore:
            raise ValueError("ignore has $, which is the whole payload: nothing would ever be a new version")
        if self.fidelity == "wire" and self.redact.bodies:
            raise ValueError('bodies cannot be redacted under their Content-Encoding, so fidelity = "wire" cannot hold')
        return self
