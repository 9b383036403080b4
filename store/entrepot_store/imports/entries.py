"""What a reader of a foreign format makes of one entry: an exchange, or the reason why there is none."""

from dataclasses import dataclass

from ..model import Exchange


@dataclass(slots=True, frozen=True)
class Recorded:
    """A recorded exchange. Its `source` and `destination` are empty unless the file names them; its id, rule, action
    and class are decided later. `own` says that Entrepot itself exported it: its secrets are references already, and
    its id is the one it always had."""

    where: str
    exchange: Exchange
    own: bool = False


@dataclass(slots=True, frozen=True)
class Refused:
    """An entry that cannot be imported. `where` finds it in the file (`entry 17 (GET https://…)`)."""

    where: str
    reason: str


type Entry = Recorded | Refused
