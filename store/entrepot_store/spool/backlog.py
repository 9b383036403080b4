"""What lies in a spool and is not in the catalog yet: for the shipper, the supervisor and the status alike."""

from .files import ABANDONED, OPEN, SEALED, SpoolFolder, SpoolName


def unshipped(spool: SpoolFolder) -> list[SpoolName]:
    """Files that hold captures to be shipped, in no order; one that is still being written is among them."""
    return [name for state in (OPEN, SEALED, ABANDONED) for name in spool.names(state)]


def seconds_behind(spool: SpoolFolder, now: int) -> float:
    """Age in seconds of the oldest spool file not yet in the catalog; 0 when there is none. `now` in microseconds."""
    return max((max(0.0, (now - name.created) / 1_000_000) for name in unshipped(spool)), default=0.0)
