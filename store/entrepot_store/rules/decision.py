"""What a rule decides about an exchange. One object per rule, made when the rules are compiled."""

from dataclasses import dataclass
from typing import Literal

from ..model import Action
from ..redact import Redactor

type Durability = Literal["async", "sync"]
type OnFailure = Literal["open", "closed"]


@dataclass(slots=True, frozen=True, eq=False)
class Decision:
    """What happens to an exchange: kept or not, in which class, how durably, what if it cannot be kept, and what is
    taken out of it first. Compared by identity: a rule has exactly one."""

    rule: str
    action: Action
    retention_class: str
    durability: Durability
    on_failure: OnFailure
    redactor: Redactor
    wire: bool = False
    """Bodies are kept under their content coding."""
