"""The commands that look up, over what a real shipper stored."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from entrepot_api.tokens import valid_token
from entrepot_store.catalog import ExchangeFilter
from entrepot_store.clock import SystemClock
from entrepot_store.model import Gap
from tests.support.faces import Ran, Stored, run_cli, stored, various_exchanges
from tests.support.spooled import make_exchange

type Cli = Callable[..., Ran]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    gap = Gap("w1", 1_763_800_000_000_000, 1_763_800_001_000_000, 0, "evil \x1b[2J reason")
    with stored(tmp_path_factory.mktemp("cli") / "data", various_exchanges(), gaps=[gap]) as found:
        yield found


@pytest.fixture
def cli(found: Stored, capfdbinary: pytest.CaptureFixture[bytes]) -> Cli:
    return lambda *arguments: run_cli(capfdbinary, *arguments, "--data", found.settings.data)


def ids(ran: Ran) -> list[str]:
    assert ran.code == 0, ran.err
    return [item["id"] for item in ran.json["items"]]


def test_json_is_what_the_documentation_says(cli: Cli) -> None:
    page = cli("exchanges", "--path", "/v1/settings/3", "--json").json
    assert list(page) == ["items", "next"]
    assert page["next"] is None
    (exchange,) = page["items"]
    assert list(exchange) == [
        *("id", "started_at", "duration_ms", "source", "destination", "method", "url", "path", "status"),
        *("http_version", "rule", "class", "complete", "error", "trace_id", "request", "response"),
    ]
    assert list(exchange["request"]) == ["headers", "content_type", "size", "digest"]
    assert exchange["started_at"] == "2025-11-22T08:26:40.003000Z"
    assert exchange["request"]["digest"].startswith("sha256:")
    assert cli("exchange", exchange["id"], "--json").json == exchange


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ((), 18),
        (("--from", "billing", "--to", "orders"), 18),
        (("--source", "nobody"), 0),
        (("--source", "nobody", "--source", "billing"), 18),
        (("--destination", "orders"), 18),
        (("--method", "put"), 18),
        (("--path-prefix", "/v1/settings/1"), 8),
        (("--path-template", "/v1/settings/{user}"), 17),
        (("--status", "2xx"), 17),
        (("--status", "404", "--status", "200"), 17),
        (("--content-type", "application/*"), 16),
        (("--since", "2025-11-22T08:26:40.015Z"), 3),
        (("--until", "2025-11-22T08:26:40.015Z"), 15),
        (("--since", "2h"), 0),
        (("--since", "2025-11-22", "--until", "2025-11-23"), 18),
        (("--min-size", "1000"), 1),
        (("--max-size", "24"), 5),
        (("--complete",), 17),
        (("--incomplete",), 1),
        (("--rule", "settings"), 18),
        (("--class", "config"), 5),
        (("--trace-id", "none"), 0),
    ],
)
def test_filters(cli: Cli, options: tuple[str, ...], count: int) -> None:
    assert len(ids(cli("exchanges", "--json", *options))) == count


def test_pages(cli: Cli) -> None:
    everything = ids(cli("exchanges", "--json", "--order", "oldest"))
    assert everything == sorted(everything)
    walked: list[str] = []
    cursor: tuple[str, ...] = ()
    while True:
        # An age means the same moment on every page, or the cursor would belong to another listing.
        page = cli("exchanges", "--json", "--since", "2000w", "--order", "oldest", "--limit", "7", *cursor)
        walked += ids(page)
        if page.json["next"] is None:
            break
        cursor = ("--cursor", page.json["next"])
    assert walked == everything
    table = cli("exchanges", "--limit", "7")
    assert "--cursor " in table.err
    assert len(table.out.splitlines()) == 8


@pytest.mark.parametrize(
    "options",
    [
        ("--since", "yesterday"),
        ("--status", "abc"),
        ("--cursor", "zzz"),
        ("--limit", "0"),
        ("--path-template", "{x"),
        ("--path", "/a", "--path", "/b"),
        ("--until", "2h", "--until", "1h"),
        ("--max-size", "1", "--max-size", "2"),
    ],
)
def test_what_makes_no_sense_is_refused(cli: Cli, options: tuple[str, ...]) -> None:
    refused = cli("exchanges", *options)
    assert refused.code == 2
    assert refused.out == ""
    assert "Traceback" not in refused.err


def test_nothing_captured_steers_a_terminal(cli: Cli) -> None:
    hostile = ids(cli("exchanges", "--json", "--path-prefix", "/v1/\x1b"))[0]
    for shown in (cli("exchanges"), cli("exchange", hostile), cli("gaps")):
        assert shown.code == 0
        assert all(character == "\n" or character.isprintable() for character in shown.out), shown.out
    assert "[bold]x[/bold]" in cli("exchanges").out  # shown, not interpreted as markup
    headers = cli("exchange", hostile).out
    assert "X-\\x1b]0;title\\x07: a\\r\\nSet-Cookie: stolen=1" in headers


def test_one_exchange_whole(cli: Cli) -> None:
    failed = ids(cli("exchanges", "--json", "--incomplete"))[0]
    shown = cli("exchange", failed).out
    assert "no response, incomplete: connection refused" in shown
    assert "PUT http://orders.internal/v1/settings/17?full=1 HTTP/1.1" in shown
    missing = cli("exchange", "019aaaac-2603-7000-8000-00000000ffff")
    assert missing.code == 9
    assert cli("exchange", "nonsense").code == 2


@pytest.mark.parametrize(
    "command",
    [
        *(("exchanges",), ("products",), ("ledger",), ("gaps",), ("token", "list"), ("replay", "--list")),
        *(("export", "--format", "har"), ("gaps", "ack", str(UUID(int=1))), ("exchange", str(UUID(int=1)))),
    ],
    ids=" ".join,
)
def test_a_folder_where_nothing_was_captured_is_not_an_empty_archive(
    command: tuple[str, ...], tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """A mistyped --data must not say that nothing is there, nor make it so."""
    refused = run_cli(capfdbinary, *command, "--data", tmp_path / "mistyped")
    assert refused.code == 9
    assert "--data" in refused.err
    assert "no catalog" in run_cli(capfdbinary, "status", "--data", tmp_path / "mistyped").out
    assert list(tmp_path.iterdir()) == []


def test_payloads(cli: Cli, tmp_path: Path) -> None:
    binary = ids(cli("exchanges", "--json", "--min-size", "1000"))[0]
    assert cli("payload", binary, "--request").raw == bytes(range(256)) * 40
    assert cli("payload", binary).raw == b'{"ok": true, "user": 15}'
    target = tmp_path / "body"
    assert cli("payload", binary, "--request", "-o", target).raw == b""
    assert target.read_bytes() == bytes(range(256)) * 40
    assert target.stat().st_mode & 0o777 == 0o600
    for impossible in (tmp_path, tmp_path / "none" / "body"):
        refused = cli("payload", binary, "-o", impossible)
        assert (refused.code, str(tmp_path) in refused.err) == (2, True)
    assert list(tmp_path.iterdir()) == [target]
    failed = ids(cli("exchanges", "--json", "--incomplete"))[0]
    refused = cli("payload", failed)
    assert refused.code == 9
    assert "connection refused" in refused.err
    empty = ids(cli("exchanges", "--json", "--class", "config"))[0]
    assert (cli("payload", empty, "--request").code, cli("payload", empty, "--request").raw) == (0, b"")


def in_a_terminal(*arguments: str) -> tuple[int, bytes]:
    """Runs the real program with a terminal as its standard output; returns its exit code and what the terminal got."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "entrepot_api", *arguments], stdout=theirs, stderr=subprocess.PIPE
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not chunk:
            break
        shown += chunk
    process.communicate()
    os.close(ours)
    return process.returncode, shown


