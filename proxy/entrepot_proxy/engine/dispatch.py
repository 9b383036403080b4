"""Which functions answer a hook, looked up once.

Stock mitmproxy walks its whole tree of addons for every hook of every request: 45 % of its time under load. The set of
addons never changes while the engine runs, so the walk is done once, at the start. `connection` calls what is found.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import fields
from typing import Any

from mitmproxy.hooks import Hook, all_hooks

logger = logging.getLogger(__name__)

type HookFunction = Callable[..., Any]


class HookTable:
    """Hook class → the functions that answer it, in the order of the addons."""

    def __init__(self, addons: Iterable[object]) -> None:
        chain = tuple(addons)
        self._functions: dict[type[Hook], tuple[str, tuple[HookFunction, ...]]] = {}
        for hook in all_hooks.values():
            functions = tuple(function for addon in chain if callable(function := getattr(addon, hook.name, None)))
            argument = [field.name for field in fields(hook)]  # type: ignore[arg-type] # every hook class is a dataclass
            if functions and len(argument) == 1:
                self._functions[hook] = argument[0], functions

    def run(self, hook: Hook) -> Awaitable[None] | None:
        """Calls every function that can be called at once. Returns None when all is done, else what to await.

        An exception is logged and the next function is called, as in mitmproxy: traffic goes on. (The capture addon
        never lets one get here; it counts its own, see `entrepot_proxy.guard`.)
        """
        found = self._functions.get(type(hook))
        if found is None:
            return None
        field, functions = found
        argument = getattr(hook, field)
        for position, function in enumerate(functions):
            try:
                result = function(argument)
            except Exception:
                logger.exception("%s failed in %r", hook.name, function)
                continue
            if result is not None and isinstance(result, Awaitable):
                return self._rest(hook.name, result, functions[position + 1 :], argument)
        return None

    @staticmethod
    async def _rest(name: str, first: Awaitable[None], functions: tuple[HookFunction, ...], argument: object) -> None:
        try:
            await first
        except Exception:
            logger.exception("%s failed", name)
        for function in functions:
            try:
                result = function(argument)
                if result is not None and isinstance(result, Awaitable):
                    await result
            except Exception:
                logger.exception("%s failed in %r", name, function)
