"""Kinds of values that several tables of the configuration share."""

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_DURATION = re.compile(r"(?:[0-9]{1,5}[ymwdh])+")
_HOUR = 3_600_000_000
_UNITS = {"y": 366 * 24 * _HOUR, "m": 31 * 24 * _HOUR, "w": 7 * 24 * _HOUR, "d": 24 * _HOUR, "h": _HOUR}
_LONGEST_DURATION = 1000 * _UNITS["y"]


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


def parse_duration(text: object) -> int:
    """`10y`, `6m`, `8w`, `30d`, `12h` or several together, `1y6m`, in microseconds. Raises ValueError.

    The letters are those of restic, and `w`. A month is 31 days and a year 366: what is to be kept for a month is not
    gone after one.
    """
    if not isinstance(text, str) or not _DURATION.fullmatch(text):
        raise ValueError(
            f"{text!r} is not a duration, which is written with y (years), m (months), w, d and h, as in 30d or 1y6m"
        )
    units = re.findall(r"[a-z]", text)
    if repeated(units):
        raise ValueError(f"{text!r} has {repeated(units)!r} twice")
    duration = sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([a-z])", text))
    if not 0 < duration <= _LONGEST_DURATION:
        raise ValueError(f"{text!r} is not between 1h and 1000y")
    return duration


def _as_tuple(value: object) -> object:
    """One value may be written without the brackets of a list."""
    if isinstance(value, list | tuple | set | frozenset):
        return tuple(value)
    return () if value is None else (value,)


type Name = Annotated[str, AfterValidator(check_name)]
type Address = Annotated[str, AfterValidator(_check_address)]
type TargetUrl = Annotated[str, AfterValidator(_check_target)]
type HeaderName = Annotated[str, AfterValidator(_check_header)]
type Duration = Annotated[int, BeforeValidator(parse_duration)]
"""Microseconds; written as in `parse_duration`."""
type OneOrMany[T] = Annotated[tuple[T, ...], BeforeValidator(_as_tuple)]