def test_a_terminal_gets_plain_text_only(cli: Cli, found: Stored) -> None:
    data = str(found.settings.data)
    binary, hostile = (
        ids(cli("exchanges", "--json", *which))[0] for which in (("--min-size", "1000"), ("--path-prefix", "/v1/\x1b"))
    )
    assert in_a_terminal("payload", binary, "--data", data) == (0, b'{"ok": true, "user": 15}')
    assert in_a_terminal("payload", binary, "--request", "--data", data) == (2, b"")
    assert in_a_terminal("payload", hostile, "--data", data) == (2, b"")
    assert in_a_terminal("export", "--format", "har", "--data", data)[0] == 2


def test_a_long_text_that_turns_hostile_does_not_steer_the_terminal(tmp_path: Path) -> None:
    body = ("é\tline\r\n" * 2000 + "\x1b[2J\x9b31m\u202e\rend").encode()
    with stored(tmp_path / "data", [make_exchange(1, body=body)]) as found:
        (row,) = found.archive.catalog.iterate(ExchangeFilter())
        code, shown = in_a_terminal("payload", str(row.id), "--request", "--data", str(found.settings.data))
    assert code == 0
    text = shown.decode().replace("\r\n", "\n")  # the terminal driver makes CRLF of every line end
    assert text == "é\tline\n" * 2000 + "\\x1b[2J\\x9b31m\\u202e\\rend"


