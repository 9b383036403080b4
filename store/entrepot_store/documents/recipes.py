"""The recipes in force: read from the configuration again when its file changes, so that shipping follows the rules
that the proxy follows without being restarted."""

import logging
from collections.abc import Mapping

from ..config import Reloader, Settings
from ..errors import ConfigError
from .interpreter import Recipe, recipes_of

logger = logging.getLogger(__name__)


class CurrentRecipes:
    """Call it for the recipes by rule. A file that cannot be used leaves those before it in force, and says so."""

    def __init__(self, settings: Settings, reloader: Reloader | None = None) -> None:
        self._recipes = recipes_of(settings.rule)
        self._reloader = reloader

    def __call__(self) -> Mapping[str, Recipe]:
        if self._reloader is not None:
            try:
                changed = self._reloader.poll()
            except ConfigError as error:
                logger.warning("The rules stay as they were: %s", error)
            else:
                if changed is not None:
                    self._recipes = recipes_of(changed.rule)
        return self._recipes
