"""The configuration as it is now, for work that goes on while its rules change."""

import logging

from ..config import Reloader, Settings
from ..errors import ConfigError

logger = logging.getLogger(__name__)


class SettingsInForce:
    """Call it for the settings. A file that cannot be used leaves those before it in force."""

    def __init__(self, settings: Settings, reloader: Reloader) -> None:
        self._settings = settings
        self._reloader = reloader

    def __call__(self) -> Settings:
        try:
            self._settings = self._reloader.poll() or self._settings
        except ConfigError as error:
            logger.warning("Coverage goes by the rules it has: %s", error)
        return self._settings
