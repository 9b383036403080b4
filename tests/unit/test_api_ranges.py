"""Range, If-Range and If-None-Match, as RFC 9110 sections 13 and 14 say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot_api.http.ranges import Span, is_fresh, range_applies, requested_span

TAG = '"sha256:00"'


@pytest.mark.parametrize(
    ("header", "size", "expected"),
    [
        ("bytes=0-9", 100, Span(0, 10)),
        ("bytes=0-0", 100, Span(0, 1)),
        ("bytes=90-", 100, Span(90, 100)),
        ("bytes=90-1000", 100, Span(90, 100)),
        ("bytes=-10", 100, Span(90, 100)),
        ("bytes=-1000", 100, Span(0, 100)),
        ("BYTES = 1 - 2", 100, Span(1, 3)),
        ("bytes=99-99", 100, Span(99, 100)),
        # Nothing of it exists: 416.
        ("bytes=100-", 100, Span(100, 100)),
        ("bytes=100-200", 100, Span(100, 100)),
        ("bytes=-0", 100, Span(100, 100)),
        ("bytes=0-", 0, Span(0, 0)),
        ("bytes=-5", 0, Span(0, 0)),
        # Ignored: the whole body is the answer.
        (None, 100, None),
        ("", 100, None),
        ("bytes=-", 100, None),
        ("bytes=5-2", 100, None),
        ("bytes=a-b", 100, None),
        ("bytes=0-1,5-6", 100, None),
        ("items=0-1", 100, None),
        ("bytes=" + "9" * 5000 + "-", 100, None),
        ("bytes=\u0661-\u0662", 100, None),  # int() would take these digits
    ],
)
def test_requested_span(header: str | None, size: int, expected: Span | None) -> None:
    assert requested_span(header, size) == expected


@given(st.text(max_size=60) | st.from_regex(r"bytes=\d{0,25}-\d{0,25}", fullmatch=True), st.integers(0, 10**6))
def test_a_span_never_leaves_the_body(header: str, size: int) -> None:
    span = requested_span(header, size)
    assert span is None or 0 <= span.start <= span.end <= size


def test_if_range_takes_the_very_same_strong_tag_only() -> None:
    assert range_applies(None, TAG)
    assert range_applies(TAG, TAG)
    assert not range_applies(f"W/{TAG}", TAG)
    assert not range_applies("Wed, 21 Oct 2015 07:28:00 GMT", TAG)
    assert not range_applies('"other"', TAG)


def test_if_none_match_takes_lists_weak_tags_and_the_star() -> None:
    assert not is_fresh(None, TAG)
    assert is_fresh(TAG, TAG)
    assert is_fresh(f'"a", W/{TAG} , "b"', TAG)
    assert is_fresh("*", TAG)
    assert not is_fresh('"sha256:01"', TAG)
    assert not is_fresh("sha256:00", TAG)
