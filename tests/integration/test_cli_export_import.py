"""`entrepot export` and `entrepot import`: what goes out is valid; what comes in is redacted, once, and whole."""

import json
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest

from entrepot_store.model import Body, Exchange, WebSocketMessage
from entrepot_store.spool import SpoolFolder
from tests.support import hars
from tests.support.faces import Ran, Stored, run_cli, stored, various_exchanges
from tests.support.har_schema import HAR_SCHEMA
from tests.support.spooled import make_exchange, write_sealed

type Cli = Callable[..., Ran]

FACTS = (
    *("id", "started_at", "source", "destination", "method", "url", "path", "status", "complete", "error", "trace_id"),
)
IN_A_FLOW = ("id", "method", "url", "path", "status")
"""What a flow file keeps exactly: it has floats for times, no product names, no word for a body that was cut off."""


@pytest.fixture
def cli(capfdbinary: pytest.CaptureFixture[bytes]) -> Cli:
    return lambda *arguments: run_cli(capfdbinary, *arguments)


def exported_exchanges() -> list[Exchange]:
    """What the faces show differently, and what formats lose most easily."""
    socket = replace(
        make_exchange(20),
        messages=[
            WebSocketMessage(1_763_800_000_100_000, True, True, "grüße".encode()),
            WebSocketMessage(1_763_800_000_200_000, False, False, b"\x00\xff"),
        ],
    )
    long = make_exchange(21, body=bytes(range(256)) * 8192)  # 2 MiB: a file while it is exported
    cut = make_exchange(22)
    cut.request.body = replace(cut.request.body, truncated=True)
    gzipped = make_exchange(23)
    assert gzipped.response is not None
    gzipped.response.headers = (*gzipped.response.headers, (b"Content-Encoding", b"gzip"))
    gzipped.response.body = Body(data=b'{"undone": true}', size=16, decoded="gzip")
    twice = make_exchange(26)
    assert twice.response is not None
    twice.response.headers = (*twice.response.headers, (b"Content-Encoding", b"gzip, br"))
    twice.response.body = Body(data=b'{"undone": 2}', size=13, decoded="gzip, br")
    traced = replace(make_exchange(24), trace_id="4bf92f3577b34da6a3ce929d0e0e4736")
    place = make_exchange(25)
    place.request.headers = (*place.request.headers, (b"x", b"body:" + b"0" * 32))
    server = make_exchange(27)
    server.request.method, server.request.path = b"OPTIONS", b"*"
    return [*various_exchanges(), server, socket, long, cut, gzipped, twice, traced, place]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("export") / "data", exported_exchanges()) as found:
        yield found


def exchanges(cli: Cli, data: Path, *options: str) -> list[dict[str, Any]]:
    ran = cli("exchanges", "--data", data, "--order", "oldest", "--json", *options)
    assert ran.code == 0, ran.err
    items: list[dict[str, Any]] = ran.json["items"]
    return items


def payload(cli: Cli, data: Path, identifier: str, side: str) -> bytes:
    ran = cli("payload", identifier, side, "--data", data)
    assert ran.code == 0, ran.err
    return ran.raw


# WARC


def test_warcio_finds_nothing_wrong_with_the_archive(cli: Cli, found: Stored, tmp_path: Path) -> None:
    target = tmp_path / "all.warc.gz"
    ran = cli("export", "--format", "warc.gz", "-o", target, "--data", found.settings.data)
    assert ran.code == 0, ran.err
    warcio = str(Path(sys.executable).with_name("warcio"))
    assert subprocess.run([warcio, "check", "-v", str(target)], capture_output=True, check=False).returncode == 0
    index = subprocess.run(
        [warcio, "index", "-f", "warc-type,warc-target-uri", str(target)], capture_output=True, text=True, check=True
    )
    kinds = [json.loads(line)["warc-type"] for line in index.stdout.splitlines()]
    answered = sum(exchange.response is not None for exchange in found.exchanges)
    assert kinds.count("request") == len(found.exchanges)
    assert kinds.count("response") == answered
    assert "revisit" not in kinds


# HAR


@pytest.fixture
def har(cli: Cli, found: Stored, tmp_path: Path) -> Path:
    target = tmp_path / "all.har"
    ran = cli("export", "--format", "har", "-o", target, "--data", found.settings.data)
    assert ran.code == 0, ran.err
    assert f"{len(found.exchanges)} exchanges written." in ran.err
    return target


