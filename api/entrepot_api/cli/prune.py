"""`entrepot prune`: what no `keep` of the rules keeps goes (`entrepot_store.retention`). A dry run unless `--yes`."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from entrepot_store.clock import SystemClock, to_rfc3339

from .options import ConfigOption, DataOption, JsonOption, opened, settings_from
from .output import print_table, progress_bar, say
from .upkeep import FOLDER, GraceOption, grace_micros, in_turn, say_swept

if TYPE_CHECKING:
    from entrepot_store.retention.plan import Plan

_SHOWN = 20


def command(
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do it. Without, nothing is changed.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Every version of every document that loses something.")
    ] = False,
    grace: GraceOption = "1h",
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what goes by the rules' `keep`, and why; with `--yes`, let it go.

    What no rule speaks of stays, and so do pinned versions, classes under a legal hold, and the last version of every
    document, unless it was deleted and a rule says `deleted_within`. It can be killed at any point, and run again.
    """
    from entrepot_store.expunge import settle_erasures
    from entrepot_store.retention.plan import make_plan
    from entrepot_store.retention.prune import prune

    settings = settings_from(config, data)
    with opened(settings) as archive:
        retention, folder = archive.catalog.retention, settings.data / FOLDER
        if not yes:
            plan = make_plan(retention, settings.rule, SystemClock().now())
            print(json.dumps(_as_json(plan), indent=2)) if as_json else _show(plan, verbose=verbose, done=False)
            return
        with progress_bar("Pruning") as advance:
            kept = grace_micros(grace)
            in_turn(lambda: settle_erasures(archive.vault, archive.catalog, folder))
            done = in_turn(lambda: prune(archive.vault, retention, settings.rule, folder, grace=kept, progress=advance))
    if as_json:
        numbers = {name: getattr(done, name) for name in ("removed", "repacked", "bytes_before", "bytes_after")}
        print(json.dumps({**_as_json(done.plan), **numbers}, indent=2))
        return
    _show(done.plan, verbose=verbose, done=True)
    say(
        f"{done.removed} exchanges are gone; {done.repacked} segments of {done.bytes_before} bytes were written again"
        f" in {done.bytes_after} bytes."
    )
    say_swept(done.swept, say)


def _show(plan: "Plan", *, verbose: bool, done: bool) -> None:
    if verbose:
        columns = ("DOCUMENT", "VERSION", "FROM", "UNTIL", "KEPT BY", "GO", "BYTES")
        print_table(columns, _versions(plan), right=("GO", "BYTES"))
    else:
        rows = list(_documents(plan))
        print_table(
            ("DOCUMENT", "RULE", "KEPT", "GO", "SEEN UNCHANGED", "BYTES"),
            rows[:_SHOWN],
            right=("KEPT", "GO", "SEEN UNCHANGED", "BYTES"),
        )
        if len(rows) > _SHOWN:
            say(f"and {len(rows) - _SHOWN} more documents; --verbose shows all, and every version")
    for name, totals in plan.rules.items():
        say(
            f"{name}: {totals.versions} of {totals.versions + totals.kept_versions} versions go,"
            f" {totals.seen_unchanged} looks that saw no change, {totals.journal} exchanges of the journal."
            + (f" {totals.deleted} deleted documents go altogether." if totals.deleted else "")
        )
    for name, count in plan.held.items():
        say(f"{name}: {count} exchanges would go, but the class is under a legal hold (see `entrepot hold`).")
    if not done:
        say(f"{len(plan.going)} exchanges of {plan.stored} bytes would go. Nothing was changed; --yes does it.")


def _documents(plan: "Plan") -> Iterator[tuple[str, ...]]:
    for document in plan.documents:
        stay = [version for version in document.versions if version.stays]
        yield (
            f"{document.history.destination} {document.history.key}",
            document.history.rule,
            str(len(stay)),
            str(len(document.versions) - len(stay)),
            str(sum(len(version.going) for version in stay)),
            str(sum(version.stored for version in document.versions)),
        )


def _versions(plan: "Plan") -> Iterator[tuple[str, ...]]:
    for document in plan.documents:
        for version in document.versions:
            yield (
                f"{document.history.destination} {document.history.key}",
                str(version.id),
                to_rfc3339(version.at),
                "now" if version.until is None else to_rfc3339(version.until),
                ", ".join(version.reasons) or "nothing: it goes",
                str(len(version.going)),
                str(version.stored),
            )


def _as_json(plan: "Plan") -> dict[str, Any]:
    return {
        "exchanges": len(plan.going),
        "bytes": plan.stored,
        "rules": {
            name: {field: getattr(totals, field) for field in totals.__slots__} for name, totals in plan.rules.items()
        },
        "held": plan.held,
        "documents": [
            {
                "id": str(document.history.document),
                "destination": document.history.destination,
                "key": document.history.key,
                "rule": document.history.rule,
                "versions": [
                    {
                        "id": str(version.id),
                        "from": to_rfc3339(version.at),
                        "until": None if version.until is None else to_rfc3339(version.until),
                        "kept_by": list(version.reasons),
                        "exchanges_going": [str(look.exchange) for look in version.going],
                        "bytes": version.stored,
                    }
                    for version in document.versions
                ],
            }
            for document in plan.documents
        ],
    }
