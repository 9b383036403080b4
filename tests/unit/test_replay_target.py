"""Targets, and when a target is a server that was captured from."""

import pytest

from entrepot_replay.target import Target, captured_server
from entrepot_store.errors import BadInput


@pytest.mark.parametrize(
    ("text", "target", "authority"),
    [
        ("http://127.0.0.1:9002", Target("http", "127.0.0.1", 9002), "127.0.0.1:9002"),
        ("HTTPS://Orders.Example/", Target("https", "orders.example", 443), "orders.example"),
        ("http://[::1]:8080/api/", Target("http", "::1", 8080, "/api"), "[::1]:8080"),
        ("https://orders:443", Target("https", "orders", 443), "orders"),
        ("http://orders:443", Target("http", "orders", 443), "orders:443"),
    ],
)
def test_targets(text: str, target: Target, authority: str) -> None:
    assert Target.parse(text) == target
    assert target.authority == authority
    assert Target.parse(target.url) == target


@pytest.mark.parametrize(
    "text",
    [
        *("", "orders", "ftp://orders", "http://", "http://a:b@orders", "http://orders?x=1", "http://orders:0"),
        *("http://orders:99999", "http://orders:x", "http://[::1", "http://[orders]", "http://bü.example", "http:///x"),
    ],
)
def test_what_is_no_target_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="is not a target"):
        Target.parse(text)


@pytest.mark.parametrize(
    ("target", "scheme", "captured"),
    [
        ("http://orders.internal", "http", "orders.internal"),
        ("http://orders.internal:80", "http", "ORDERS.internal."),
        ("https://orders.internal", "https", "orders.internal:443"),
        ("http://orders.internal:443", "https", "orders.internal"),  # the same server, spoken to in another way
        ("http://localhost:9001", "http", "127.0.0.1:9001"),
        ("http://127.0.0.1:9001", "http", "localhost:9001"),
        ("http://127.8.9.1:9001", "http", "[::1]:9001"),
        ("http://10.0.0.7:9001", "http", "10.0.0.7:9001"),
        ("http://[fd00::1]:9001", "http", "fd00::1:9001"),  # as a socket prints its peer
    ],
)
def test_the_captured_server_is_recognised(target: str, scheme: str, captured: str) -> None:
    assert captured_server(Target.parse(target), [("http", "other"), (scheme, captured)]) == captured


@pytest.mark.parametrize(
    ("target", "captured"),
    [
        ("http://127.0.0.1:9002", "127.0.0.1:9001"),
        ("http://new.internal", "orders.internal"),
        ("https://orders.internal", "orders.internal:80"),
        ("http://orders.internal", ""),
        ("http://orders.internal", "[bad"),
        ("http://127.0.0.1:80", "no-such-name.invalid"),
    ],
)
def test_another_server_is_not(target: str, captured: str) -> None:
    assert captured_server(Target.parse(target), [("http", captured)]) is None
