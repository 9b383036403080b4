"""Every setting there is, with its default and unit. Read by `load.py`, described in `docs/configuration.md`."""

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from .credential import CredentialConfig
from .products import ProductConfig, split_host
from .refusal import plain_reasons
from .rule import RuleConfig
from .values import Address, Duration, HeaderName, Name, OneOrMany, TargetUrl, repeated
from .values import split_address as split_address  # noqa: PLC0414 - also found here

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


def _check_vault(location: str) -> str:
    # Not quoted in the message: a misspelt location may hold credentials.
    if "://" in location and not re.fullmatch(r"s3://[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9._/-]*)?", location):
        raise ValueError("must be s3://BUCKET, s3://BUCKET/PREFIX or a folder")
    return location


def _check_webhook(url: SecretStr) -> SecretStr:
    # Not quoted in the message: the URL of a webhook often is its password.
    if not re.fullmatch(r"https?://[^/?#@\s]+([/?][^#\s]*)?", url.get_secret_value()):
        raise ValueError("must be http://HOST[:PORT]/PATH or https://HOST[:PORT]/PATH, without credentials")
    return url


def _check_names_differ[T: (ProductConfig, RuleConfig, CredentialConfig)](named: tuple[T, ...]) -> tuple[T, ...]:
    twice = repeated(one.name.lower() for one in named)
    if twice:
        raise ValueError(f"two are named {twice!r}; case does not tell them apart")
    return named


def _check_products(products: tuple[ProductConfig, ...]) -> tuple[ProductConfig, ...]:
    host = repeated(host for product in products for host in {_same_host(host) for host in product.hosts})
    if host:
        raise ValueError(f"two have the host {host!r}")
    return _check_names_differ(products)


def _same_host(host: str) -> str:
    """One spelling for hosts that are the same."""
    if "/" in host:
        return host
    name, port = split_host(host)
    return name if port is None else f"{name}:{port}"


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ReverseListener(_Section):
    """A listener that stands in front of one product: what arrives at `listen` goes to `target`."""

    name: Name
    target: TargetUrl
    listen: Address

    @classmethod
    def parse(cls, text: str) -> Self:
        """`orders=http://127.0.0.1:9001@127.0.0.1:9101`. Raises ValueError."""
        name, equals, rest = text.partition("=")
        target, at, listen = rest.rpartition("@")
        if not (name and equals and at):
            raise ValueError("a reverse listener is written NAME=http://TARGET[:PORT]@HOST:PORT")
        try:
            return cls(name=name, target=target, listen=listen)
        except ValidationError as error:
            # From None: pydantic quotes the values, and a target may hold credentials.
            raise ValueError(f"reverse listener {name!r}: {plain_reasons(error, cls)}") from None


class ProxySettings(_Section):
    """The capture proxy. `listen` is the forward proxy; empty for none."""

    listen: Annotated[Address | None, BeforeValidator(_empty_is_none)] = "127.0.0.1:8080"
    reverse: tuple[ReverseListener, ...] = ()
    buffer_bytes: int = Field(default=1 * MIB, ge=0)
    """Bodies of a known length up to this are buffered; everything else streams through."""
    tee_memory_bytes: int = Field(default=512 * KIB, ge=0)
    """A streamed body is held in memory up to this, then in a file of the spool."""
    max_body_bytes: int = Field(default=4 * GIB, ge=0)
    """Bytes kept of one body; what is beyond passes and is marked truncated."""
    redact_body_bytes: int = Field(default=8 * MIB, ge=0, le=64 * MIB)
    """Bodies in which a rule looks for secrets are held in memory up to this; longer ones are not kept."""
    drain_seconds: float = Field(default=10.0, ge=0)
    """How long open exchanges may finish after SIGTERM before they are recorded as cut."""
    tls_verify_upstream: bool = True
    upstream_ca: Path | None = None
    """A PEM file of CAs to trust for destinations, beside certifi's."""
    redact_headers: OneOrMany[HeaderName] = (
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "x-api-key",
    )
    """Headers whose values become references in every exchange, whatever its rule."""

    @model_validator(mode="after")
    def _listeners_differ(self) -> Self:
        name = repeated(listener.name for listener in self.reverse)
        if name:
            raise ValueError(f"two reverse listeners are named {name!r}")
        address = repeated(
            address
            for address in (self.listen, *(one.listen for one in self.reverse))
            if address and address[-2:] != ":0"
        )
        if address:
            raise ValueError(f"two listeners share {address}")
        return self


