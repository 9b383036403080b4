"""Whether what is asked is what was recorded, where the recording may hold references in the place of secrets.

A reference stands for some text that is not known. With the redaction key it can be told whether it is this one;
without it, or where secrets have changed since, a reference may be anything.
"""

from enum import IntEnum

from entrepot_store.redact import find_references
from entrepot_store.redact.reference import secret_hash

from .asked import Fields


class Likeness(IntEnum):
    """In ascending order. POSSIBLE: equal but for secrets, which are others or cannot be compared."""

    NONE = 0
    POSSIBLE = 1
    SAME = 2


def likeness(recorded: bytes, asked: bytes, key: bytes | None) -> Likeness:
    """Of two values. Takes time proportional to their length, whatever they hold."""
    if recorded == asked:
        return Likeness.SAME
    references = find_references(recorded)
    if not references:
        return Likeness.NONE
    rest, literals = recorded, []
    for reference in references:
        literal, _, rest = rest.partition(reference.text)
        literals.append(literal)
    if not asked.startswith(literals[0]):
        return Likeness.NONE
    here, known = len(literals[0]), key is not None
    for position, reference in enumerate(references):
        if position + 1 < len(references):
            end = asked.find(literals[position + 1], here + 1)
            following = end + len(literals[position + 1])
        else:
            end = len(asked) - len(rest) if asked.endswith(rest) else -1
            following = len(asked)
        if end <= here:
            return Likeness.NONE
        known = known and key is not None and secret_hash(key, asked[here:end]).decode() == reference.digest
        here = following
    return Likeness.SAME if known else Likeness.POSSIBLE


def fields_likeness(recorded: Fields, asked: Fields, key: bytes | None) -> Likeness:
    """Of two queries or forms: the same fields, in whatever order."""
    if recorded == asked:
        return Likeness.SAME
    if [name for name, _ in recorded] != [name for name, _ in asked]:
        return Likeness.NONE
    pairs = zip(recorded, asked, strict=True)
    return min(likeness(value, other, key) for (_, value), (_, other) in pairs)
