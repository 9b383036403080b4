"""Which of several recorded answers under one URL a client gets: by `Accept`, the recorded `Vary`, and whose it is."""

import re

from entrepot_store.catalog import ExchangeRow
from entrepot_store.model import Headers

from ..answer import header
from .asked import Asked
from .likeness import Likeness, likeness

_WEIGHT = re.compile(r"q\s*=\s*([01](?:\.\d{0,3})?)")
_OURS = {b"accept", b"accept-encoding", b"accept-datetime", b"range", b"*", b""}
"""Negotiated here: the content type, the coding, the moment and the range."""
_WHOSE = {b"authorization", b"cookie", b"x-api-key"}
_PREFERRED = _WHOSE | {b"origin", b"user-agent", b"referer"}
"""What differs between clients of one kind: the same is preferred, and another one is better than none."""


def quality(accept: bytes | None, media_type: str) -> float:
    """How much an `Accept` header wants a media type, 0 to 1 (RFC 9110 §12.5.1); its parameters are not looked at."""
    if accept is None or not accept.strip() or not media_type:
        return 1.0
    wanted: dict[str, float] = {}
    for entry in accept.decode("latin-1").lower().split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        weights = [found[1] for text in parameters if (found := _WEIGHT.fullmatch(text))]
        wanted[name] = max(wanted.get(name, 0.0), float(weights[0]) if weights else 1.0)
    essence = media_type.partition(";")[0].strip().lower()
    ranges = (essence, f"{essence.partition('/')[0]}/*", "*/*")
    return next((wanted[name] for name in ranges if name in wanted), 0.0)


def has_variants(row: ExchangeRow) -> bool:
    """Whether the answer is a content, of which there may be others under the same URL."""
    return row.status is not None and 200 <= row.status < 300 and row.response is not None and row.response.size > 0


def refusal(row: ExchangeRow, asked: Asked, key: bytes | None) -> str:
    """Why the recorded answer is not for this request; empty if it is."""
    response = row.response
    if response is None:
        return ""
    accept = asked.header(b"accept")
    if has_variants(row) and not quality(accept, response.content_type):
        return f"it was answered with {response.content_type}, and Accept asks for {_text(accept)}"
    for name in sorted(_vary(response.headers) - _OURS - _PREFERRED):
        recorded, value = header(row.request.headers, name), asked.header(name)
        if _alike(recorded, value, key) is Likeness.NONE:
            return f"its answer varies by {_text(name)}, which was {_text(recorded)} and is {_text(value)}"
    return ""


BEST = (Likeness.SAME, 1.0)
"""The most that `preference` can be."""


def preference(row: ExchangeRow, asked: Asked, key: bytes | None) -> tuple[int, float]:
    """The higher, the better the answer suits this client: its own one where answers are private, then what `Accept`
    weighs more."""
    response = row.response
    if response is None:
        return 0, 0.0
    vary = _vary(response.headers)
    control = (header(response.headers, b"cache-control") or b"").lower()
    names = (vary & _PREFERRED) | (_WHOSE if b"private" in control or b"no-store" in control else set())
    own = min((_alike(header(row.request.headers, name), asked.header(name), key) for name in names), default=None)
    return Likeness.SAME if own is None else own, quality(asked.header(b"accept"), response.content_type)


def _alike(recorded: bytes | None, asked: bytes | None, key: bytes | None) -> Likeness:
    if recorded is None or asked is None:
        return Likeness.SAME if recorded is asked else Likeness.NONE
    return likeness(recorded.strip(), asked.strip(), key)


def _vary(headers: Headers) -> set[bytes]:
    return {name.strip().lower() for name in (header(headers, b"vary") or b"").split(b",")}


def _text(value: bytes | None) -> str:
    return "absent" if value is None else value.decode("latin-1")[:100]
