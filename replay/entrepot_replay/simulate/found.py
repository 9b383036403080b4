"""What is found for a request: a recorded answer, a state that a write left behind, or nothing and why."""

from dataclasses import dataclass, field

from entrepot_store.catalog import ExchangeRow
from entrepot_store.catalog.documents import Effect, Side, VersionRow


@dataclass(slots=True, frozen=True)
class Recorded:
    """The answer of a recorded exchange; `moment` is when what it says was so, microseconds since the epoch."""

    row: ExchangeRow
    moment: int


@dataclass(slots=True, frozen=True)
class State:
    """What a write, or a version of a document, says about a resource that nobody read since.

    `effect` CONTENT: the body of `side` of the exchange; TOMBSTONE: gone; PATCH: a change whose outcome was not shown.
    `version` is set where the catalog knows the document, and then holds the content, patches applied.
    """

    row: ExchangeRow
    moment: int
    effect: Effect
    side: Side
    version: VersionRow | None = None


@dataclass(slots=True, frozen=True)
class Near:
    """A capture that is not the answer, and why it is not."""

    row: ExchangeRow
    why: str


MOST_NEAR = 5
_MOST_REASONS = 50


@dataclass(slots=True)
class Missing:
    """Captures that were looked at in vain: for each reason the newest, for up to `_MOST_REASONS`."""

    near: list[Near] = field(default_factory=list)

    def add(self, row: ExchangeRow, why: str) -> None:
        if len(self.near) < _MOST_REASONS and all(one.why != why for one in self.near):
            self.near.append(Near(row, why))


type Found = Recorded | State
