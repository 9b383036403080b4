"""What the demo's own products share: a small threaded JSON server that says on stdout where it listens."""

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

type Answer = tuple[int, Any]
type Handler = Callable[[str, str, Any], Answer]
"""Method, path and JSON body to status and JSON body."""


def serve(handle: Handler, port: int) -> None:
    """Serves on loopback until the process is ended; port 0 asks the system for a free one."""

    class Endpoint(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            status, content = handle(self.command, self.path, json.loads(raw) if raw else None)
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - names that http.server looks for

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's signature
            """Quiet: the proxy is the one that keeps the record here."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Endpoint)
    announce(server.server_port)
    server.serve_forever()


def announce(port: int) -> None:
    """Tells whoever started us where we listen; `stage` reads this line."""
    print(f"listening http://127.0.0.1:{port}", flush=True)
