"""Reads the configuration again while a process runs: on SIGHUP, and when the file has changed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .load import DEFAULT_FILE, load_settings, named_file
from .settings import Settings

type _Stamp = tuple[int, int, int] | None
"""Modification time (ns), size and inode: a file that is replaced, even by a link to an older one, differs."""


class Reloader:
    """Watches the file that `load_settings(file, overrides)` reads, without a thread: whoever owns it calls `poll`."""

    def __init__(self, file: Path | None, overrides: Mapping[str, Any] | None = None) -> None:
        self.path = named_file(file) or Path(DEFAULT_FILE)
        self._file = file
        self._overrides = overrides
        self._seen = self._stamp()

    def poll(self, *, force: bool = False) -> Settings | None:
        """New settings when the file has changed since the last call (or always, with `force`), else None.

        Raises ConfigError once for a file that cannot be used; the caller keeps what it has, and hears of the file
        again when it changes again.
        """
        # Looked at before it is read: a change in between is then found by the next poll and not missed.
        stamp = self._stamp()
        if stamp == self._seen and not force:
            return None
        self._seen = stamp
        return load_settings(self._file, self._overrides)

    def _stamp(self) -> _Stamp:
        try:
            found = self.path.stat()
        except OSError:
            return None  # gone or unreadable, which is a change if it was there; loading it then says so
        return found.st_mtime_ns, found.st_size, found.st_ino


def needs_restart(old: Settings, new: Settings) -> list[str]:
    """Keys that differ and that a running process cannot take over; rules, products and redaction it can."""
    changed = []
    for name in Settings.model_fields:
        before, after = getattr(old, name), getattr(new, name)
        if name in ("rule", "product", "credential") or before == after:
            continue
        fields = getattr(type(before), "model_fields", None)
        if fields is None:
            changed.append(name)
            continue
        keys = [key for key in fields if getattr(before, key) != getattr(after, key)]
        changed.extend(f"{name}.{key}" for key in keys if (name, key) != ("proxy", "redact_headers"))
    return changed
