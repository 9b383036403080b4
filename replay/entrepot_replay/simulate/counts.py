"""What a simulation has answered so far."""

import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any

from .answer import Answer
from .asked import Asked

MOST_MISSES = 1_000
"""Different requests that are counted one by one; all others together."""


@dataclass(slots=True, frozen=True)
class Miss:
    """A request that nothing answered, how often, and why."""

    request: str
    times: int
    why: str


class Counts:
    """Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hits = 0
        self._failures = 0
        self._left_out: Counter[str] = Counter()
        self._secrets = 0
        self._misses: Counter[str] = Counter()
        self._why: dict[str, str] = {}
        self._unlisted = 0

    def hit(self, answer: Answer) -> None:
        with self._lock:
            self._hits += 1
            self._left_out.update(answer.left_out)
            self._secrets += answer.secrets

    def miss(self, asked: Asked, why: str) -> None:
        request = f"{asked.method} {asked.path}{'?' + asked.query if asked.query else ''}"[:2000]
        with self._lock:
            if request in self._misses or len(self._misses) < MOST_MISSES:
                self._misses[request] += 1
                self._why[request] = why
            else:
                self._unlisted += 1

    def failure(self) -> None:
        """Neither: vault or catalog could not be read."""
        with self._lock:
            self._failures += 1

    @property
    def hits(self) -> int:
        return self._hits

    @property
    def misses(self) -> list[Miss]:
        """The most frequent first."""
        with self._lock:
            return [Miss(request, times, self._why[request]) for request, times in self._misses.most_common()]

    def to_json(self) -> dict[str, Any]:
        with self._lock:
            return {
                "hits": self._hits,
                "misses": sum(self._misses.values()) + self._unlisted,
                "failures": self._failures,
                "headers_left_out": dict(self._left_out.most_common()),
                "contents_with_secrets": self._secrets,
                "missed": [
                    {"request": request, "times": times, "why": self._why[request]}
                    for request, times in self._misses.most_common()
                ],
                "missed_unlisted": self._unlisted,
            }
