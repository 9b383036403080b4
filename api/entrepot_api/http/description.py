"""The OpenAPI description: completed by what the framework cannot know, and read back by what must agree with it."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from .problem import Problem


def complete(app: FastAPI) -> None:
    """Adds the Problem schema, which no endpoint returns and the framework therefore does not describe."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            description = describe()  # which remembers it in app.openapi_schema
            template = "#/components/schemas/{model}"
            _, schemas = models_json_schema([(Problem, "serialization")], ref_template=template)
            description.setdefault("components", {}).setdefault("schemas", {}).update(schemas["$defs"])
        return describe()

    app.openapi = openapi  # type: ignore[method-assign] # the extension point that FastAPI documents


def operations(app: FastAPI) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path template, method in lower case, and description of every operation."""
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def fits(template: str, path: str) -> bool:
    """Whether a path is one of those that a template such as `/v1/exchanges/{identifier}` stands for."""
    return _pattern(template).fullmatch(path) is not None


@lru_cache(maxsize=256)
def _pattern(template: str) -> re.Pattern[str]:
    pieces = re.split(r"(\{[^}]*\})", template)
    # {url} is the one parameter that holds slashes.
    wild = {"{url}": ".+"}
    return re.compile("".join(wild.get(piece, "[^/]+") if piece[:1] == "{" else re.escape(piece) for piece in pieces))
