"""Data flow: which values the lost service made, and which later requests carry them.

`values` says what can be recognised again, `names` what a value is the id of, `reading` takes messages apart,
`analysis` links who made a value with who uses it, `order` says which steps must not overtake each other. All of it is
pure: no vault, no catalog, no network.
"""

from .analysis import Analysis, Traced
from .links import Flow, Make, Use
from .part import Part
from .reading import request_parts, response_parts
from .values import Key, Kind, kind_of

__all__ = [
    "Analysis",
    "Flow",
    "Key",
    "Kind",
    "Make",
    "Part",
    "Traced",
    "Use",
    "kind_of",
    "request_parts",
    "response_parts",
]
