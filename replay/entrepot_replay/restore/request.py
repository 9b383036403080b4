"""What an operator asks of a restore."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from .decide import Modes


@dataclass(frozen=True, slots=True)
class Request:
    """What the operator asks for. `at` is in microseconds; no `documents` means all."""

    destination: str
    target: str
    at: int
    documents: Sequence[str] = ()
    modes: Modes = field(default_factory=Modes)
    allow_captured_host: bool = False
