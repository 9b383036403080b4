"""File names out of keys. A key is a path and a query that a peer chose, and may hold anything.

The path becomes folders, and what could hurt is percent-encoded, as it would be in a URL: `/v1/settings/7?full=1` is
`v1/settings/7%3Ffull=1.json`. No name leaves the folder, hides, starts an option, is reserved on some system, differs
from another by case alone, or is too long; none of what is cut off or taken goes unmarked: `~` and a digest follow it.
"""

import re
from hashlib import sha256
from pathlib import PurePosixPath
from uuid import UUID

from .extensions import extensions

INDEX = "index.json"
LONGEST_NAME = 100
"""Bytes, which are characters here. File systems take 255, less where they encrypt."""
LONGEST_PATH = 200
"""Of all folders and the name; Windows takes 260 with what is in front."""

_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9%_.,=+@~-]")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9]|conin|conout|clock)(?:\.|$)", re.IGNORECASE)


class FileNames:
    """Gives every document a name of its own. The same documents in the same order get the same names."""

    def __init__(self) -> None:
        self._files = {INDEX}
        self._folders: set[str] = set()

    def claim(self, key: str, media_type: str, document: UUID) -> PurePosixPath:
        """The file for a document, relative to the folder."""
        path, _, query = key.partition("?")
        *above, last = path.removeprefix("/").split("/")
        folder = self._folder([_segment(part) for part in above])
        name = _segment(f"{last}?{query}" if query else last)
        stem, extension = _split(name, extensions(media_type))
        room = LONGEST_NAME - len(extension)
        digits = document.hex
        if len(stem) > room - 40:
            stem = _marked(stem[: room - 40].rstrip("."), digits[:12])
        tail = 0
        while True:
            suffix = ("", f"~{digits[:8]}", f"~{digits}")[min(tail, 2)] + (f"~{tail}" if tail > 2 else "")
            file = folder / f"{stem}{suffix}{extension}"
            folded = str(file).lower()
            if folded not in self._files and folded not in self._folders:
                self._files.add(folded)
                return file
            tail += 1

    def _folder(self, parts: list[str]) -> PurePosixPath:
        """The folder of these segments; a name among them that a file has is marked."""
        folder = PurePosixPath()
        for index, part in enumerate(parts):
            name = part if len(part) <= LONGEST_NAME // 2 else _marked(part[: LONGEST_NAME // 2 - 13].rstrip("."), part)
            if len(str(folder)) + len(name) > LONGEST_PATH - LONGEST_NAME:
                # One folder for all that is below: what tells them apart is in its digest.
                name = _marked("deep", "/".join(parts[index:]))
            if str(folder / name).lower() in self._files:
                name = _marked(name, "/".join(parts[: index + 1]))
            folder /= name
            self._folders.add(str(folder).lower())
            if name.startswith("deep~"):
                break
        return folder


def _segment(text: str) -> str:
    """One segment as a name that is one on every system. Empty ones are `_`."""
    name = _ESCAPE.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "replace")), text)
    if not name:
        return "_"
    if name[0] in ".-~@=+," or _RESERVED.match(name):
        name = _encoded(name[0]) + name[1:]
    if name[-1] == ".":
        name = name[:-1] + _encoded(".")
    return name


def _encoded(character: str) -> str:
    return f"%{ord(character):02X}"


def _split(name: str, known: tuple[str, ...]) -> tuple[str, str]:
    """Stem and extension with its dot; a name that ends in one that says the same keeps it."""
    for extension in known:
        if name.lower().endswith(f".{extension}"):
            cut = len(name) - len(extension) - 1
            return name[:cut], name[cut:]
    return name, f".{known[0]}"


def _marked(name: str, digested: str) -> str:
    return f"{name}~{sha256(digested.encode('utf-8', 'replace')).hexdigest()[:12]}"
