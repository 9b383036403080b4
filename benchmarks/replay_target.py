"""The target of `benchmarks.replay`: accepts every write, as cheaply as it can, and notes when each arrived.

A process of its own on a raw asyncio protocol. `GET /watch?PID,N` names the process that is about to send N writes;
`GET /times` answers with the number of writes since it was last asked, the seconds between the first and the last, and
the CPU seconds that the process took between them, so that nobody's start-up counts.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

ANSWER = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n" + b'{"ok": true}'


class Target(asyncio.Protocol):
    """One connection."""

    arrived: list[float] = []  # noqa: RUF012 - of all connections together, on purpose
    cpu: list[float] = []  # noqa: RUF012 - likewise
    watched = (0, 0)

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
        if head.startswith(b"get /watch?"):
            pid, _, writes = head.split(b" ")[1].partition(b"?")[2].partition(b",")
            Target.watched = int(pid), int(writes)
            return _json({})
        if not head.startswith(b"get /times"):
            self.arrived.append(time.monotonic())
            if len(self.arrived) in (1, self.watched[1]):
                self.cpu.append(cpu_seconds(self.watched[0]))
            return ANSWER
        times = {
            "writes": len(self.arrived),
            "seconds": self.arrived[-1] - self.arrived[0] if self.arrived else 0.0,
            "cpu_seconds": self.cpu[-1] - self.cpu[0] if self.cpu else 0.0,
        }
        self.arrived.clear()
        self.cpu.clear()
        return _json(times)


def _json(value: object) -> bytes:
    body = json.dumps(value).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def cpu_seconds(pid: int) -> float:
    """What a process has used so far, on all cores together."""
    if not pid:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Target, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
