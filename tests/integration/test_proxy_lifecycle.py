"""Start, reload, end: in order, by force, and in the wrong place."""

import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from entrepot_store.errors import AddressInUse, ConfigError
from entrepot_store.spool.files import OPEN, SpoolFolder
from tests.support.proxy import (
    PATIENCE,
    connect,
    exchange_raw,
    read_response,
    read_spool,
    start_proxy,
    wait_until,
)
from tests.support.proxy_origins import Origin, answering, json_answer, serving


def reverse(origin: Origin, port: int = 0) -> tuple[str, ...]:
    return "--listen", "", "--reverse", f"o=http://127.0.0.1:{origin.port}@127.0.0.1:{port}"


def get(port: int, path: str) -> bytes:
    return exchange_raw(port, f"GET {path} HTTP/1.1\r\nHost: o\r\nConnection: close\r\n\r\n".encode())


def test_kill_9_under_load_leaves_a_readable_spool(tmp_path: Path) -> None:
    answered: list[int] = []
    stop = threading.Event()

    def load(port: int, number: int) -> None:
        try:
            with connect(port) as client:
                while not stop.is_set():
                    client.sendall(b"GET /%d HTTP/1.1\r\nHost: o\r\n\r\n" % number)
                    head, _ = read_response(client)
                    if not head.startswith(b"HTTP/1.1 200"):
                        return
                    answered.append(number)
                    number += 1
        except OSError:
            return  # the proxy is gone, as it should be

    with serving(answering(json_answer())) as origin, start_proxy(tmp_path / "d", *reverse(origin)) as proxy:
        port = proxy.reverse("o")
        threads = [threading.Thread(target=load, args=(port, base * 100_000)) for base in range(4)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(answered) > 400, "some traffic")
        proxy.process.kill()
        proxy.process.wait()
        stop.set()
        for thread in threads:
            thread.join()
        spooled = read_spool(proxy.data)
        # At most the torn tail of the last write is damaged; all before it is whole, once, and accounted for.
        assert spooled.damages <= 1
        ids = [one.id for one in spooled.exchanges]
        assert len(set(ids)) == len(ids)
        assert all(one.complete for one in spooled.exchanges)
        assert spooled.ledger.balanced
        assert spooled.ledger.stored == len(ids)
        assert spooled.ledger.seen >= len(ids)
        # Async durability may lose what was answered within the last group commits, never more.
        assert len(answered) - len(ids) < 4 * 200
        # The lock died with the process, so a shipper may take what it left.
        folder = SpoolFolder(proxy.data / "spool")
        lock = folder.lock(spooled.ledger.worker)
        assert lock is not None
        lock.release()


def test_sigterm_lets_open_exchanges_finish_and_seals(tmp_path: Path) -> None:
    go_on = threading.Event()

    def slow(connection: socket.socket, origin: Origin) -> None:
        origin.requests.append(connection.recv(65536))
        assert go_on.wait(PATIENCE)
        connection.sendall(json_answer(b"late"))

    with serving(slow) as origin, start_proxy(tmp_path / "d", *reverse(origin)) as proxy:
        port = proxy.reverse("o")
        with connect(port) as idle, connect(port) as client:
            client.sendall(b"GET /late HTTP/1.1\r\nHost: o\r\n\r\n")
            wait_until(lambda: origin.requests, "the request is under way")
            proxy.process.send_signal(signal.SIGTERM)
            assert idle.recv(1) == b"", "an idle connection is closed at once"
            with pytest.raises(ConnectionRefusedError), connect(port):
                pass
            assert proxy.process.poll() is None
            go_on.set()
            assert read_response(client)[1] == b"late"
            assert proxy.process.wait(PATIENCE) == 0
        spooled = read_spool(proxy.data)
        (exchange,) = spooled.exchanges
        assert exchange.complete
        assert (spooled.ledger.seen, spooled.ledger.in_flight) == (1, 0)
        folder = SpoolFolder(proxy.data / "spool")
        assert folder.names(OPEN) == []
        assert list(folder.path.glob("*.lock")) == []
        assert not (proxy.data / "run" / "proxy.json").exists()


def test_what_does_not_finish_in_time_is_recorded_as_cut(tmp_path: Path) -> None:
    def never(connection: socket.socket, origin: Origin) -> None:
        origin.requests.append(connection.recv(65536))
        while connection.recv(65536):
            pass

    config = "[proxy]\ndrain_seconds = 0.3\n"
    with serving(never) as origin, start_proxy(tmp_path / "d", *reverse(origin), config=config) as proxy:
        with connect(proxy.reverse("o")) as client:
            client.sendall(b"PUT /open HTTP/1.1\r\nHost: o\r\nContent-Length: 2\r\n\r\nhi")
            wait_until(lambda: origin.requests, "the request is under way")
            assert proxy.stop() == 0
        (exchange,) = read_spool(proxy.data).exchanges
        assert exchange.error == "cut at shutdown"
        assert exchange.request.body.data == b"hi"
        ledger = read_spool(proxy.data).ledger
        assert (ledger.seen, ledger.stored, ledger.in_flight) == (1, 1, 0)


def test_end_of_standard_input_ends_a_supervised_proxy(tmp_path: Path) -> None:
    supervised = {"ENTREPOT_SUPERVISED": "1"}
    with (
        serving(answering(json_answer())) as origin,
        start_proxy(tmp_path / "d", *reverse(origin), environment=supervised, stdin=subprocess.PIPE) as proxy,
    ):
        assert get(proxy.reverse("o"), "/x").startswith(b"HTTP/1.1 200")
        assert proxy.process.stdin is not None
        proxy.process.stdin.close()
        assert proxy.process.wait(PATIENCE) == 0
        assert len(read_spool(proxy.data).exchanges) == 1


