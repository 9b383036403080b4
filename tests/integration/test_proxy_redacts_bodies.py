"""Redaction of bodies in the running proxy: traffic stays untouched, and nobody waits for what is hostile."""

import gzip
import socket
import threading
from pathlib import Path

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeFilter, open_catalog
from entrepot_store.config import Settings
from entrepot_store.ship import run_shipper
from entrepot_store.spool import SpoolFolder
from entrepot_store.vault import open_vault
from tests.support.proxy import exchange_raw, read_spool, start_proxy, wait_until
from tests.support.proxy_origins import Origin, answering, json_answer, read_request, serving

CONFIG = """
[proxy]
buffer_bytes = 1000
tee_memory_bytes = 1000
redact_body_bytes = 100000

[[rule]]
name = "hostile"
path = "/hostile"
redact = { regex = "(a+)+b" }

[[rule]]
name = "wire"
path = "/wire"
fidelity = "wire"

[[rule]]
name = "sync"
path = "/sync"
redact = { json = "$.token" }
durability = "sync"

[[rule]]
name = "long"
path = "/long/**"
redact = { json = "$.token" }
"""


def reverse(origin: Origin) -> tuple[str, ...]:
    return "--listen", "", "--reverse", f"o=http://127.0.0.1:{origin.port}@127.0.0.1:0"


def put(path: str, body: bytes, *headers: str) -> bytes:
    lines = "".join(f"{header}\r\n" for header in headers)
    return (
        f"PUT {path} HTTP/1.1\r\nHost: o\r\nConnection: close\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode()
        + body
    )


def test_a_hostile_body_holds_up_nobody_and_is_withheld(tmp_path: Path) -> None:
    answer = json_answer(headers=b"Connection: close\r\n")
    with (
        serving(answering(answer)) as origin,
        start_proxy(tmp_path / "data", *reverse(origin), config=CONFIG) as proxy,
    ):
        port = proxy.reverse("o")
        assert exchange_raw(port, put("/hostile", b"a" * 100)).startswith(b"HTTP/1.1 200")
        # While it is looked into, the others are captured as ever; those who wait for their record wait behind it.
        assert exchange_raw(port, put("/other", b"x")).startswith(b"HTTP/1.1 200")
        assert [one.request.path for one in proxy.spooled(1)] == [b"/other"]
        assert exchange_raw(port, put("/sync", b'{"token": "x"}')).startswith(b"HTTP/1.1 200")
        assert [one.rule for one in read_spool(proxy.data).exchanges] == ["default", "hostile", "sync"]
        wait_until(lambda: proxy.state()["redaction"]["withheld"] == 2, "the state says so")
        log = proxy.log.read_text()
        assert proxy.stop() == 0
    by_rule = {one.rule: one for one in read_spool(proxy.data).exchanges}
    assert by_rule["hostile"].request.body.withheld == "looking into it took too much processor time"
    assert by_rule["hostile"].response is not None
    assert by_rule["hostile"].response.body.withheld == by_rule["hostile"].request.body.withheld
    assert (by_rule["sync"].request.body.data or b"").startswith(b'{"token": "{{secret:token:')
    assert "a body was not kept: looking into it took too much processor time" in log
    ledger = read_spool(proxy.data).ledger
    assert (ledger.seen, ledger.stored, ledger.truncated, ledger.failed) == (3, 2, 1, 0)


def test_bodies_over_the_bound_pass_and_are_not_kept(tmp_path: Path) -> None:
    long = b'{"token": "secret", "filler": "%s"}' % (b"f" * 200_000)
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + long
    with (
        serving(lambda connection, origin: _answer_once(connection, origin, answer)) as origin,
        start_proxy(tmp_path / "data", *reverse(origin), config=CONFIG) as proxy,
    ):
        port = proxy.reverse("o")
        assert exchange_raw(port, put("/long/1", long, "Content-Type: application/json")).endswith(long)
        assert origin.requests[0].endswith(long)
        assert exchange_raw(port, put("/long/2", long[:50_000] + b'"}', "Content-Type: application/json")).endswith(
            long
        )
        assert exchange_raw(port, put("/long/3", long, "Content-Type: image/png")).endswith(long)
        first, second, third = sorted(proxy.spooled(3), key=lambda one: one.request.path)
        assert first.request.body.withheld == "it is longer than proxy.redact_body_bytes"
        assert first.response is not None
        assert first.response.body.withheld == first.request.body.withheld
        assert not first.complete
        assert (second.request.body.data or b"").startswith(b'{"token": "{{secret:token:')
        assert second.request.body.size == len(second.request.body.data or b"") != 50_002
        # Nobody looks into a picture, so it may be on the disk.
        assert third.request.body.file is not None
        assert proxy.stop() == 0
    assert read_spool(proxy.data).ledger.truncated == 3
    holding = {
        path.name for path in proxy.data.rglob("*") if path.is_file() and b'"token": "secret"' in path.read_bytes()
    }
    assert holding == {third.request.body.file}


def _answer_once(connection: socket.socket, origin: Origin, answer: bytes) -> None:
    """Its answer has no length, so the connection ends behind it."""
    origin.requests.append(read_request(connection))
    connection.sendall(answer)


def test_fidelity_wire_keeps_the_coding_into_the_vault(tmp_path: Path) -> None:
    body = gzip.compress(b'{"a": 1}' * 50, mtime=0)
    with (
        serving(answering(json_answer(body, b"Content-Encoding: gzip\r\nConnection: close\r\n"))) as origin,
        start_proxy(tmp_path / "data", *reverse(origin), config=CONFIG) as proxy,
    ):
        for path in ("/wire", "/decoded"):
            exchange_raw(proxy.reverse("o"), put(path, body, "Content-Encoding: gzip"))
        proxy.spooled(2)
        assert proxy.stop() == 0
    settings = Settings(data=proxy.data)
    catalog, vault = open_catalog(settings), open_vault(settings)
    try:
        run_shipper(SpoolFolder(proxy.data / "spool"), vault, catalog, threading.Event(), mode="once")
        rows = {row.path: row for row in catalog.iterate(ExchangeFilter())}
        archive = Archive(vault, catalog)
        for side in ("request", "response"):
            assert archive.body_bytes(rows["/decoded"], side) == b'{"a": 1}' * 50
        wire = rows["/wire"]
        assert wire.response is not None
        assert (wire.request.size, wire.request.encoding, wire.response.encoding) == (len(body), "", "")
    finally:
        catalog.close()
