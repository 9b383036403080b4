"""Makes a request of a document's content: the fields that clients send, under the headers of a recorded write."""

import json
from dataclasses import replace
from decimal import Decimal

from entrepot_store.catalog import ExchangeRow
from entrepot_store.documents.canonical import is_json

from .live import bare_headers
from .shape import Shape
from .wanted import Content


def made_body(content: Content, shape: Shape) -> bytes:
    """Raises ValueError for JSON with a number that would come out otherwise, or that is none."""
    if content.sent or not is_json(content.media_type) or not shape.known:
        return content.data
    value = json.loads(content.data, parse_float=_exact)
    return json.dumps(shape.only_sent(value), ensure_ascii=False, separators=(",", ":")).encode()


def made_row(like: ExchangeRow, method: str, path: str, content: Content | None) -> ExchangeRow:
    """The exchange as if it had been recorded: the headers of `like`, the method, and the document's path."""
    headers = bare_headers(like)
    media_type = ""
    if content is not None:
        recorded = like.request.content_type if is_json(content.media_type) else ""
        media_type = recorded or content.media_type
        headers.append((b"Content-Type", media_type.encode("latin-1", "replace")))
    scheme, _, rest = like.url.partition("://")
    request = replace(like.request, headers=tuple(headers), content_type=media_type, encoding="", size=0)
    url = f"{scheme}://{rest.partition('/')[0]}{path}"
    return replace(like, method=method, url=url, path=path, request=request)


def _exact(text: str) -> float:
    value = float(text)
    if Decimal(repr(value)) != Decimal(text):
        raise ValueError(f"the number {text[:50]} cannot be written exactly")
    return value
