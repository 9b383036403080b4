"""When a product that was just started can be asked: it takes connections, and answers HTTP with anything but
"not now".
"""

import http.client
import socket
import ssl
from collections.abc import Callable

from entrepot_store.clock import Clock

from ..target import Target

LOOK_SECONDS = 0.1
_PATIENCE = 2.0
"""Seconds for one look."""
_NOT_NOW = frozenset({502, 503, 504})


def takes_connections(target: Target, seconds: float = _PATIENCE) -> bool:
    """Whether anything listens there."""
    try:
        socket.create_connection((target.host, target.port), seconds).close()
    except OSError:
        return False
    return True


def answers(target: Target, tls: ssl.SSLContext | None) -> bool:
    """Whether a request gets an answer, of whatever status but those of a service that is not ready."""
    connection = (
        http.client.HTTPConnection(target.host, target.port, timeout=_PATIENCE)
        if tls is None
        else http.client.HTTPSConnection(target.host, target.port, timeout=_PATIENCE, context=tls)
    )
    try:
        connection.request("GET", f"{target.prefix}/", headers={"Host": target.authority})
        return connection.getresponse().status not in _NOT_NOW
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_until_ready(
    target: Target, tls: ssl.SSLContext | None, seconds: float, clock: Clock, look: Callable[[], bool]
) -> bool:
    """True as soon as it answers; when the time is over, whether it takes connections at least, since a service may
    have nothing to say to a plain request. `look` waits a moment, and says whether to go on. False when it does not."""
    deadline = clock.monotonic() + seconds
    while True:
        if takes_connections(target) and answers(target, tls):
            return True
        if clock.monotonic() >= deadline:
            return takes_connections(target)
        if not look():
            return False
