"""Reads out of a live answer what it made in the place of the recorded values that later requests use."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from entrepot_store.model import Headers

from ..flow.links import Make
from ..flow.part import Part
from ..flow.reading import response_parts
from .align import Items, live_pointer
from .idmap import IdMap


def learn_made(
    makes: Sequence[Make],
    path: bytes,
    headers: Headers,
    content_type: str,
    body: bytes | None,
    *,
    step: int,
    idmap: IdMap,
    recorded_body: Callable[[], bytes],
    learned: Callable[[str, bytes], None],
) -> None:
    """`path` is that of the recorded request, the rest is the live answer's. `recorded_body` is read only where a list
    has to be lined up; `learned` takes the live value of a secret, by the digest of its reference."""
    if not makes:
        return
    live: dict[str, Part] = {}
    for part in response_parts(path, headers, content_type, body):
        live.setdefault(part.where, part)
    secrets = {make.where for make in makes if make.secret}
    lists = _Lists(recorded_body, body, idmap)
    counts = _Counts(path, content_type, recorded_body, live)
    for make in makes:
        where = lists.live_place(make.where) if counts.agree(make.where) else None
        found = None if where is None else live.get(where)
        if found is None or not (found.text or make.secret):
            continue
        if make.secret:
            is_cookie = found.secret or make.where.startswith("cookie:")
            value = _secret(make.where, headers) if is_cookie else None
            learned(make.secret, found.text.encode("utf-8") if value is None else value)
        else:
            idmap.learn(make.key, found.text, step=step, where=make.where, stored=make.where not in secrets)


def _secret(where: str, headers: Headers) -> bytes | None:
    """The value of a live cookie, as it was sent."""
    wanted = where.removeprefix("cookie:").encode("latin-1")
    for name, value in headers:
        if name.lower() == b"set-cookie":
            found, equals, content = value.partition(b";")[0].strip().partition(b"=")
            if equals and found == wanted:
                return content
    return None


class _Counts:
    """Whether values that are told by their number in a text (`xml:vpcId#2`) can be: with one more in front of them,
    each would be taken for the next."""

    def __init__(
        self, path: bytes, content_type: str, recorded_body: Callable[[], bytes], live: Mapping[str, Part]
    ) -> None:
        self._path = path
        self._content_type = content_type
        self._recorded_body = recorded_body
        self._live = live
        self._counts: tuple[Counter[str], Counter[str]] | None = None

    def agree(self, where: str) -> bool:
        if not where.startswith(("xml:", "text#")):
            return True
        if self._counts is None:
            recorded = response_parts(self._path, (), self._content_type, self._recorded_body())
            self._counts = _counted({part.where for part in recorded}), _counted(self._live)
        name = where.partition("#")[0]
        return self._counts[0][name] == self._counts[1][name]


def _counted(places: Iterable[str]) -> Counter[str]:
    return Counter(place.partition("#")[0] for place in places if "|" not in place)


class _Lists:
    """Finds the live place of a value that stood in a list when it was recorded."""

    def __init__(self, recorded_body: Callable[[], bytes], live_body: bytes | None, idmap: IdMap) -> None:
        self._recorded_body = recorded_body
        self._live_body = live_body
        self._idmap = idmap
        self._documents: tuple[Any, Any] | None = None
        self._known: dict[int, Items] = {}

    def live_place(self, where: str) -> str | None:
        place, bar, inner = where.partition("|")
        if not place.startswith("json:") or not any(step.isdigit() for step in place.split("/")):
            return where
        recorded, live = self._both()
        if recorded is None or live is None:
            return where
        found = live_pointer(recorded, live, place.removeprefix("json:"), self._idmap.translate, self._known)
        return None if found is None else f"json:{found}{bar}{inner}"

    def _both(self) -> tuple[Any, Any]:
        if self._documents is None:
            try:
                self._documents = json.loads(self._recorded_body()), json.loads(self._live_body or b"null")
            except (ValueError, RecursionError):
                self._documents = None, None
        return self._documents
