"""Every error a user can meet, with the exit code the command line gives it.

Flat on purpose: a class is named after what the user can do about it. Adapters (vault, catalog, configuration)
translate foreign exceptions into these once, at their edge; everything above lets them pass.
Exit codes are part of the interface and are listed in `docs/exit-codes.md`.
"""

from typing import ClassVar


class EntrepotError(Exception):
    """Base of all. `hint` is one sentence that tells the user what to do next."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class ConfigError(EntrepotError):
    """A file, key or value of the configuration is wrong; the message names all three."""

    exit_code = 3


class VaultUnavailable(EntrepotError):
    """The vault did not answer or failed in passing; the same call may succeed later."""

    exit_code = 4


class VaultDenied(EntrepotError):
    """The vault answered and refused: wrong keys, no right to the bucket, or no such bucket and no right to make it."""

    exit_code = 5


class CatalogUnavailable(EntrepotError):
    """The catalog's database did not answer; the same call may succeed later."""

    exit_code = 6


class TooNew(EntrepotError):
    """Data written by a newer Entrepot: a spool, segment or catalog format this version does not know."""

    exit_code = 7


class TooOld(EntrepotError):
    """The catalog has the tables of an older Entrepot, and whoever only looks something up does not change them."""

    exit_code = 15


class AddressInUse(EntrepotError):
    """A listen address is taken or is not ours to take."""

    exit_code = 8


class NotFound(EntrepotError):
    """What was asked for by name or id is not there."""

    exit_code = 9


class Gone(NotFound):
    """The document was deleted by the moment asked for; the message says since when."""


class Erased(Gone):
    """What the document was at the moment asked for was expunged; the message says when."""


class Damaged(EntrepotError):
    """Stored bytes fail their checksum or do not decode. Nothing is changed or deleted on this error."""

    exit_code = 10


class Busy(EntrepotError):
    """Another process owns what this one needs: a data folder, a spool, a replay."""

    exit_code = 11


class BadInput(EntrepotError):
    """An argument, cursor, filter or imported file does not make sense."""

    exit_code = 2


class AlreadyExists(EntrepotError):
    """A write-once name is taken by other content."""

    exit_code = 12


class Retained(EntrepotError):
    """A legal hold or an object lock forbids to remove what was asked for; the message says until when."""

    exit_code = 14
