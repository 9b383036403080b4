"""`durability = "sync"` and `on_failure = "closed"`, on a disk that is really full."""

import contextlib
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrepot_store.spool.files import OPEN, SpoolFolder
from tests.support.proxy import (
    Proxy,
    connect,
    exchange_raw,
    read_all,
    read_response,
    read_spool,
    start_proxy,
    wait_until,
)
from tests.support.proxy_origins import Origin, answering, json_answer, serving

MIB = 1024 * 1024

RULES = """
[spool]
reserve_bytes = 0
[[rule]]
name = "strict"
path = "/strict/**"
durability = "sync"
on_failure = "closed"
[[rule]]
name = "careful"
path = "/sync/**"
durability = "sync"
"""


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A disk of its own that can be filled: a tmpfs, which needs root; elsewhere the test says that it cannot run."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def reverse(origin: Origin) -> tuple[str, ...]:
    return "--listen", "", "--reverse", f"o=http://127.0.0.1:{origin.port}@127.0.0.1:0"


def get(proxy: Proxy, path: str) -> bytes:
    return exchange_raw(proxy.reverse("o"), f"GET {path} HTTP/1.1\r\nHost: o\r\nConnection: close\r\n\r\n".encode())


def fill(folder: Path) -> Path:
    """Leaves not a byte free."""
    ballast = folder / "ballast"
    with ballast.open("wb") as stream, contextlib.suppress(OSError):
        while True:
            stream.write(b"\0" * 65536)
            stream.flush()
    with ballast.open("ab", buffering=0) as stream, contextlib.suppress(OSError):
        while True:
            stream.write(b"\0")
    return ballast


def test_a_sync_exchange_is_on_disk_before_its_response(tmp_path: Path) -> None:
    # Group commits ten seconds apart: only a waiter brings one about earlier.
    config = RULES.replace("[spool]", "[spool]\nsync_ms = 10000\nseal_seconds = 60")
    with (
        serving(answering(json_answer())) as origin,
        start_proxy(tmp_path / "d", *reverse(origin), config=config) as proxy,
    ):
        for number in range(3):
            assert get(proxy, f"/sync/{number}").startswith(b"HTTP/1.1 200")
            found = [one.request.path for one in read_spool(proxy.data).exchanges]
            assert found == [f"/sync/{n}".encode() for n in range(number + 1)]
        assert get(proxy, "/other").startswith(b"HTTP/1.1 200")
        assert len(read_spool(proxy.data).exchanges) == 3, "an async one does not wait"


def test_sync_holds_the_end_of_a_chunked_response(tmp_path: Path) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
    config = RULES.replace("[spool]", "[spool]\nsync_ms = 10000\nseal_seconds = 60")
    with serving(answering(chunked)) as origin, start_proxy(tmp_path / "d", *reverse(origin), config=config) as proxy:
        with connect(proxy.reverse("o")) as client:
            client.sendall(b"GET /sync/c HTTP/1.1\r\nHost: o\r\n\r\n")
            received = b""
            while not received.endswith(b"0\r\n\r\n"):
                received += client.recv(1000)
        assert len(read_spool(proxy.data).exchanges) == 1


def test_a_streamed_response_that_cannot_be_recorded_is_broken_off(tmp_path: Path) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
    with (
        small_disk(tmp_path / "disk", "6m") as disk,
        serving(answering(chunked)) as origin,
        start_proxy(disk / "data", *reverse(origin), config=RULES) as proxy,
    ):
        fill(disk)
        with connect(proxy.reverse("o")) as client:
            client.sendall(b"GET /strict/c HTTP/1.1\r\nHost: o\r\n\r\n")
            received = read_all(client)
        assert b"2\r\nhi\r\n" in received
        assert not received.endswith(b"0\r\n\r\n"), "the client can tell that something is wrong"


