"""Makes the minio-py client: endpoint, region, credentials, timeouts, and the headers that protect a write."""

import os
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import md5
from typing import Any
from urllib.parse import parse_qs, urlsplit

import certifi
import urllib3
from minio import Minio
from minio.credentials.credentials import Credentials
from minio.credentials.providers import (
    AWSConfigProvider,
    ChainedProvider,
    IamAwsProvider,
    Provider,
    StaticProvider,
)

from ..config import S3Settings
from ..errors import ConfigError, VaultDenied
from .s3_errors import KEYS_HINT

AWS = "https://s3.amazonaws.com"
_CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0
"""Longest silence of a server within an answer; far above what a healthy one needs for one part."""


class StoringTransport(urllib3.PoolManager):
    """Sends the requests of minio-py; within `storing()`, with two headers that minio-py has no parameter for.

    `If-None-Match: *` on the request that takes effect (a plain PUT, or the completion of a multipart upload) makes
    the server refuse to overwrite. Content-MD5 makes it refuse bytes that changed on the way: not every server holds
    the body against the signed SHA-256. Neither needs to be among the signed headers.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._mode = threading.local()

    @contextmanager
    def storing(self, *, conditional: bool) -> Iterator[None]:
        """Of this thread's requests only; not `conditional` for a server that does not know If-None-Match."""
        self._mode.storing, self._mode.conditional = True, conditional
        try:
            yield
        finally:
            self._mode.storing = False

    def urlopen(self, method: str, url: str, redirect: bool = True, **options: Any) -> urllib3.BaseHTTPResponse:  # type: ignore[override]  # narrower than RequestMethods, as PoolManager's own is
        if getattr(self._mode, "storing", False):
            headers = options["headers"]
            of_upload = "uploadId" in parse_qs(urlsplit(url).query)
            if self._mode.conditional and ((method == "PUT" and not of_upload) or (method == "POST" and of_upload)):
                headers["If-None-Match"] = "*"
            if method == "PUT" and "Content-MD5" not in headers:
                digest = md5(options.get("body") or b"", usedforsecurity=False).digest()
                headers["Content-MD5"] = b64encode(digest).decode()
        return super().urlopen(method, url, redirect, **options)


def endpoint_of(settings: S3Settings) -> str:
    """`http://127.0.0.1:9000`; AWS when none is configured."""
    return settings.endpoint or AWS


def make_client(settings: S3Settings, read_seconds: float) -> tuple[Minio, StoringTransport]:
    """Connects to nothing yet. Raises ConfigError."""
    endpoint = endpoint_of(settings)
    transport = StoringTransport(
        timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=read_seconds),
        retries=False,  # one retry policy, and a visible one: `RetryingVault`
        maxsize=16,
        ca_certs=os.environ.get("SSL_CERT_FILE") or certifi.where(),
    )
    try:
        client = Minio(
            urlsplit(endpoint).netloc,
            secure=endpoint.startswith("https:"),
            # None makes minio-py ask AWS for the bucket's region; other servers hardly ever care, and are not asked.
            region=settings.region or (None if endpoint == AWS else "us-east-1"),
            credentials=_Keys(settings, on_aws=endpoint == AWS),
            http_client=transport,
        )
    except ValueError as error:
        raise ConfigError(f"s3: {error}.") from None
    return client, transport


class _Keys(Provider):
    """The configured keys (AWS_* variables are part of the configuration), else ~/.aws/credentials, on AWS the role."""

    def __init__(self, settings: S3Settings, *, on_aws: bool) -> None:
        self._provider: Provider
        if settings.access_key is not None and settings.secret_key is not None:  # the settings see to it: both or none
            token = settings.session_token.get_secret_value() if settings.session_token else None
            self._provider = StaticProvider(settings.access_key, settings.secret_key.get_secret_value(), token)
        else:
            chain: list[Provider] = [AWSConfigProvider()]
            if on_aws:
                chain.append(IamAwsProvider(http_client=urllib3.PoolManager(timeout=2.0, retries=False)))
            self._provider = ChainedProvider(chain)

    def retrieve(self) -> Credentials:
        try:
            return self._provider.retrieve()
        except (ValueError, OSError, urllib3.exceptions.HTTPError) as error:
            raise VaultDenied("There are no keys for the S3 server.", hint=KEYS_HINT) from error
