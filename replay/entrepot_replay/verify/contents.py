"""Compares the content of a document with the evidence of it: a read as a whole, a write by what it says.

The answer of a write may show more than a read does, and a read more than was written, so there only what both have is
compared, and what one of them lacks is no proof of anything.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from entrepot_store.jsonpaths import Path, TooDeep

from ..answer import Answer
from ..compare import Accounting
from ..jsondiff import json_differences, parse_json
from .findings import Findings
from .items import Alignment, align

_WRAPPERS = ("data", "result", "item", "resource")


@dataclass(frozen=True, slots=True)
class Ids:
    """What is known of the ids in one document, as `items.align` asks for it."""

    live_id: Callable[[str], str]
    own: Callable[[str], bool]


def compare_whole(
    content_type: str,
    recorded: bytes,
    answer: Answer,
    accounting: Accounting,
    *,
    ids: Ids,
    ignore: Sequence[Path],
    findings: Findings,
) -> Alignment | None:
    """A recorded read with a live one. `ignore` is declared noise. Gives the alignment of JSON, None for all else."""
    live = answer.body
    if live == recorded:
        return None
    if live is None:
        findings.add("body", f"{len(recorded)} bytes", f"{answer.size} bytes, other content")
        return None
    one, other = parse_json(content_type, recorded), parse_json(content_type, live)
    if one is None or other is None:
        findings.add("body", f"{len(recorded)} bytes", f"{answer.size} bytes", why=_text(recorded, live, accounting))
        return None
    found = align(_without(one.value, ignore), _without(other.value, ignore), ids.live_id, own=ids.own)
    findings.reordered = found.reordered
    findings.missing, findings.extra = found.missing, found.extra
    return found


def add_differences(found: Alignment, accounting: Accounting, findings: Findings, skip: Callable[[str], bool]) -> None:
    """Every leaf in which the aligned documents differ, but for places that `skip` tells."""
    for one in json_differences(found.recorded, found.live):
        if skip(one.where):
            continue
        why = "" if one.values is None else accounting.leaf(one.where, *one.values)
        findings.add(one.where, one.recorded, one.live, why=why)


def compare_written(
    recorded: Any, live: Any, accounting: Accounting, *, ids: Ids, ignore: Sequence[Path], findings: Findings
) -> None:
    """What a write says, as JSON, with a live read of the document."""
    recorded, live = _without(recorded, ignore), _without(live, ignore)
    pair = _same_level(recorded, live)
    if pair is None:
        findings.vague = True
        return
    recorded, live = pair
    found = align(recorded, _shared(recorded, live), ids.live_id, own=ids.own)
    findings.reordered = found.reordered
    for item in (*found.missing, *found.extra):
        findings.vague = True
        findings.add(item.where, "", "", decisive=False)
    for one in json_differences(found.recorded, found.live):
        if one.live is None:
            findings.vague = True
            findings.add(one.where, one.recorded, None, decisive=False)
            continue
        why = "" if one.values is None else accounting.leaf(one.where, *one.values)
        findings.add(one.where, one.recorded, one.live, why=why)


def _same_level(recorded: Any, live: Any) -> tuple[Any, Any] | None:
    """Both without the wrapper that only one of them has; None if they have no member in common."""
    if not isinstance(recorded, dict) or not isinstance(live, dict):
        return (recorded, live) if type(recorded) is type(live) else None
    if recorded.keys() <= live.keys():
        return recorded, live
    for name in _WRAPPERS:
        inner = live.get(name)
        if name not in recorded and isinstance(inner, dict) and recorded.keys() & inner.keys():
            return recorded, inner
        inner = recorded.get(name)
        if name not in live and isinstance(inner, dict) and live.keys() & inner.keys():
            return inner, live
    return (recorded, live) if recorded.keys() & live.keys() else None


def _shared(recorded: Any, live: Any) -> Any:
    """The live value without members that the recorded one does not have, at any depth of objects."""
    if isinstance(recorded, dict) and isinstance(live, dict):
        return {name: _shared(recorded[name], inner) for name, inner in live.items() if name in recorded}
    return live


def _without(value: Any, ignore: Sequence[Path]) -> Any:
    for path in ignore:
        try:
            value = path.remove(value)
        except TooDeep:
            return value
    return value


def _text(recorded: bytes, live: bytes, accounting: Accounting) -> str:
    try:
        one, other = recorded.decode("utf-8"), live.decode("utf-8")
        # A line each, because a body is content and not a single value: `<p>6</p>` is no token that became another.
        return accounting.value("body", "", f"{one}\n", f"{other}\n")
    except UnicodeDecodeError:
        return ""
