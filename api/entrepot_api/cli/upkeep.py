"""What `compact`, `prune` and `expunge` share."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from entrepot_store.errors import BadInput, Busy

from .output import say

if TYPE_CHECKING:
    from entrepot_store.compact.grace import Swept

FOLDER = "upkeep"
"""In the data folder: copies of segments that are being written anew."""

_PATIENCE_SECONDS = 30.0
"""The shipper's compaction takes a few seconds at a time."""

GraceOption = Annotated[
    str, typer.Option(metavar="AGE", help="How long replaced segments stay for their readers (30m, 2h, 0h).")
]


def grace_micros(text: str) -> int:
    """Microseconds. Raises BadInput."""
    unit = {"s": 1, "m": 60, "h": 3600, "d": 86400}.get(text[-1:], 0)
    if not unit or not text[:-1].isdecimal():
        raise BadInput(f"--grace: {text!r} is not an age such as 30m or 2h.")
    return int(text[:-1]) * unit * 1_000_000


def in_turn[T](chore: Callable[[], T]) -> T:
    """What the chore returns. While another one is at it, as the shipper's compaction is now and then, it waits for a
    while; raises Busy then."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    waits = False
    while True:
        try:
            return chore()
        except Busy as error:
            if time.monotonic() > deadline:
                raise
            if not waits:
                say(f"{error.message} Waiting for it.")
                waits = True
            time.sleep(0.2)


def say_swept(swept: "Swept", say: Callable[[str], None]) -> None:
    if swept.removed:
        say(f"{swept.removed} replaced segments of {swept.bytes} bytes were removed.")
    if swept.waiting:
        say(f"{swept.waiting} replaced segments wait for their readers; a later run removes them.")
    for key, reason in swept.denied:
        say(f"{key} could not be removed: {reason}")
