"""What a rule takes out of bodies, and which bodies are looked into at all."""

import re
from typing import NamedTuple

from ..model import Headers

_PICTURES = re.compile(
    r"(?:image/(?!svg\+xml$)|audio/|video/|font/)[^;]*"
    r"|application/(?:pdf|zip|gzip|zstd|x-tar|x-7z-compressed|x-bzip2?|java-archive|wasm|vnd\.apache\.parquet"
    r"|vnd\.openxmlformats-officedocument\..*|vnd\.oasis\.opendocument\..*|vnd\.ms-excel)"
)
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^\s";]{1,40})', re.IGNORECASE)


class BodyRules(NamedTuple):
    """JSONPaths, names of form fields, and regular expressions, as the rule has them."""

    json: tuple[str, ...] = ()
    form: tuple[str, ...] = ()
    regex: tuple[str, ...] = ()
    max_bytes: int = 8 * 1024 * 1024
    """Longer bodies (content coding undone) are withheld."""


def media_type(content_type: str) -> str:
    """Without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def charset(content_type: str) -> str | None:
    match = _CHARSET.search(content_type)
    return match[1].lower() if match else None


def is_looked_into(content_type: str) -> bool:
    """False for pictures, sound, archives and the like, in which no rule could find anything: they are kept as they
    are, whatever their length."""
    return _PICTURES.fullmatch(media_type(content_type)) is None


def content_type_of(headers: Headers) -> str:
    """The first one; empty if there is none."""
    return next((value.decode("latin-1") for name, value in headers if name.lower() == b"content-type"), "")
