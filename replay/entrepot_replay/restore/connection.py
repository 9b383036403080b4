"""A connection to the target for looks outside of a run: while planning, and when all is over."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .. import wire
from ..credentials import Credentials
from ..options import RunOptions
from ..renewing import RenewingSender, asker
from ..sender import Sender, Timeouts, tls_context
from ..target import Target


@contextmanager
def connection(target: Target, options: RunOptions, credentials: Credentials) -> Iterator[Sender]:
    """One thread's sender, closed at the end. Raises BadInput for an unusable CA file."""
    timeouts = Timeouts(connect=options.connect_timeout, progress=options.timeout)

    def new(server: Target) -> Sender:
        ca = Path(options.tls_ca) if options.tls_ca else None
        tls = tls_context(ca, verify=options.tls_verify) if server.is_tls else None
        return wire.new_sender(server, timeouts, tls)

    credentials.connect(asker(target, new))
    sender = RenewingSender(new(target))
    try:
        yield sender
    finally:
        sender.close()
