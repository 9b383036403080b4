"""Conditions on index fields as query parameters: `field.customer=42`, `field.total.gte=10`, `field.name.prefix=Mi`.

Their names are the operator's own, so no description can list them; endpoints that take them are marked instead.
"""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request

from .strict import FIELD_PREFIX

_OPERATORS = {"prefix": "^=", "gte": ">=", "gt": ">", "lte": "<=", "lt": "<"}


def _conditions(request: Request) -> Iterator[str]:
    for name, value in request.query_params.multi_items():
        if name.startswith(FIELD_PREFIX):
            field, dot, operator = name.removeprefix(FIELD_PREFIX).rpartition(".")
            if dot and operator in _OPERATORS:
                yield f"{field}{_OPERATORS[operator]}{value}"
            else:
                yield f"{name.removeprefix(FIELD_PREFIX)}={value}"


def _all_conditions(request: Request) -> list[str]:
    return list(_conditions(request))


FieldsDep = Annotated[list[str], Depends(_all_conditions)]
"""Conditions as `FieldCondition.parse` reads them."""
