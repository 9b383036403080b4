"""`entrepot rules preview FILE`: what a changed file would have made of the exchanges captured last."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import ConfigOption, DataOption, JsonOption, opened, settings_from
from .output import print_table, progress_bar

if TYPE_CHECKING:
    from entrepot_store.rules.preview import Decided, Preview, TakenOut


def preview(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The changed configuration file.")],
    *,
    last: Annotated[int, typer.Option(min=1, max=100_000, metavar="N", help="How many exchanges.")] = 100,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show which of the last exchanges the rules in FILE would have decided otherwise, and what their redaction would
    take out that is stored at present. Nothing is changed, and no secret is printed."""
    from entrepot_store.rules.preview import Previewer

    from ..views import to_json
    from ..views.rules import PreviewsView, preview_view

    settings = settings_from(config, data)
    changed = settings_from(file, data)
    looked_at = 0
    found = []
    with (
        opened(settings) as archive,
        Previewer(archive, settings, changed) as previewer,
        progress_bar("Looking at exchanges", last) as advance,
    ):
        for one in previewer.latest(last):
            looked_at += 1
            advance(looked_at)
            if one.changes or one.unread:
                found.append(one)
    if as_json:
        print(to_json(PreviewsView(exchanges=looked_at, items=[preview_view(one) for one in found])))
        return
    if found:
        print_table(("ID", "EXCHANGE", "NOW", "THEN", "REDACTION"), map(_row, found))
    print(f"{looked_at} exchanges, of which {sum(one.changes for one in found) or 'none'} change.{_summary(found)}")


def _row(one: "Preview") -> tuple[str, ...]:
    row = one.exchange
    exchange = f"{row.method} {row.destination}{row.path}"
    redaction = [_taken_out(each) for each in one.taken_out]
    redaction += [f"no longer: {place}" for place in one.left_in]
    redaction += [one.unread] if one.unread else []
    then = "the same" if one.now == one.then else _decided(one.then)
    return str(row.id), exchange, _decided(one.now), then, "; ".join(redaction) or "-"


def _decided(decided: "Decided") -> str:
    extras = [
        each
        for each, usual in ((decided.durability, "async"), (decided.on_failure, "open"), (decided.fidelity, "decoded"))
        if each != usual
    ]
    return ", ".join([f"{decided.rule}: {decided.action} in {decided.retention_class}", *extras])


def _taken_out(one: "TakenOut") -> str:
    if one.withheld:
        return f"{one.place} would not be kept: {one.withheld}"
    what = ", ".join(f"{number} {label}" for label, number in one.references)
    return f"{one.place}: {what}" if what else one.place


def _summary(found: Iterable["Preview"]) -> str:
    """How many change in which way."""
    ways = Counter(
        f"{one.now.rule} -> {one.then.rule}"
        + (f" ({one.now.action} -> {one.then.action})" * (one.now.action != one.then.action))
        for one in found
        if one.now != one.then
    )
    redacted = sum(bool(one.taken_out) for one in found)
    lines = [f"\n{number:>8}  {way}" for way, number in ways.most_common()]
    if redacted:
        lines.append(f"\n{redacted:>8}  have something taken out that is stored at present")
    return "".join(lines)
