"""What a step of a restore knows beyond one of a replay. It is kept beside the step's data flow, which leaves alone the
names it does not know, so that a restore is a replay to everything that lists, shows, pauses or resumes replays.

A step's exchange is the one that is sent or whose headers are; method and path of the step are those of the request.
"""

import json
from dataclasses import dataclass, replace
from typing import Any, Self
from uuid import UUID

from ..flow import Flow
from .decide import Do
from .shape import Shape
from .wanted import Evidence

_NAME = "restore"


@dataclass(frozen=True, slots=True)
class RestoreStep:
    """`path` is the document's, as recorded. `made`: the request's body is made of the content, not recorded.

    `first` and `last` of the requests that do one thing to one document: before the first the target is looked at once
    more and has to be as planned (`digest` of what was there, empty for nothing), after the last it is read back."""

    path: str
    do: Do
    why: str = ""
    how: str = ""
    made: bool = False
    first: bool = True
    last: bool = True
    digest: str = ""
    evidence: Evidence | None = None
    shape: Shape | None = None

    def dump(self, flow: Flow) -> str:
        """The text that is stored with the step."""
        whole: dict[str, Any] = json.loads(flow.dump() or replace(flow, barrier=True).dump())
        whole["barrier"] = flow.barrier
        evidence = self.evidence
        whole[_NAME] = {
            "path": self.path,
            "do": self.do.value,
            "why": self.why,
            "how": self.how,
            "made": self.made,
            "first": self.first,
            "last": self.last,
            "digest": self.digest,
            "evidence": None if evidence is None else _plain(evidence),
            "shape": None if self.shape is None else self.shape.to_json(),
        }
        return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def load(cls, text: str) -> Self | None:
        """None for a step that is not of a restore."""
        found = json.loads(text).get(_NAME) if text else None
        if found is None:
            return None
        given, shape = found["evidence"], found["shape"]
        evidence = given and Evidence(
            UUID(given["exchange"]),
            given["side"],
            given["document"] and UUID(given["document"]),
            given["version"] and UUID(given["version"]),
            tuple(UUID(change) for change in given["changes"]),
        )
        return cls(
            found["path"],
            Do(found["do"]),
            found["why"],
            found["how"],
            found["made"],
            found["first"],
            found["last"],
            found["digest"],
            evidence,
            shape and Shape.from_json(shape),
        )


def _plain(evidence: Evidence) -> dict[str, Any]:
    return {
        "exchange": str(evidence.exchange),
        "side": evidence.side,
        "document": evidence.document and str(evidence.document),
        "version": evidence.version and str(evidence.version),
        "changes": [str(change) for change in evidence.changes],
    }
