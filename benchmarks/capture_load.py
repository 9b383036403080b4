"""The load generator of `benchmarks.capture`: keep-alive connections that send one request after another.

`python -m benchmarks.capture_load PORT CONNECTIONS SECONDS` prints one line of JSON: requests, seconds, errors and the
latencies' median and 99th percentile in milliseconds. Every second request is a PUT with 1 KB of JSON, the others GET.
"""

import asyncio
import json
import sys
import time

from benchmarks.capture_origin import BODY

_HEAD = (
    b"Host: 127.0.0.1\r\nUser-Agent: load/1\r\nAccept: application/json\r\nAuthorization: Bearer 0123456789abcdef\r\n"
)
_EXPECTED = len(BODY)


def request_bytes(number: int) -> bytes:
    """The request with this number: a PUT if it is even, else a GET of the same document."""
    path = b"/v1/settings/%d?view=full" % (number // 2 % 5000)
    if number % 2:
        return b"GET %s HTTP/1.1\r\n%s\r\n" % (path, _HEAD)
    return b"PUT %s HTTP/1.1\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
        path,
        _HEAD,
        len(BODY),
        BODY,
    )


class Connection(asyncio.Protocol):
    """Sends the next request when the whole answer of the last has arrived."""

    def __init__(self, load: "Load", first: int) -> None:
        self.load = load
        self.number = first
        self.received = b""
        self.sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        self.received = b""
        self.sent_at = time.perf_counter()
        self.transport.write(request_bytes(self.number))  # type: ignore[attr-defined] # asyncio types it as BaseTransport
        self.number += 1

    def data_received(self, data: bytes) -> None:
        self.received += data
        head = self.received.find(b"\r\n\r\n")
        if head < 0 or len(self.received) < head + 4 + _EXPECTED:
            return
        if not self.received.startswith(b"HTTP/1.1 200"):
            self.load.errors += 1
        now = time.perf_counter()
        if now < self.load.deadline:
            self.load.latencies.append(now - self.sent_at)
            self.send()
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.load.open -= 1
        if time.perf_counter() < self.load.deadline:
            self.load.errors += 1
        if not self.load.open:
            self.load.done.set_result(None)


class Load:
    """One run: what it counted and when it ends."""

    def __init__(self, connections: int, seconds: float) -> None:
        self.open = connections
        self.deadline = time.perf_counter() + seconds
        self.latencies: list[float] = []
        self.errors = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()


async def run(port: int, connections: int, seconds: float) -> dict[str, float]:
    load = Load(connections, seconds)
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    for number in range(connections):
        await loop.create_connection(lambda first=number * 100_000: Connection(load, first), "127.0.0.1", port)
    await load.done
    elapsed = time.perf_counter() - started
    ordered = sorted(load.latencies) or [0.0]
    return {
        "requests": len(load.latencies),
        "seconds": elapsed,
        "errors": load.errors,
        "p50_ms": ordered[len(ordered) // 2] * 1000,
        "p99_ms": ordered[len(ordered) * 99 // 100] * 1000,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))))
