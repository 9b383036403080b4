"""`entrepot token`: who may use the HTTP API (`entrepot_api.tokens`)."""

import re
from typing import Annotated
from uuid import UUID

import typer

from entrepot_store.clock import Clock, SystemClock, from_rfc3339
from entrepot_store.errors import BadInput

from ..tokens import Scope
from .options import ConfigOption, DataOption, JsonOption, opened_catalog, settings_from
from .output import print_table, say

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}


@app.callback()
def token() -> None:
    """Create, list and revoke API tokens."""


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    *,
    scopes: Annotated[
        list[Scope] | None,
        typer.Option("--scope", help="May be repeated; admin includes the others. [default: read]", show_default=False),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="RFC 3339 time or date, or a span: 12h, 30d. [default: never]")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a token and print its secret. The secret is kept nowhere: this is the only time to copy it."""
    from ..tokens import create_token
    from ..views import to_json
    from ..views.token import new_token_view

    clock = SystemClock()
    expires_at = _expiry(expires, clock) if expires else None
    with opened_catalog(settings_from(config, data), create=True) as catalog:
        row, secret = create_token(catalog, clock, name=name, scopes=scopes or (Scope.READ,), expires_at=expires_at)
    if as_json:
        print(to_json(new_token_view(row, secret)))
        return
    print(secret)
    say(f"Token {row.id} ({', '.join(row.scopes)}). Its secret is not shown again.")


@app.command("list")
def list_tokens(*, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List all tokens, without their secrets."""
    from ..views import PageView, to_json, token_view

    with opened_catalog(settings_from(config, data)) as catalog:
        views = [token_view(row) for row in catalog.tokens()]
    if as_json:
        print(to_json(PageView(items=views, next=None)))
        return
    print_table(
        ("ID", "NAME", "SCOPES", "CREATED", "EXPIRES", "REVOKED"),
        [
            (
                str(view.id),
                view.name,
                ",".join(view.scopes),
                view.created_at,
                view.expires_at or "-",
                view.revoked_at or "-",
            )
            for view in views
        ],
    )


@app.command("revoke")
def revoke(
    identifier: Annotated[UUID, typer.Argument(metavar="ID", help="As `entrepot token list` lists it.")],
    *,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Make a token worthless, from the next request on."""
    with opened_catalog(settings_from(config, data)) as catalog:
        catalog.revoke_token(identifier, SystemClock().now())
    say(f"Token {identifier} is revoked.")


def _expiry(text: str, clock: Clock) -> int:
    """Microseconds since the epoch, in the future. Raises BadInput."""
    span = re.fullmatch(r"([0-9]{1,6})([mhdw])", text)
    try:
        at = clock.now() + int(span[1]) * _UNITS[span[2]] * 1_000_000 if span else from_rfc3339(text)
    except (ValueError, OverflowError):
        raise BadInput(f"--expires: {text!r} is neither a time nor a span.", hint="2027-01-01 or 30d.") from None
    if at <= clock.now():
        raise BadInput(f"--expires: {text!r} is not in the future.")
    return at
