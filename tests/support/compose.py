"""Reads docker-compose.yml as Compose does, as far as we use it: anchors, `<<`, and `${NAME:?message}`."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?:(?P<how>:\?|:-)(?P<rest>[^}]*))?\}")


class MissingVariable(Exception):
    """A required variable is not set; Compose refuses to start anything."""


def interpolate(value: Any, variables: Mapping[str, str]) -> Any:
    """Raises MissingVariable for an unset `${NAME:?…}`, ValueError for `${NAME}`, which would silently become empty."""
    if isinstance(value, dict):
        return {key: interpolate(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [interpolate(each, variables) for each in value]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        found = variables.get(match["name"], "")
        if found or match["how"] == ":-":
            return found or match["rest"]
        if match["how"] == ":?":
            raise MissingVariable(match["rest"])
        raise ValueError(f"{match[0]} becomes empty without a word when it is not set")

    return _VARIABLE.sub(replace, value)


def load() -> dict[str, Any]:
    """The file with its anchors merged, variables still in it."""
    content: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return content
