"""The server of `entrepot simulate`, which stands in the place of a lost product (`entrepot_replay.simulate` decides).

`app` takes requests and counts what became of them, `respond` makes HTTP of an answer: conditions, ranges, codings;
`problems` makes HTTP of a miss.
"""

from .app import COUNTS_PATH, SimulationApp

__all__ = ["COUNTS_PATH", "SimulationApp"]
