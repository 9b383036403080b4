"""What a single value looks like, and whether it can be recognised wherever it turns up again.

A *distinctive* value (a UUID, a ULID, a hash, a long number, a random token, a time to the second) is the same value
wherever its text occurs. Any other (`7`, `draft`) is told from its likes only by its role: the id of an order, that is.
"""

import re
from enum import StrEnum
from typing import NamedTuple

LONGEST = 2048
"""Characters; longer texts are content and not names of anything."""

_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_HEX = re.compile(r"(0x)?(?=.*[0-9])(?=.*[a-fA-F])[0-9a-fA-F]{8,}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?"
    r"|(Mon|Tue|Wed|Thu|Fri|Sat|Sun)\w*, \d{1,2}[ -]\w{3}[ -]\d{2,4} \d\d:\d\d:\d\d( GMT| UTC)?"
)
_DIGITS = re.compile(r"[0-9]+")
_TOKEN = re.compile(r"[!-~]+")
_DIGIT = re.compile(r"[0-9]")
_LETTER = re.compile(r"[A-Za-z]")
_CAPITAL = re.compile(r"[A-Z]")
_NUMBERED = re.compile(r"[A-Za-z]+(?:[-_.][A-Za-z]+)*[-_.]?\d{1,3}")
_WORD = re.compile(r"[A-Za-z0-9_.~-]{1,64}")


class Kind(StrEnum):
    """The shape of a value; two values of one kind may be the same thing made twice."""

    UUID = "uuid"
    HEX = "hex"
    NUMBER = "number"
    TIME = "time"
    TOKEN = "token"  # noqa: S105 # the name of a shape
    WORD = "word"
    TEXT = "text"


class Key(NamedTuple):
    """What a value is recognised by: its text, and for one that is not distinctive what it is the id of."""

    role: str
    text: str

    @property
    def distinctive(self) -> bool:
        return not self.role


def kind_of(text: str) -> Kind:
    if _UUID.fullmatch(text):
        return Kind.UUID
    if _DIGITS.fullmatch(text):
        return Kind.NUMBER
    if _TIME.fullmatch(text):
        return Kind.TIME
    if _HEX.fullmatch(text):
        return Kind.HEX
    if len(text) >= 8 and _TOKEN.fullmatch(text) and _is_random(text):
        return Kind.TOKEN
    return Kind.WORD if _WORD.fullmatch(text) else Kind.TEXT


def is_distinctive(text: str) -> bool:
    """Whether the text alone tells the value."""
    if not 8 <= len(text) <= LONGEST or _DATE.fullmatch(text):
        return False
    kind = kind_of(text)
    if kind is Kind.TIME:
        return len(text) >= 19  # to the second
    return kind not in (Kind.WORD, Kind.TEXT)


def may_be_id(text: str) -> bool:
    """Whether a value that is not distinctive can be an id where its role says that it is one."""
    return _WORD.fullmatch(text) is not None and not _DATE.fullmatch(text)


def text_key(text: str) -> Key:
    """The key of a distinctive value. A UUID is the same one in capitals (RFC 9562 §4)."""
    return Key("", text.lower() if len(text) == 36 and _UUID.fullmatch(text) else text)


def key_of(text: str, role: str) -> Key | None:
    """What to recognise the value by. `role` is what it is the id of, empty if nothing says that it is an id; None for
    a value that cannot be recognised."""
    if is_distinctive(text):
        return text_key(text)
    return Key(role, text) if role and may_be_id(text) else None


def _is_random(text: str) -> bool:
    """Letters with digits among them, mixed as no word is, or longer than any word."""
    if len(text) <= 64 and _NUMBERED.fullmatch(text):
        return False  # eu-west-1, layout_2
    if _DIGIT.search(text):
        return _LETTER.search(text) is not None
    if len(text) >= 32 and text.isalnum():
        return True
    return len(text) >= 16 and "/" not in text and _CAPITAL.search(text, 1) is not None and not text.isupper()
