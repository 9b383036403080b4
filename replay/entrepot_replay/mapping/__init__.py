"""The id map: what the rebuilt service made in the place of what the lost one had made.

`idmap` holds it, `learn` fills it from pairs of recorded and live answers, `substitute` puts live values into requests,
`explain` tells differences that it (or the kind of a value) accounts for.
"""

from .idmap import IdMap, Value
from .learn import learn_made
from .substitute import Substitution, substitute

__all__ = ["IdMap", "Substitution", "Value", "learn_made", "substitute"]
