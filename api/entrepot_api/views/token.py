"""An API token as JSON; its secret is shown once, when it is made, and kept nowhere."""

from uuid import UUID

from pydantic import Field

from entrepot_store.catalog import TokenRow
from entrepot_store.clock import to_rfc3339

from .base import View

_MOMENT = {"format": "date-time"}


class TokenView(View):
    id: UUID
    name: str
    scopes: list[str]
    created_at: str = Field(json_schema_extra=_MOMENT)
    expires_at: str | None = Field(json_schema_extra=_MOMENT)
    revoked_at: str | None = Field(json_schema_extra=_MOMENT)


class NewTokenView(TokenView):
    """`secret` goes into `Authorization: Bearer`."""

    secret: str


def token_view(row: TokenRow) -> TokenView:
    return TokenView(**_fields(row))


def new_token_view(row: TokenRow, secret: str) -> NewTokenView:
    return NewTokenView(**_fields(row), secret=secret)


def _fields(row: TokenRow) -> dict[str, object]:
    return {
        "id": row.id,
        "name": row.name,
        "scopes": list(row.scopes),
        "created_at": to_rfc3339(row.created_at),
        "expires_at": None if row.expires_at is None else to_rfc3339(row.expires_at),
        "revoked_at": None if row.revoked_at is None else to_rfc3339(row.revoked_at),
    }
