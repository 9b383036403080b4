"""Bugs of our own, put in on purpose: mitmproxy would let the traffic pass and say nothing; ours are counted."""

from pathlib import Path

import pytest

from tests.support.proxy import exchange_raw, read_spool, start_proxy, wait_until
from tests.support.proxy_origins import answering, json_answer, serving

RULES = """
[[rule]]
name = "strict"
path = "/strict"
on_failure = "closed"
"""

BREAK = (
    "import sys, entrepot_proxy.{module} as broken, entrepot_proxy.__main__ as m\n"
    "real = {name}\n"
    "def fails(*a, **k):\n"
    "    seen = repr(a).encode() + repr([getattr(x, 'path', b'') for x in a]).encode()\n"
    "    if b'faulty' in seen: raise KeyError('a bug')\n"
    "    return real(*a, **k)\n"
    "{name} = fails\n"
    "sys.exit(m.main())\n"
)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("addon", "broken.Capture"),
        ("capture", "broken.Capture.end"),
        ("building", "broken.build"),
        ("building", "broken.pack_exchange"),
    ],
)
def test_a_bug_costs_one_capture_is_counted_and_lets_traffic_pass(tmp_path: Path, module: str, name: str) -> None:
    code = BREAK.format(module=module, name=name)
    with serving(answering(json_answer())) as origin:
        arguments = ("--listen", "", "--reverse", f"o=http://127.0.0.1:{origin.port}@127.0.0.1:0")
        with start_proxy(tmp_path / "d", *arguments, config=RULES, python=("-O", "-c", code)) as proxy:

            def get(path: str) -> bytes:
                request = f"GET {path} HTTP/1.1\r\nHost: o\r\nX-Mark: {path}\r\nConnection: close\r\n\r\n"
                return exchange_raw(proxy.reverse("o"), request.encode())

            assert get("/good/1").startswith(b"HTTP/1.1 200")
            assert get("/faulty/1").startswith(b"HTTP/1.1 200")
            assert get("/faulty/2").startswith(b"HTTP/1.1 200")
            assert get("/good/2").startswith(b"HTTP/1.1 200")
            wait_until(lambda: proxy.state()["last_error"], "the error is in the state file")
            assert "KeyError: 'a bug'" in proxy.state()["last_error"]["message"]
            assert proxy.stop() == 0
        log = proxy.log.read_text()
        assert log.count("Traceback") == 1, "each kind is logged once"
        spooled = read_spool(proxy.data)
        assert sorted(one.request.path for one in spooled.exchanges) == [b"/good/1", b"/good/2"]
        ledger = spooled.ledger
        assert (ledger.seen, ledger.stored, ledger.failed, ledger.in_flight) == (4, 2, 2, 0)
        assert sum(gap.missing for gap in spooled.gaps) == 2
        assert all("KeyError" in gap.reason for gap in spooled.gaps)


def test_a_bug_under_a_closed_rule_answers_503(tmp_path: Path) -> None:
    code = BREAK.format(module="building", name="broken.pack_exchange").replace("b'faulty' in", "b'strict' in")
    with serving(answering(json_answer())) as origin:
        arguments = ("--listen", "", "--reverse", f"o=http://127.0.0.1:{origin.port}@127.0.0.1:0")
        with start_proxy(tmp_path / "d", *arguments, config=RULES, python=("-O", "-c", code)) as proxy:
            request = b"GET /strict HTTP/1.1\r\nHost: o\r\nConnection: close\r\n\r\n"
            assert exchange_raw(proxy.reverse("o"), request).startswith(b"HTTP/1.1 503")
            assert proxy.stop() == 0
        assert read_spool(proxy.data).ledger.failed == 1
