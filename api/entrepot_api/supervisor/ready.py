"""`DATA/ready.json`: how other programs (`entrepot run`, scripts, tests) find what runs here.

There when every part accepts connections, and only then; 0600, since it holds the token.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from entrepot_store.errors import NotFound
from entrepot_store.state import write_private

FILE = "ready.json"


@dataclass(slots=True, frozen=True)
class Ready:
    """URLs of the listeners (None: there is no such part), the API token, and the path of the CA certificate."""

    api: str | None
    proxy: str | None
    reverse: dict[str, str]
    token: str
    ca: str

    def write(self, data: Path) -> None:
        write_private(data / FILE, json.dumps(asdict(self), indent=2) + "\n")


def read_ready(data: Path) -> Ready:
    """What runs in this folder. Raises NotFound if nothing does (or not all of it yet)."""
    try:
        return Ready(**json.loads((data / FILE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise NotFound(
            f"Nothing runs in {data}: there is no {FILE}.",
            hint=f"Start it with `entrepot up --data {data}` and wait until it says that it is ready.",
        ) from None


def remove_ready(data: Path) -> None:
    (data / FILE).unlink(missing_ok=True)
