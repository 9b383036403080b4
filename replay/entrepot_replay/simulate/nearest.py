"""What comes nearest to a request that nothing was captured for: the same path otherwise asked, then its siblings."""

import re
from collections.abc import Iterator

from entrepot_store.catalog import ExchangeRow
from entrepot_store.clock import to_rfc3339
from entrepot_store.rules.template import LONGEST

from .asked import Asked
from .captures import Captures
from .found import MOST_NEAR, Missing, Near

_NOT_LITERAL = re.compile(r"[{}*?#\x00-\x20\x7f]")
"""What a template would take for something else, or does not take."""
_LOOKED_AT = 50
"""Newest exchanges under a template that are looked through for different paths."""


def nearest(captures: Captures, asked: Asked, until: int, missing: Missing) -> list[Near]:
    """Up to MOST_NEAR captures, each with the reason why it is not the answer; those of the same method first."""
    found = sorted(missing.near, key=lambda near: near.row.method != asked.method)
    if not found:
        later = captures.later(asked.path, until)
        if later is not None:
            why = f"it came at {to_rfc3339(later.started_at)}, after the moment that is asked for"
            found.append(Near(later, why))
    if not found:
        found += [Near(row, "its path is another one") for row in _siblings(captures, asked)]
    return found[:MOST_NEAR]


def _siblings(captures: Captures, asked: Asked) -> list[ExchangeRow]:
    """One of each path that differs in one of the last two segments, those of the same method first; else what is
    below the path, or beside it."""
    for template in _templates(asked.path):
        rows = captures.some(template=template, limit=_LOOKED_AT)
        if rows:
            return _different(rows, asked)
    parent = asked.path.rstrip("/").rpartition("/")[0]
    for prefix in (asked.path.rstrip("/") + "/", f"{parent}/"):
        rows = captures.some(prefix=prefix, limit=_LOOKED_AT)
        if rows:
            return _different(rows, asked)
    return []


def _templates(path: str) -> Iterator[str]:
    segments = path.split("/")[1:]
    if _NOT_LITERAL.search(path) or len(path) >= LONGEST - len("{any}"):
        return
    for position in range(len(segments) - 1, max(len(segments) - 3, -1), -1):
        if len(segments) > 1:  # one segment stands for everything
            yield "/" + "/".join([*segments[:position], "{any}", *segments[position + 1 :]])


def _different(rows: list[ExchangeRow], asked: Asked) -> list[ExchangeRow]:
    one_each = {(row.method == asked.method, row.path): row for row in reversed(rows)}
    same = [row for (alike, _), row in reversed(one_each.items()) if alike]
    others = [row for (alike, path), row in reversed(one_each.items()) if not alike and (True, path) not in one_each]
    return (same + others)[:MOST_NEAR]
