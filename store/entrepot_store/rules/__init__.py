"""Rules at work: who talks to whom, and what is done with what they say.

`template` is the path templates, `glob` the `*` patterns, `names` gives source and destination their product names,
`decision` and `ruleset` are what the capture path asks once per exchange, `shadow` finds rules that can never match.
What a user may write is in `entrepot_store.config`.
"""

from .decision import Decision, Durability, OnFailure
from .names import ProductNames
from .ruleset import RuleSet
from .shadow import Shadowed, shadowed
from .template import PathTemplate

__all__ = [
    "Decision",
    "Durability",
    "OnFailure",
    "PathTemplate",
    "ProductNames",
    "RuleSet",
    "Shadowed",
    "shadowed",
]
