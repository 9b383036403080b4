"""Whether two values look like what a service draws at random each time: ids, tokens, handles.

Stricter than what makes a value worth following (`flow.values`): `EUR100.00` or a line of XML is told by its text well
enough to be looked for, and yet another one in its place is another amount and no new id.
"""

import re
from itertools import pairwise

from ..flow.values import Kind, kind_of

_ALPHABET = re.compile(r"[A-Za-z0-9_+/=.~-]+")
_PIECES = re.compile(r"([^A-Za-z0-9]+)")
_SHORTEST, _LONG = 8, 32
_CHANGES = 3
"""Between digits, small and capital letters, within a piece; words, amounts and versions have fewer."""


def both_by_chance(one: str, other: str) -> bool:
    """Whether what differs between the two was drawn at random in both."""
    kinds = kind_of(one), kind_of(other)
    if Kind.UUID in kinds:
        return kinds[0] is kinds[1]
    if not {*kinds} <= {Kind.HEX, Kind.TOKEN} or not (_ALPHABET.fullmatch(one) and _ALPHABET.fullmatch(other)):
        return False
    ours, theirs = _PIECES.split(one), _PIECES.split(other)
    while ours and theirs and ours[0] == theirs[0]:
        del ours[0], theirs[0]
    while ours and theirs and ours[-1] == theirs[-1]:
        del ours[-1], theirs[-1]
    return _by_chance(ours) and _by_chance(theirs)


def _by_chance(pieces: list[str]) -> bool:
    words = [piece for piece in pieces if piece.isalnum()]
    length, changes = sum(map(len, words)), sum(map(_changes, words))
    if length < _SHORTEST:
        return False
    return changes >= _CHANGES or length >= _LONG or any(kind_of(word) is Kind.HEX for word in words)


def _changes(word: str) -> int:
    shapes = [(char.isdigit(), char.isupper()) for char in word]
    return sum(1 for one, other in pairwise(shapes) if one != other)
