"""Which versions of one document stay: restic's words, ORed, over versions instead of snapshots. A pure function.

What differs from restic: a snapshot is a moment, a version is a span, from when it began to when the next one did. What
held at any time within `within` stays, also if it began long before: otherwise a burst of bad versions today would push
out the good one that had held for years. `plan` adds what no policy decides: pins, holds, what patches stand on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ..config.rule import KeepConfig

_LAST_MICROS = 253_402_300_799_999_999
"""The end of the year 9999: what a calendar can say."""


@dataclass(slots=True, frozen=True)
class Held:
    """When a version held: from `at` until the next one began (`until`, None for the last). Microseconds."""

    at: int
    until: int | None


def reasons_to_keep(versions: Sequence[Held], keep: KeepConfig, now: int) -> list[tuple[str, ...]]:
    """For every version of one document, given oldest first, the words that keep it; none: it may go.

    Spans reach back from the latest version that is not in the future of `now`, as in restic: a clock that jumps ahead
    makes nothing old. Hours, days and weeks are those of UTC.
    """
    latest = max((version.at for version in versions if version.at <= now), default=None)
    counted = [_Counted(word, bucket, count) for word, bucket in _COUNTED if (count := getattr(keep, word))]
    spans = [
        # Before all of time, if every version is in the future.
        _Spanned(word, bucket, None if latest is None else latest - within)
        for word, bucket in _SPANNED
        if (within := getattr(keep, word))
    ]
    reasons: list[tuple[str, ...]] = []
    for number, version in enumerate(reversed(versions)):
        oldest = number == len(versions) - 1
        said = [rule.word for rule in counted if rule.keeps(version, oldest=oldest)]
        said += [rule.word for rule in spans if rule.keeps(version)]
        reasons.append(tuple(said))
    return reasons[::-1]


@dataclass(slots=True)
class _Counted:
    """The newest of each bucket, as many as `left`; while some are left the very oldest version stays too, which makes
    the history as long as the counts allow."""

    word: str
    bucket: Callable[[int], object]
    left: int
    last: object = None

    def keeps(self, version: Held, *, oldest: bool) -> bool:
        bucket = self.bucket(version.at)
        if not self.left or (bucket == self.last and not oldest):
            return False
        self.last = bucket
        self.left -= 1
        return True


@dataclass(slots=True)
class _Spanned:
    """The newest of each bucket among those that held after `start`."""

    word: str
    bucket: Callable[[int], object]
    start: int | None
    last: object = None

    def keeps(self, version: Held) -> bool:
        if self.start is not None and version.until is not None and version.until <= self.start:
            return False
        bucket = self.bucket(version.at)
        if bucket == self.last:
            return False
        self.last = bucket
        return True


def _moment(micros: int) -> datetime:
    return datetime.fromtimestamp(min(max(micros, 0), _LAST_MICROS) // 1_000_000, UTC)


def _each(_micros: int) -> object:
    return object()  # equal to no other


def _hour(micros: int) -> object:
    return _moment(micros).timetuple()[:4]


def _day(micros: int) -> object:
    return _moment(micros).timetuple()[:3]


def _week(micros: int) -> object:
    return _moment(micros).isocalendar()[:2]


def _month(micros: int) -> object:
    return _moment(micros).timetuple()[:2]


def _year(micros: int) -> object:
    return _moment(micros).year


_COUNTED = (
    *(("last", _each), ("hourly", _hour), ("daily", _day)),
    *(("weekly", _week), ("monthly", _month), ("yearly", _year)),
)
_SPANNED = (
    *(("within", _each), ("within_hourly", _hour), ("within_daily", _day)),
    *(("within_weekly", _week), ("within_monthly", _month), ("within_yearly", _year)),
)
SPANS = frozenset(word for word, _ in _SPANNED)
"""Words that keep by time alone."""
