"""Hooks that fail loudly. mitmproxy logs an exception from a hook and lets the traffic pass: a capture would be lost
without a count. Every hook of ours is wrapped so that its addon hears of the exception first."""

import functools
from collections.abc import Callable
from typing import Any, Protocol


class Guarded(Protocol):
    """What the wrapped hooks' class provides."""

    def hook_failed(self, hook: str, subject: Any, error: Exception) -> None:
        """`subject` is the hook's argument: a flow or a connection. Must not raise."""
        ...


def guarded[S: Guarded, A, R](hook: Callable[[S, A], R]) -> Callable[[S, A], R | None]:
    """Wraps a hook method; what it returns (an awaitable, for hooks that wait) is passed on."""

    @functools.wraps(hook)
    def call(self: S, subject: A) -> R | None:
        try:
            return hook(self, subject)
        except Exception as error:  # noqa: BLE001 # the point of it: the addon counts and logs whatever it is
            self.hook_failed(hook.__name__, subject, error)
            return None

    return call
