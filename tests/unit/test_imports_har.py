"""HAR as Chrome, Firefox and Playwright write it becomes exchanges; what cannot is named with its reason."""

import json
from base64 import b64encode
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot_store.errors import BadInput
from entrepot_store.imports.detect import detect_format
from entrepot_store.imports.entries import Recorded, Refused
from entrepot_store.imports.har import read_har
from entrepot_store.model import Exchange
from tests.support import hars


def read_one(tmp_path: Path, entry: Any, **log: Any) -> Exchange:
    (found,) = read_har(hars.write_har_file(tmp_path / "one.har", entry, **log))
    assert isinstance(found, Recorded), found
    return found.exchange


def refusal(tmp_path: Path, entry: Any) -> str:
    (found,) = read_har(hars.write_har_file(tmp_path / "one.har", entry))
    assert isinstance(found, Refused), found
    return found.reason


def changed(entry: dict[str, Any], **paths: Any) -> dict[str, Any]:
    """A copy with values replaced: `request__url` is `["request"]["url"]`."""
    copy = deepcopy(entry)
    for path, value in paths.items():
        *parents, last = path.split("__")
        holder = copy
        for parent in parents:
            holder = holder[parent]
        holder[last] = value
    return copy


def test_chrome(tmp_path: Path) -> None:
    exchange = read_one(tmp_path, hars.CHROME)
    request, response = exchange.request, exchange.response
    assert response is not None
    assert exchange.started_at == 1_777_629_600_123_000
    assert (exchange.request_us, exchange.waiting_us, exchange.response_us) == (500, 31_500, 9_500)
    assert request.method == b"POST"
    assert request.url == b"https://orders.internal/v1/settings/7?full=1"  # a fragment is never sent
    assert request.version == response.version == "HTTP/2.0"
    assert [name for name, _ in request.headers] == [b"content-type", b"authorization", b"cookie"]
    assert request.body.data == b'{"theme":"dark"}'
    assert response.body.data == b'{"ok":true}'
    assert response.body.decoded == "br"
    assert [value for name, value in response.headers if name == b"set-cookie"] == [
        b"a=topsecret-3; Path=/",
        b"b=topsecret-4; Secure",
    ]
    assert exchange.server_address == "[2001:db8::1]:443"
    assert exchange.complete


def test_firefox(tmp_path: Path) -> None:
    exchange = read_one(tmp_path, hars.FIREFOX)
    assert exchange.response is not None
    assert exchange.started_at == 1_777_629_601_000_000  # 12:00 at +02:00
    assert exchange.response.body.data == b"\x89PNG\r\n\x1a\n"
    assert exchange.request.authority == b"files.internal:8080"
    assert exchange.server_address == "10.0.0.9:8080"
    assert exchange.complete


def test_websocket_messages(tmp_path: Path) -> None:
    exchange = read_one(tmp_path, hars.PLAYWRIGHT_SOCKET)
    assert exchange.request.url == b"https://orders.internal/feed"
    assert [(m.from_client, m.text, m.data, m.at) for m in exchange.messages] == [
        (True, True, b"hello", 1_777_629_602_250_000),
        (False, False, b"\x00\xff", 1_777_629_602_500_000),
    ]
    assert exchange.complete
    broken = changed(hars.PLAYWRIGHT_SOCKET, _webSocketMessages=[{"opcode": 1}, {"opcode": -1, "data": "x"}, 7])
    assert read_one(tmp_path, broken).messages_missing == 3


def test_a_request_that_failed(tmp_path: Path) -> None:
    exchange = read_one(tmp_path, hars.BLOCKED)
    assert exchange.response is None
    assert exchange.error == "net::ERR_CONNECTION_REFUSED"
    assert not exchange.complete


