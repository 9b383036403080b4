"""Recognises requests with an AWS Signature Version 4, in `Authorization` or in a presigned URL, redacted or not."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from entrepot_store.redact import find_references
from entrepot_store.redact.sigv4 import Scope, scope_of_credential, scope_of_header

SIGV4 = "sigv4"
"""The name under which a plan lists the keys that sign requests: no header has it."""

_HEADERS = frozenset({b"authorization", b"x-amz-security-token"})
_FIELDS = frozenset(
    f"x-amz-{name}"
    for name in ("algorithm", "credential", "date", "expires", "signedheaders", "signature", "security-token")
)


@dataclass(frozen=True, slots=True)
class Signature:
    """What a recorded signature held for. `expires` is how many seconds a presigned URL was good for, None for a
    signature in a header; `digest` the hash of the access key id, empty where that was not redacted."""

    scope: Scope
    expires: int | None = None

    @classmethod
    def of(cls, headers: Iterable[tuple[bytes, bytes]], path: bytes) -> "Signature | None":
        """The signature of a request; None if it has none whose scope is known."""
        for name, value in headers:
            if len(name) == 13 and name.lower() == b"authorization":
                scope = scope_of_header(value)
                return None if scope is None else cls(scope)
        return cls._presigned(path)

    @classmethod
    def _presigned(cls, path: bytes) -> "Signature | None":
        if b"ignature=" not in path:
            return None
        fields = dict(query_fields(path))
        scope = scope_of_credential(fields.get("x-amz-credential", b""))
        if scope is None or fields.get("x-amz-algorithm", b"").upper() != b"AWS4-HMAC-SHA256":
            return None
        expires, names = fields.get("x-amz-expires", b""), fields.get("x-amz-signedheaders", b"")
        signed = tuple(names.decode("latin-1").lower().split(";"))
        return cls(scope._replace(signed_headers=signed), int(expires) if expires.isdigit() else 3600)

    @property
    def digest(self) -> str:
        found = find_references(self.scope.key)
        return found[0].digest if found else ""

    def replaces_header(self, name: bytes) -> bool:
        """Whether signing anew makes this header."""
        return self.expires is None and name.lower() in _HEADERS

    def replaces_field(self, name: str) -> bool:
        """Whether signing anew makes this field of the query."""
        return self.expires is not None and name.lower() in _FIELDS


def query_fields(path: bytes) -> list[tuple[str, bytes]]:
    """Names (lower case) and values of a query, without their percent-encoding."""
    fields = []
    for pair in path.partition(b"?")[2].split(b"&"):
        name, _, value = pair.partition(b"=")
        fields.append((unquote_to_bytes(name).decode("latin-1").lower(), unquote_to_bytes(value)))
    return fields
