"""What planning found out about one step: the values it makes for others, those it uses, and which steps go before it.

Stored with the step as JSON, and all that a run needs to know of the data flow.
"""

import json
from dataclasses import dataclass
from typing import Self

from .values import Key


@dataclass(frozen=True, slots=True)
class Make:
    """A value that this step's answer brings into the world and a later request uses.

    `where` is its place in the answer (`reading.Part.where`). `secret`: the digest of the reference that stands for it
    in later requests; the text is not kept then.
    """

    where: str
    key: Key
    secret: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """A value in this step's request that an earlier answer brought into the world: `made_by` is that step's number,
    and `made_at` the place in its answer; None and empty if no captured answer of the plan holds it.

    `text` is what to look for at `where`, in the spelling used there.
    """

    where: str
    key: Key
    text: str
    made_by: int | None
    made_at: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """`after` are the steps that must have ended before this one is sent, for whatever reason, ascending; `barrier`:
    all before it. `probe` says that this step is a read that others need and not itself something to bring back."""

    makes: tuple[Make, ...] = ()
    uses: tuple[Use, ...] = ()
    after: tuple[int, ...] = ()
    probe: bool = False
    barrier: bool = False

    def dump(self) -> str:
        """JSON, empty for a flow that says nothing."""
        if not (self.makes or self.uses or self.after or self.probe or self.barrier):
            return ""
        return json.dumps(
            {
                "makes": [[make.where, *make.key, make.secret] for make in self.makes],
                "uses": [[use.where, *use.key, use.text, use.made_by, use.made_at] for use in self.uses],
                "after": self.after,
                "probe": self.probe,
                "barrier": self.barrier,
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )

    @classmethod
    def load(cls, text: str) -> Self:
        if not text:
            return cls()
        found = json.loads(text)
        return cls(
            tuple(Make(where, Key(role, value), secret) for where, role, value, secret in found["makes"]),
            tuple(
                Use(where, Key(role, value), text, made_by, made_at)
                for where, role, value, text, made_by, made_at in found["uses"]
            ),
            tuple(found["after"]),
            bool(found["probe"]),
            bool(found["barrier"]),
        )
