"""The target of `benchmarks.replay`: accepts every write, as cheaply as it can, and notes when each arrived.

A process of its own on a raw asyncio protocol. `GET /times` answers with the number of writes since it was last asked
and the seconds between the first and the last, so that nobody's start-up time counts.
"""

import asyncio
import json
import sys
import time

ANSWER = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n" + b'{"ok": true}'


class Target(asyncio.Protocol):
    """One connection."""

    arrived: list[float] = []  # noqa: RUF012 - of all connections together, on purpose

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        data = self.rest + data
        while (head := data.find(b"\r\n\r\n")) >= 0:
            lower = data[:head].lower()
            start = lower.find(b"content-length:")
            length = 0 if start < 0 else int(lower[start + 15 :].split(b"\r\n", 1)[0])
            if len(data) < head + 4 + length:
                break
            data = data[head + 4 + length :]
            self.transport.write(self._answer(lower))  # type: ignore[attr-defined] # typed as BaseTransport
        self.rest = data

    def _answer(self, head: bytes) -> bytes:
        if not head.startswith(b"get /times"):
            self.arrived.append(time.monotonic())
            return ANSWER
        times = {"writes": len(self.arrived), "seconds": self.arrived[-1] - self.arrived[0] if self.arrived else 0.0}
        self.arrived.clear()
        body = json.dumps(times).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Target, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
