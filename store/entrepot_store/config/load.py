"""Reads `entrepot.toml`, lays the environment and the command line over it, and refuses what is wrong by name.

`origins` and `refusal` find and word the mistakes. A running process reads its file again through `reload`.
"""

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsError

from ..errors import ConfigError
from .aws import aws_fallback
from .origins import COMMAND_LINE, ENVIRONMENT, Origin
from .refusal import did_you_mean, refusal
from .schema import PREFIX, is_structured, variables
from .settings import Settings

DEFAULT_FILE = "entrepot.toml"
FILE_VARIABLE = "ENTREPOT_CONFIG"
_HINT = "See docs/configuration.md; nothing was changed."


def load_settings(file: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """The configuration in force.

    `file` None means `$ENTREPOT_CONFIG`, else `entrepot.toml` in the working directory if there is one.
    `overrides` come from the command line and win; its keys are those of the file (`{"api": {"listen": …}}`).
    Raises ConfigError, which names file, key and reason, and never shows a secret.
    """
    named = named_file(file)
    path = named or Path(DEFAULT_FILE)
    content = _read(path) if named or path.exists() else {}
    _refuse_unknown_variables()
    origins = [Origin(COMMAND_LINE, overrides or {})]
    try:
        loaded = _layered(content, str(path), origins)(**(overrides or {}))
    except ValidationError as error:
        # From None: pydantic's own text quotes every value, secrets too, and would be in the traceback.
        raise ConfigError(refusal(error, Settings, origins), hint=_HINT) from None
    except SettingsError:
        names = ", ".join(_malformed_variables()) or "a variable"
        raise ConfigError(
            f"{ENVIRONMENT}: {names}: is not valid JSON.", hint="Lists and tables in variables are written as JSON."
        ) from None
    # A plain Settings, equal to any other with the same values: each loading has a class of its own.
    return Settings.model_construct(
        loaded.model_fields_set, **{name: getattr(loaded, name) for name in Settings.model_fields}
    )


def named_file(file: Path | None) -> Path | None:
    """The file that somebody named, as an argument or in `ENTREPOT_CONFIG`; None if nobody did."""
    variable = os.environ.get(FILE_VARIABLE)
    return file or (Path(variable) if variable else None)


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            return tomllib.load(stream)
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: there is no such file.", hint=f"Name another with --config or {FILE_VARIABLE}."
        ) from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}.", hint="Name another with --config.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not valid TOML: {error}.", hint=_HINT) from None


class _Layer(PydanticBaseSettingsSource):
    """A source whose values are known beforehand."""

    def __init__(self, settings_cls: type[BaseSettings], values: dict[str, Any]) -> None:
        super().__init__(settings_cls)
        self.values = values

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        """What the base class asks to have; it is called for sources that are read field by field."""
        return self.values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return self.values


class _AwsLayer(_Layer):
    """The AWS_* variables, below everything else: what they add depends on what the layers above leave open."""

    def __call__(self) -> dict[str, Any]:
        self.values.update(aws_fallback(self.current_state))
        return self.values


def _layered(content: dict[str, Any], name: str, origins: list[Origin]) -> type[Settings]:
    """A Settings class that reads all layers: pydantic-settings takes sources per class. Appends each to `origins`."""

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
            environment, file, aws = _Layer(cls, _variables(env_settings())), _Layer(cls, content), _AwsLayer(cls, {})
            origins.append(Origin(ENVIRONMENT, environment.values))
            origins.append(Origin(name if content else "configuration", file.values))
            origins.append(Origin("AWS_* variables", aws.values))
            return init_settings, environment, file, aws

    return Loaded


def _variables(given: dict[str, Any]) -> dict[str, Any]:
    """Without ENTREPOT_CREDENTIAL_*: they hold the secrets that requests to the API name, and are no settings."""
    if not isinstance(given.get("credential"), list):
        given.pop("credential", None)
    return given


def _malformed_variables() -> list[str]:
    """Variables that should hold JSON and do not."""
    return [
        name
        for name, annotation in variables(Settings).items()
        if name in os.environ and is_structured(annotation) and not _is_json(os.environ[name])
    ]


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _refuse_unknown_variables() -> None:
    """A misspelt section (`ENTREPOT_SPOL_MAX_BYTES`) would be ignored; variables that resemble no setting are not ours
    to judge."""
    known = variables(Settings)
    sections = tuple(f"{PREFIX}{name}".upper() for name in Settings.model_fields)
    for name in sorted(os.environ):
        rest = name.removeprefix(PREFIX)
        if rest == name or name in known or any(name == s or name.startswith(f"{s}_") for s in sections):
            continue
        meant = did_you_mean(rest, [variable.removeprefix(PREFIX) for variable in known], cutoff=0.8, prefix=PREFIX)
        if meant:
            raise ConfigError(f"{ENVIRONMENT}: {name}: there is no such key{meant}.", hint=_HINT)
