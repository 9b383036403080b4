"""Which fields of a document clients send, and which only the server writes.

A field that no client ever sent is the server's own: an id, a revision, a time. No request can set it, so it neither
makes a document differ from what it was, nor goes into a request that brings it back.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Self

_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[\"((?:[^\"\\]|\\.)*)\"\]|\[(\d+)\]")
WRAPPERS = ("data", "result", "item", "resource")
"""Members that answers wrap a document in."""
_ITEMS = "[]"
_DEEPEST = 50


@dataclass(slots=True)
class Shape:
    """The member names that were sent to documents of one kind. A name without any below it stands for all that is
    below it. `wrapper` is the member that answers wrap the document in and requests do not."""

    names: dict[str, Any] = field(default_factory=dict)
    wrapper: str = ""

    @property
    def known(self) -> bool:
        return bool(self.names)

    def add(self, sent: Any, shown: Any) -> None:
        """A JSON body that was sent, and the answer to it (None if it was none)."""
        if not isinstance(sent, dict):
            return
        if isinstance(shown, dict) and sent and not sent.keys() <= shown.keys():
            for name in WRAPPERS:
                inner = shown.get(name)
                if isinstance(inner, dict) and sent.keys() <= inner.keys():
                    self.wrapper = name
        _add(self.names, sent, 0)

    def is_sent(self, where: str) -> bool:
        """Whether clients send what is at this JSONPath (`$.data.theme`) of the document as answers show it."""
        steps = [found[1] or found[2] or _ITEMS for found in _STEP.finditer(where)]
        if self.wrapper and steps:
            if steps[0] != self.wrapper:
                return False
            steps = steps[1:]
        node = self.names
        for step in steps:
            if step == "length" and _ITEMS in node:
                return True
            if step not in node:
                return False
            node = node[step]
            if not node:
                return True
        return True

    def only_sent(self, content: Any) -> Any:
        """The part of a document, as answers show it, that clients send, as they send it."""
        if self.wrapper and isinstance(content, dict) and self.wrapper in content:
            content = content[self.wrapper]
        return _only(content, self.names)

    def to_json(self) -> dict[str, Any]:
        return {"names": self.names, "wrapper": self.wrapper}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        return cls(value["names"], value["wrapper"])


def _add(node: dict[str, Any], value: Any, depth: int) -> None:
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            _add(node.setdefault(name, {}), inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, dict | list):
                _add(node.setdefault(_ITEMS, {}), inner, depth + 1)


def _only(value: Any, node: dict[str, Any]) -> Any:
    if not node:
        return value
    if isinstance(value, dict):
        return {name: _only(inner, node[name]) for name, inner in value.items() if name in node}
    if isinstance(value, list) and _ITEMS in node:
        return [_only(inner, node[_ITEMS]) for inner in value]
    return value
