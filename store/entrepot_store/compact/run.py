"""The chore: finish what was interrupted, merge what is small, write again what is mostly dead, remove what was
replaced.

May run at any time, beside proxies, shippers and readers, and as often as one likes.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ..catalog.retention import RetentionCatalog, Weight
from ..catalog.rows import SegmentRow
from ..clock import Clock, SystemClock
from ..errors import Damaged
from ..vault import Vault
from .grace import GRACE_US, Swept, sweep
from .groups import groups, heavy
from .repack import Repacker


@dataclass(slots=True, frozen=True)
class Compacted:
    """`merged` segments became `made`; `read` and `written` are bytes in the vault. `rewritten` of them were written
    again alone, because much of them was dead. `left` says that there is more to merge, beyond `most`."""

    merged: int = 0
    made: int = 0
    rewritten: int = 0
    read: int = 0
    written: int = 0
    swept: Swept = field(default_factory=Swept)
    left: bool = False


def compact(
    vault: Vault,
    catalog: RetentionCatalog,
    folder: Path,
    *,
    clock: Clock | None = None,
    eager: bool = False,
    segments: Iterable[SegmentRow] | None = None,
    most: int | None = None,
    grace: int = GRACE_US,
    progress: Callable[[int, int], None] = lambda done, total: None,
    step: Callable[[str], None] = lambda _: None,
) -> Compacted:
    """`progress(done, total)` counts bytes of segments read; `eager` merges whatever is small.

    With `segments`, all of which the catalog has, their sizes alone are looked at: nothing is written again for being
    dead, and no exchange is counted. `most` bounds the bytes read: nothing more is begun from there on.

    Raises Busy while another chore moves or removes what the vault holds; Damaged for a segment that does not read,
    when all that can be done without it is done; and what vault and catalog raise.
    """
    clock = clock or SystemClock()
    with catalog.sole():
        repacker = Repacker(vault, catalog, clock, folder, step)
        repacker.settle()
        work = _work(catalog, segments, eager=eager)
        total = sum(size for _, size in work)
        merged = made = rewritten = read = written = 0
        damaged: Damaged | None = None
        begun = 0
        for keys, _ in work:
            if most is not None and read >= most:
                break
            begun += 1
            left = list(keys)
            while left and (len(left) > 1 or len(keys) == 1):
                try:
                    done, count = repacker.repack(left)
                except Damaged as error:
                    damaged = damaged or error
                    break
                sizes = {row.key: row.size for row in catalog.superseded()}
                read += sum(sizes.get(key, 0) for key in left[:count])
                left = left[count:]
                if done is None:
                    continue
                merged += count
                made += 1
                rewritten += count == 1
                written += done.segment.size
                progress(min(read, total), total)
        swept = sweep(vault, catalog, clock.now(), grace=grace, step=step)
    if damaged is not None:
        raise damaged
    return Compacted(merged, made, rewritten, read, written, swept, left=begun < len(work))


def _work(
    catalog: RetentionCatalog, segments: Iterable[SegmentRow] | None, *, eager: bool
) -> list[tuple[list[str], int]]:
    """Keys of segments to be written as one, with their bytes."""
    if segments is None:
        weights = list(catalog.weights())
    else:
        weights = [Weight(row, row.exchanges, row.size) for row in segments]
    work = [list(group) for group in groups(weights, eager=eager)]
    taken = {weight.segment.key for group in work for weight in group}
    work += [[weight] for weight in heavy(weights) if weight.segment.key not in taken]
    return [([found.segment.key for found in group], sum(found.segment.size for found in group)) for group in work]
