"""`entrepot rules explain`: which rule decides about a URL or a captured exchange, and why the others do not."""

from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit
from uuid import UUID

import typer

from entrepot_store.config import Settings
from entrepot_store.errors import BadInput

from ..document_names import listeners
from ..text import visible
from .options import ConfigOption, DataOption, JsonOption, opened_catalog, settings_from

if TYPE_CHECKING:
    from entrepot_store.catalog import ExchangeRow
    from entrepot_store.rules.explain import Explained, Explanation, Facts


def explain(
    what: Annotated[
        str, typer.Argument(metavar="URL|ID", help="A URL, or an exchange as `entrepot exchanges` lists it.")
    ],
    *,
    method: Annotated[str, typer.Option(metavar="METHOD", help="Of a URL.")] = "GET",
    source: Annotated[
        str | None, typer.Option("--from", "--source", metavar="PRODUCT", help="Who asks for a URL. [default: any]")
    ] = None,
    status: Annotated[int | None, typer.Option(metavar="STATUS", help="Answered to a URL. [default: any]")] = None,
    content_type: Annotated[
        str | None, typer.Option(metavar="TYPE", help="Media type answered to a URL. [default: any]")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which rule decides, and of every other whether it would have and which matcher failed. For an exchange also
    which rule decided when it was captured."""
    from entrepot_store.rules.explain import Facts
    from entrepot_store.rules.explain import explain as explain_rules

    from ..views import to_json
    from ..views.rules import explanation_view

    settings = settings_from(config, data)
    recorded, url = None, what
    identifier = _identifier(what)
    if identifier is not None:
        with opened_catalog(settings) as catalog:
            row = catalog.exchange(identifier)
        recorded, url, facts = row.rule, row.url, _facts_of(row)
    else:
        destination, path = _target(what, settings)
        media_type = content_type.partition(";")[0].strip().lower() if content_type is not None else None
        facts = Facts(destination, path, method, source, media_type, status)
    explanation = explain_rules(settings.rule, facts)
    if as_json:
        print(to_json(explanation_view(url, recorded, explanation)))
        return
    for line in _lines(explanation, recorded):
        print(visible(line))


def _identifier(what: str) -> UUID | None:
    try:
        return UUID(what)
    except ValueError:
        return None


def _facts_of(row: "ExchangeRow") -> "Facts":
    from entrepot_store.rules.explain import Facts

    content_type = row.response.content_type if row.response is not None else ""
    media_type = content_type.partition(";")[0].strip().lower()
    return Facts(row.destination, row.path, row.method, row.source, media_type, row.status or 0)


def _target(url: str, settings: Settings) -> tuple[str, str]:
    """The destination's name and the path. Raises BadInput."""
    from entrepot_store.rules import ProductNames

    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in ("http", "https", "ws", "wss") or not parts.hostname or port == 0:
        raise BadInput(
            f"{url!r} is neither a URL nor the id of an exchange.",
            hint="https://orders.internal/v1/settings/7, or an id out of `entrepot exchanges`.",
        )
    name = ProductNames(settings.product).destination(
        parts.hostname, port or (443 if parts.scheme in ("https", "wss") else 80)
    )
    return listeners(settings).get(parts.netloc, name), parts.path or "/"


def _lines(explanation: "Explanation", recorded: str | None) -> list[str]:
    decides = explanation.decides
    lines = [f"rule       {decides.name}: {decides.action}, class {decides.retention_class}"]
    if recorded is not None:
        lines.append(f"captured   under rule {recorded}")
    facts = explanation.facts
    lines.append(f"between    {facts.source or 'anybody'} -> {facts.destination}")
    if explanation.may_decide:
        names = ", ".join(rule.name for rule in explanation.may_decide)
        lines.append(f"depends    {names}: before it, and may match, which is not known")
    lines.append("")
    lines += [_line(one, explanation) for one in explanation.rules]
    return lines


def _line(one: "Explained", explanation: "Explanation") -> str:
    from entrepot_store.rules.explain import Outcome

    width = max(len(each.rule.name) for each in explanation.rules)
    if one.rule is explanation.decides:
        what = "decides"
    elif one.outcome is Outcome.YES:
        what = "would match, but comes later"
    else:
        what = "; ".join(
            f"{each.key} is {each.found or ('not known' if each.found is None else 'not there')}, "
            f"not {' or '.join(each.wanted)}"
            if each.outcome is Outcome.NO
            else f"depends on {each.key}: {' or '.join(each.wanted)}"
            for each in one.matchers
            if each.outcome is not Outcome.YES
        )
    return f"{one.rule.name:<{width}}  {what}"
