"""`[[credential]]`: what a replay signs in with, by reference. No secret is ever written in the configuration.

What the values of references are, and where they go, is the business of `entrepot_replay.credentials`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from .rule import JsonPath, PathTemplate
from .values import HeaderName, Name, OneOrMany, TargetUrl

_REFERENCE = re.compile(r"(?:env|file|cmd):.+", re.DOTALL)
_DIGEST = re.compile(r"[0-9a-f]{32}")
_LOOKS_SECRET = re.compile(r"pass|pwd|secret|token|otp|key|credential|assertion", re.IGNORECASE)
_MUST_REFER = "must say where the secret is: env:VARIABLE, file:PATH or cmd:COMMAND; it is not written here itself"

type Kind = Literal["bearer", "basic", "header", "query", "cookie", "login", "oauth2", "sigv4"]

_KEYS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "bearer": (("token",), ("scheme", "header")),
    "basic": (("user", "password"), ("header",)),
    "header": (("header", "value"), ()),
    "query": (("field", "value"), ()),
    "cookie": (("value",), ("cookie",)),
    "login": (("login",), ("scheme", "header")),
    "oauth2": (("token_url", "client_id", "client_secret"), ("scope", "client_auth", "header")),
    "sigv4": (("access_key", "secret_key"), ("session_token", "region", "service")),
}
"""Which keys each kind needs, and which others it takes."""
_OF_ALL = frozenset({"name", "to", "kind", "digest", "path", "target", "refresh_on"})


def is_reference(text: str) -> bool:
    """Whether the text says where a secret is."""
    return _REFERENCE.fullmatch(text) is not None


def _check_reference(text: str) -> str:
    # Never quoted in the message: it probably is the secret.
    if not is_reference(text):
        raise ValueError(_MUST_REFER)
    return text


def _check_digest(digest: str) -> str:
    if not _DIGEST.fullmatch(digest):
        raise ValueError("must be the 32 hex digits behind the last colon of a reference")
    return digest


def _check_path(path: str) -> str:
    if not path.startswith("/") or not path.isascii() or any(character.isspace() for character in path):
        raise ValueError("must be a path that begins with /")
    return path


def _check_refreshing(status: int) -> int:
    if not 400 <= status <= 499:
        raise ValueError("must be a status from 400 to 499, with which a target refuses a credential")
    return status


def _check_token_url(url: str) -> str:
    # Not quoted, and without a query: either may hold a secret.
    if not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#\s]*)?", url):
        raise ValueError("must be http://HOST[:PORT]/PATH or https://HOST[:PORT]/PATH, without credentials and query")
    return url


def _strings(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a body template, with the name it stands under."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _strings(inner, str(name))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner, path)
    elif isinstance(value, str):
        yield path, value


def _check_template(template: dict[str, Any]) -> dict[str, Any]:
    for name, text in _strings(template):
        if _LOOKS_SECRET.search(name) and not is_reference(text):
            raise ValueError(f"{name!r} {_MUST_REFER}")
    return template


type SecretReference = Annotated[str, AfterValidator(_check_reference)]
type Template = Annotated[dict[str, Any], AfterValidator(_check_template)]


class LoginConfig(BaseModel):
    """The request that logs in, and what of its answer is used: all of its cookies, and the token if one is named."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Literal["POST", "PUT", "GET"] = "POST"
    path: Annotated[str, AfterValidator(_check_path)]
    form: Template | None = None
    body: Template | None = Field(default=None, alias="json")
    token: JsonPath | None = None
    """A JSONPath into the answer."""

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        if self.form is not None and self.body is not None:
            raise ValueError("a login has form or json, not both")
        if self.form is not None and not all(isinstance(value, str) for value in self.form.values()):
            raise ValueError("form must be a table of texts")
        return self


class CredentialConfig(BaseModel):
    """One credential. Texts that may be secret are references; `user`, `client_id` and `access_key` may be either."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    to: Name
    kind: Kind
    digest: OneOrMany[Annotated[str, AfterValidator(_check_digest)]] = ()
    """Only for these references."""
    path: OneOrMany[PathTemplate] = ()
    """Only for requests whose path matches one of these templates."""
    target: OneOrMany[TargetUrl] = ()
    """Only for replays to these; a replay started over HTTP uses no credential without it."""
    refresh_on: OneOrMany[Annotated[int, AfterValidator(_check_refreshing)]] = (401,)
    header: HeaderName | None = None
    scheme: str | None = None
    token: SecretReference | None = None
    user: str | None = None
    password: SecretReference | None = None
    value: SecretReference | None = None
    field: str | None = None
    cookie: str | None = None
    login: LoginConfig | None = None
    token_url: Annotated[str, AfterValidator(_check_token_url)] | None = None
    client_id: str | None = None
    client_secret: SecretReference | None = None
    client_auth: Literal["basic", "body"] | None = None
    scope: str | None = None
    access_key: str | None = None
    secret_key: SecretReference | None = None
    session_token: SecretReference | None = None
    region: str | None = None
    service: str | None = None

    @model_validator(mode="after")
    def _keys_of_its_kind(self) -> Self:
        needed, optional = _KEYS[self.kind]
        missing = [key for key in needed if getattr(self, key) is None]
        if missing:
            raise ValueError(f"kind {self.kind!r} needs {' and '.join(missing)}")
        foreign = sorted(
            key for key in self.model_fields_set - _OF_ALL - {*needed, *optional} if getattr(self, key) is not None
        )
        if foreign:
            takes = ", ".join((*needed, *optional))
            raise ValueError(f"kind {self.kind!r} takes {takes}, and not {' or '.join(foreign)}")
        return self
