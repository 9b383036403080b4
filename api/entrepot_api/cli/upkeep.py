"""What `compact`, `prune` and `expunge` share."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from entrepot_store.errors import BadInput

if TYPE_CHECKING:
    from entrepot_store.compact.grace import Swept

FOLDER = "upkeep"
"""In the data folder: copies of segments that are being written anew."""

GraceOption = Annotated[
    str, typer.Option(metavar="AGE", help="How long replaced segments stay for their readers (30m, 2h, 0h).")
]


def grace_micros(text: str) -> int:
    """Microseconds. Raises BadInput."""
    unit = {"s": 1, "m": 60, "h": 3600, "d": 86400}.get(text[-1:], 0)
    if not unit or not text[:-1].isdecimal():
        raise BadInput(f"--grace: {text!r} is not an age such as 30m or 2h.")
    return int(text[:-1]) * unit * 1_000_000


def say_swept(swept: "Swept", say: Callable[[str], None]) -> None:
    if swept.removed:
        say(f"{swept.removed} replaced segments of {swept.bytes} bytes were removed.")
    if swept.waiting:
        say(f"{swept.waiting} replaced segments wait for their readers; a later run removes them.")
    for key, reason in swept.denied:
        say(f"{key} could not be removed: {reason}")
