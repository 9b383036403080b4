"""What can go wrong in a replay beyond the store's errors, and the exit codes with which a replay ends.

`docs/exit-codes.md` lists them. They are separate from error codes, because a replay that found differences worked.
"""

from typing import ClassVar

from entrepot_store.errors import EntrepotError

ALL_IDENTICAL = 0
DIFFERENCES = 20
FAILURES = 21
STOPPED_EARLY = 22


class TargetUnreachable(EntrepotError):
    """The target takes no connections. Nothing was sent; start again when it is up."""

    exit_code: ClassVar[int] = 23


class NotSent(Exception):
    """No byte of the request left: no connection could be made. Sending again is safe. The text is the reason.

    `passing` says whether waiting can help: a refused connection may be a service that starts, a certificate that
    does not verify stays wrong.
    """

    def __init__(self, reason: str, *, passing: bool = True) -> None:
        super().__init__(reason)
        self.passing = passing


class Unsendable(Exception):
    """This request cannot be put on the wire as it is; nothing left. The text is the reason."""


class OutcomeUnknown(Exception):
    """The request left, wholly or in part, and no whole answer came back: nobody knows what the target did."""
