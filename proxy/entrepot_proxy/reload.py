"""Rules and products that change while the proxy runs: on SIGHUP, and when the configuration file changes."""

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from entrepot_store.clock import Clock, SystemClock, to_rfc3339
from entrepot_store.config import Settings, load_settings
from entrepot_store.config.load import DEFAULT_FILE
from entrepot_store.errors import EntrepotError
from entrepot_store.rules import ProductNames, RuleSet

from .addon import Policy

logger = logging.getLogger(__name__)

type _Stamp = tuple[int, int, int] | None


def compile_policy(settings: Settings, key: bytes) -> Policy:
    """Raises ConfigError for a rule that does not compile."""
    return Policy(RuleSet.compile(settings, key), ProductNames(settings.product))


class PolicySource:
    """Reads the configuration again when asked to or when its file changes. A bad file changes nothing and is told."""

    def __init__(
        self,
        file: Path | None,
        overrides: Mapping[str, Any],
        key: bytes,
        swap: Callable[[Policy], None],
        clock: Clock | None = None,
    ) -> None:
        """`swap` gets the new policy. The configuration in force was loaded by the caller just before."""
        self._file = file
        self._overrides = overrides
        self._key = key
        self._swap = swap
        self._clock = clock or SystemClock()
        self._watched = file or Path(os.environ.get("ENTREPOT_CONFIG") or DEFAULT_FILE)
        self._stamp = self._look()
        self.loaded_at = to_rfc3339(self._clock.now())
        self.error: str | None = None

    def check(self) -> None:
        """Reloads if the file is another than last time. Called about once a second."""
        if self._look() != self._stamp:
            self.reload()

    def reload(self) -> bool:
        """Whether the configuration was good; otherwise the old one stays in force and `error` says why."""
        self._stamp = self._look()
        try:
            policy = compile_policy(load_settings(self._file, self._overrides), self._key)
        except (EntrepotError, ValueError) as error:
            self.error = str(error)
            message = "the configuration was not reloaded, the old rules stay in force: %s"
            logger.error(message, error)  # noqa: TRY400 # the sentence says all there is to say
            return False
        self._swap(policy)
        self.loaded_at = to_rfc3339(self._clock.now())
        self.error = None
        logger.info("rules and products reloaded from %s; other settings change with a restart", self._watched)
        return True

    def _look(self) -> _Stamp:
        try:
            status = self._watched.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino
