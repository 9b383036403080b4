"""Text for people and for SQL out of bytes from the wire.

The bytes themselves are kept in the segment; what comes out of here is for reading, filtering and comparing.
"""


def safe_text(raw: bytes) -> str:
    """UTF-8 where it is, `\\xNN` for what is not; NUL, which PostgreSQL cannot hold, becomes `\\x00`."""
    return raw.decode("utf-8", "backslashreplace").replace("\x00", "\\x00")


def header_text(raw: bytes) -> str:
    """A header value as text: UTF-8 where it is valid, else ISO-8859-1 as HTTP always meant it. Never fails."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("iso-8859-1")
    return text.replace("\x00", "\\x00")


def plain_text(text: str) -> str:
    """Text that every encoding and database holds: NUL and lone surrogates, which stand for undecodable bytes, become
    escapes."""
    if text.isascii():
        return text.replace("\x00", "\\x00") if "\x00" in text else text
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")
