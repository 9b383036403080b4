"""Which references of a recorded request are redaction's own, and may be filled in.

Only those labelled with the name of their own header or query field count. Anything else that looks like one came over
the wire as it is (redaction replaces what it hides, forgeries included), and filling it in would hand a secret to
whoever wrote it.
"""

import re
from urllib.parse import unquote_to_bytes

from entrepot_store.model import Headers
from entrepot_store.redact import Reference, find_references
from entrepot_store.redact.reference import clean_label

from ..digests import is_digest_header
from .signature import SIGV4, Signature

_FIELD = re.compile(rb"[?#;&](?P<field>[^=?#;&]*)=(?P<value>\{\{secret:[^{}]*\}\})")


def header_references(name: bytes, value: bytes) -> list[Reference]:
    """The references that redaction put into this header."""
    if b"{{secret:" not in value:
        return []
    label = normal(clean_label(name.decode("latin-1")))
    return list(dict.fromkeys(found for found in find_references(value) if normal(found.name) == label))


def query_references(path: bytes) -> list[Reference]:
    """The references that redaction put into the query: `?token={{secret:token:…}}`."""
    if b"{{secret:" not in path:
        return []
    found: dict[Reference, None] = {}
    for match in _FIELD.finditer(path):
        label = clean_label(unquote_to_bytes(match["field"].replace(b"+", b" ")).decode("latin-1"))
        found.update((reference, None) for reference in find_references(match["value"]) if reference.name == label)
    return list(found)


def references_of(headers: Headers, path: bytes) -> list[Reference]:
    """Every secret that sending this request needs, without duplicates.

    A request with an AWS signature needs the keys to sign it anew, one secret named `sigv4` per access key; its old
    signature, which differs in every request, is not needed. Hashes over the body are made anew without any secret.
    """
    signature = Signature.of(headers, path)
    found: list[Reference] = []
    if signature is not None and signature.digest:
        found.append(Reference(SIGV4, signature.digest))
    found += [
        reference
        for name, value in headers
        if not name.lower().startswith(b"proxy-")  # for the proxy that captured it; never sent on
        and not is_digest_header(name)
        and (signature is None or not signature.replaces_header(name))
        for reference in header_references(name, value)
    ]
    found += [
        reference
        for reference in query_references(path)
        if signature is None or not signature.replaces_field(reference.name)
    ]
    return list(dict.fromkeys(found))


def normal(name: str) -> str:
    """Redaction takes `X_Api_Key` for `X-Api-Key`, as many servers do, and labels it so."""
    return name.replace("_", "-")


def label_of(header: str | None) -> str:
    """The name of the references in a header, that of Authorization if none is named."""
    return normal(clean_label(header or "authorization"))
