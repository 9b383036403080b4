"""Looks into the settings' own types: what stands where, what is written as JSON, which variables there are."""

from collections.abc import Sequence
from types import UnionType
from typing import Annotated, Any, TypeAliasType, Union, get_args, get_origin

from pydantic import BaseModel

PREFIX = "ENTREPOT_"


def plain(annotation: Any) -> Any:
    """The type behind aliases, annotations and `| None`."""
    while True:
        origin = get_origin(annotation)
        if isinstance(annotation, TypeAliasType):
            annotation = annotation.__value__
        elif isinstance(origin, TypeAliasType):
            annotation = origin.__value__[get_args(annotation)]
        elif origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in (Union, UnionType):
            kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
            if len(kinds) != 1:
                return annotation
            annotation = kinds[0]
        else:
            return annotation


def annotation_at(model: type[BaseModel], location: Sequence[str | int]) -> Any:
    """The type of what stands at a location such as `("rule", 0, "redact")`; None where there is nothing."""
    annotation: Any = model
    for step in location:
        annotation = plain(annotation)
        if isinstance(step, int):
            annotation = next(iter(get_args(annotation)), None)
        elif is_table(annotation):
            fields = annotation.model_fields.items()
            annotation = next((field.annotation for name, field in fields if step in (name, field.alias)), None)
        else:
            return None
    return annotation


def is_table(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def is_structured(annotation: Any) -> bool:
    """Whether such a value is written as JSON in a variable: lists and tables."""
    kind = plain(annotation)
    return get_origin(kind) is tuple or is_table(kind)


def variables(model: type[BaseModel]) -> dict[str, Any]:
    """Every variable that sets something, by name, with the type of its value."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        found[f"{PREFIX}{name}".upper()] = field.annotation
        section = plain(field.annotation)
        if is_table(section):
            found |= {f"{PREFIX}{name}_{key}".upper(): inner.annotation for key, inner in section.model_fields.items()}
    return found
