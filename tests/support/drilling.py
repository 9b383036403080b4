"""A product to drill with: orders whose ids it makes itself, kept in memory; and ways to be a bad one.

Run by its path: `python tests/support/drilling.py PORT [FAULT]`. Its ids then begin at 71 and not at 1.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMAND = f"{sys.executable} {Path(__file__)}"


class Orders:
    """What it does: `handle` gives status, answer and further headers."""

    def __init__(self, first: int, fault: str = "") -> None:
        self.next, self.fault = first, fault
        self.rows: dict[int, dict[str, Any]] = {}

    def handle(self, method: str, path: str, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        name = path.removeprefix("/orders").strip("/")
        if method == "POST":
            number, self.next = self.next, self.next + 1
            row = {**json.loads(body), "id": number}
            if self.fault != "loses" or row["item"] != "ink":
                self.rows[number] = row
            return 201, json.dumps(row).encode(), {"Location": f"/orders/{number}"}
        if not name.isdigit() or int(name) not in self.rows:
            return 404, b"{}", {}
        if method == "PUT":
            self.rows[int(name)] = {**json.loads(body), "id": int(name)}
        return 200, json.dumps(self.rows[int(name)]).encode(), {}


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port: int = chosen.getsockname()[1]
        return port


def serve(port: int, fault: str) -> None:
    """Until it is ended. Faults: `early`, `late`, `unready`, `loses`, `dies`, `slow`, `stubborn`."""
    print("environment:", *sorted(name for name in os.environ if name.startswith("ENTREPOT_")), flush=True)
    print("process", os.getpid(), flush=True)
    if fault == "early":
        print("there is no licence", flush=True)
        sys.exit(3)
    if fault == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen(["sleep", "600"])
        print(f"child {child.pid}", flush=True)
    if fault == "late":
        time.sleep(0.5)
    product, began, written = Orders(71, fault), time.monotonic(), 0

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            nonlocal written
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            written += self.command != "GET"
            if fault == "dies" and written == 3:
                os._exit(4)
            if fault == "slow" and self.command != "GET":
                print("busy", flush=True)
                time.sleep(0.3)
            unready = fault == "unready" and time.monotonic() - began < 0.5
            status, content, extra = (503, b"", {}) if unready else product.handle(self.command, self.path, body)
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(content)),
                **extra,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = answer  # noqa: N815 - the base class's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