def test_without_a_supervisor_standard_input_does_not_matter(tmp_path: Path) -> None:
    with (
        serving(answering(json_answer())) as origin,
        start_proxy(tmp_path / "d", *reverse(origin), stdin=subprocess.PIPE) as proxy,
    ):
        assert proxy.process.stdin is not None
        proxy.process.stdin.close()
        first = proxy.state()["updated_at"]
        wait_until(lambda: proxy.state()["updated_at"] > first, "it goes on")
        assert get(proxy.reverse("o"), "/x").startswith(b"HTTP/1.1 200")


def test_a_taken_address_is_one_sentence_and_exit_code_8(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        proxy = start_proxy(tmp_path / "d", "--listen", f"127.0.0.1:{port}", wait=False)
        assert proxy.process.wait(PATIENCE) == AddressInUse.exit_code == 8
    (line,) = proxy.log.read_text().splitlines()
    assert line.startswith(f"entrepot proxy: 127.0.0.1:{port} is taken by another process")
    assert list((proxy.data / "spool").glob("*.lock")) == []


@pytest.mark.parametrize(
    ("arguments", "config", "said"),
    [
        (("--reverse", "nonsense"), "", "--reverse"),
        (("--reverse", "o=ftp://x@127.0.0.1:1"), "", "proxy.reverse"),
        (("--listen", "nowhere"), "", "proxy.listen"),
        ((), '[[rule]]\nname = "a"\naction = "destroy"\n', "rule[0].action"),
        ((), "[proxy]\nupstream_ca = 'no-such-file.pem'\n", "upstream_ca"),
        (("--listen", ""), "", "nothing to listen on"),
        (("--data", "/proc/nowhere"), "", "/proc/nowhere"),
    ],
)
def test_bad_settings_are_refused_before_anything_listens(
    tmp_path: Path, arguments: tuple[str, ...], config: str, said: str
) -> None:
    proxy = start_proxy(tmp_path / "d", *arguments, config=config, wait=False)
    code = proxy.process.wait(PATIENCE)
    text = proxy.log.read_text()
    assert code in (ConfigError.exit_code, 2), text
    assert said in text
    assert "Traceback" not in text


def test_rules_reload_without_dropping_a_connection_and_a_bad_file_keeps_them(tmp_path: Path) -> None:
    config = '[[rule]]\nname = "first"\n'
    with (
        serving(answering(json_answer())) as origin,
        start_proxy(tmp_path / "d", *reverse(origin), config=config) as proxy,
        connect(proxy.reverse("o")) as client,
    ):
        file = proxy.data.parent / "d.toml"

        def rule_of(path: bytes) -> str:
            client.sendall(b"GET %s HTTP/1.1\r\nHost: o\r\n\r\n" % path)
            assert read_response(client)[0].startswith(b"HTTP/1.1 200")
            (exchange,) = proxy.spooled(1, lambda one: one.request.path == path)
            return exchange.rule

        assert rule_of(b"/1") == "first"
        before = proxy.state()["rules"]["loaded_at"]

        file.write_text('[[rule]]\nname = "second"\n')
        wait_until(lambda: proxy.state()["rules"]["loaded_at"] != before, "the reload")
        assert rule_of(b"/2") == "second"

        file.write_text('[[rule]]\nname = "third"\naction = "destroy"\n')
        wait_until(lambda: proxy.state()["rules"]["error"], "the refusal")
        assert "rule[0].action" in proxy.state()["rules"]["error"]
        assert (proxy.state()["rules"]["stale"], proxy.state()["rules"]["refused"]) == (1, 1)
        assert "the old rules stay in force" in proxy.log.read_text()
        assert rule_of(b"/3") == "second"

        file.write_text('[[rule]]\nname = "fourth"\n')
        proxy.process.send_signal(signal.SIGHUP)
        wait_until(lambda: proxy.state()["rules"]["error"] is None, "the repair")
        assert (proxy.state()["rules"]["stale"], proxy.state()["rules"]["refused"]) == (0, 1)
        assert rule_of(b"/4") == "fourth"


def test_two_workers_share_one_data_folder(tmp_path: Path) -> None:
    with serving(answering(json_answer())) as origin:
        with start_proxy(tmp_path / "d", *reverse(origin)) as first:
            port = first.reverse("o")
            with start_proxy(tmp_path / "d", *reverse(origin)) as second:
                assert get(port, "/1").startswith(b"HTTP/1.1 200")
                assert get(second.reverse("o"), "/2").startswith(b"HTTP/1.1 200")
                second.spooled(2)
                assert second.stop() == 0
            assert first.stop() == 0
        spooled = read_spool(tmp_path / "d")
        assert len({ledger.worker for ledger in spooled.ledgers}) == 2


def test_no_capture_only_proxies(tmp_path: Path) -> None:
    with serving(answering(json_answer())) as origin:
        with start_proxy(tmp_path / "d", "--no-capture", *reverse(origin)) as proxy:
            assert get(proxy.reverse("o"), "/x").startswith(b"HTTP/1.1 200")
            assert proxy.stop() == 0
        assert not (tmp_path / "d" / "spool").exists()
