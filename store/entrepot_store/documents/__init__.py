"""Documents: what successive payloads are copies of, and what each exchange says of them.

A captured exchange walks: `effects` (which documents it speaks of, and what it says) → `identity` (their names) →
`canonical` (what their content is compared by) → looks, made by `interpreter`. The shipper hands them to the catalog,
where a look that differs from its neighbour starts a version. `content` goes the way back, from a version to its bytes.
"""

from .content import content_bytes, open_content
from .interpreter import Bodies, Interpreter, Recipe, dump_recipes, load_recipes, recipes_of
from .recipes import CurrentRecipes
from .stored import AtHand, read_segment

__all__ = [
    "AtHand",
    "Bodies",
    "CurrentRecipes",
    "Interpreter",
    "Recipe",
    "content_bytes",
    "dump_recipes",
    "load_recipes",
    "open_content",
    "read_segment",
    "recipes_of",
]
