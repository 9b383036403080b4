"""`entrepot rules`: check, explain and preview against traffic that was captured."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from entrepot_store.model import Body
from tests.support.faces import Ran, Stored, failed_exchange, run_cli, stored
from tests.support.spooled import make_exchange

SECRET = b"4111222233334444"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    card = replace(make_exchange(3), request=replace(make_exchange(3).request, body=Body.of(b'{"card":"%s"}' % SECRET)))
    keyed = make_exchange(4)
    keyed = replace(
        keyed,
        request=replace(
            keyed.request, headers=(*keyed.request.headers, (b"X-Key", SECRET)), path=b"/v1/x?key=" + SECRET
        ),
    )
    exchanges = [make_exchange(0), make_exchange(1), failed_exchange(2), card, keyed]
    with stored(tmp_path_factory.mktemp("rules") / "data", exchanges) as result:
        yield result


def rules(capture: pytest.CaptureFixture[bytes], folder: Path, text: str, *arguments: object) -> Ran:
    """Runs `entrepot rules` with `text` as the configuration in force."""
    (folder / "entrepot.toml").write_text(text)
    return run_cli(capture, "rules", *arguments, "--config", folder / "entrepot.toml")


def test_check_says_what_is_wrong(found: Stored, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    data = ("--data", found.settings.data)
    text = """
        [[product]]
        name = "orders"
        [[rule]]
        name = "settings"
        path = "/v1/settings/**"
        action = "protect"
        class = "config"
        [[rule]]
        name = "dead"
        path = "/v1/settings/{user}"
        [[rule]]
        name = "typo"
        to = "ordres"
        [[rule]]
        name = "nothing"
        path = ["/v1/x", "/v2/nothing"]
    """
    ran = rules(capfdbinary, tmp_path, text, "check", *data)
    assert ran.code == 1
    lines = ran.out.splitlines()
    assert lines[0] == ("error: rule 'dead' can never match: rule 'settings' before it takes everything it speaks of.")
    assert "to = 'ordres': nothing known has this name (did you mean orders?)." in ran.out
    assert "class 'config': no rule that protects ('settings') says with keep how long" in ran.out
    assert "warning: rule 'nothing': path = '/v2/nothing' matches nothing that was captured so far." in lines
    assert "'/v1/x'" not in ran.out
    assert lines[-1] == "4 rules, 5 findings."
    found_json = rules(capfdbinary, tmp_path, text, "check", "--json", *data).json
    assert (found_json["rules"], found_json["catalog"], found_json["findings"][0]["kind"]) == (4, True, "shadowed")


def test_check_without_captures_checks_the_rules_alone(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    text = '[[rule]]\nname = "a"\naction = "protect"\nkeep = { within = "1y" }\n'
    ran = rules(capfdbinary, tmp_path, text, "check", "--data", tmp_path / "none")
    assert (ran.code, ran.out) == (
        0,
        "1 rule, no findings; nothing was captured yet that they could be held against.\n",
    )
    assert not (tmp_path / "none").exists()
    bad = rules(capfdbinary, tmp_path, text + 'ignore = "$.a["\n', "check", "--data", tmp_path / "none")
    assert bad.code == 3
    assert "rule[0].ignore: '$.a[' is not a JSONPath: unexpected end of query at its end" in bad.err


EXPLAINED = """
    [[product]]
    name = "orders"
    hosts = "orders.internal"
    [[rule]]
    name = "errors"
    status = "5xx"
    [[rule]]
    name = "billing"
    to = "billing"
    method = "PUT"
    [[rule]]
    name = "settings"
    to = "orders"
    path = "/v1/settings/{user}"
    action = "protect"
    [[rule]]
    name = "late"
"""


def test_explain_a_url(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    url = "https://orders.internal/v1/settings/7?full=1"
    ran = rules(capfdbinary, tmp_path, EXPLAINED, "explain", url)
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "rule       settings: protect, class default",
        "between    anybody -> orders",
        "depends    errors: before it, and may match, which is not known",
        "",
        "errors    depends on status: 5xx",
        "billing   to is orders, not billing; method is GET, not PUT",
        "settings  decides",
        "late      would match, but comes later",
        "default   would match, but comes later",
    ]
    known = rules(capfdbinary, tmp_path, EXPLAINED, "explain", url, "--status", "503", "--json").json
    assert (known["decides"], known["may_decide"]) == ("errors", [])
    refused = rules(capfdbinary, tmp_path, EXPLAINED, "explain", "orders/v1")
    assert (refused.code, "neither a URL nor the id of an exchange" in refused.err) == (2, True)


def test_explain_an_exchange(found: Stored, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    data = ("--data", found.settings.data)
    ran = rules(capfdbinary, tmp_path, EXPLAINED, "explain", found.exchanges[2].id, *data)
    assert "captured   under rule settings" in ran.out
    assert "errors    status is not there, not 5xx" in ran.out
    assert ran.out.startswith("rule       settings: protect, class default\n")


def test_preview_shows_what_changes_and_no_secret(
    found: Stored, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    changed = tmp_path / "changed.toml"
    changed.write_text(
        '[[rule]]\nname = "health"\nstatus = 200\npath = "/v1/settings/0"\naction = "ignore"\n'
        '[[rule]]\nname = "now"\nclass = "config"\naction = "protect"\nkeep = { within = "1y" }\n'
        'redact = { headers = "x-key", query = "key", json = "$.card" }\n'
    )
    now = '[[rule]]\nname = "now"\nredact = { headers = ["x-old"] }\n'
    data = ("--data", found.settings.data)
    shown = rules(capfdbinary, tmp_path, now, "preview", changed, "--json", *data)
    assert (shown.code, shown.json["exchanges"]) == (0, 5)
    by_id = {item["id"]: item for item in shown.json["items"]}
    assert len(by_id) == 5
    keyed, card, _, _, first = (by_id[str(one.id)] for one in reversed(found.exchanges))
    assert (first["now"]["action"], first["then"]["action"], first["then"]["rule"]) == ("capture", "ignore", "health")
    assert card["taken_out"] == [{"place": "request body", "references": {"card": 1}, "withheld": None}]
    assert keyed["taken_out"] == [
        {"place": "path", "references": {"key": 1}, "withheld": None},
        {"place": "request header x-key", "references": {"x-key": 1}, "withheld": None},
    ]
    assert keyed["left_in"] == ["header x-old"]
    table = rules(capfdbinary, tmp_path, now, "preview", changed, "--last", "4", *data)
    assert "4 exchanges, of which 4 change." in table.out
    assert "4  now -> now (capture -> protect)" in table.out
    for ran in (shown, table):
        assert SECRET not in ran.raw
        assert SECRET.decode() not in ran.err
    same = rules(capfdbinary, tmp_path, now, "preview", tmp_path / "entrepot.toml", *data)
    assert same.out == "5 exchanges, of which none change.\n"
