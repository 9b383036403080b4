"""Rules and products that change while the proxy runs: on SIGHUP, and when the configuration file changes."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from entrepot_store.clock import Clock, SystemClock, to_rfc3339
from entrepot_store.config import Settings
from entrepot_store.config.reload import Reloader, needs_restart
from entrepot_store.errors import EntrepotError

from .policy import Policy, compile_policy

logger = logging.getLogger(__name__)


class PolicySource:
    """Reads the configuration again when asked to or when its file changes. A bad file changes nothing and is told."""

    def __init__(
        self,
        settings: Settings,
        file: Path | None,
        overrides: Mapping[str, Any],
        key: bytes,
        swap: Callable[[Policy], None],
        *,
        clock: Clock | None = None,
    ) -> None:
        """`settings` are those in force, loaded from `file` and `overrides` just before; `swap` gets a new policy."""
        self._settings = settings
        self._reloader = Reloader(file, overrides)
        self._key = key
        self._swap = swap
        self._clock = clock or SystemClock()
        self.loaded_at = to_rfc3339(self._clock.now())
        self.error: str | None = None
        self._refused = 0

    def check(self, *, force: bool = False) -> None:
        """Reloads if the file has changed, or in any case with `force`. Called about once a second."""
        try:
            settings = self._reloader.poll(force=force)
            if settings is None:
                return
            policy = compile_policy(settings, self._key)
        except (EntrepotError, ValueError) as error:
            self.error = str(error)
            self._refused += 1
            message = "the configuration was not reloaded, the old rules stay in force: %s"
            logger.error(message, error)  # noqa: TRY400 # the sentence says all there is to say
            return
        self._swap(policy)
        self.loaded_at = to_rfc3339(self._clock.now())
        self.error = None
        logger.info("rules and products were reloaded from %s", self._reloader.path)
        if changed := needs_restart(self._settings, settings):
            logger.warning("%s changed too; that takes effect with a restart", ", ".join(changed))

    def facts(self) -> dict[str, str | int | None]:
        """What the state file says of the rules; its numbers become metrics. `stale` is 1 while the file is one that
        could not be used, `refused` counts such files."""
        return {
            "loaded_at": self.loaded_at,
            "error": self.error,
            "stale": int(self.error is not None),
            "refused": self._refused,
        }
