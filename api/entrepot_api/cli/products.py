"""`entrepot products`: the services that take part in exchanges."""

from .options import ConfigOption, DataOption, JsonOption, opened_catalog, settings_from
from .output import print_table


def command(*, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List products: those configured, and those seen in the traffic."""
    from ..views import PageView, to_json
    from ..views.product import product_views

    settings = settings_from(config, data)
    with opened_catalog(settings) as catalog:
        views = product_views(catalog.products(), settings.product)
    if as_json:
        print(to_json(PageView(items=views, next=None)))
        return
    print_table(
        ("PRODUCT", "SENT", "RECEIVED", "FIRST SEEN", "LAST SEEN", "HOSTS"),
        [
            (
                view.name,
                str(view.as_source),
                str(view.as_destination),
                view.first_seen or "-",
                view.last_seen or "-",
                ", ".join(view.hosts),
            )
            for view in views
        ],
        right=("SENT", "RECEIVED"),
    )
