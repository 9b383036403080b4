"""What people write to select exchanges means the same on the command line and over HTTP."""

import pytest

from entrepot_api.query import exchange_filter, moment
from entrepot_store.catalog import ExchangeFilter
from entrepot_store.errors import BadInput

NOW = 1_763_800_000_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-11-22T08:26:40Z", NOW),
        ("2025-11-22T09:26:40.5+01:00", NOW + 500_000),
        ("2025-11-22", 1_763_769_600_000_000),
        ("0s", NOW),
        ("30m", NOW - 1_800_000_000),
        ("2h", NOW - 7_200_000_000),
        ("3d", NOW - 259_200_000_000),
        ("1w", NOW - 604_800_000_000),
        ("999999999w", 0),
    ],
)
def test_moments(text: str, expected: int) -> None:
    assert moment(text, NOW, "since") == expected


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2h30m", "-2h", "2026-13-01", "1e9", "9" * 12 + "d", "\u0662h", "2 h"]
)
def test_what_is_no_moment_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        moment(text, NOW, "since")
    assert refused.value.message.startswith("since: ")
    assert "RFC 3339" in refused.value.hint


def test_statuses_are_numbers_and_classes() -> None:
    assert exchange_filter(now=NOW, status=["404", "5XX", "2xx"]).status == (404, "5xx", "2xx")
    for bad in ("", "40", "4x", "600", "099", "404 ", "abc"):
        with pytest.raises(BadInput, match="status"):
            exchange_filter(now=NOW, status=[bad])


def test_nothing_given_selects_everything() -> None:
    assert exchange_filter(now=NOW) == ExchangeFilter()


def test_texts_are_compared_as_they_are_stored() -> None:
    """A shell hands on bytes that are no UTF-8 as surrogates; the catalog holds them, and NUL, escaped."""
    found = exchange_filter(now=NOW, path="/a\udcff\x00", source=["b\x00"], method=["get"], content_type=["Text/HTML"])
    assert found.path == "/a\\xff\\x00"
    assert found.source == ("b\\x00",)
    assert found.method == ("GET",)
    assert found.content_type == ("text/html",)
