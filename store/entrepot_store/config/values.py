"""Kinds of values that several tables of the configuration share."""

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def check_name(name: str) -> str:
    """A product, rule or class name: it becomes part of object keys, metrics and command lines."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            "a name is up to 63 letters, digits, dots, dashes and underscores, beginning with a letter or digit"
        )
    return name


def repeated(names: Iterable[str]) -> str | None:
    """The first name that comes a second time."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def split_address(address: str) -> tuple[str, int]:
    """`127.0.0.1:8080` or `[::1]:8080` as host and port; port 0 asks the system for a free one. Raises ValueError."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError(f"{address!r} is not HOST:PORT")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _check_address(address: str) -> str:
    split_address(address)
    return address


def _check_target(url: str) -> str:
    # Not quoted in the message: what is wrong with it may be the password in it.
    if not re.fullmatch(r"https?://[^/?#@\s]+/?", url):
        raise ValueError("must be http://HOST[:PORT] or https://HOST[:PORT], without credentials and path")
    return url.rstrip("/")


def _check_header(name: str) -> str:
    if not _HEADER.fullmatch(name):
        raise ValueError(f"{name!r} is not a header name")
    return name.lower()


def _as_tuple(value: object) -> object:
    """One value may be written without the brackets of a list."""
    if isinstance(value, list | tuple | set | frozenset):
        return tuple(value)
    return () if value is None else (value,)


type Name = Annotated[str, AfterValidator(check_name)]
type Address = Annotated[str, AfterValidator(_check_address)]
type TargetUrl = Annotated[str, AfterValidator(_check_target)]
type HeaderName = Annotated[str, AfterValidator(_check_header)]
type OneOrMany[T] = Annotated[tuple[T, ...], BeforeValidator(_as_tuple)]
