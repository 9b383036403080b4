"""Recorded value → live value. Filled while a replay runs, stored with it, reusable by another.

Secrets are not in it: what stands for them are references, and the live ones stay in `Credentials`.
"""

import re
from collections.abc import Iterable
from threading import Lock

from entrepot_store.catalog.replays import Value

from ..flow.names import entity
from ..flow.values import Key, is_distinctive, text_key

__all__ = ["IdMap", "Value"]

_TOKEN = re.compile(r"[A-Za-z0-9_.~+=@-]+")
_SEGMENT = re.compile(r"(?<=/)([A-Za-z][A-Za-z0-9_.-]*)/([A-Za-z0-9_.~-]{1,64})(?=$|[/?#\"'&\s])")


class IdMap:
    """One replay's map. Safe to share between threads."""

    def __init__(self, values: Iterable[Value] = ()) -> None:
        self._lock = Lock()
        self._live: dict[Key, str] = {}
        self._fixed: set[Key] = set()
        self._taken: dict[tuple[str, str], Key] = {}
        """(role, live value) → what it stands for; the first, where several share it."""
        self._news: dict[int | None, list[Value]] = {}
        """By the step that found them."""
        for value in values:
            key = Key(value.role, value.recorded) if value.role else text_key(value.recorded)
            if value.live is not None:
                self._live[key] = value.live
                self._taken.setdefault((key.role, value.live), key)
            if value.edited:
                self._fixed.add(key)

    def __len__(self) -> int:
        return len(self._live)

    def live(self, key: Key) -> str | None:
        """What stands in the value's place now; None if nothing is known of it."""
        return self._live.get(key)

    def stands_for(self, role: str, live: str) -> Key | None:
        """The recorded value of that role in whose place the live one is; None if it is in nobody's."""
        return self._taken.get((role, live))

    def learn(self, key: Key, live: str, *, step: int, where: str, stored: bool = True) -> bool:
        """Notes what the target made in the value's place. False if it is known to be something else: what an operator
        set stays, and so does what came first, unless it is a version mark, of which the newest counts. `stored` False
        keeps it in memory only: a secret."""
        with self._lock:
            known = self._live.get(key)
            if known == live:
                return True
            if key in self._fixed or (known is not None and not key.role.startswith("etag ")):
                return False
            self._live[key] = live
            self._taken.setdefault((key.role, live), key)
            if stored:
                self._news.setdefault(step, []).append(Value(key.role, key.text, live, step, where))
            return True

    def miss(self, key: Key, *, step: int | None, where: str) -> None:
        """Notes that a request needed the value and nothing was known of it."""
        with self._lock:
            if key not in self._live:
                self._news.setdefault(step, []).append(Value(key.role, key.text, None, step, where))

    def news(self, step: int) -> tuple[Value, ...]:
        """What that step found since this was last asked, to be stored together with its outcome: were it stored with
        another step's, a crash between the two would leave a step that is done and whose ids nobody knows."""
        with self._lock:
            return tuple(self._news.pop(step, ()))

    def translate(self, text: str) -> str:
        """The text with live values in the place of recorded ones: all of it, or each distinctive token in it, and ids
        that follow the name of what they are the id of (`/orders/7`)."""
        if not self._live:
            return text
        whole = self._live.get(text_key(text))
        if whole is not None:
            return whole
        text = _TOKEN.sub(self._token, text) if len(text) >= 8 else text
        return _SEGMENT.sub(self._segment, text) if "/" in text else text

    def _token(self, found: re.Match[str]) -> str:
        token = found[0]
        if not is_distinctive(token):
            return _inner(token, self._live) if "-" in token or "_" in token or "." in token else token
        return self._live.get(text_key(token), token)

    def _segment(self, found: re.Match[str]) -> str:
        live = self._live.get(Key(entity(found[1]), found[2]))
        return found[0] if live is None else f"{found[1]}/{live}"


def _inner(token: str, live: dict[Key, str]) -> str:
    return re.sub(r"[A-Za-z0-9]{8,}", lambda found: live.get(text_key(found[0]), found[0]), token)
