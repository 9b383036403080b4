"""`index.json`: which file is which document, written as the files are, one line for each."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from ..clock import to_rfc3339


class Index:
    """An index under way; `open_index` makes it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._first = True

    def add(self, **facts: Any) -> None:
        """One document; `facts` are JSON values."""
        self._stream.write(("\n    " if self._first else ",\n    ") + json.dumps(facts))
        self._first = False

    def close(self, **facts: Any) -> None:
        lines = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in facts.items()]
        self._stream.write("\n  ],\n" + ",\n".join(lines) + "\n}\n")


@contextmanager
def open_index(path: Path, destination: str, at: int) -> Iterator[Index]:
    """A new file, 0600; `close` it before the block ends."""
    with os.fdopen(private_file(path), "w", encoding="ascii") as stream:
        stream.write(f'{{\n  "destination": {json.dumps(destination)},\n  "at": "{to_rfc3339(at)}",\n  "documents": [')
        yield Index(stream)


def private_file(path: Path) -> int:
    """The descriptor of a new file that only its owner can read."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
