"""`*` patterns over product names and media types: `*` stands for any number of characters, everything else for itself.

Not `fnmatch`: brackets and question marks are ordinary characters here. Names are compared without regard to case.
"""

import re
from collections.abc import Iterable


def compile_globs(patterns: Iterable[str]) -> re.Pattern[str]:
    """One expression that fully matches, in lower case, whatever one of the patterns matches."""
    return re.compile("|".join(f"(?:{_translate(pattern.lower())})" for pattern in patterns), re.DOTALL)


def _translate(pattern: str) -> str:
    first, *rest = (re.escape(literal) for literal in pattern.split("*"))
    if not rest:
        return first
    *middle, last = rest
    # Atomic groups: the leftmost place of every literal but the last is as good as any other, and hostile names
    # then cost no more than their length.
    return first + "".join(f"(?>.*?{literal})" for literal in middle if literal) + f".*{last}"
