"""Refuses query parameters that an endpoint does not have: a misspelt filter must not return everything.

What an endpoint accepts is read off its own OpenAPI description, so the two cannot differ.
"""

from typing import Any

from fastapi import FastAPI, Request

from entrepot_store.errors import BadInput

from .description import operations

QUERY_OF_URL = "x-entrepot-query-of-url"
"""Marks an operation that ends in somebody's URL: the query is part of that URL and none of ours."""

BY_FIELDS = "x-entrepot-by-fields"
"""Marks an operation that takes conditions on index fields (`fields`), whose names no description can list."""
FIELD_PREFIX = "field."


def refuse_unknown_parameters(request: Request) -> None:
    """A dependency of every endpoint. Raises BadInput that names the parameter; also for one that is given twice and
    is no list, where one of the two values would be dropped without a word."""
    names = request.query_params.keys()
    if not names:
        return
    operation = _operation(request.app, request.scope["route"].operation_id)
    if operation.get(QUERY_OF_URL):
        return
    known = _parameters(operation)
    for name in names:
        if name.startswith(FIELD_PREFIX) and operation.get(BY_FIELDS):
            continue
        if name not in known:
            hint = f"It knows {', '.join(known)}." if known else "It takes none."
            raise BadInput(f"There is no query parameter {name!r} here.", hint=hint)
        if not known[name] and len(request.query_params.getlist(name)) > 1:
            raise BadInput(f"The query parameter {name!r} may be given once only.")


def _operation(app: FastAPI, operation_id: str) -> dict[str, Any]:
    return next(found for _, _, found in operations(app) if found["operationId"] == operation_id)


def _parameters(operation: dict[str, Any]) -> dict[str, bool]:
    """Names of an operation's query parameters, and whether each may be repeated."""
    return {
        parameter["name"]: _repeats(parameter["schema"])
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "query"
    }


def _repeats(schema: dict[str, Any]) -> bool:
    return schema.get("type") == "array" or any(_repeats(choice) for choice in schema.get("anyOf", ()))
