"""`entrepot exchange ID`: one exchange whole."""

from typing import Annotated
from uuid import UUID

import typer

from entrepot_store.catalog import ExchangeRow, MessageRow

from ..text import visible
from .options import ConfigOption, DataOption, JsonOption, opened_catalog, settings_from

IdentifierArgument = Annotated[UUID, typer.Argument(metavar="ID", help="As `entrepot exchanges` lists it.")]


def command(
    identifier: IdentifierArgument,
    *,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one exchange whole: who, when, what came of it, and all headers. Its bodies: `entrepot payload`."""
    from ..views import exchange_view, to_json

    with opened_catalog(settings_from(config, data)) as catalog:
        row = catalog.exchange(identifier)
    if as_json:
        print(to_json(exchange_view(row)))
        return
    for line in _lines(row):
        print(visible(line))


def _lines(row: ExchangeRow) -> list[str]:
    from entrepot_store.clock import to_rfc3339

    outcome = f"{row.status}" if row.status is not None else "no response"
    lines = [
        f"exchange   {row.id}",
        f"started    {to_rfc3339(row.started_at)}, took {row.duration_us / 1000:.1f} ms",
        f"between    {row.source} -> {row.destination}",
        f"outcome    {outcome}{'' if row.complete else ', incomplete'}{f': {row.error}' if row.error else ''}",
        f"rule       {row.rule} (class {row.retention_class})",
        f"stored in  {row.segment}",
    ]
    if row.trace_id:
        lines.append(f"trace      {row.trace_id}")
    lines += ["", f"{row.method} {row.url} {row.http_version}", *_message(row.request)]
    if row.response is not None:
        lines += ["", f"{row.http_version} {row.status}", *_message(row.response)]
    return lines


def _message(message: MessageRow) -> list[str]:
    from entrepot_store.model import header_text

    cut = ", cut off" if message.truncated else ""
    coding = f", was {message.encoding} on the wire" if message.encoding else ""
    headers = [f"{header_text(name)}: {header_text(value)}" for name, value in message.headers]
    return [*headers, f"[{message.size} bytes, sha256:{message.digest.hex()}{coding}{cut}]"]
