"""An hour in the life of a product whose documents are protected: what tests of time travel look back at."""

from dataclasses import dataclass, field
from pathlib import Path

from entrepot_store.clock import to_rfc3339
from entrepot_store.config import Settings
from entrepot_store.model import Action, Exchange
from tests.support.captured import START, Recording, archive_of
from tests.support.faces import Stored

HOST = "orders.internal"
"""Also the destination's name, as of any host that no product claims."""
SETTINGS, PRICES, LOGO, GONE = "/v1/settings/7", "/v1/prices", "/v1/logo", "/v1/gone"
CSV = ((b"Content-Type", b"text/csv; charset=utf-8"),)


def minute(number: int) -> int:
    """Microseconds since the epoch."""
    return START + number * 60_000_000


def at(number: int) -> str:
    return to_rfc3339(minute(number))


@dataclass
class History:
    """Protected exchanges with one product, each begun at a minute of the hour."""

    exchanges: list[Exchange] = field(default_factory=list)

    def put(self, number: int, path: str, body: bytes, media_type: bytes = b"application/json") -> None:
        self.add(number, "PUT", path, body, headers=((b"Content-Type", media_type),))

    def add(self, number: int, method: str, path: str, body: bytes = b"", **more: object) -> None:
        recording = Recording(destination=HOST, authority=HOST.encode(), start=minute(number))
        recording.add(method, path, body, action=Action.PROTECT, **more)  # type: ignore[arg-type] # as `add` has them
        self.exchanges += recording.exchanges


def an_hour() -> History:
    """Settings in three contents, then patched; prices as CSV; a binary logo that becomes text; one that is deleted."""
    history = History()
    history.put(1, SETTINGS, b'{"theme": "dark", "size": 10}')
    history.add(2, "GET", f"{PRICES}?page=1&full=yes", answer=b"sku,net\nA,10\nB,20\n", answer_headers=CSV)
    history.put(3, LOGO, b"\x89PNG\x00" + bytes(range(256)) * 400, b"image/png")
    history.put(4, GONE, b'{"a": 1}')
    history.put(10, SETTINGS, b'{"theme": "light", "size": 10}')
    history.add(12, "GET", f"{PRICES}?full=yes&page=1", answer=b"sku,net\nA,11\nB,20\n", answer_headers=CSV)
    history.put(20, SETTINGS, b'{"theme": "dark", "size": 10}')
    history.add(25, "DELETE", GONE, status=204, answer=b"")
    history.put(30, LOGO, b'{"moved": true}')
    history.add(40, "PATCH", SETTINGS, b'{"size": 12}', headers=((b"Content-Type", b"application/merge-patch+json"),))
    return history


def stored_hour(data: Path) -> Stored:
    """A data folder that holds `an_hour`. Close its catalog."""
    data.mkdir()
    history = an_hour()
    return Stored(Settings(data=data), archive_of(data, history.exchanges), tuple(history.exchanges))
