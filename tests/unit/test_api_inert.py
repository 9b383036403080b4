"""Captured bodies are served so that no browser runs them, whatever their recorded type says."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot_api.http.inert import inert_headers, safe_content_type, safe_filename

ID = UUID("019aaaac-2610-7000-8000-000000000010")


@pytest.mark.parametrize(
    "recorded",
    [
        "application/json",
        "text/html; charset=utf-8",
        'multipart/form-data; boundary="a b"',
        "application/vnd.api+json;profile=x",
        "image/svg+xml",
    ],
)
def test_a_well_formed_type_is_passed_on(recorded: str) -> None:
    assert safe_content_type(recorded) == recorded


@pytest.mark.parametrize(
    "recorded",
    ["", "json", "text/html\r\nSet-Cookie: a=1", "text/html; charset=\xff", "a/b;", "text/\x00html", "a/" + "b" * 300],
)
def test_anything_else_is_bytes(recorded: str) -> None:
    assert safe_content_type(recorded) == "application/octet-stream"


@given(st.text(max_size=300))
def test_no_recorded_type_can_break_a_header(recorded: str) -> None:
    for value in inert_headers(ID, "response", recorded).values():
        assert value.isascii()
        assert value.isprintable()


def test_the_name_is_ours_and_never_one_that_runs() -> None:
    assert safe_filename(ID, "response", "application/json; charset=utf-8") == f"{ID}-response.json"
    assert safe_filename(ID, "request", "application/problem+json") == f"{ID}-request.json"
    for dangerous in ("text/html", "image/svg+xml", "application/javascript", "application/x-msdownload", "../../x"):
        assert safe_filename(ID, "response", dangerous) == f"{ID}-response.bin"


def test_a_browser_must_save_and_not_show() -> None:
    headers = inert_headers(ID, "response", "text/html")
    assert headers["Content-Type"] == "text/html"
    assert headers["Content-Disposition"].startswith("attachment; ")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
