"""What may be sent to `/v1/replays`: a plan to make, and how to start one.

What a request may name as the source of a secret is an environment variable of this process with a fixed prefix, and
nothing else: a token that may replay must not be able to read files or run commands here.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from entrepot_replay.credentials import CredentialSource
from entrepot_store.catalog import ExchangeFilter
from entrepot_store.errors import BadInput

from ..query import MOMENT_HELP, exchange_filter

CREDENTIAL_PREFIX = "ENTREPOT_CREDENTIAL_"

_Names = Annotated[list[str], Field(max_length=100)]
_LARGEST = 2**63 - 1


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SendingOptions(_Body):
    """How to send; what is not given stays as planned."""

    concurrency: int | None = Field(
        default=None, ge=1, le=256, description="Steps under way at once, of those that do not depend on one another."
    )
    speed: float | None = Field(
        default=None, gt=0, le=1_000_000, description="Keep the recorded pace, so many times as fast."
    )
    ignore: Annotated[list[str], Field(max_length=100)] | None = Field(
        default=None, description="JSONPaths whose differences do not count.", examples=[["$.meta.took"]]
    )
    max_failure_ratio: float | None = Field(
        default=None, ge=0, le=1, description="Stop when more than this share of at least 20 steps failed."
    )
    rate: float | None = Field(default=None, gt=0, le=1_000_000, description="Requests a second.")
    timeout: float | None = Field(default=None, ge=0.1, le=3600, description="Seconds without progress of one request.")
    wait_for_target: float | None = Field(
        default=None, ge=0, le=86_400, description="Seconds to wait for a target that goes away meanwhile."
    )
    max_failures: int | None = Field(
        default=None, ge=1, le=_LARGEST, description="Stop at so many failed or unknown steps."
    )
    without_credentials: bool | None = Field(default=None, description="Leave out headers whose secret is not given.")
    tls_verify: bool | None = Field(default=None, description="Verify the target's certificate.")

    def given(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in SendingOptions.model_fields if getattr(self, name) is not None}


class PlanRequest(SendingOptions):
    """What to replay, and where to."""

    to: str = Field(description="The product whose traffic is replayed.", max_length=1000)
    target: str = Field(
        description="`http://HOST[:PORT][/PREFIX]`", max_length=2000, examples=["http://127.0.0.1:9002"]
    )
    source: _Names = Field(default=[], alias="from", description="Only what these products sent.")
    method: _Names = Field(default=[], description="Instead of POST, PUT and PATCH.")
    path: str | None = Field(default=None, max_length=8192)
    path_prefix: str | None = Field(default=None, max_length=8192)
    path_template: str | None = Field(default=None, max_length=8192)
    status: _Names = Field(default=[], description="`201`, or a class such as `4xx`; also brings in what failed.")
    since: str | None = Field(default=None, description=f"Started at or after. {MOMENT_HELP}")
    until: str | None = Field(default=None, description=f"Started before. {MOMENT_HELP}")
    allow_delete: bool = Field(default=False, description="Send recorded DELETE requests as well.")
    allow_captured_host: bool = Field(default=False, description="Let the target be a server that was captured from.")

    def where(self, now: int) -> ExchangeFilter:
        """`now` (microseconds) is what ages count back from. Raises BadInput."""
        return exchange_filter(
            now=now,
            source=self.source,
            destination=[self.to],
            method=self.method,
            path=self.path,
            path_prefix=self.path_prefix,
            path_template=self.path_template,
            status=self.status,
            since=self.since,
            until=self.until,
        )


class VerifyRequest(SendingOptions):
    """How to ask, and the secrets to ask with."""

    credentials: dict[str, str] = Field(
        default={},
        description=f"By header name (or `name:hash`): `env:` and an environment variable of the API that begins with "
        f"`{CREDENTIAL_PREFIX}`.",
        examples=[{"authorization": f"env:{CREDENTIAL_PREFIX}ORDERS"}],
    )

    def sources(self) -> list[CredentialSource]:
        """Raises BadInput for a source that HTTP may not name."""
        for name, source in self.credentials.items():
            if not source.startswith(f"env:{CREDENTIAL_PREFIX}"):
                raise BadInput(
                    f"The credential {name!r} must be env: and a variable that begins with {CREDENTIAL_PREFIX}.",
                    hint="Files and commands are for the command line.",
                )
        return [CredentialSource.parse(f"{name}={source}") for name, source in self.credentials.items()]


class StartRequest(VerifyRequest):
    """How to send, and the secrets of this run."""

    retry_unknown: bool = Field(
        default=False, description="Send steps again whose outcome is unknown, whatever their method."
    )
    retry_failed: bool = Field(default=False, description="Send failed steps again.")
    verify: bool = Field(
        default=True, description="Read from the target, once all is sent, whether everything is back."
    )
