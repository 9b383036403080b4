"""Sends one request and reads its answer: the Sender port. `wire` has its implementations.

A sender belongs to one thread and holds one connection, kept alive from step to step; the executor makes one sender per
thread. Header bytes leave as they are given: order, case, duplicates. What went wrong is told apart by what it means
for sending again: NotSent, Unsendable, OutcomeUnknown.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import certifi

from entrepot_store.errors import BadInput

from .answer import Answer
from .outgoing import Outgoing

IDLE_SECONDS = 4.0
"""A connection idle for longer is not used again: most servers close theirs after five seconds, and a request that
meets the close on its way is one whose outcome nobody knows."""


class Sender(Protocol):
    """One thread's way to the target."""

    def send(self, request: Outgoing) -> Answer:
        """Raises NotSent, Unsendable or OutcomeUnknown; and what reading the request's body raises."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to connect, for one read or write to make progress, and for a whole answer."""

    connect: float = 10.0
    progress: float = 30.0
    whole: float = 600.0


def tls_context(ca: Path | None = None, *, verify: bool = True) -> ssl.SSLContext:
    """Trusts certifi's CAs, the given PEM file, or (not verifying) anything. Raises BadInput for an unusable file."""
    context = ssl.create_default_context(cafile=certifi.where())
    if ca is not None:
        try:
            context.load_verify_locations(ca)
        except (OSError, ssl.SSLError) as error:
            raise BadInput(f"{ca} holds no CA certificates: {error}.") from None
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
