"""Reads `entrepot.toml`, lays the environment and the command line over it, and refuses what is wrong by name.

A refusal says file, key and reason: `entrepot.toml: rule[0].action: Input should be 'protect', 'capture' or 'ignore'`.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsError

from ..errors import ConfigError
from .settings import Settings

DEFAULT_FILE = "entrepot.toml"


def load_settings(file: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """The configuration in force.

    `file` None means `$ENTREPOT_CONFIG`, else `entrepot.toml` in the working directory if there is one.
    `overrides` come from the command line and win; its keys are those of the file (`{"api": {"listen": …}}`).
    Raises ConfigError.
    """
    named = file or (Path(os.environ["ENTREPOT_CONFIG"]) if os.environ.get("ENTREPOT_CONFIG") else None)
    path = named or Path(DEFAULT_FILE)
    content = _read(path) if named or path.exists() else {}
    try:
        return _with_file(content)(**(overrides or {}))
    except ValidationError as error:
        raise ConfigError(
            _sentences(error, path if content else None), hint="See docs/configuration.md; nothing was started."
        ) from None
    except SettingsError as error:
        raise ConfigError(f"environment: {error}", hint="Lists and tables in variables are written as JSON.") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            return tomllib.load(stream)
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: there is no such file.", hint="Name another with --config or ENTREPOT_CONFIG."
        ) from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not valid TOML: {error}.") from None


def _with_file(content: dict[str, Any]) -> type[Settings]:
    """A Settings class whose lowest source is the file's content: pydantic-settings takes sources per class."""

    class FromFile(PydanticBaseSettingsSource):
        def get_field_value(
            self, field: Any, field_name: str
        ) -> tuple[Any, str, bool]:  # pragma: no cover - unused hook
            return content.get(field_name), field_name, False

        def __call__(self) -> dict[str, Any]:
            return content

    class Loaded(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, FromFile(settings_cls)

    return Loaded


def _sentences(error: ValidationError, path: Path | None) -> str:
    """One clause per mistake, the file first."""
    clauses = []
    for mistake in error.errors(include_url=False, include_context=False):
        key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in mistake["loc"]).lstrip(".")
        reason = mistake["msg"].removeprefix("Value error, ")
        if mistake["type"] == "extra_forbidden":
            reason = "there is no such key"
        clauses.append(f"{key}: {reason}" if key else reason)
    where = str(path) if path else "configuration"
    return f"{where}: " + "; ".join(clauses) + "."
