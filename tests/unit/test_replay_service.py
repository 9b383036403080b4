"""What the configuration says of a destination's servers."""

from entrepot_replay.service import known_servers
from entrepot_store.config import ProductConfig, ProxySettings, ReverseListener, Settings


def test_servers_that_the_configuration_names() -> None:
    settings = Settings(
        product=(
            ProductConfig(name="orders", hosts=("orders.internal", "10.0.3.7", "10.0.4.0/24", "*.orders.example")),
            ProductConfig(name="other", hosts=("other.internal",)),
        ),
        proxy=ProxySettings(
            reverse=(
                ReverseListener.parse("orders=https://127.0.0.1:9001@127.0.0.1:9101"),
                ReverseListener.parse("other=http://127.0.0.1:9002@127.0.0.1:9102"),
            )
        ),
    )
    assert known_servers(settings, "orders") == [
        *(("http", "orders.internal"), ("https", "orders.internal"), ("http", "10.0.3.7"), ("https", "10.0.3.7")),
        *(("https", "127.0.0.1:9001"), ("http", "127.0.0.1:9101")),
    ]
    assert known_servers(settings, "nobody") == []