@pytest.mark.parametrize(
    ("content", "body_size", "missing"),
    [
        ({"size": -1, "mimeType": "text/csv"}, -1, True),  # Playwright with content "omit"
        ({"size": 12, "mimeType": "text/csv", "comment": "Response bodies are not included."}, 12, True),  # Firefox
        ({"size": 12, "mimeType": "text/csv", "text": ""}, -1, True),  # Chrome after it evicted the body
        ({"size": 0, "mimeType": "text/csv"}, 0, False),
        ({"size": 0, "mimeType": "text/csv", "text": ""}, -1, False),
        ({"size": 3, "mimeType": "text/csv", "text": "a,b"}, 3, False),
        ({"size": 3, "encoding": "base64", "text": "!!!not base64"}, 3, True),
        ({}, 5, True),
        (None, 0, True),
    ],
)
def test_a_body_that_the_recorder_left_out_makes_the_exchange_incomplete(
    tmp_path: Path, content: Any, body_size: int, missing: bool
) -> None:
    entry = changed(hars.PLAYWRIGHT_OMITTED, response__content=content, response__bodySize=body_size)
    exchange = read_one(tmp_path, entry)
    assert exchange.response is not None
    assert exchange.response.body.truncated is missing
    assert exchange.complete is not missing


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304), ("GET", 101)])
def test_answers_that_have_no_body_lack_none(tmp_path: Path, method: str, status: int) -> None:
    entry = changed(hars.PLAYWRIGHT_OMITTED, request__method=method, response__status=status)
    assert read_one(tmp_path, entry).complete


def test_posted_forms(tmp_path: Path) -> None:
    params = [{"name": "a b", "value": "1&2"}, {"name": "c", "value": "ü"}]
    form = {"mimeType": "application/x-www-form-urlencoded", "params": params}
    assert read_one(tmp_path, changed(hars.CHROME, request__postData=form)).request.body.data == b"a+b=1%262&c=%C3%BC"
    multipart = {"mimeType": "multipart/form-data; boundary=x", "params": params}
    assert read_one(tmp_path, changed(hars.CHROME, request__postData=multipart)).request.body.truncated
    gone = changed(hars.CHROME)
    del gone["request"]["postData"]
    assert read_one(tmp_path, gone).request.body.truncated  # bodySize says 16


def test_text_goes_back_to_the_bytes_of_its_charset(tmp_path: Path) -> None:
    latin = {"mimeType": "text/plain; charset=ISO-8859-1", "size": 3, "text": "für"}
    exchange = read_one(tmp_path, changed(hars.FIREFOX, response__content=latin))
    assert exchange.response is not None
    assert exchange.response.body.data == b"f\xfcr"
    for charset in ("ascii", "nonsense", "utf-8", "idna"):
        content = {"mimeType": f"text/plain; charset={charset}", "size": 4, "text": "für"}
        exchange = read_one(tmp_path, changed(hars.FIREFOX, response__content=content))
        assert exchange.response is not None
        assert exchange.response.body.data == "für".encode()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("http/2.0", "HTTP/2.0"),
        ("HTTP/2", "HTTP/2.0"),
        ("h2", "HTTP/2.0"),
        ("h3", "HTTP/3"),
        ("HTTP/1.0", "HTTP/1.0"),
        ("http/1.1", "HTTP/1.1"),
        ("unknown", "HTTP/1.1"),
        ("", "HTTP/1.1"),
        (None, "HTTP/1.1"),
    ],
)
def test_versions_by_every_name(tmp_path: Path, given: Any, expected: str) -> None:
    assert read_one(tmp_path, changed(hars.CHROME, request__httpVersion=given)).request.version == expected


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (7, "it is not an object"),
        ({}, "it has no request"),
        (changed(hars.CHROME, response=None), "it has no response"),
        (changed(hars.CHROME, request__url="data:text/plain,hello"), "its URL is not http or https"),
        (changed(hars.CHROME, request__url="chrome-extension://abc/x.js"), "its URL is not http or https"),
        (changed(hars.CHROME, request__url="https:///path"), "its URL names no host"),
        (changed(hars.CHROME, request__url="https://host:99999/"), "its URL names no host"),
        (changed(hars.CHROME, request__url=None), "it has no URL"),
        (changed(hars.CHROME, request__method="GET /x"), "its method is not an HTTP method"),
        (changed(hars.CHROME, request__method="G\r\nET"), "its method is not an HTTP method"),
        (changed(hars.CHROME, request__headers=[{"value": "x"}]), "one of its headers has no name"),
        (changed(hars.CHROME, startedDateTime="yesterday"), "its startedDateTime is not a time"),
        (changed(hars.CHROME, startedDateTime=None), "its startedDateTime is not a time"),
        (changed(hars.CHROME, startedDateTime="1850-01-01T00:00:00Z"), "its startedDateTime is not a time"),
    ],
)
def test_what_cannot_be_imported_is_named_with_its_reason(tmp_path: Path, entry: Any, reason: str) -> None:
    assert refusal(tmp_path, entry) == reason


