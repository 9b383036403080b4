"""What stands for a secret: `{{secret:authorization:4f1c…}}`, its label and a keyed hash of it.

The hash is BLAKE2b with the installation's redaction key, 128 bits in hex, of the secret alone and not of the label:
equal secrets stay equal wherever they occur, so a replay that knows a secret by its hash can put it back everywhere.
Without the key nobody can try guesses against a reference.
"""

import re
from hashlib import blake2b
from typing import NamedTuple

_PURPOSE = b"entrepot-secret1"
"""Keeps these hashes apart from any other use of the same key."""
_REFERENCE = re.compile(rb"\{\{secret:([a-z0-9_.-]+):([0-9a-f]{32})\}\}")
_NOT_IN_LABEL = re.compile(r"[^a-z0-9_.-]")


def reference_for(key: bytes, label: str, value: bytes) -> bytes:
    """The reference to the secret `value`; `label` says where it was: a header's or a query field's name, `cookie`."""
    return b"{{secret:%s:%s}}" % (clean_label(label).encode(), secret_hash(key, value))


def secret_hash(key: bytes, value: bytes) -> bytes:
    """32 hex digits."""
    return blake2b(value, key=key, digest_size=16, person=_PURPOSE).hexdigest().encode()


def clean_label(label: str) -> str:
    """The label with everything replaced by `_` that could end a reference or be misread in a header or URL."""
    return _NOT_IN_LABEL.sub("_", label.lower())


class Reference(NamedTuple):
    """One reference: the label, as `name`, and the hash of the secret, as 32 hex `digest` digits."""

    name: str
    digest: str

    @property
    def text(self) -> bytes:
        return b"{{secret:%s:%s}}" % (self.name.encode(), self.digest.encode())


def find_references(text: str | bytes) -> list[Reference]:
    """Every reference in the text, in order, repeated ones repeatedly. Who made them cannot be told: see
    `docs/how-to/redaction.md` for the places where a reference can be relied on."""
    raw = text.encode(errors="surrogateescape") if isinstance(text, str) else text
    return [Reference(name.decode(), digest.decode()) for name, digest in _REFERENCE.findall(raw)]


def is_reference(value: bytes) -> bool:
    """Whether the whole value has the form of a reference; who made it cannot be told."""
    return _REFERENCE.fullmatch(value) is not None
