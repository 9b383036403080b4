"""Delivers events to a webhook: CloudEvents over HTTP, structured mode, one request each.

Nothing here is retried: `watch` writes down what became of an attempt and when the next is due.
"""

import json
from urllib.parse import urlsplit

import httpcore

from ..catalog.coverage import EventRow

CONTENT_TYPE = b"application/cloudevents+json; charset=utf-8"
_SECONDS = {"connect": 5.0, "read": 10.0, "write": 10.0, "pool": 5.0}
_GONE = 410
"""What a webhook answers that wants to hear no more (CloudEvents' HTTP webhook specification, section 2.1)."""


class Undelivered(Exception):
    """Why an attempt failed, in a sentence without the URL, which may hold secrets. `final`: it need not be tried
    again; `reached`: the server answered, so that other events may fare better."""

    def __init__(self, reason: str, *, final: bool = False, reached: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.final = final
        self.reached = reached


class Webhook:
    """One URL. Not for several threads at once."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.host = urlsplit(url).hostname or ""
        self._pool = httpcore.ConnectionPool(max_connections=1, keepalive_expiry=30.0, retries=0)

    def close(self) -> None:
        self._pool.close()

    def deliver(self, event: EventRow) -> None:
        """Raises Undelivered."""
        body = json.dumps(event.document, separators=(",", ":")).encode()
        headers = [
            (b"Host", urlsplit(self._url).netloc.rpartition("@")[2].encode("idna")),
            (b"Content-Type", CONTENT_TYPE),
            (b"Content-Length", b"%d" % len(body)),
            (b"User-Agent", b"entrepot"),
        ]
        try:
            with self._pool.stream(
                "POST", self._url, headers=headers, content=body, extensions={"timeout": _SECONDS}
            ) as response:
                status = response.status
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
            raise Undelivered(f"{self.host}: {error or type(error).__name__}", reached=False) from error
        if not 200 <= status < 300:
            raise Undelivered(f"{self.host} answered {status}", final=status == _GONE)
