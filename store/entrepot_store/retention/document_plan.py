"""What of one document's history stays. A pure function: policy, pins and what patches stand on.

A version that stays keeps its first and its last look, which say from when until when it was seen, and every write;
that a reader saw it unchanged in between is not kept. The last version never goes.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from ..catalog.documents import Effect
from ..catalog.retention import History, HistoryLook, PinRow
from ..config.rule import KeepConfig
from .policy import Held, reasons_to_keep

READS = frozenset({"GET", "HEAD"})


@dataclass(slots=True, frozen=True)
class VersionPlan:
    """`reasons` are why it stays; none: it goes. `stored` are bytes of exchanges that go, with it or out of it."""

    id: UUID
    at: int
    until: int | None
    reasons: tuple[str, ...]
    going: tuple[HistoryLook, ...]

    @property
    def stays(self) -> bool:
        return bool(self.reasons)

    @property
    def stored(self) -> int:
        return sum(look.stored for look in self.going)


def plan_document(history: History, keep: KeepConfig, pins: Collection[PinRow], now: int) -> list[VersionPlan]:
    """Every version of the document, oldest first. Looks from before the first version (404 for what was not there yet)
    are thinned like those of a version that stays, and stand with it."""
    starts = [number for number, look in enumerate(history.looks) if look.starts]
    if not starts:
        return []
    spans = [history.looks[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]
    held = [
        Held(span[0].at, None if number + 1 == len(spans) else spans[number + 1][0].at)
        for number, span in enumerate(spans)
    ]
    reasons = [list(said) for said in reasons_to_keep(held, keep, now)]
    if not reasons[-1]:
        reasons[-1].append("the last version")
    pinned = _pinned(pins, spans, held)
    for number in pinned:
        reasons[number].append("pinned")
    for number in range(len(spans) - 1, 0, -1):
        if reasons[number] and spans[number][0].effect is Effect.PATCH and not reasons[number - 1]:
            reasons[number - 1].append("the next version is a change to it")
    named = {pin.version for pin in pins}
    plans = []
    for number, span in enumerate(spans):
        going = _seen_in_between(span, named) if reasons[number] else tuple(span)
        if number == 0:
            going = (*_seen_in_between(history.looks[: starts[0]], named), *going)
        plans.append(VersionPlan(span[0].id, held[number].at, held[number].until, tuple(reasons[number]), going))
    return plans


def _pinned(pins: Collection[PinRow], spans: Sequence[Sequence[HistoryLook]], held: Sequence[Held]) -> set[int]:
    """Numbers of the versions that a pin names, or that held when a pin says."""
    found = set()
    for pin in pins:
        for number, span in enumerate(spans):
            of_it = pin.version is not None and any(look.id == pin.version for look in span)
            begins, ends = held[number].at, held[number].until
            at_it = pin.at is not None and begins <= pin.at and (ends is None or pin.at < ends)
            if of_it or at_it:
                found.add(number)
    return found


def _seen_in_between(span: Sequence[HistoryLook], pinned: Collection[UUID | None]) -> tuple[HistoryLook, ...]:
    return tuple(look for look in span[1:-1] if look.method.upper() in READS and look.id not in pinned)