class SpoolSettings(_Section):
    """The durable log between proxy and shipper."""

    max_bytes: int = Field(default=4 * GIB, ge=MIB)
    """Bound on all unshipped bytes; beyond it each rule's `on_failure` decides."""
    reserve_bytes: int = Field(default=256 * MIB, ge=0)
    """Free bytes left on the disk for others; reaching them counts as the bound."""
    queue_bytes: int = Field(default=64 * MIB, ge=MIB)
    """Bound on captures in memory that wait for the disk."""
    sync_ms: int = Field(default=50, ge=0, le=10_000)
    """Longest time between two group commits while captures arrive."""
    seal_bytes: int = Field(default=16 * MIB, ge=4 * KIB)
    seal_seconds: float = Field(default=1.0, gt=0)
    """A spool file is sealed, and can be shipped, when it is this large or this old."""


class S3Settings(_Section):
    """Where `vault = "s3://…"` lives. Unset values fall back to the AWS_* variables every S3 tool reads."""

    endpoint: TargetUrl | None = None
    """`http://127.0.0.1:9000`; AWS when unset."""
    access_key: str | None = None
    secret_key: SecretStr | None = None
    session_token: SecretStr | None = None
    """Belongs to temporary keys."""
    region: str | None = None
    create_bucket: bool = True
    """Make the bucket if it does not exist."""

    @model_validator(mode="after")
    def _keys_together(self) -> Self:
        if (self.access_key is None) != (self.secret_key is None):
            raise ValueError("access_key and secret_key come together")
        return self


class ApiSettings(_Section):
    """The HTTP API."""

    listen: Address = "127.0.0.1:8081"


class EventsSettings(_Section):
    """Who is told of flows that are new, shapes that changed, and drills that failed or grew old."""

    webhook: Annotated[SecretStr, AfterValidator(_check_webhook)] | None = None
    """A URL that takes CloudEvents; it may hold a token, so it is shown nowhere."""


class CompactSettings(_Section):
    """What the shipper does beside shipping, so that small segments do not pile up."""

    every_seconds: float = Field(default=600.0, ge=0)
    """How often small segments are merged; 0 for never."""


class DrillSettings(_Section):
    """Rehearsals of restorations (`entrepot drill`)."""

    max_age: Duration | None = None
    """How old the last good drill of a product may grow before that is told; never, when unset."""


class Settings(BaseSettings):
    """The whole configuration. Precedence: command line, ENTREPOT_* variables, entrepot.toml, defaults.

    Nested values are reached in the environment as ENTREPOT_<SECTION>_<KEY>, for example ENTREPOT_S3_ENDPOINT.
    """

    model_config = SettingsConfigDict(
        env_prefix="ENTREPOT_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        extra="forbid",
        frozen=True,
        populate_by_name=True,
    )

    data: Path = Path("entrepot-data")
    """The data folder: spool, CA, keys and, on the embedded default, vault and catalog. 0700."""
    vault: Annotated[str, AfterValidator(_check_vault)] | None = None
    """`s3://bucket/prefix` or a directory; `DATA/vault` when unset."""
    catalog: str | None = None
    """An SQLAlchemy URL of SQLite or PostgreSQL; `DATA/catalog.sqlite` when unset."""
    proxy: ProxySettings = ProxySettings()
    spool: SpoolSettings = SpoolSettings()
    s3: S3Settings = S3Settings()
    api: ApiSettings = ApiSettings()
    events: EventsSettings = EventsSettings()
    compact: CompactSettings = CompactSettings()
    drill: DrillSettings = DrillSettings()
    product: Annotated[tuple[ProductConfig, ...], AfterValidator(_check_products)] = ()
    rule: Annotated[tuple[RuleConfig, ...], AfterValidator(_check_names_differ)] = ()
    credential: Annotated[tuple[CredentialConfig, ...], AfterValidator(_check_names_differ)] = ()

    @property
    def vault_location(self) -> str:
        return self.vault or str(self.data / "vault")

    @property
    def catalog_url(self) -> str:
        return self.catalog or f"sqlite:///{self.data / 'catalog.sqlite'}"
