"""Product names for the two ends of an exchange."""

import pytest

from entrepot_store.config import ProductConfig
from entrepot_store.rules import ProductNames

NAMES = ProductNames(
    (
        ProductConfig(name="orders", hosts=("orders.internal", "10.0.3.0/24", "[::1]:9000", "fd00::/8")),
        ProductConfig(name="orders-admin", hosts=("orders.internal:8443", "10.0.3.7")),
        ProductConfig(name="Wide", hosts=("10.0.0.0/8", "*.internal", "fd00::1")),
        ProductConfig(name="narrow", hosts=("*.eu.internal", "*.internal:99")),
        ProductConfig(name="silent"),
    )
)


@pytest.mark.parametrize(
    ("host", "port", "name"),
    [
        ("orders.internal", 443, "orders"),
        ("ORDERS.Internal.", 443, "orders"),
        ("orders.internal", 8443, "orders-admin"),
        ("10.0.3.7", 80, "orders-admin"),
        ("10.0.3.8", 80, "orders"),
        ("10.9.9.9", 80, "Wide"),
        ("::ffff:10.0.3.8", 80, "orders"),
        ("fd00::1", 80, "Wide"),
        ("[fd00:0::2]", 80, "orders"),
        ("::1", 9000, "orders"),
        ("0:0:0:0:0:0:0:1", 9000, "orders"),
        ("::1", 9001, "[::1]:9001"),
        ("::1", 443, "::1"),
        ("a.internal", 443, "Wide"),
        ("a.eu.internal", 443, "narrow"),
        ("a.internal", 99, "narrow"),
        ("internal", 443, "internal"),
        ("api.example.com", 443, "api.example.com"),
        ("api.example.com", 80, "api.example.com"),
        ("API.example.com", 8080, "api.example.com:8080"),
        ("192.168.0.1", 8080, "192.168.0.1:8080"),
        ("", 0, ":0"),
        ("bücher.example", 443, "bücher.example"),
    ],
)
def test_destination(host: str, port: int, name: str) -> None:
    assert NAMES.destination(host, port) == name
    assert NAMES.destination(host, port) == name


@pytest.mark.parametrize(
    ("address", "user", "name"),
    [
        ("10.0.3.8", None, "orders"),
        ("10.0.3.8", "billing", "billing"),
        ("10.0.3.8", "wide", "Wide"),
        ("10.0.3.8", "SILENT", "silent"),
        ("10.0.3.8", "", "orders"),
        ("10.0.3.8", "two words", "orders"),
        ("10.0.3.8", "x" * 64, "orders"),
        ("10.0.3.8", "../../etc", "orders"),
        ("192.168.0.1", None, "192.168.0.1"),
        ("::ffff:192.168.0.1", None, "192.168.0.1"),
        ("fe80::1%eth0", None, "fe80::1%eth0"),
        ("::1", None, "::1"),
        ("", None, "unknown"),
    ],
)
def test_source(address: str, user: str | None, name: str) -> None:
    assert NAMES.source(address, user) == name
    assert NAMES.source(address, user) == name


def test_hostile_hosts_do_not_fill_the_memory() -> None:
    names = ProductNames((ProductConfig(name="wide", hosts=("*.internal",)),))
    for number in range(10_000):
        assert names.destination(f"{number}.internal", 443) == "wide"
        names.destination("x" * 300 + str(number), 443)
        names.source(str(number), "u" * 300)
    assert len(names._destinations) <= 4096
    assert len(names._sources) <= 4096
    assert max(len(host) for host, _ in names._destinations) <= 255


def test_a_host_of_many_labels_is_no_work() -> None:
    assert NAMES.destination("a." * 100_000 + "internal", 443).startswith("a.a.")
