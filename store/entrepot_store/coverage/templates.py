"""Path templates out of what was seen: `/v1/orders/{number}` of many orders becomes `/v1/orders/{order}`.

Of the places that hold a value (`segments`), those become parameters that were seen to vary: more than one value, or
values of more than one kind. A place that always held the same one keeps it. More words in one place than an API has
resources are names that somebody made up, and become a parameter too. Depends on the set of paths only.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

MOST_WORDS = 100
"""Words in one place that are told apart."""

_KIND = re.compile(r"\{([a-z]+)\}(\.\w+)?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OWN_NAMES = {"date", "email"}


@dataclass(slots=True)
class _Node:
    """A place of a path and what may follow. `ends` are the paths that end here; `values` is the one value that a
    `{kind}` had here, empty for several."""

    children: dict[str, "_Node"] = field(default_factory=dict)
    ends: list[str] = field(default_factory=list)
    values: set[str | None] = field(default_factory=set)


def infer(paths: Mapping[str, tuple[str | None, ...]]) -> dict[str, str]:
    """The template of every path. `paths` are those of one destination, with the values in their places as
    `PathRow.values` has them. Every template compiles (`rules.PathTemplate`)."""
    root = _Node()
    for path in sorted(paths):
        values = iter(paths[path])
        node = root
        for segment in path[1:].split("/"):
            node = node.children.setdefault(segment, _Node())
            if segment.startswith("{"):
                node.values.add(next(values, None))
        node.ends.append(path)
    templates: dict[str, str] = {}
    _walk([root], "", "", templates)
    return templates


def _walk(nodes: list[_Node], template: str, word: str, templates: dict[str, str]) -> None:
    """`nodes` are alternatives that the same `template` stands for; `word` is the last that precedes them."""
    together: dict[str, list[_Node]] = {}
    for node in nodes:
        for path in node.ends:
            templates[path] = template
        for segment, child in node.children.items():
            together.setdefault(segment, []).append(child)
    places = _places(together)
    words = [segment for segment in together if not segment.startswith("{")]
    made_up = [segment for segment in words if segment != "**"]
    if len(made_up) > MOST_WORDS:
        places[""] = [*places.get("", ()), *made_up]
        words = [segment for segment in words if segment == "**"]
    for suffix, segments in places.items():
        held = [child for segment in segments for child in together[segment]]
        values = {value for child in held for value in child.values} if segments[-1].startswith("{") else set()
        value = values.pop() if len(values) == 1 else None
        if value is not None:
            _walk(held, f"{template}/{value}", word, templates)
        else:
            kinds = {segment[1:].partition("}")[0] for segment in segments}
            _walk(held, f"{template}/{{{_name(kinds, word, template)}}}{suffix}", "", templates)
    for segment in words:
        _walk(together[segment], f"{template}/{segment}", segment or word, templates)


def _places(together: Iterable[str]) -> dict[str, list[str]]:
    """Segments that hold values, by what stands behind the value: kinds that alternate are one parameter."""
    found: dict[str, list[str]] = {}
    for segment in sorted(together):
        kind = _KIND.fullmatch(segment)
        if kind is not None:
            found.setdefault(kind[2] or "", []).append(segment)
    return found


def _name(kinds: set[str], word: str, template: str) -> str:
    """What a person would call it: `/orders/{order}`; `{date}` and `{email}` say what they are; else `{id}`."""
    own = kinds & _OWN_NAMES
    name = own.pop() if len(kinds) == 1 and own else _singular(word)
    number = 2
    chosen = name
    while f"{{{chosen}}}" in template:
        chosen = f"{name}{number}"
        number += 1
    return chosen


def _singular(word: str) -> str:
    if not _NAME.fullmatch(word.replace("-", "_")):
        return "id"
    name = word.replace("-", "_").lower()
    if name.endswith("ies") and len(name) > 4:
        return name[:-3] + "y"
    if name.endswith(("sses", "xes", "ches", "shes")):
        return name[:-2]
    if name.endswith("s") and not name.endswith(("ss", "us", "is")) and len(name) > 2:
        return name[:-1]
    return f"{name}_id"
