"""API tokens: the one thing of the catalog that nothing can rebuild, so nothing here ever deletes one."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select, update

from ...errors import AlreadyExists, NotFound
from ..rows import TokenRow
from . import schema
from .dialect import insert_into, table_of

_COLUMNS = ("id", "name", "digest", "scopes", "created_at", "expires_at", "revoked_at")


def add_token(connection: Connection, token: TokenRow) -> None:
    values = {name: getattr(token, name) for name in _COLUMNS}
    values["scopes"] = " ".join(token.scopes)
    insert = insert_into(connection, table_of(schema.Token)).values(values).on_conflict_do_nothing()
    if connection.execute(insert.returning(schema.Token.id)).first() is None:
        raise AlreadyExists(f"There is a token {token.id}, or one with the same secret, already.")


def token_by_digest(connection: Connection, digest: bytes) -> TokenRow | None:
    found = connection.execute(_SELECT.where(schema.Token.digest == digest)).first()
    return _row(found) if found else None


def tokens(connection: Connection) -> list[TokenRow]:
    return [_row(found) for found in connection.execute(_SELECT.order_by(schema.Token.id))]


def revoke_token(connection: Connection, identifier: UUID, at: int) -> None:
    """The first revocation stays."""
    table = schema.Token
    if connection.execute(select(table.id).where(table.id == identifier)).first() is None:
        raise NotFound(f"There is no token {identifier}.", hint="`entrepot token list` shows them.")
    connection.execute(update(table).where(table.id == identifier, table.revoked_at.is_(None)).values(revoked_at=at))


def _row(found: Any) -> TokenRow:
    identifier, name, digest, scopes, created_at, expires_at, revoked_at = found
    return TokenRow(identifier, name, bytes(digest), tuple(scopes.split()), created_at, expires_at, revoked_at)


_SELECT = select(*(schema.Token.__table__.c[name] for name in _COLUMNS))
