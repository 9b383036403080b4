"""The API token that `entrepot up` hands out in `ready.json`.

The secret is kept in `DATA/token` (0600) so that it stays the same over restarts; the catalog holds its digest only.
"""

from pathlib import Path

from entrepot_store.catalog import Catalog, TokenRow
from entrepot_store.clock import Clock, SystemClock
from entrepot_store.model import uuid7
from entrepot_store.state import write_private

from ..tokens import Scope, create_token, secret_digest, valid_token

FILE = "token"
NAME = "up"


def ensure_token(data: Path, catalog: Catalog, clock: Clock | None = None) -> str:
    """The token in `DATA/token`, known to the catalog with every scope; made anew if there is none, or if an operator
    revoked it. A catalog that does not know it (a new or rebuilt one) learns it.

    Raises CatalogUnavailable, OSError.
    """
    clock = clock or SystemClock()
    path = data / FILE
    secret = path.read_text(encoding="ascii").strip() if path.exists() else ""
    if secret and valid_token(catalog, clock, secret):
        return secret
    if secret and catalog.token_by_digest(secret_digest(secret)) is None:
        now = clock.now()
        catalog.add_token(
            TokenRow(id=uuid7(now), name=NAME, digest=secret_digest(secret), scopes=tuple(Scope), created_at=now)
        )
        return secret
    _, secret = create_token(catalog, clock, name=NAME, scopes=tuple(Scope))
    write_private(path, secret + "\n")
    return secret
