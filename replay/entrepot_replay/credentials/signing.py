"""Signs a request anew with AWS Signature Version 4, over what is really sent; the algorithm is botocore's.

Called when everything else about the request is settled: host, mapped path, headers, body.
"""

import logging
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import unquote

from .material import Keys
from .signature import Signature

# At DEBUG it logs what it signs, session tokens included, and signatures; nothing else of it is of interest.
logging.getLogger("botocore.auth").setLevel(logging.INFO)

UNSIGNED = b"UNSIGNED-PAYLOAD"
_S3 = ("s3", "s3-object-lambda", "s3-outposts")
_MADE = frozenset({b"authorization", b"x-amz-date", b"x-amz-security-token", b"x-amz-content-sha256"})
_MADE_FIELDS = ("algorithm", "credential", "date", "expires", "signedheaders", "signature", "security-token")

type Pairs = list[tuple[bytes, bytes]]


def sign(
    keys: Keys,
    signature: Signature,
    *,
    method: bytes,
    origin: str,
    path: bytes,
    headers: Pairs,
    digest: Callable[[], str],
) -> tuple[bytes, Pairs]:
    """Path and headers with a new signature, in the place of the old one.

    `origin` is `http://host:port`, `path` as it will be on the wire, `digest` reads the body for its SHA-256 in hex.
    Signed are the headers that were signed, `Host`, and every `x-amz-*`.
    """
    # Imported here: it takes a third of a second, and most replays sign nothing.
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import ReadOnlyCredentials

    secrets = ReadOnlyCredentials(keys.access_key, keys.secret_key, keys.token or None)
    region, service = keys.region or signature.scope.region, keys.service or signature.scope.service
    signer, presigned = _signers()[service in _S3, signature.expires is not None], signature.expires is not None
    recorded_hash = next((value for name, value in headers if name.lower() == b"x-amz-content-sha256"), b"")
    path = _without_signature(path) if presigned else path
    request = AWSRequest(method=method.decode("latin-1"), url=origin + path.decode("latin-1"))
    # Unsigned over TLS alone, as in the recording: elsewhere the hash is all that protects the body.
    unsigned = recorded_hash == UNSIGNED and (presigned or origin.startswith("https:"))
    request.context["hash"] = UNSIGNED.decode if unsigned else digest
    dated = any(name.lower() == b"x-amz-date" for name, _ in headers)
    for name, value in headers:
        if _is_signed(name, signature, dated=dated) and name.lower() not in _MADE:
            request.headers[name.decode("latin-1")] = _text(value)
    if presigned:
        signer(secrets, service, region, signature.expires).add_auth(request)
        return request.url.removeprefix(origin).encode("latin-1"), headers
    if recorded_hash and service not in _S3:
        request.headers["X-Amz-Content-SHA256"] = request.context["hash"]()
    # Fields of the query may be written with other escapes than those in which they are signed.
    request.params = _params(path)
    signer(secrets, service, region).add_auth(request)
    return path, _replaced(headers, {name.lower().encode("latin-1"): value for name, value in request.headers.items()})


@cache
def _signers() -> dict[tuple[bool, bool], Any]:
    """Signers by whether the service is S3 and whether a URL is signed. Their hash of the body is in the request's
    context: bodies may be longer than memory, so botocore does not get to see them."""
    from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth

    def payload(_signer: object, request: Any) -> str:
        return str(request.context["hash"]())

    return {
        (False, False): type("HeaderSigner", (SigV4Auth,), {"payload": payload}),
        (False, True): type("UrlSigner", (SigV4QueryAuth,), {"payload": payload}),
        (True, False): type("S3HeaderSigner", (S3SigV4Auth,), {"payload": payload}),
        (True, True): S3SigV4QueryAuth,  # by definition it does not sign the body
    }


def _is_signed(name: bytes, signature: Signature, *, dated: bool) -> bool:
    lower = name.lower().decode("latin-1")
    if lower == "date":  # botocore dates a request in one of the two, and takes this one if it is there
        return not dated and lower in signature.scope.signed_headers
    return lower == "host" or lower.startswith("x-amz-") or lower in signature.scope.signed_headers


def _replaced(headers: Pairs, made: dict[bytes, str]) -> Pairs:
    """New values where the old ones stood, under their recorded names; what had none comes at the end."""
    found: Pairs = []
    done = set()
    for name, value in headers:
        lower = name.lower()
        if lower == b"date" and lower in made:
            found.append((name, made[lower].encode("latin-1")))
        elif lower not in _MADE:
            found.append((name, value))
        elif lower in made and lower not in done:
            found.append((name, made[lower].encode("latin-1")))
        done.add(lower)
    for lower in (b"x-amz-date", b"x-amz-security-token", b"x-amz-content-sha256", b"authorization"):
        if lower in made and lower not in done:
            found.append((b"-".join(part.capitalize() for part in lower.split(b"-")), made[lower].encode("latin-1")))
    return found


def _without_signature(path: bytes) -> bytes:
    before, _, query = path.partition(b"?")
    names = {f"x-amz-{name}" for name in _MADE_FIELDS}
    kept = [
        pair for pair in query.split(b"&") if unquote(pair.partition(b"=")[0].decode("latin-1")).lower() not in names
    ]
    return before + b"?" + b"&".join(kept) if any(kept) else before


def _params(path: bytes) -> list[tuple[str, str]]:
    query = path.partition(b"?")[2].decode("latin-1")
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    return [(unquote(name), unquote(value)) for name, _, value in pairs]


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
