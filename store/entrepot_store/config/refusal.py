"""Says what is wrong with a configuration: where it stands, which key, why, and what was probably meant.

    entrepot.toml: rule[0].status[1]: '9xx' is neither a status such as 404 nor a class such as 5xx
    environment: ENTREPOT_S3_ENDPONT: there is no such key (did you mean ENTREPOT_S3_ENDPOINT?)

No sentence shows a value that may be a secret: values are quoted only by our own validators, which know what they
check, and credentials within URLs are struck out of whatever they quote.
"""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from .origins import ENVIRONMENT, Location, Origin
from .schema import PREFIX, annotation_at, is_table, plain

_CREDENTIALS = re.compile(r"//[^/\s'\"]*@")
_REASONS: Mapping[str, str] = {
    "missing": "is required",
    "tuple_type": 'must be a list, as in ["a", "b"]',
    "string_type": "must be a text in quotes",
    "path_type": "must be a path in quotes",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "model_type": "must be a table of keys and values",
    "model_attributes_type": "must be a table of keys and values",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
}


def refusal(error: ValidationError, model: type[BaseModel], origins: Sequence[Origin]) -> str:
    """Every mistake once, those of one origin together. `origins` have the one that wins first."""
    clauses: dict[str, list[str]] = {}
    for mistake in error.errors(include_url=False):
        location = mistake["loc"]
        origin = _origin_of(location, origins)
        where = origin.spell(_as_written(location, origin)) if location else ""
        why = _reason(mistake, model, origin)
        clauses.setdefault(origin.name, []).append(f"{where}: {why}" if where else why)
    return " ".join(f"{name}: {'; '.join(dict.fromkeys(found))}." for name, found in clauses.items())


def plain_reasons(error: ValidationError, model: type[BaseModel]) -> str:
    """The same for a value that stands alone, such as one argument of a command."""
    nowhere = Origin("", {})
    return "; ".join(
        f"{nowhere.spell(mistake['loc'])}: {_reason(mistake, model, nowhere)}"
        for mistake in error.errors(include_url=False)
    )


def _reason(mistake: Mapping[str, Any], model: type[BaseModel], origin: Origin) -> str:
    kind, location = mistake["type"], mistake["loc"]
    if kind == "extra_forbidden":
        return _no_such_key(location, model, origin)
    if kind == "tuple_type" and len(location) == 1:
        return f"is a list of tables, each written [[{location[0]}]] in double brackets"
    context = {name: _number(value) for name, value in mistake.get("ctx", {}).items()}
    template = _REASONS.get(kind)
    text = template.format(**context) if template else str(mistake["msg"]).removeprefix("Value error, ")
    return _CREDENTIALS.sub("//…@", text)


def _number(value: Any) -> Any:
    """`0` and not `0.0`."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def did_you_mean(name: str, known: Sequence[str], *, cutoff: float = 0.6, prefix: str = "") -> str:
    """` (did you mean …?)`, or nothing when nothing known is nearer than `cutoff` (0 to 1)."""
    near = get_close_matches(name, known, n=1, cutoff=cutoff)
    return f" (did you mean {prefix}{near[0]}?)" if near else ""


def _no_such_key(location: Location, model: type[BaseModel], origin: Origin) -> str:
    parent = plain(annotation_at(model, location[:-1]))
    known = [field.alias or name for name, field in parent.model_fields.items()] if is_table(parent) else []
    if origin.name == ENVIRONMENT and len(location) == 2:
        prefix, known = f"{PREFIX}{location[0]}_".upper(), [key.upper() for key in known]
        return "there is no such key" + did_you_mean(str(location[-1]).upper(), known, prefix=prefix)
    return "there is no such key" + did_you_mean(str(location[-1]), known)


def _origin_of(location: Location, origins: Sequence[Origin]) -> Origin:
    """The first origin in which the value exists; for a missing key, the first that has most of the way to it."""
    return max(origins, key=lambda origin: origin.reach(location)[0])


def _as_written(location: Location, origin: Origin) -> Location:
    """Without the index of a list that was written as one value."""
    if location and isinstance(location[-1], int):
        depth, value = origin.reach(location[:-1])
        if depth == len(location) - 1 and not isinstance(value, list | tuple | BaseModel):
            return location[:-1]
    return location
