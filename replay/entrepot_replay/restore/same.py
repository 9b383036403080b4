"""Whether what the target holds is what a document was: by structure where it is JSON, by bytes where it is not.

A difference decides unless the id map or noise accounts for it (`mapping.explain`), or it lies where only the server
writes (`shape`).
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from entrepot_store.catalog.replays import Difference

from ..answer import Answer
from ..compare import MAX_DIFFERENCES, MAX_TEXT
from ..flow.bodies import json_parts
from ..flow.reading import Place
from ..jsondiff import Found, json_differences, parse_json
from ..mapping import IdMap
from ..mapping.explain import Explainer
from .shape import Shape
from .wanted import Content

OWN = "only the server writes it"


def differences(
    content: Content, answer: Answer, path: str, *, shape: Shape, idmap: IdMap, now: int
) -> list[Difference]:
    """In what the answer to a read of `path` is not the content; those that are accounted for do not decide. `now` is
    when it was asked, in microseconds. An answer too long to be held is compared by its digest alone."""
    if answer.digest == (content.data if content.long else sha256(content.data).digest()):
        return []
    if content.long or answer.body is None:
        return [Difference("body", "(another content)", f"{answer.size} bytes")]
    media_type = (answer.header(b"content-type") or b"").decode("latin-1")
    live = Content(answer.body, media_type, now)
    return _compared(content, live, path, shape, idmap)


def was_changed(before: Content, after: Content, path: str, shape: Shape) -> bool:
    """Whether something that clients send differs between two contents that were recorded one after the other."""
    if before.data == after.data or before.long or after.long:
        return before.data != after.data
    return decides(_compared(before, after, path, shape, IdMap()))


def _compared(content: Content, live: Content, path: str, shape: Shape, idmap: IdMap) -> list[Difference]:
    one, other = parse_json(content.media_type, content.data), parse_json(live.media_type, live.data)
    if one is None or other is None:
        return _bytes(content.data, live.data, idmap)
    collection = Place.of(path.encode("latin-1", "replace")).collection
    sent = shape.only_sent(one.value) if shape.known and not content.sent else one.value
    shown = _around(one.value, other.value) if content.sent else other.value

    def sent_texts() -> frozenset[str]:
        return frozenset(part.text for part in json_parts(sent, collection))

    explainer = Explainer(
        idmap, step=-1, collection=collection, sent=sent_texts, recorded_at=content.at, sent_at=live.at
    )
    return _bounded(_judged(found, content, shape, explainer) for found in json_differences(one.value, shown))


def decides(found: Iterable[Difference]) -> bool:
    return any(one.decisive for one in found)


def _judged(found: Found, content: Content, shape: Shape, explainer: Explainer) -> Difference:
    why = "" if found.values is None else explainer.leaf(found.where, *found.values)
    if not why and content.sent and found.recorded is None:
        why = OWN  # beside what was sent, and nobody knows what stood there
    if not why and not content.sent and shape.known and not shape.is_sent(found.where):
        why = OWN
    return Difference(
        found.where[:MAX_TEXT],
        (found.recorded or "(absent)")[:MAX_TEXT],
        (found.live or "(absent)")[:MAX_TEXT],
        not why,
        why,
    )


def _around(sent: Any, live: Any) -> Any:
    """The part of an answer that has the fields that were sent: the answer, or what one of its members wraps."""
    if isinstance(sent, dict) and isinstance(live, dict) and not sent.keys() <= live.keys():
        for inner in live.values():
            if isinstance(inner, dict) and sent.keys() <= inner.keys():
                return inner
    return live


def _bytes(recorded: bytes, live: bytes, idmap: IdMap) -> list[Difference]:
    try:
        mapped = idmap.translate(recorded.decode("utf-8")) == live.decode("utf-8")
    except UnicodeDecodeError:
        mapped = False
    shown = f"{len(recorded)} bytes", f"{len(live)} bytes, other content"
    return [] if recorded == live else [Difference("body", *shown, not mapped, "mapped" if mapped else "")]


def _bounded(found: Iterable[Difference]) -> list[Difference]:
    """The first ones, those that decide before the others."""
    everything = list(found)
    return sorted(everything, key=lambda one: not one.decisive)[:MAX_DIFFERENCES]
