"""Simulate: answers in the place of a lost product, out of what was captured of it, as of a moment.

A request (`asked`) walks: `simulation` → for reads `reads`, for writes `writes` with `payload` → both look `captures`
up, and leave out what is `usable` for nobody, or by `variants` and `likeness` not for this client → `found` → `answer`,
in a `coding`; or `nearest`, if nothing was found. `progress` remembers how far clients have come, `counts` what they
got, and `hot_paths` what a path with many captures holds. Nothing is stored. The server is in `entrepot_api.simulate`.
"""

from .answer import Answer, Content
from .asked import Asked
from .coding import Coding, choose
from .counts import Counts
from .found import Near
from .origin import relocated
from .progress import Sequence
from .simulation import Missed, Options, Simulation, Window

__all__ = [
    "Answer",
    "Asked",
    "Coding",
    "Content",
    "Counts",
    "Missed",
    "Near",
    "Options",
    "Sequence",
    "Simulation",
    "Window",
    "choose",
    "relocated",
]
