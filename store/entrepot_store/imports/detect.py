"""Tells a HAR file from a mitmproxy flow file by how it begins."""

import re
from pathlib import Path
from typing import Literal

from ..errors import BadInput

type Format = Literal["har", "mitm"]

_TNETSTRING = re.compile(rb"\d{1,12}:")
"""A flow file is a row of tnetstrings: length, colon, content."""


def detect_format(path: Path) -> Format:
    """Raises BadInput if it is neither, OSError if it cannot be read."""
    with path.open("rb") as stream:
        start = stream.read(4096)
    if not start.strip():
        raise BadInput(f"{path}: the file is empty.")
    if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return "har"
    if _TNETSTRING.match(start):
        return "mitm"
    raise BadInput(
        f"{path}: this is neither a HAR file nor a mitmproxy flow file.",
        hint="Save HAR from a browser's network panel, or record with `mitmdump -w FILE`.",
    )
