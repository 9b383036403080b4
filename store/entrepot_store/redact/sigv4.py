"""Where the secrets are in what AWS Signature Version 4 adds to a request: the access key id, and the signature.

`Credential=AKID/20261122/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=5d67…`: date, region,
service and the names of the signed headers are no secrets, and a replay cannot sign anew without them.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

SCHEME = b"aws4-hmac-sha256"
CREDENTIAL_FIELD = b"x-amz-credential"
"""The query field of a presigned URL that holds access key id and scope."""

_REFERENCE = rb"\{\{secret:[a-z0-9_.-]+:[0-9a-f]{32}\}\}"
_SCOPE = rb"(?P<scope>/(?P<date>\d{8})/(?P<region>[a-z0-9-]{1,64})/(?P<service>[a-z0-9-]{1,64})/aws4_request)"
_CREDENTIAL = re.compile(rb"(?P<key>[!-+\--~]+?)" + _SCOPE)  # no comma, which ends it in the header
_SIGNED = re.compile(
    rb"(?P<before>Credential=)"
    + _CREDENTIAL.pattern
    + rb"(?P<between>[ \t]*,[ \t]*SignedHeaders=(?P<names>[a-z0-9;_.-]{1,4096})[ \t]*,[ \t]*Signature=)"
    + rb"(?P<signature>[0-9a-f]{64}|"
    + _REFERENCE
    + rb")"
)


class Scope(NamedTuple):
    """What a signature holds for, and which headers it covers (lower case; none where a URL is signed)."""

    key: bytes
    region: str
    service: str
    signed_headers: tuple[str, ...]


def redact_signed(value: bytes, hide: Callable[[bytes], bytes]) -> bytes | None:
    """What follows the scheme in `Authorization`, without access key id and signature; None if it is not of that form,
    and may have secrets anywhere."""
    match = _SIGNED.fullmatch(value)
    if match is None:
        return None
    key, signature = hide(match["key"]), hide(match["signature"])
    return match["before"] + key + match["scope"] + match["between"] + signature


def redact_credential(value: bytes, hide: Callable[[bytes], bytes]) -> bytes | None:
    """The same for the value of `X-Amz-Credential`, without its percent-encoding."""
    match = _CREDENTIAL.fullmatch(value)
    return None if match is None else hide(match["key"]) + match["scope"]


def scope_of_header(value: bytes) -> Scope | None:
    """The scope of a whole `Authorization` value, redacted or not; None if it is none of Signature Version 4."""
    scheme, _, rest = value.strip().partition(b" ")
    match = _SIGNED.fullmatch(rest.strip()) if scheme.lower() == SCHEME else None
    return None if match is None else _scope(match, match["names"])


def scope_of_credential(value: bytes) -> Scope | None:
    """The scope of an `X-Amz-Credential`, without its percent-encoding."""
    match = _CREDENTIAL.fullmatch(value)
    return None if match is None else _scope(match, b"")


def _scope(match: re.Match[bytes], names: bytes) -> Scope:
    return Scope(match["key"], match["region"].decode(), match["service"].decode(), tuple(names.decode().split(";")))
