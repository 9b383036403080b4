"""The parts that a supervisor runs: how each is started, and when it accepts connections.

What a part is told goes through its environment (the variables of `entrepot.toml`'s keys), where `ps` does not show
the password of a catalog URL. Listen addresses stand on the command line: a part that was given port 0 is restarted
on the port it had.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from entrepot_store.config import Settings
from entrepot_store.state import read_state

from ..listening import accepts_connections

PROXY, SHIP, API = "proxy", "ship", "api"

_PYTHON = (sys.executable, "-P")  # -P: a file named like a module in the working directory must not shadow it


class Part(Protocol):
    """What the supervisor needs to know of a part."""

    name: str

    def command(self) -> list[str]:
        """The command line, asked at every start."""
        ...

    def accepts(self, pid: int) -> bool:
        """Whether this process of the part does its work; learns the ports it listens on."""
        ...


class ProxyPart:
    """`python -O -m entrepot_proxy`. `url` is the forward proxy's, `reverse` those of the reverse listeners."""

    name = PROXY

    def __init__(self, settings: Settings, config: Path | None) -> None:
        self._settings = settings
        self._config = config
        self._listen = settings.proxy.listen
        self._reverse = {listener.name: listener.listen for listener in settings.proxy.reverse}
        self.url: str | None = None
        self.reverse: dict[str, str] = {}

    def command(self) -> list[str]:
        command = [*_PYTHON, "-O", "-m", "entrepot_proxy", "--data", str(self._settings.data)]
        command += ["--listen", self._listen or ""]
        for listener in self._settings.proxy.reverse:
            command += ["--reverse", f"{listener.name}={listener.target}@{self._reverse[listener.name]}"]
        if self._config is not None:
            command += ["--config", str(self._config)]
        return command

    def accepts(self, pid: int) -> bool:
        state = _state_of(self._settings.data, PROXY, pid)
        if state is None:
            return False
        url, reverse = state["listen"].get("proxy"), dict(state["listen"].get("reverse", {}))
        if not all(accepts_connections(each) for each in (url, *reverse.values()) if each):
            return False
        self.url, self.reverse = url, reverse
        if url:
            self._listen = urlsplit(url).netloc
        self._reverse |= {name: urlsplit(each).netloc for name, each in reverse.items()}
        return True


class ShipPart:
    """`entrepot ship`."""

    name = SHIP

    def __init__(self, settings: Settings) -> None:
        self._data = settings.data

    def command(self) -> list[str]:
        return [*_PYTHON, "-m", "entrepot_api", "ship", "--data", str(self._data)]

    def accepts(self, pid: int) -> bool:
        return _state_of(self._data, SHIP, pid) is not None


class ApiPart:
    """`entrepot serve`. `url` is where it listens."""

    name = API

    def __init__(self, settings: Settings) -> None:
        self._data = settings.data
        self._listen = settings.api.listen
        self.url: str | None = None

    def command(self) -> list[str]:
        return [*_PYTHON, "-m", "entrepot_api", "serve", "--data", str(self._data), "--listen", self._listen]

    def accepts(self, pid: int) -> bool:
        state = _state_of(self._data, API, pid)
        if state is None or not accepts_connections(state["listen"]):
            return False
        self.url = str(state["listen"])
        self._listen = urlsplit(self.url).netloc
        return True


def environment(settings: Settings, config: Path | None) -> dict[str, str]:
    """Our own environment with what this command line said on top, as the variables that every part reads."""
    told = {"ENTREPOT_DATA": str(settings.data)}
    if config is not None:
        told["ENTREPOT_CONFIG"] = str(config)
    if settings.vault is not None:
        told["ENTREPOT_VAULT"] = settings.vault
    if settings.catalog is not None:
        told["ENTREPOT_CATALOG"] = settings.catalog
    return {**os.environ, **told}


def listeners(settings: Settings, parts: Mapping[str, Part]) -> Iterator[tuple[str, str]]:
    """`(part, HOST:PORT)` of everything that is going to listen."""
    if PROXY in parts:
        if settings.proxy.listen:
            yield "--proxy", settings.proxy.listen
        for listener in settings.proxy.reverse:
            yield f"--reverse {listener.name}", listener.listen
    if API in parts:
        yield "--api", settings.api.listen


def _state_of(data: Path, part: str, pid: int) -> dict[str, Any] | None:
    """What that very process says of itself, once it says that it is ready."""
    state = read_state(data, part)
    return state if state and state["pid"] == pid and state["ready"] else None
