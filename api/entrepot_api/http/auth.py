"""Who may call: bearer tokens with scopes. `require(Scope.READ)` is the dependency of an endpoint or a router.

No token, or one that is unknown, revoked or expired: 401. One without the scope: 403.
"""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from entrepot_store.catalog import TokenRow

from ..tokens import Scope, allows, valid_token
from .services import ServicesDep

_bearer = HTTPBearer(
    scheme_name="bearer",
    description="A token made with `entrepot token create`. Scopes: read, replay, admin (which includes both).",
    auto_error=False,
)
_CHALLENGE = 'Bearer realm="entrepot"'


def authenticate(
    services: ServicesDep, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> TokenRow:
    """A dependency of everything below /v1, before any other: who holds no token learns nothing, not even by which
    name a parameter goes. Raises 401."""
    if credentials is None:
        raise HTTPException(401, "This needs a token: Authorization: Bearer …", {"WWW-Authenticate": _CHALLENGE})
    token = valid_token(services.catalog, services.clock, credentials.credentials)
    if token is None:
        raise HTTPException(
            401,
            "The token is unknown, expired or revoked.",
            {"WWW-Authenticate": f'{_CHALLENGE}, error="invalid_token"'},
        )
    return token


CallerDep = Annotated[TokenRow, Depends(authenticate)]
"""The token of the caller, for endpoints that note who did something."""


def require(scope: Scope) -> Callable[[TokenRow], None]:
    """A dependency that lets only tokens with this scope pass."""

    def check(caller: CallerDep) -> None:
        if not allows(caller, scope):
            raise HTTPException(
                403,
                f"The token {caller.name!r} lacks the scope {scope.value}.",
                {"WWW-Authenticate": f'{_CHALLENGE}, error="insufficient_scope", scope="{scope.value}"'},
            )

    return check
