"""Where secrets come from: an environment variable, a file, or the output of a command. Values are never stored.

`CredentialSource` is a source for the references of one name, as `--credential authorization=env:TOKEN` gives it; the
kinds of `[[credential]]` read their secrets through `Source`.
"""

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from entrepot_store.errors import BadInput
from entrepot_store.redact.reference import clean_label

COMMAND_SECONDS = 30.0
_REFERENCE = re.compile(r"(?P<kind>env|file|cmd):(?P<value>.+)", re.DOTALL)
_SPEC = re.compile(r"(?P<name>[^=:\s]+)(:(?P<digest>[0-9a-f]{32}))?=(?P<source>.*)", re.DOTALL)
_HINT = "Write NAME=env:VARIABLE, NAME=file:PATH or NAME=cmd:COMMAND, NAME being a header such as authorization."


@dataclass(frozen=True, slots=True)
class Source:
    """One place that holds a secret. `label` is what errors call it."""

    label: str
    kind: str
    value: str

    @classmethod
    def parse(cls, label: str, text: str) -> "Source | None":
        """`env:NAME`, `file:PATH` or `cmd:COMMAND`; None for any other text."""
        match = _REFERENCE.fullmatch(text)
        return None if match is None else cls(label, match["kind"], match["value"])

    def read(self) -> bytes:
        """The secret. One trailing newline is not part of it. Raises BadInput, which never quotes it."""
        value = _READERS[self.kind](self)
        value = value.removesuffix(b"\n").removesuffix(b"\r")
        if not value or any(byte in value for byte in b"\r\n\0"):
            what = "is empty" if not value else "holds a line break or NUL"
            raise BadInput(f"The credential {self.label} {what}.", hint="It must be one line.")
        return value


@dataclass(frozen=True, slots=True)
class CredentialSource:
    """Where the secret for the references of one name comes from. `digest` empty means every secret of that name."""

    name: str
    digest: str
    source: Source

    @classmethod
    def parse(cls, text: str) -> "CredentialSource":
        """Raises BadInput, which names what stands before the `=` and nothing behind it."""
        match = _SPEC.fullmatch(text)
        label = "" if match is None else clean_label(match["name"])
        if match is not None and match["digest"]:
            label += f":{match['digest']}"
        source = None if match is None else Source.parse(label, match["source"])
        if match is None or source is None:
            raise BadInput(f"The credential {text.partition('=')[0]!r} has no known source.", hint=_HINT)
        return cls(clean_label(match["name"]), match["digest"] or "", source)

    def read(self) -> bytes:
        """As `Source.read`."""
        return self.source.read()


def _from_environment(source: Source) -> bytes:
    value = os.environb.get(os.fsencode(source.value))
    if value is None:
        raise BadInput(f"The credential {source.label}: there is no environment variable {source.value}.")
    return value


def _from_file(source: Source) -> bytes:
    try:
        return Path(source.value).read_bytes()
    except OSError as error:
        raise BadInput(f"The credential {source.label}: {source.value} cannot be read: {error.strerror}.") from None


def _from_command(source: Source) -> bytes:
    try:
        arguments = shlex.split(source.value)
        # The operator's own command line, run as written and without a shell.
        done = subprocess.run(arguments, capture_output=True, timeout=COMMAND_SECONDS, check=False)  # noqa: S603
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as error:
        raise BadInput(f"The credential {source.label}: its command did not run: {type(error).__name__}.") from None
    if done.returncode != 0:
        raise BadInput(f"The credential {source.label}: its command ended with exit code {done.returncode}.")
    return done.stdout


_READERS: Mapping[str, Callable[[Source], bytes]] = {"env": _from_environment, "file": _from_file, "cmd": _from_command}
