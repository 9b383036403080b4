"""Captured text made safe to print: it may hold anything, and a terminal obeys what it is told."""

import unicodedata

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories that print nothing or steer the terminal: controls (ESC, CR, BEL), format characters such as
bidirectional overrides, surrogates, private use, unassigned, line and paragraph separators."""


def visible(text: str) -> str:
    """The text with everything that does not print written as `\\x1b` or `\\u202e`; stays on one line."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character if unicodedata.category(character) not in _HIDDEN else _escaped(character) for character in text
    )


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
