"""The id map of a replay on the command line: shown, exported, edited, and taken over from another."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from entrepot_store.errors import BadInput

from .output import print_table, say

if TYPE_CHECKING:
    from entrepot_replay.service import Replays
    from entrepot_store.catalog.replays import Value


def show(replays: "Replays", replay: UUID, edits: Sequence[str], *, as_json: bool) -> None:
    """Prints the map, after `edits` (`RECORDED=LIVE`, `ROLE:RECORDED=LIVE`) were put into it."""
    from ..views.base import to_json
    from ..views.replay import value_view

    if edits:
        replays.store.set_values(replay, [_edit(text) for text in edits])
    values = list(replays.values(replay))
    if as_json:
        print("[" + ",\n".join(to_json(value_view(value)) for value in values) + "]")
        return
    print_table(
        ("ROLE", "RECORDED", "LIVE", "STEP", "WHERE"),
        [
            (
                value.role,
                value.recorded,
                "(unmapped)" if value.live is None else f"{value.live}{' (set)' if value.edited else ''}",
                "" if value.step is None else f"#{value.step}",
                value.where,
            )
            for value in sorted(values, key=lambda value: (value.live is not None, value.role, value.recorded))
        ],
    )
    missing = sum(value.live is None for value in values)
    if missing:
        say(f"{missing} values stayed unmapped and were sent as recorded.")


def take_over(replays: "Replays", replay: UUID, source: str) -> None:
    """Begins with the map of another replay (its id), or with an exported one (a file). Its entries count as set by a
    person. Raises BadInput, NotFound."""
    from dataclasses import replace

    try:
        other = UUID(source)
    except ValueError:
        values = _read(Path(source))
    else:
        theirs, ours = replays.store.get(other).destination, replays.store.get(replay).destination
        if theirs != ours:
            raise BadInput(
                f"Replay {other} was of traffic to {theirs!r}, and this one is of traffic to {ours!r}.",
                hint="Its ids are those of another product. Nothing was sent.",
            )
        values = list(replays.values(other, unmapped=False))
    replays.store.set_values(replay, [replace(value, edited=True) for value in values if value.live is not None])


def _edit(text: str) -> "Value":
    from entrepot_replay.flow.values import is_distinctive
    from entrepot_store.catalog.replays import Value

    recorded, equals, live = text.partition("=")
    if not equals or not recorded or not live:
        raise BadInput(f"{text!r} is no entry of an id map.", hint="Write RECORDED=LIVE, or ROLE:RECORDED=LIVE.")
    role, colon, rest = recorded.partition(":")
    if is_distinctive(recorded) or not colon:
        role, rest = "", recorded
    if not role and not is_distinctive(recorded):
        raise BadInput(
            f"{recorded!r} alone does not say what it is the id of.",
            hint=f"Write ROLE:{recorded}=…, such as order:7=12.",
        )
    return Value(role, rest, live, edited=True)


def _read(path: Path) -> list["Value"]:
    from entrepot_store.catalog.replays import Value

    try:
        found: Any = json.loads(path.read_bytes())
        return [Value(one.get("role", ""), one["recorded"], one["live"]) for one in _list(found)]
    except OSError as error:
        raise BadInput(f"{path} is no replay and cannot be read as a file: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadInput(
            f"{path} is no exported id map.", hint="`entrepot replay --show-id-map ID --json` writes one."
        ) from None


def _list(found: Any) -> Iterable[Any]:
    if not isinstance(found, list):
        raise TypeError
    return found
