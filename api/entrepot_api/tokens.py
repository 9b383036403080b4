"""API tokens: how they are made and recognised. The catalog holds the SHA-256 of a secret, never the secret.

A secret has 256 random bits, so a plain hash is enough and its look-up leaks nothing that helps to guess one.
"""

import secrets
from collections.abc import Collection
from enum import StrEnum
from hashlib import sha256

from entrepot_store.catalog import Catalog, TokenRow
from entrepot_store.clock import Clock
from entrepot_store.errors import BadInput
from entrepot_store.model import uuid7

PREFIX = "ent_"
"""Lets secret scanners and people recognise a leaked token."""


class Scope(StrEnum):
    """What a token allows. `admin` includes the others."""

    READ = "read"
    REPLAY = "replay"
    ADMIN = "admin"


def create_token(
    catalog: Catalog, clock: Clock, *, name: str, scopes: Collection[str] = (Scope.READ,), expires_at: int | None = None
) -> tuple[TokenRow, str]:
    """Stores a new token; returns its row and its secret, which cannot be read again. `expires_at` is microseconds.

    Raises BadInput for an empty name or an unknown scope.
    """
    if not name.strip() or not name.isprintable():
        raise BadInput("A token needs a name that can be printed.")
    unknown = sorted(set(scopes) - {scope.value for scope in Scope})
    if unknown or not scopes:
        raise BadInput(f"There is no scope {unknown[0]!r}." if unknown else "A token needs a scope.", hint=_SCOPES)
    secret = PREFIX + secrets.token_urlsafe(32)
    now = clock.now()
    row = TokenRow(
        id=uuid7(now),
        name=name,
        digest=secret_digest(secret),
        scopes=tuple(scope.value for scope in Scope if scope in scopes),
        created_at=now,
        expires_at=expires_at,
    )
    catalog.add_token(row)
    return row, secret


def secret_digest(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "surrogateescape")).digest()


def valid_token(catalog: Catalog, clock: Clock, secret: str) -> TokenRow | None:
    """The token with this secret, unless it is revoked or expired."""
    token = catalog.token_by_digest(secret_digest(secret))
    if token is None or token.revoked_at is not None:
        return None
    if token.expires_at is not None and token.expires_at <= clock.now():
        return None
    return token


def allows(token: TokenRow, scope: Scope) -> bool:
    return scope in token.scopes or Scope.ADMIN in token.scopes


_SCOPES = "Scopes are read, replay and admin."
