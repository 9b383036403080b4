"""Where a value came from: the command line, the environment or the file."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from .schema import PREFIX

ENVIRONMENT = "environment"
COMMAND_LINE = "command line"

type Location = Sequence[str | int]
"""Keys and indexes that lead to a value, outermost first."""


@dataclass(slots=True, frozen=True)
class Origin:
    """One layer of the configuration before validation. `name` is what people call it: a file by its path."""

    name: str
    values: Mapping[str, Any]

    def reach(self, location: Location) -> tuple[int, Any]:
        """How many steps of the location exist here, and the value at the last that does."""
        value: Any = self.values
        for depth, step in enumerate(location):
            if isinstance(value, BaseModel):  # the command line passes listeners that it has parsed already
                return len(location), value
            if isinstance(value, Mapping):
                here = step in value
            else:
                here = isinstance(value, list | tuple) and isinstance(step, int) and step < len(value)
            if not here:
                return depth, value
            value = value[step]
        return len(location), value

    def spell(self, location: Location) -> str:
        """The location as it is written there: `rule[0].status`, or the variable `ENTREPOT_S3_ENDPOINT`."""
        if self.name != ENVIRONMENT:
            return _dotted(location)
        names = {name.upper() for name in os.environ}
        nested = "_".join(str(step) for step in location[:2])
        length = 2 if f"{PREFIX}{nested}".upper() in names else 1
        variable = f"{PREFIX}{nested if length == 2 else location[0]}".upper()
        rest = _dotted(location[length:])
        return f"{variable}.{rest}".replace(".[", "[") if rest else variable


def _dotted(location: Location) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location).lstrip(".")
