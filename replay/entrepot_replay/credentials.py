"""Real secrets for the references that stand in the recording, by reference themselves.

`--credential authorization=env:ORDERS_TOKEN` puts the value of that variable wherever the recording holds a reference
to an `authorization` secret; `--credential authorization:4f1c…=file:token` does so for that one secret only, and wins.
Sources are an environment variable, a file, or the output of a command. Values are read once, when a run starts, and
live in memory only: nothing here has a repr, and no error quotes a value.
"""

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from entrepot_store.errors import BadInput
from entrepot_store.model import Headers
from entrepot_store.redact import Reference, find_references
from entrepot_store.redact.reference import clean_label

COMMAND_SECONDS = 30.0
_SPEC = re.compile(r"(?P<name>[^=:\s]+)(:(?P<digest>[0-9a-f]{32}))?=(?P<kind>env|file|cmd):(?P<value>.+)", re.DOTALL)
_FIELD = re.compile(rb"[?#;&](?P<field>[^=?#;&]*)=(?P<value>\{\{secret:[^{}]*\}\})")
_HINT = "Write NAME=env:VARIABLE, NAME=file:PATH or NAME=cmd:COMMAND, NAME being a header such as authorization."


@dataclass(frozen=True, slots=True)
class CredentialSource:
    """Where one secret comes from. `digest` empty means every secret of that name."""

    name: str
    digest: str
    kind: str
    value: str

    @classmethod
    def parse(cls, text: str) -> "CredentialSource":
        """Raises BadInput, which names what stands before the `=` and nothing behind it."""
        match = _SPEC.fullmatch(text)
        if match is None:
            raise BadInput(f"The credential {text.partition('=')[0]!r} has no known source.", hint=_HINT)
        return cls(clean_label(match["name"]), match["digest"] or "", match["kind"], match["value"])

    @property
    def label(self) -> str:
        return f"{self.name}:{self.digest}" if self.digest else self.name

    def read(self) -> bytes:
        """The secret. One trailing newline is not part of it. Raises BadInput."""
        value = _READERS[self.kind](self)
        value = value.removesuffix(b"\n").removesuffix(b"\r")
        if not value or any(byte in value for byte in b"\r\n\0"):
            what = "is empty" if not value else "holds a line break or NUL"
            raise BadInput(f"The credential {self.label} {what}.", hint="It must be one line.")
        return value


def _from_environment(source: CredentialSource) -> bytes:
    value = os.environb.get(os.fsencode(source.value))
    if value is None:
        raise BadInput(f"The credential {source.label}: there is no environment variable {source.value}.")
    return value


def _from_file(source: CredentialSource) -> bytes:
    try:
        return Path(source.value).read_bytes()
    except OSError as error:
        raise BadInput(f"The credential {source.label}: {source.value} cannot be read: {error.strerror}.") from None


def _from_command(source: CredentialSource) -> bytes:
    try:
        arguments = shlex.split(source.value)
        # The operator's own command line, run as written and without a shell.
        done = subprocess.run(arguments, capture_output=True, timeout=COMMAND_SECONDS, check=False)  # noqa: S603
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise BadInput(f"The credential {source.label}: its command did not run: {type(error).__name__}.") from None
    if done.returncode != 0:
        raise BadInput(f"The credential {source.label}: its command ended with exit code {done.returncode}.")
    return done.stdout


_READERS: Mapping[str, Callable[[CredentialSource], bytes]] = {
    "env": _from_environment,
    "file": _from_file,
    "cmd": _from_command,
}


class Credentials:
    """The secrets of one run, by reference."""

    def __init__(self, sources: Sequence[CredentialSource] = ()) -> None:
        self._values = {(source.name, source.digest): source.read() for source in sources}

    def covers(self, reference: Reference) -> bool:
        return self._value(reference) is not None

    def covers_all(self, name: str) -> bool:
        """Whether there is one value for every secret of that name."""
        return (name, "") in self._values

    def _value(self, reference: Reference) -> bytes | None:
        return self._values.get((reference.name, reference.digest)) or self._values.get((reference.name, ""))

    def header(self, name: bytes, value: bytes) -> tuple[bytes, list[Reference]]:
        """The header's value with every known secret in its place, and the references for which there is none."""
        missing = []
        for reference in header_references(name, value):
            secret = self._value(reference)
            if secret is None:
                missing.append(reference)
            elif reference.name == "cookie" and (reference.name, reference.digest) not in self._values:
                return secret, []  # one value for all cookies is the whole header, not the value of each cookie
            else:
                value = _put(value, reference.text, secret)
        return value, missing

    def path(self, path: bytes) -> tuple[bytes, list[Reference]]:
        """The same for the query fields of a path."""
        missing = []
        for reference in query_references(path):
            secret = self._value(reference)
            if secret is None:
                missing.append(reference)
            else:
                path = path.replace(reference.text, quote(secret, safe="%-._~").encode("ascii"))
        return path, missing


def header_references(name: bytes, value: bytes) -> list[Reference]:
    """The references that redaction put into this header.

    Only those labelled with the header's own name count. Anything else that looks like one came over the wire as it is
    (redaction replaces what it hides, forgeries included), and filling it in would hand a secret to whoever wrote it.
    """
    if b"{{secret:" not in value:
        return []
    label = _normal(clean_label(name.decode("latin-1")))
    return list(dict.fromkeys(found for found in find_references(value) if _normal(found.name) == label))


def query_references(path: bytes) -> list[Reference]:
    """The references that redaction put into the query, by the same rule: `?token={{secret:token:…}}`."""
    if b"{{secret:" not in path:
        return []
    found: dict[Reference, None] = {}
    for match in _FIELD.finditer(path):
        label = clean_label(unquote_to_bytes(match["field"].replace(b"+", b" ")).decode("latin-1"))
        found.update((reference, None) for reference in find_references(match["value"]) if reference.name == label)
    return list(found)


def _normal(name: str) -> str:
    """Redaction takes `X_Api_Key` for `X-Api-Key`, as many servers do, and labels it so."""
    return name.replace("_", "-")


def references_of(headers: Headers, path: bytes) -> list[Reference]:
    """Every secret that sending this request needs, without duplicates."""
    found = [
        reference
        for name, value in headers
        if not name.lower().startswith(b"proxy-")  # for the proxy that captured it; never sent on
        for reference in header_references(name, value)
    ]
    return list(dict.fromkeys([*found, *query_references(path)]))


def _put(value: bytes, reference: bytes, secret: bytes) -> bytes:
    """Redaction keeps the scheme, `Bearer {{secret:…}}`; a secret that brings its own does not double it."""
    scheme = value.partition(reference)[0]
    if scheme.strip() and secret.lower().startswith(scheme.lower()):
        secret = secret[len(scheme) :]
    return value.replace(reference, secret)
