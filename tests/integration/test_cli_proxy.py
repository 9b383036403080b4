"""`entrepot proxy` becomes the proxy: same process, same signals, every option handed on."""

import subprocess
import sys
import time
from pathlib import Path

from entrepot_api.cli.proxy import proxy_arguments
from entrepot_store.state import read_state


def test_it_becomes_the_proxy_and_ends_by_sigterm(tmp_path: Path) -> None:
    data = tmp_path / "data"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "entrepot_api", "proxy", "--data", str(data), "--listen", "127.0.0.1:0"),
            *("--reverse", "orders=http://127.0.0.1:9@127.0.0.1:0"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + 60
        while not (state := read_state(data, "proxy")) or not state["ready"]:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert state["pid"] == process.pid
        assert list(state["listen"]["reverse"]) == ["orders"]
        process.terminate()
        process.communicate(timeout=60)
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


def test_what_is_not_given_is_not_handed_on() -> None:
    """Else a default here would win over the configuration."""
    assert proxy_arguments(None, None, None, []) == ["-P", "-O", "-m", "entrepot_proxy"]
    assert proxy_arguments(Path("c"), Path("d"), "", ["a", "b"])[4:] == [
        *("--config", "c", "--data", "d", "--listen", "", "--reverse", "a", "--reverse", "b")
    ]
