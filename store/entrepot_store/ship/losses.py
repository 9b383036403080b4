"""What a spool file shows to be missing, as gaps: nothing is lost without an operator being able to see it."""

from collections.abc import Iterator

from ..model import Body, Exchange, Gap
from ..spool import SpoolContent, SpoolFolder, SpoolName
from .recover import LAST_WORD


def find_gaps(name: SpoolName, content: SpoolContent, *, abandoned: bool, now: int) -> tuple[Gap, ...]:
    """Gaps that follow from the file itself, beside those its worker recorded in it. `now` in microseconds."""
    return tuple(_gaps(name, content, abandoned, now))


def _gaps(name: SpoolName, content: SpoolContent, abandoned: bool, now: int) -> Iterator[Gap]:
    last = max((exchange.started_at for exchange in content.exchanges), default=name.created)
    if content.ledger is not None:
        last = max(last, content.ledger.at)
    last = min(last, now)
    for damage in content.damages:
        if damage.torn and abandoned:
            continue  # the unfinished last write of a process that died: part of the gap below
        yield Gap(
            worker=name.worker,
            since=name.created,
            until=max(last, name.created),
            missing=0,
            reason=f"spool file {name}: bytes {damage.start} to {damage.end} are damaged; the file is kept as .damaged",
        )
    if abandoned:
        torn = sum(damage.end - damage.start for damage in content.damages if damage.torn)
        yield Gap(
            worker=name.worker,
            since=last,
            until=now,
            missing=content.ledger.in_flight if content.ledger is not None else 0,
            reason=(
                "the proxy ended without closing its spool; what it had under way is lost"
                if name.sequence == LAST_WORD
                else f"the proxy ended without closing its spool file {name}"
            )
            + (f"; a torn tail of {torn} bytes was cut" if torn else ""),
        )


def mark_missing_bodies(spool: SpoolFolder, name: SpoolName, exchanges: list[Exchange]) -> tuple[Gap, ...]:
    """Checks that every spooled body is there and whole. One that is not is marked truncated, so that its exchange is
    stored as incomplete, and reported as a gap."""
    gaps = []
    for exchange in exchanges:
        for body in (exchange.request.body, exchange.response.body if exchange.response else Body()):
            if body.file is None:
                continue
            try:
                found = spool.body_path(body.file).stat().st_size
            except FileNotFoundError:
                found = -1
            if found >= body.size:
                continue
            reason = f"body {body.file} of exchange {exchange.id} "
            reason += "is missing" if found < 0 else f"holds {found} of {body.size} bytes"
            at = exchange.started_at
            gaps.append(Gap(name.worker, at, at + exchange.duration_us, 1, reason))
            body.truncated = True
            body.size = max(found, 0)
            if found < 0:
                body.data, body.file = b"", None
    return tuple(gaps)
