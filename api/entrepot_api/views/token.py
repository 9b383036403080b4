"""An API token as JSON; its secret is shown once, when it is made, and kept nowhere."""

from uuid import UUID

from entrepot_store.catalog import TokenRow
from entrepot_store.clock import to_rfc3339

from .base import Moment, View


class TokenView(View):
    id: UUID
    name: str
    scopes: list[str]
    created_at: Moment
    expires_at: Moment | None
    revoked_at: Moment | None


class NewTokenView(TokenView):
    """`secret` goes into `Authorization: Bearer`."""

    secret: str


def token_view(row: TokenRow) -> TokenView:
    return TokenView(
        id=row.id,
        name=row.name,
        scopes=list(row.scopes),
        created_at=to_rfc3339(row.created_at),
        expires_at=None if row.expires_at is None else to_rfc3339(row.expires_at),
        revoked_at=None if row.revoked_at is None else to_rfc3339(row.revoked_at),
    )


def new_token_view(row: TokenRow, secret: str) -> NewTokenView:
    return NewTokenView(**token_view(row).model_dump(), secret=secret)