def test_a_full_disk_lets_open_rules_pass_and_closed_ones_answer_503(tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "disk", "6m") as disk,
        serving(answering(json_answer())) as origin,
        start_proxy(disk / "data", *reverse(origin), config=RULES) as proxy,
    ):
        assert get(proxy, "/strict/1").startswith(b"HTTP/1.1 200")
        # The last page of an open file would still have room for a record.
        wait_until(lambda: not SpoolFolder(proxy.data / "spool").names(OPEN), "the file is sealed")
        ballast = fill(disk)
        reached = len(origin.requests)
        # The first one finds out: it reaches the origin, its record fails, and its client is not told that all is well.
        answer = get(proxy, "/strict/2")
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"application/problem+json" in answer
        assert len(origin.requests) == reached + 1
        # From then on nothing of it reaches the origin.
        assert get(proxy, "/strict/3").startswith(b"HTTP/1.1 503")
        assert len(origin.requests) == reached + 1
        # Open rules go on, sync or not.
        assert get(proxy, "/sync/4").startswith(b"HTTP/1.1 200")
        assert get(proxy, "/open/5").startswith(b"HTTP/1.1 200")
        assert proxy.process.poll() is None

        ballast.unlink()
        wait_until(lambda: get(proxy, "/strict/6").startswith(b"HTTP/1.1 200"), "strict exchanges pass again")
        assert proxy.stop() == 0
        spooled = read_spool(proxy.data)
        assert spooled.damages == 0
        assert sorted(one.request.path for one in spooled.exchanges) == [b"/strict/1", b"/strict/6"]
        assert sum(gap.missing for gap in spooled.gaps) == 3  # 2, 4 and 5 took place; 3 never did
        assert all("full" in gap.reason for gap in spooled.gaps)
        assert spooled.ledger.balanced
        assert spooled.ledger.stored == 2
        assert spooled.ledger.failed >= 4


def test_a_full_disk_cuts_a_streamed_body_and_not_the_traffic(tmp_path: Path) -> None:
    body = os.urandom(12 * MIB)
    with (
        small_disk(tmp_path / "disk", "8m") as disk,
        serving(answering(json_answer(body))) as origin,
        start_proxy(disk / "data", *reverse(origin), config=RULES) as proxy,
    ):
        assert get(proxy, "/open/long").endswith(body)
        wait_until(lambda: proxy.state()["last_error"], "an error is in the state file")
        assert "tee: OSError" in proxy.log.read_text()
        assert proxy.process.poll() is None
        assert get(proxy, "/open/short").endswith(body)
        assert proxy.stop() == 0
        ledger = read_spool(proxy.data).ledgers
        assert not ledger or ledger[-1].stored == 0, "a cut body never counts as stored"


def test_closed_and_already_failing_answers_long_requests_without_reading_them(tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "disk", "6m") as disk,
        serving(answering(json_answer())) as origin,
        start_proxy(disk / "data", *reverse(origin), config=RULES) as proxy,
    ):
        fill(disk)
        assert get(proxy, "/strict/1").startswith(b"HTTP/1.1 503")
        reached = len(origin.requests)
        with connect(proxy.reverse("o")) as client:
            client.sendall(b"PUT /strict/2 HTTP/1.1\r\nHost: o\r\nContent-Length: 100000000\r\n\r\n")
            assert client.recv(1) == b"", "the connection is closed"
        with connect(proxy.reverse("o")) as client:
            client.sendall(b"PUT /strict/3 HTTP/1.1\r\nHost: o\r\nContent-Length: 2\r\n\r\nhi")
            assert read_response(client)[0].startswith(b"HTTP/1.1 503")
        assert len(origin.requests) == reached


def test_a_slow_disk_delays_sync_flows_only(tmp_path: Path) -> None:
    """A record that waits must hold back its own response and nothing else on the event loop."""
    code = (
        "import os, sys, time, entrepot_proxy.spool_file as f, entrepot_proxy.__main__ as m;"
        "real = f.Disk.sync;"
        "f.Disk.sync = lambda self, fd: (time.sleep(1.5), real(self, fd));"
        "sys.exit(m.main())"
    )
    with (
        serving(answering(json_answer())) as origin,
        start_proxy(tmp_path / "d", *reverse(origin), config=RULES, python=("-O", "-c", code)) as proxy,
    ):
        answered: list[str] = []

        def ask(path: str) -> None:
            assert get(proxy, path).startswith(b"HTTP/1.1 200")
            answered.append(path)

        slow = threading.Thread(target=ask, args=("/sync/1",))
        slow.start()
        wait_until(lambda: proxy.state()["counts"]["in_flight"] == 1, "the sync exchange is under way")
        for number in range(5):
            ask(f"/open/{number}")
        slow.join()
        assert answered[-1] == "/sync/1"
