"""Which way of comparing a media type asks for, and bytes as text."""

import codecs
import re
from enum import Enum, auto
from typing import NamedTuple


class Family(Enum):
    """Contents of one family can be compared with each other."""

    JSON = auto()
    CSV = auto()
    XLSX = auto()
    TEXT = auto()
    BINARY = auto()
    UNKNOWN = auto()
    """The type says nothing; the bytes may."""


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_FAMILIES = {
    "application/x-json": Family.JSON,
    "text/json": Family.JSON,
    "text/csv": Family.CSV,
    "application/csv": Family.CSV,
    "text/tab-separated-values": Family.CSV,
    XLSX: Family.XLSX,
    "application/vnd.ms-excel.sheet.macroenabled.12": Family.XLSX,
    "application/xml": Family.TEXT,
    "application/yaml": Family.TEXT,
    "application/x-yaml": Family.TEXT,
    "application/toml": Family.TEXT,
    "application/javascript": Family.TEXT,
    "application/sql": Family.TEXT,
    "application/graphql": Family.TEXT,
    "application/x-ndjson": Family.TEXT,
    "application/jsonl": Family.TEXT,
    "application/x-www-form-urlencoded": Family.TEXT,
    "": Family.UNKNOWN,
    "application/octet-stream": Family.UNKNOWN,
    "binary/octet-stream": Family.UNKNOWN,
}
_PARAMETER = re.compile(r';\s*([^=;\s]+)\s*=\s*(?:"([^"]*)"|([^;\s]*))')
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
"""What no text holds; tabs, line and page ends do occur in it."""
_NO_CHARSETS = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "utf_7"}
"""Codecs of Python's that no media type means, take quadratic time, or make what UTF-8 does not hold."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class MediaType(NamedTuple):
    """A media type taken apart: `essence` in lower case without parameters, and those by name in lower case."""

    essence: str
    parameters: dict[str, str]

    @property
    def family(self) -> Family:
        found = _FAMILIES.get(self.essence)
        if found is not None:
            return found
        if self.essence.endswith(("/json", "+json")):
            return Family.JSON
        if self.essence.startswith("text/") or self.essence.endswith(("+xml", "+yaml")):
            return Family.TEXT
        return Family.BINARY


def parse_media_type(text: str) -> MediaType:
    """Never fails; nonsense becomes a type that nobody knows."""
    essence, _, _ = text.partition(";")
    parameters = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(text)}
    return MediaType(essence.strip().lower(), parameters)


def decode(data: bytes, media_type: MediaType) -> str | None:
    """The bytes as text: as they say by a byte order mark, as the type says, as UTF-8, or for a type that promises
    text, as ISO-8859-1. None if they are none."""
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    declared = media_type.parameters.get("charset")
    lenient = media_type.family in (Family.TEXT, Family.CSV)
    for charset in (marked, declared, "utf-8", "iso-8859-1" if lenient else None):
        if charset is None:
            continue
        try:
            if codecs.lookup(charset).name.replace("-", "_") in _NO_CHARSETS:
                continue
            text = data.decode(charset)
        except (LookupError, ValueError):  # a charset that nobody knows, or bytes that are not of it
            continue
        return None if _CONTROLS.search(text) else text
    return None