def test_a_reader_that_goes_away_is_no_error_to_report(found: Stored) -> None:
    command = f"{sys.executable} -m entrepot_api exchanges --json --data {found.settings.data} | head -c 1"
    shown = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert shown.stdout == "{"
    assert shown.stderr == ""


def test_products_ledger_and_gaps(cli: Cli) -> None:
    assert [item["name"] for item in cli("products", "--json").json["items"]] == ["billing", "orders"]
    assert "billing" in cli("products").out
    (entry,) = cli("ledger", "--json").json["items"]
    assert (entry["seen"], entry["stored"], entry["balanced"]) == (18, 18, True)
    (gap,) = cli("gaps", "--json").json["items"]
    assert cli("gaps", "ack", gap["id"], "--by", "operator").code == 0
    assert cli("gaps", "--json").json["items"] == []
    (seen,) = cli("gaps", "--all", "--json").json["items"]
    assert seen["acknowledged_by"] == "operator"
    assert cli("gaps", "ack", "019aaaac-2603-7000-8000-00000000ffff").code == 9


def test_options_in_front_of_a_subcommand_are_not_dropped_in_silence(
    found: Stored, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    refused = run_cli(capfdbinary, "gaps", "--data", found.settings.data, "ack", "019aaaac-2603-7000-8000-00000000ffff")
    assert refused.code == 2
    assert "behind `ack`" in refused.err


def test_tokens(cli: Cli, found: Stored) -> None:
    made = cli("token", "create", "ci", "--scope", "read", "--scope", "replay", "--expires", "30d")
    assert made.code == 0, made.err
    secret = made.out.strip()
    assert "\n" not in secret  # nothing else on standard output
    row = valid_token(found.archive.catalog, SystemClock(), secret)
    assert row is not None
    assert (row.name, row.scopes) == ("ci", ("read", "replay"))
    assert row.expires_at is not None
    listed = cli("token", "list", "--json")
    assert secret not in listed.out
    assert str(row.id) in listed.out
    assert cli("token", "revoke", row.id).code == 0
    assert valid_token(found.archive.catalog, SystemClock(), secret) is None
    assert cli("token", "revoke", "019aaaac-2603-7000-8000-00000000ffff").code == 9
    for bad in (("--expires", "2020-01-01"), ("--expires", "soon"), ("--scope", "everything")):
        assert cli("token", "create", "bad", *bad).code == 2
    assert cli("token", "create", " ").code == 2
    assert json.loads(cli("token", "create", "as json", "--json").out)["secret"].startswith("ent_")


def test_paths(cli: Cli, found: Stored, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    missing = cli("ca")
    assert missing.code == 9
    ca = found.settings.data / "ca" / "ca.pem"
    ca.parent.mkdir(exist_ok=True)
    ca.write_text("-----BEGIN CERTIFICATE-----\n")
    assert Path(cli("ca").out.strip()) == ca.absolute()
    assert cli("ca", "--print").out == "-----BEGIN CERTIFICATE-----\n"
    addon = Path(run_cli(capfdbinary, "addon-path").out.strip())
    assert "\naddons = [" in addon.read_text()  # what mitmproxy looks for in a script
