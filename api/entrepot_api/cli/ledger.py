"""`entrepot ledger`: the counts that prove completeness."""

from .options import ConfigOption, DataOption, JsonOption, opened_catalog, settings_from
from .output import print_table

_COUNTS = ("seen", "stored", "ignored", "truncated", "failed", "in_flight")


def command(*, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show what every worker run has seen and what became of it.

    At rest, seen = stored + ignored + truncated + failed.
    """
    from ..views import PageView, ledger_view, to_json

    with opened_catalog(settings_from(config, data)) as catalog:
        views = [ledger_view(entry) for entry in catalog.ledger()]
    if as_json:
        print(to_json(PageView(items=views, next=None)))
        return
    print_table(
        ("WORKER", "AT", *(name.upper().replace("_", " ") for name in _COUNTS), "BALANCED"),
        [
            (
                view.worker,
                view.at,
                *(str(getattr(view, name)) for name in _COUNTS),
                "yes" if view.balanced else "NO",
            )
            for view in views
        ],
        right=tuple(name.upper().replace("_", " ") for name in _COUNTS),
    )
