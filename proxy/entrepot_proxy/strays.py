"""Traffic that is no HTTP exchange by the time mitmproxy is done with it, recorded all the same.

Malformed requests that never become a flow, tunnels that carry something other than HTTP, and clients that break off
TLS because they do not trust our CA: in each case something passed, or wanted to, that is not protected. An exchange
with its `error` says so, and coverage counts it.
"""

import re
import time
from dataclasses import dataclass

from mitmproxy import tcp, tls
from mitmproxy.connection import Client

from entrepot_store.model import Action, Body, Exchange, Headers, Request, exchange_id
from entrepot_store.model.text import safe_text

from .addon import CaptureAddon
from .faults import CUT, describe
from .guard import guarded
from .headers import HOST, wanted
from .naming import address_text, plain, server_text

UNKNOWN = "unknown"

_VERSION = re.compile(rb"HTTP/[0-9.]{1,5}\s*")


@dataclass(slots=True)
class _Tunnel:
    started_at: int
    flow: tcp.TCPFlow
    sent: int = 0
    received: int = 0


class Strays:
    """An addon beside the capture addon, whose policy, counts and spool it uses."""

    def __init__(self, capture: CaptureAddon) -> None:
        self._capture = capture
        self._tunnels: dict[str, _Tunnel] = {}

    def malformed(self, client: Client, what: str, head: bytes) -> None:
        """For `engine.watch`: a request that was turned away. Never raises."""
        try:
            self._capture.counts.saw()
            method, target, version, headers = parse_head(head)
            error = describe(f"malformed: {what}")
            self._record(client, method, target, error, headers=headers, version=version, truncated=True)
        except Exception as error:  # noqa: BLE001 # called from mitmproxy's layers, which must go on; it is counted
            self._lost("malformed", error)

    @guarded
    def tls_failed_client(self, data: tls.TlsData) -> None:
        client = data.context.client
        self._capture.counts.saw()
        address = data.context.server.address
        named = client.sni or (address[0] if address else "")
        port = address[1] if address else 443
        authority = address_text((named, port)) if named else ""
        error = describe(f"tls: {client.error or 'the client broke off the handshake'}")
        self._record(client, b"CONNECT", b"", error, authority=authority, host=(named, port))

    @guarded
    def tcp_start(self, flow: tcp.TCPFlow) -> None:
        self._capture.counts.saw()
        self._tunnels[flow.id] = _Tunnel(int(time.time() * 1_000_000), flow)

    @guarded
    def tcp_message(self, flow: tcp.TCPFlow) -> None:
        tunnel = self._tunnels.get(flow.id)
        if flow.messages and tunnel is not None:
            newest = flow.messages[-1]
            if newest.from_client:
                tunnel.sent += len(newest.content)
            else:
                tunnel.received += len(newest.content)
        # mitmproxy would keep all of them in memory for as long as the tunnel is open.
        del flow.messages[:-1]

    @guarded
    def tcp_end(self, flow: tcp.TCPFlow) -> None:
        self._end_tunnel(flow, "")

    @guarded
    def tcp_error(self, flow: tcp.TCPFlow) -> None:
        self._end_tunnel(flow, f" ({describe(flow.error.msg)})" if flow.error else "")

    def cut(self) -> None:
        """Records tunnels that are still open when the proxy stops."""
        for tunnel in list(self._tunnels.values()):
            self._end_tunnel(tunnel.flow, f" ({CUT})")

    def busy_clients(self) -> set[str]:
        return {tunnel.flow.client_conn.id for tunnel in self._tunnels.values()}

    def hook_failed(self, hook: str, _subject: object, error: Exception) -> None:
        self._lost(hook, error)

    def _lost(self, where: str, error: Exception) -> None:
        self._capture.report(where, error)
        if where != "tcp_message":
            self._capture.counts.failed()
            self._capture.gaps.note(f"the capture failed in {where}: {type(error).__name__}")

    def _end_tunnel(self, flow: tcp.TCPFlow, why: str) -> None:
        tunnel = self._tunnels.pop(flow.id, None)
        if tunnel is None:
            return
        host, port = (flow.server_conn.address or (UNKNOWN, 0))[:2]
        error = f"not HTTP: a tunnel of {tunnel.sent} bytes sent and {tunnel.received} received passed uncaptured{why}"
        self._record(
            flow.client_conn,
            b"CONNECT",
            b"",
            error,
            authority=address_text((host, port)),
            host=(host, port),
            started_at=tunnel.started_at,
            server=server_text(flow.server_conn),
        )

    def _record(
        self,
        client: Client,
        method: bytes,
        path: bytes,
        error: str,
        *,
        headers: Headers = (),
        version: str = "HTTP/1.1",
        authority: str = "",
        host: tuple[str, int] | None = None,
        started_at: int | None = None,
        server: str = "",
        truncated: bool = False,
    ) -> None:
        rules, names, *_ = self._capture.policy
        caller = self._capture.caller(client)
        if host is None:
            named = wanted(headers).get(HOST, b"").decode("latin-1")
            authority = named
            name, _, port = named.rpartition("@")[2].partition(":")
            host = (name, int(port) if port.isdigit() and len(port) < 6 else 80)
        named_by_host = names.destination(plain(host[0]), host[1]) if host[0] else UNKNOWN
        destination = caller.listener or named_by_host
        source = plain(names.source(caller.host, caller.user))
        decision = rules.decide(source, destination, method, path, None, None)
        if decision.action is Action.IGNORE:
            self._capture.counts.ignored()
            return
        started = started_at if started_at is not None else int(time.time() * 1_000_000)
        redactor = decision.redactor
        if redactor.bodies is not None and redactor.bodies.regex:
            # What is malformed is not worth a place in the queue for looking into it, and not kept unlooked at.
            path, headers, truncated = b"", (), True
        self._capture.record(
            Exchange(
                exchange_id(started),
                started,
                source,
                destination,
                caller.address,
                server,
                decision.rule,
                decision.action,
                decision.retention_class,
                Request(
                    method,
                    b"https" if client.tls else b"http",
                    redactor.authority(plain(authority).encode()),
                    redactor.path(path),
                    version,
                    redactor.headers(headers),
                    Body(b"", None, 0, truncated),
                ),
                None,
                error,
            )
        )


def parse_head(head: bytes) -> tuple[bytes, bytes, str, Headers]:
    """Method, target, version and headers of a head that is malformed somewhere: whatever of it can be told apart."""
    # Of what was received no more than the head: a body may look like headers.
    first, *lines = head.replace(b"\r\n", b"\n").lstrip(b"\n").partition(b"\n\n")[0].split(b"\n")
    words = first.split(None, 2)
    method = words[0] if words and words[0].isalpha() and len(words[0]) <= 32 else b""
    target = words[1] if method and len(words) > 1 else b""
    version = safe_text(words[2].strip()) if len(words) > 2 and _VERSION.fullmatch(words[2]) else ""
    headers = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if colon and name and not name[:1].isspace():
            headers.append((name.strip(), value.strip()))
    return method, target, version or "HTTP/1.1", tuple(headers)
