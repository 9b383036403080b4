"""Headers that make a captured body inert: a browser that opens it must save it, never run it.

What was captured is hostile input. Its recorded content type is passed on because programs want it; everything that
could give it power over a browser is taken away.
"""

import re
from uuid import UUID

_WORD = r"[A-Za-z0-9!#$&^_.+-]+"
_PARAMETER = rf'[ \t]*;[ \t]*{_WORD}=(?:{_WORD}|"[ !#-\[\]-~]*")'
_MEDIA_TYPE = re.compile(f"{_WORD}/{_WORD}(?:{_PARAMETER})*")
_EXTENSIONS = {
    "application/json": "json",
    "application/pdf": "pdf",
    "application/xml": "xml",
    "application/yaml": "yaml",
    "application/zip": "zip",
    "image/gif": "gif",
    "image/jpeg": "jpg",
    "image/png": "png",
    "text/csv": "csv",
    "text/plain": "txt",
}
"""Only types that a desktop opens without running them; everything else is saved as .bin."""


def safe_content_type(recorded: str) -> str:
    """The recorded type if it is a well-formed media type, else `application/octet-stream`."""
    recorded = recorded.strip()
    return recorded if len(recorded) <= 255 and _MEDIA_TYPE.fullmatch(recorded) else "application/octet-stream"


def safe_filename(identifier: UUID, side: str, recorded: str) -> str:
    """A name made of ours only: nothing of the captured path or headers is in it."""
    essence = recorded.partition(";")[0].strip().lower()
    extension = "json" if essence.endswith("+json") else _EXTENSIONS.get(essence, "bin")
    return f"{identifier}-{side}.{extension}"


def inert_headers(identifier: UUID, side: str, recorded: str) -> dict[str, str]:
    return {
        "Content-Type": safe_content_type(recorded),
        "Content-Disposition": f'attachment; filename="{safe_filename(identifier, side, recorded)}"',
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "private",
    }