def test_har_is_valid_and_whole(har: Path, found: Stored) -> None:
    document = json.loads(har.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(HAR_SCHEMA).validate(document)
    entries = document["log"]["entries"]
    assert len(entries) == len(found.exchanges)
    assert har.stat().st_mode & 0o777 == 0o600
    by_path = {urlsplit(entry["request"]["url"]).path: entry for entry in entries}
    binary = by_path["/v1/settings/15"]["request"]["postData"]
    assert b64decode(binary["text"]) == bytes(range(256)) * 40
    long = by_path["/v1/settings/21"]["request"]["postData"]
    assert b64decode(long["text"]) == bytes(range(256)) * 8192
    assert by_path["/v1/settings/17"]["response"]["_error"] == "connection refused"
    assert by_path["/v1/settings/3"]["request"]["queryString"] == [{"name": "full", "value": "1"}]
    assert by_path["/v1/settings/3"]["timings"] == {"send": 0.2, "wait": 1.5, "receive": 0.3}
    assert by_path["/v1/settings/20"]["_webSocketMessages"][0]["data"] == "grüße"


def test_the_schema_refuses_what_is_no_har() -> None:
    """The judge judges: fields that HAR does not know, and missing ones, are noticed."""
    validator = jsonschema.Draft202012Validator(HAR_SCHEMA)
    good = hars.har(hars.CHROME | {"response": hars.FIREFOX["response"]})
    good["log"]["entries"][0]["request"]["postData"]["params"] = []
    validator.validate(good)
    for path, value in ((("entries",), None), (("entries", 0, "request", "surprise"), 1), (("version",), "1.1")):
        bad = json.loads(json.dumps(good))
        holder = bad["log"]
        for step in path[:-1]:
            holder = holder[step]
        if value is None:
            del holder[path[-1]]
        else:
            holder[path[-1]] = value
        assert list(validator.iter_errors(bad)), path


@pytest.mark.parametrize("form", ["har", "mitm"])
def test_what_was_exported_comes_back_as_it_was(cli: Cli, found: Stored, tmp_path: Path, form: str) -> None:
    file = tmp_path / f"all.{form}"
    data, other = found.settings.data, tmp_path / "other"
    assert cli("export", "--format", form, "-o", file, "--data", data).code == 0
    report = cli("import", file, "--data", other, "--json")
    assert report.code == 0, report.err
    assert report.json["imported"] == len(found.exchanges)
    assert report.json["refused"] == []
    before, after = exchanges(cli, data), exchanges(cli, other)
    facts = FACTS if form == "har" else IN_A_FLOW
    assert [{name: one[name] for name in facts} for one in after] == [
        {name: one[name] for name in facts} for one in before
    ]
    for one, two in zip(before, after, strict=True):
        for side in ("request", "response"):
            if one[side] is not None:
                assert two[side]["digest"] == one[side]["digest"], (one["url"], side)
    again = cli("import", file, "--data", other, "--json")
    assert (again.json["imported"], again.json["known"]) == (0, len(found.exchanges))
    assert exchanges(cli, other) == after


def test_mitmproxy_reads_the_flow_file(cli: Cli, found: Stored, tmp_path: Path) -> None:
    file = tmp_path / "all.mitm"
    assert cli("export", "--format", "mitm", "-o", file, "--data", found.settings.data).code == 0
    script = (
        "import sys\n"
        "from mitmproxy.io import FlowReader\n"
        "flows = list(FlowReader(open(sys.argv[1], 'rb')).stream())\n"
        "for flow in flows:\n"
        "    status = flow.response.status_code if flow.response else '-'\n"
        "    print(ascii(flow.request.path), len(flow.request.content), status)\n"
    )
    shown = subprocess.run([sys.executable, "-c", script, str(file)], capture_output=True, text=True, check=True).stdout
    lines = shown.splitlines()
    assert len(lines) == len(found.exchanges)
    assert "'/v1/settings/15?full=1' 10240 200" in lines
    assert "'/v1/settings/17?full=1' 29 -" in lines


def test_filters_select_what_is_exported(cli: Cli, found: Stored) -> None:
    ran = cli("export", "--format", "har", "--class", "config", "--data", found.settings.data)
    assert len(ran.json["log"]["entries"]) == 5  # on standard output
    nothing = cli("export", "--format", "har", "--from", "nobody", "--data", found.settings.data)
    assert nothing.json["log"]["entries"] == []
    jsonschema.Draft202012Validator(HAR_SCHEMA).validate(nothing.json)


def test_a_file_that_cannot_be_written_leaves_nothing(cli: Cli, found: Stored, tmp_path: Path) -> None:
    ran = cli("export", "--format", "har", "-o", tmp_path / "no" / "such" / "folder", "--data", found.settings.data)
    assert ran.code == 2
    assert "Traceback" not in ran.err
    target = tmp_path / "kept.har"
    target.write_text("what was here before")
    damaged = next((found.settings.data / "vault").rglob("*.warc.zst"))
    whole = damaged.read_bytes()
    damaged.chmod(0o600)
    damaged.write_bytes(whole[: len(whole) // 2])
    try:
        ran = cli("export", "--format", "har", "-o", target, "--data", found.settings.data)
    finally:
        damaged.write_bytes(whole)
    assert ran.code == 10
    assert target.read_text() == "what was here before"
    assert list(tmp_path.iterdir()) == [target]


# Import


def test_a_browser_recording(cli: Cli, tmp_path: Path) -> None:
    entries = (hars.CHROME, hars.FIREFOX, hars.PLAYWRIGHT_SOCKET, hars.PLAYWRIGHT_OMITTED, hars.BLOCKED)
    file = hars.write_har_file(tmp_path / "session.har", *entries)
    data = tmp_path / "data"
    report = cli("import", file, "--as", "browser", "--data", data, "--json")
    assert report.code == 0, report.err
    assert report.json == {"found": 5, "imported": 5, "known": 0, "ignored": 0, "incomplete": 2, "refused": []}
    stored_exchanges = exchanges(cli, data)
    assert [one["source"] for one in stored_exchanges] == ["browser"] * 5
    assert [one["destination"] for one in stored_exchanges] == [
        *("orders.internal", "files.internal:8080", "orders.internal", "orders.internal", "gone.internal")
    ]
    chrome = stored_exchanges[0]
    assert payload(cli, data, chrome["id"], "--request") == b'{"theme":"dark"}'
    assert chrome["response"]["digest"] == f"sha256:{sha256(b'{"ok":true}').hexdigest()}"
    assert chrome["http_version"] == "HTTP/2.0"
    again = cli("import", file, "--as", "browser", "--data", data)
    assert "0 of 5 exchanges imported; 5 were here already." in again.out
    assert exchanges(cli, data) == stored_exchanges


def test_no_secret_of_a_recording_touches_the_disk(cli: Cli, tmp_path: Path) -> None:
    data = tmp_path / "data"
    config = tmp_path / "entrepot.toml"
    config.write_text(
        '[[rule]]\nname = "hide"\nredact = { headers = ["x-token"], query = ["key"] }\n', encoding="utf-8"
    )
    entry = json.loads(json.dumps(hars.CHROME))
    entry["request"]["url"] += "&key=topsecret-5"
    entry["request"]["headers"].append({"name": "X-Token", "value": "topsecret-6"})
    file = hars.write_har_file(tmp_path / "session.har", entry)
    ran = cli("import", file, "--config", config, "--data", data)
    assert ran.code == 0, ran.err
    (one,) = exchanges(cli, data)
    headers = dict(one["request"]["headers"])
    assert headers["authorization"].startswith("Bearer {{secret:authorization:")
    assert headers["X-Token"].startswith("{{secret:x-token:")
    assert one["rule"] == "hide"
    # Everything in the data folder, with segments decoded, as whoever finds the disk would.
    script = (
        "import sys, pathlib, zstandard\n"
        "for path in pathlib.Path(sys.argv[1]).rglob('*'):\n"
        "    if path.is_file():\n"
        "        raw = path.read_bytes()\n"
        "        sys.stdout.buffer.write(raw)\n"
        "        if path.name.endswith('.zst'):\n"
        "            reader = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)\n"
        "            sys.stdout.buffer.write(reader.read())\n"
    )
    everything = subprocess.run([sys.executable, "-c", script, str(data)], capture_output=True, check=True).stdout
    assert b"{{secret:authorization:" in everything
    assert b"topsecret" not in everything


def test_what_cannot_be_imported_is_named_and_costs_nothing_else(cli: Cli, tmp_path: Path) -> None:
    bad = json.loads(json.dumps(hars.CHROME))
    bad["request"]["url"] = "data:text/plain,\x1b[2J"
    file = hars.write_har_file(tmp_path / "mixed.har", hars.CHROME, bad, 7, hars.FIREFOX)
    ran = cli("import", file, "--data", tmp_path / "data")
    assert ran.code == 13
    assert "2 of 4 exchanges imported; 2 cannot be imported." in ran.out
    assert "Not imported: entry 2 (POST data:text/plain,\\x1b[2J): its URL is not http or https." in ran.err
    assert "Not imported: entry 3: it is not an object." in ran.err
    report = cli("import", file, "--data", tmp_path / "data", "--json").json
    assert report["found"] == report["imported"] + report["known"] + report["ignored"] + len(report["refused"])


@pytest.mark.parametrize("content", ["", "nonsense", '{"log": {"entries": [', "<html>"])
def test_garbage_is_refused_with_one_sentence(cli: Cli, tmp_path: Path, content: str) -> None:
    file = tmp_path / "garbage"
    file.write_text(content)
    ran = cli("import", file, "--data", tmp_path / "data")
    assert ran.code == 2
    assert ran.out == ""
    assert len(ran.err.splitlines()) == 1
    assert exchanges(cli, tmp_path / "data") == []


def test_a_flow_file_that_ends_in_the_middle_is_read_as_far_as_it_goes(cli: Cli, found: Stored, tmp_path: Path) -> None:
    file = tmp_path / "cut.mitm"
    assert cli("export", "--format", "mitm", "-o", file, "--class", "config", "--data", found.settings.data).code == 0
    file.write_bytes(file.read_bytes()[:-100])
    ran = cli("import", file, "--data", tmp_path / "data", "--json")
    assert ran.code == 13
    assert ran.json["imported"] == 4
    (refused,) = ran.json["refused"]
    assert refused["where"] == "behind flow 4"


def test_entries_that_do_not_differ_are_told_apart_by_their_order(cli: Cli, tmp_path: Path) -> None:
    file = hars.write_har_file(tmp_path / "twice.har", hars.FIREFOX, hars.FIREFOX)
    assert cli("import", file, "--data", tmp_path / "data", "--json").json["imported"] == 2
    longer = hars.write_har_file(tmp_path / "longer.har", hars.FIREFOX, hars.FIREFOX, hars.FIREFOX, hars.CHROME)
    report = cli("import", longer, "--data", tmp_path / "data", "--json").json
    assert (report["known"], report["imported"]) == (2, 2)
    assert len(exchanges(cli, tmp_path / "data")) == 4


def test_rules_decide_about_recordings_too(cli: Cli, tmp_path: Path) -> None:
    config = tmp_path / "entrepot.toml"
    config.write_text(
        """
        [[product]]
        name = "orders"
        hosts = ["orders.internal"]
        [[rule]]
        name = "settings"
        to = "orders"
        path = "/v1/settings/{user}"
        class = "config"
        [[rule]]
        name = "the-rest"
        action = "ignore"
        """,
        encoding="utf-8",
    )
    file = hars.write_har_file(tmp_path / "session.har", hars.CHROME, hars.FIREFOX, hars.BLOCKED)
    ran = cli("import", file, "--config", config, "--data", tmp_path / "data", "--json")
    assert (ran.json["imported"], ran.json["ignored"]) == (1, 2)
    (one,) = exchanges(cli, tmp_path / "data")
    assert (one["destination"], one["rule"], one["class"]) == ("orders", "settings", "config")


def test_a_forged_id_does_not_get_in(cli: Cli, tmp_path: Path) -> None:
    """Ids carry their time, and listings rely on it: a file that claims another one gets its own."""
    entry = hars.CHROME | {"_entrepot": {"id": "00000000-0000-7000-8000-000000000001", "source": "x"}}
    file = hars.write_har_file(tmp_path / "forged.har", entry, creator="Entrepot")
    assert cli("import", file, "--data", tmp_path / "data").code == 0
    (one,) = exchanges(cli, tmp_path / "data", "--since", "2026-05-01", "--until", "2026-05-02")
    assert one["id"] != "00000000-0000-7000-8000-000000000001"


def test_an_import_that_was_killed_leaves_nothing_behind(cli: Cli, tmp_path: Path) -> None:
    data = tmp_path / "data"
    spool = SpoolFolder(data / "imports")
    left = spool.path / "20260501T100000000000Z-import00000000-000001.partial"
    left.write_bytes(b"ENTSPL01 what was written when it was killed")
    file = hars.write_har_file(tmp_path / "session.har", hars.CHROME)
    assert cli("import", file, "--data", data).code == 0
    assert not left.exists()
    assert [path for path in spool.path.rglob("*") if path.is_file() and path.suffix != ".lock"] == []
    assert cli("gaps", "--data", data, "--json").json["items"] == []
    (entry,) = cli("ledger", "--data", data, "--json").json["items"]
    assert (entry["seen"], entry["stored"], entry["balanced"]) == (1, 1, True)


def test_what_was_sealed_before_a_kill_is_shipped_by_the_next_import(cli: Cli, tmp_path: Path) -> None:
    data = tmp_path / "data"
    write_sealed(SpoolFolder(data / "imports"), [make_exchange(1)], worker="import00000000")
    file = hars.write_har_file(tmp_path / "session.har", hars.CHROME)
    assert cli("import", file, "--data", data, "--json").json["imported"] == 1
    assert len(exchanges(cli, data)) == 2


def test_one_import_at_a_time(cli: Cli, tmp_path: Path) -> None:
    file = hars.write_har_file(tmp_path / "session.har", hars.CHROME)
    lock = SpoolFolder(tmp_path / "data" / "imports").lock("import")
    assert lock is not None
    assert cli("import", file, "--data", tmp_path / "data").code == 11
    lock.release()
    assert cli("import", file, "--data", tmp_path / "data").code == 0


def test_a_source_must_be_a_name(cli: Cli, tmp_path: Path) -> None:
    file = hars.write_har_file(tmp_path / "session.har", hars.CHROME)
    assert cli("import", file, "--as", "no name", "--data", tmp_path / "data").code == 2