def test_one_bad_entry_costs_no_other(tmp_path: Path) -> None:
    path = hars.write_har_file(tmp_path / "mixed.har", hars.CHROME, 7, hars.FIREFOX)
    found = list(read_har(path))
    assert [type(entry).__name__ for entry in found] == ["Recorded", "Refused", "Recorded"]
    assert found[0].where == "entry 1 (POST https://orders.internal/v1/settings/7?full=1#top)"
    assert found[1].where == "entry 2"


def test_credentials_in_a_url_are_dropped(tmp_path: Path) -> None:
    exchange = read_one(tmp_path, changed(hars.CHROME, request__url="https://user:topsecret@orders.internal/x"))
    assert exchange.request.url == b"https://orders.internal/x"


WHOLE = json.dumps(hars.har(hars.CHROME, hars.FIREFOX))


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        '{"log": {}}',
        '{"log": {"entries": {}}}',
        '{"log": []}',
        '{"log": {"entries": []}} trailing',
        '{"log": {"entries": [1 2]}}',
        '{"log": {"entries": [1,]}}',
        '{"log" {"entries": []}}',
        '{"log": {"entries": [' + "[" * 100_000,
        '{"log": {"entries": [' + "9" * 5000 + "]}}",
        "{1: 2}",
        *(WHOLE[: len(WHOLE) * part // 12] for part in range(1, 12)),
    ],
)
def test_garbage_is_refused_with_one_sentence_before_anything_is_taken(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.har"
    path.write_text(text)
    with pytest.raises(BadInput) as refused:
        next(read_har(path))
    assert str(path) in refused.value.message
    assert "HAR file" in refused.value.message
    assert "\n" not in refused.value.message


def test_other_encodings_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "utf16.har"
    path.write_bytes(WHOLE.encode("utf-16"))
    with pytest.raises(BadInput, match="UTF-8"):
        next(read_har(path))
    path.write_bytes(b"\xef\xbb\xbf" + WHOLE.encode())  # a byte order mark, as Windows tools write it
    assert len(list(read_har(path))) == 2


def test_formats_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    for content, expected in (
        (b"\xef\xbb\xbf \n{", "har"),
        (b'{"log"', "har"),
        (b"3129:9:websocket;0:~", "mitm"),
    ):
        path.write_bytes(content)
        assert detect_format(path) == expected
    for content in (b"", b" \n", b"WARC/1.1\r\n", b"\x1f\x8b\x08", b"[1]", b"123"):
        path.write_bytes(content)
        with pytest.raises(BadInput):
            detect_format(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=8,
)
PATHS = [
    *("request", "request__method", "request__url", "request__headers", "request__postData", "request__httpVersion"),
    *("request__bodySize", "request__postData__text", "request__postData__mimeType", "response", "response__status"),
    *("response__content", "response__content__text", "response__content__size", "response__content__encoding"),
    *("response__headers", "response__statusText", "startedDateTime", "time", "timings", "timings__wait"),
    *("serverIPAddress", "_webSocketMessages", "_entrepot"),
]


@given(st.sampled_from(PATHS), json_values, st.sampled_from(["WebInspector", "Entrepot"]))
def test_no_value_anywhere_breaks_the_reader(
    tmp_path_factory: pytest.TempPathFactory, path: str, value: Any, creator: str
) -> None:
    """Whatever stands in any field, an entry is imported or refused; it never ends the import."""
    entry = changed(hars.CHROME, **{path: value})
    (found,) = read_har(hars.write_har_file(tmp_path_factory.mktemp("har") / "x.har", entry, creator=creator))
    if isinstance(found, Recorded):
        assert found.exchange.started_at >= 0
        assert found.exchange.duration_us >= 0
        for body in (found.exchange.request.body, found.exchange.response and found.exchange.response.body):
            assert body is None or len(body.data or b"") == body.size


def test_base64_with_line_breaks_is_read(tmp_path: Path) -> None:
    text = b64encode(bytes(range(256))).decode()
    content = {"size": 256, "encoding": "base64", "mimeType": "x/y", "text": text[:76] + "\r\n" + text[76:]}
    exchange = read_one(tmp_path, changed(hars.FIREFOX, response__content=content))
    assert exchange.response is not None
    assert exchange.response.body.data == bytes(range(256))
