"""What a credential gives at one time: the values that go into requests. Nothing here has a repr that shows them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


class Keys:
    """What signs AWS requests. `token` belongs to temporary keys; empty for none. `region` and `service` win over the
    recorded ones where they are not empty."""

    __slots__ = ("access_key", "region", "secret_key", "service", "token")

    def __init__(self, access_key: str, secret_key: str, token: str = "", region: str = "", service: str = "") -> None:
        self.access_key = access_key
        self.secret_key = secret_key
        self.token = token
        self.region = region
        self.service = service

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Keys) and all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment] # secrets are compared, and never looked up by


@dataclass(frozen=True, repr=False, kw_only=True)
class Material:
    """Values by label: the name of a header, or of a query field, as references have it, with `-` for `_`.

    `values` take the place of references; `headers` that of the whole value of a header with a reference; `cookies`
    that of cookies of their name. `expires` is when it must be made anew, on the monotonic clock in seconds; None if
    nobody knows.
    """

    values: Mapping[str, bytes] = field(default_factory=dict)
    fields: Mapping[str, bytes] = field(default_factory=dict)
    headers: Mapping[str, bytes] = field(default_factory=dict)
    cookies: Mapping[bytes, bytes] = field(default_factory=dict)
    keys: Keys | None = None
    expires: float | None = field(default=None, compare=False)
