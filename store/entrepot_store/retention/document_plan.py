"""What of one document's history stays. A pure function: policy, pins and what patches stand on.

A version that stays keeps its first and its last look, which say from when until when it was seen, and every write;
that a reader saw it unchanged in between is not kept. The last version never goes, unless it says that the document was
deleted, and the rule says for how long that is kept (`deleted_within`): then the whole document goes.

What was erased takes no other version's place: counts pass over it, and it stays with the version before it, so that
nobody sees that one where something else was.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from ..catalog.documents import Effect
from ..catalog.retention import History, HistoryLook, PinRow
from ..config.rule import KeepConfig
from .policy import SPANS, Held, reasons_to_keep

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


def plan_document(
    history: History, keep: KeepConfig, pins: Collection[PinRow], now: int, newest: int
) -> list[VersionPlan]:
    """Every version of the document, oldest first. Looks from before the first version (404 for what was not there yet)
    are thinned like those of a version that stays, and stand with it. `newest` is the time of the last exchange of
    all, or `now` if that is earlier."""
    starts = [number for number, look in enumerate(history.looks) if look.starts]
    pins = [pin for pin in pins if pin.document == history.document]
    if not pins and is_long_deleted(history, keep, newest):
        return _all_of_it(history, starts)
    if not starts:
        return []
    spans = [history.looks[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]
    held = [
        Held(span[0].at, None if number + 1 == len(spans) else spans[number + 1][0].at)
        for number, span in enumerate(spans)
    ]
    reasons = _by_the_rule(spans, held, keep, now)
    pinned = _pinned(pins, spans, held)
    for number in pinned:
        reasons[number].append("pinned")
    for number in range(len(spans) - 1, 0, -1):
        if reasons[number] and spans[number][0].effect is Effect.PATCH and not reasons[number - 1]:
            reasons[number - 1].append("the next version is a change to it")
    for number in range(1, len(spans)):
        if spans[number][0].effect is Effect.ERASED and reasons[number - 1] and not reasons[number]:
            reasons[number].append("it ends the version before it")
    named = {pin.version for pin in pins}
    plans = []
    for number, span in enumerate(spans):
        going = _seen_in_between(span, named) if reasons[number] else tuple(span)
        if number == 0:
            going = (*_seen_in_between(history.looks[: starts[0]], named), *going)
        plans.append(VersionPlan(span[0].id, held[number].at, held[number].until, tuple(reasons[number]), going))
    return plans


def is_long_deleted(history: History, keep: KeepConfig, newest: int) -> bool:
    """Whether the document was deleted more than `deleted_within` before the last exchange of all. Of one that was only
    ever missing, too."""
    if keep.deleted_within is None:
        return False
    last = next((look for look in reversed(history.looks) if look.starts), history.looks[0])
    return last.effect is Effect.TOMBSTONE and last.at < newest - keep.deleted_within


def _all_of_it(history: History, starts: Sequence[int]) -> list[VersionPlan]:
    """One plan for each version, or one for the looks of a document that was only ever missing."""
    starts = [0, *starts[1:]] if starts else [0]
    spans = [history.looks[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]
    untils = [*(span[0].at for span in spans[1:]), None]
    return [VersionPlan(span[0].id, span[0].at, until, (), span) for span, until in zip(spans, untils, strict=True)]


def _by_the_rule(
    spans: Sequence[Sequence[HistoryLook]], held: Sequence[Held], keep: KeepConfig, now: int
) -> list[list[str]]:
    """The words that keep each version, and that the last never goes: neither the last one nor the last one that has
    something to show."""
    shown = [number for number, span in enumerate(spans) if span[0].effect is not Effect.ERASED]
    reasons = [[word for word in said if word in SPANS] for said in reasons_to_keep(held, keep, now)]
    for number, said in zip(shown, reasons_to_keep([held[number] for number in shown], keep, now), strict=True):
        reasons[number] = list(said)
    for number in {len(spans) - 1, *shown[-1:]}:
        if not reasons[number]:
            reasons[number].append("the last version")
    return reasons


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
