"""JSON over HTTP with the standard library, which honours the proxy variables that `entrepot run` sets."""

import json
import urllib.error
import urllib.request
from typing import Any

TIMEOUT_SECONDS = 20.0
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Refused(Exception):
    """A service answered with an error status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status


def call(method: str, url: str, content: Any = None, *, authorization: str = "", direct: bool = False) -> Any:
    """The JSON of the answer (None if it has none). `direct` passes by any proxy. Raises Refused, OSError."""
    request = urllib.request.Request(url, method=method)  # noqa: S310 - URLs of the demo's own services
    if content is not None:
        request.data = json.dumps(content).encode()
        request.add_header("Content-Type", "application/json")
    if authorization:
        request.add_header("Authorization", authorization)
    send = _DIRECT.open if direct else urllib.request.urlopen
    try:
        with send(request, timeout=TIMEOUT_SECONDS) as answer:
            body = answer.read()
    except urllib.error.HTTPError as error:
        with error:
            raise Refused(error.code, error.read().decode(errors="replace")) from None
    return json.loads(body) if body else None
