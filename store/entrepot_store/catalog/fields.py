"""Index fields: values that rules take out of payloads (`index = { customer = "$.customer.id" }`), and asking for them.

A value is text, a number, a time or a boolean. Every value is kept as text, by which it is found exactly and by prefix;
numbers and times as numbers too, by which they are found in ranges.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Self
from uuid import UUID

from ..clock import from_rfc3339
from ..errors import BadInput

LONGEST_VALUE = 200
"""Characters of a value that is indexed; a longer one is found as a whole, and by a prefix up to this."""
_CONDITION = re.compile(r"(?s)([A-Za-z0-9_.-]+)(\^=|>=|<=|=|>|<)(.*)")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")


class Kind(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    BOOLEAN = "boolean"


@dataclass(slots=True, frozen=True)
class FieldValue:
    """One value. `number` is the number, or microseconds since the epoch, else None."""

    kind: Kind
    text: str
    number: float | None = None

    @classmethod
    def of(cls, value: object) -> Self | None:
        """What a JSON value is indexed as; None for what is not: null, lists and objects."""
        if isinstance(value, bool):
            return cls(Kind.BOOLEAN, "true" if value else "false")
        if isinstance(value, int | float):
            return cls(Kind.NUMBER, _shortened(_number_text(value)), _as_float(value))
        if isinstance(value, str):
            plain = value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
            moment = _moment(plain)
            return cls(Kind.TEXT if moment is None else Kind.TIME, _shortened(plain), moment)
        return None


@dataclass(slots=True, frozen=True)
class FieldRow:
    """A value that an exchange carries under a name that its rule gives."""

    exchange: UUID
    name: str
    value: FieldValue


class Operator(StrEnum):
    EQUAL = "="
    PREFIX = "^="
    AT_LEAST = ">="
    ABOVE = ">"
    AT_MOST = "<="
    BELOW = "<"


@dataclass(slots=True, frozen=True)
class FieldCondition:
    """`customer=42`, `total>=10`, `name^=Mi`. Ranges compare numbers with numbers and times with times; a value that is
    neither is compared as text."""

    name: str
    operator: Operator
    value: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises BadInput."""
        found = _CONDITION.fullmatch(text)
        if found is None:
            raise BadInput(
                f"{text!r} is no condition on a field.",
                hint="Write NAME=VALUE, NAME^=PREFIX, or NAME and one of < <= > >= and a value.",
            )
        return cls(found[1], Operator(found[2]), found[3])

    @property
    def wanted(self) -> FieldValue:
        """The value as an indexed one would be."""
        if _NUMBER.fullmatch(self.value):
            number = int(self.value) if self.value.lstrip("-").isdigit() else float(self.value)
            return FieldValue(Kind.NUMBER, _shortened(_number_text(number)), _as_float(number))
        return FieldValue.of(self.value) or FieldValue(Kind.TEXT, "")


def _number_text(value: float) -> str:
    """One spelling for equal numbers: 42.0 is 42."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _as_float(value: float) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None


def _moment(text: str) -> float | None:
    if not _TIME.match(text):
        return None
    try:
        return float(from_rfc3339(text))
    except ValueError:
        return None


def _shortened(text: str) -> str:
    if len(text) <= LONGEST_VALUE:
        return text
    return f"{text[:LONGEST_VALUE]}…{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
