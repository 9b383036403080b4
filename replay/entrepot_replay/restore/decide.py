"""What is to be done about one document, given what it was, what is there, and what the operator allows."""

from dataclasses import dataclass
from enum import StrEnum

from .live import Live, There
from .wanted import State


class Do(StrEnum):
    """What happens to a document. The first three send something."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    NOTHING = "untouched"
    LEAVE = "left alone"
    CANNOT = "not restorable"


@dataclass(frozen=True, slots=True)
class Modes:
    """What may be done beside creating what is missing."""

    update_existing: bool = False
    delete_newer: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    do: Do
    why: str


def decide(state: State, live: Live, modes: Modes, *, same: bool | None) -> Decision:
    """`same`: what is there is as it was; None if nobody can tell, because its content is not known."""
    if live.there is There.UNREADABLE:
        return Decision(Do.CANNOT, f"the target does not say whether it is there: {live.reason}")
    present = live.there is There.PRESENT
    if state is State.PRESENT:
        if not present:
            return Decision(Do.CREATE, f"missing: {live.reason}")
        if same:
            return Decision(Do.NOTHING, "there and the same")
        if same is None:
            return Decision(Do.CANNOT, "it is there, and nothing tells whether as it was")
        if modes.update_existing:
            return Decision(Do.UPDATE, "differs")
        return Decision(Do.LEAVE, "differs; --update-existing is not given")
    if not present:
        return Decision(Do.NOTHING, "not there, as it was")
    if state is State.UNSEEN:
        return Decision(Do.LEAVE, "first seen later; whether it was there by then nobody knows")
    what = "was gone by then" if state is State.GONE else "was made later"
    if modes.delete_newer:
        return Decision(Do.DELETE, what)
    return Decision(Do.LEAVE, f"{what}; --delete-newer is not given")
