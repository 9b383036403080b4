"""The origin behind the proxies of `benchmarks.capture`: answers every request with 1 KB of JSON, as cheaply as it can.

A separate process on a raw asyncio protocol, so that what is measured is the proxy. Prints its port and serves until
its standard input closes. Understands exactly what `capture_load` sends: whole heads, Content-Length bodies.
"""

import asyncio
import json
import sys


def json_of(size: int) -> bytes:
    """A JSON object of exactly `size` bytes that looks like a settings document."""
    document = {"id": "0f8c2e", "customer": {"id": 4711, "name": "Example GmbH", "locale": "de-DE"}, "settings": []}
    while len(json.dumps(document)) < size - 80:
        number = len(document["settings"])  # type: ignore[arg-type] # mypy sees dict[str, object]; this one is a list
        document["settings"].append({"key": f"option.{number}", "value": number * 7919 % 1000})  # type: ignore[attr-defined]
    document["pad"] = ""
    document["pad"] = "x" * (size - len(json.dumps(document)))
    return json.dumps(document).encode()


BODY = json_of(1024)
ANSWER = (
    b"HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 12:50:02 GMT\r\nServer: origin\r\nContent-Type: application/json\r\n"
    b'ETag: "5d8c72a5edda8"\r\nCache-Control: no-cache\r\nContent-Length: %d\r\n\r\n' % len(BODY)
) + BODY


class Origin(asyncio.Protocol):
    """One connection: counts whole requests in the bytes that arrive and answers each."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        data = self.rest + data
        answers = 0
        while (head := data.find(b"\r\n\r\n")) >= 0:
            end = head + 4 + _content_length(data[:head])
            if len(data) < end:
                break
            data = data[end:]
            answers += 1
        self.rest = data
        if answers:
            self.transport.write(ANSWER * answers)  # type: ignore[attr-defined] # asyncio types it as BaseTransport


def _content_length(head: bytes) -> int:
    start = head.lower().find(b"content-length:")
    return 0 if start < 0 else int(head[start + 15 : head.find(b"\r\n", start) if b"\r\n" in head[start:] else None])


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Origin, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
