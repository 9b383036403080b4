"""The one place where the errors of minio-py, urllib3 and the S3 server behind them become ours."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree.ElementTree import ParseError

import urllib3
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError

from ..errors import EntrepotError, NotFound, VaultDenied, VaultUnavailable

ENDPOINT_HINT = "ENTREPOT_S3_ENDPOINT or AWS_ENDPOINT_URL says where the S3 server is; [s3] in entrepot.toml does too."
KEYS_HINT = (
    "The keys come from ENTREPOT_S3_ACCESS_KEY and ENTREPOT_S3_SECRET_KEY, else AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY."
)

_MISSING = {"NoSuchKey", "NoSuchVersion"}
_KEYS = {
    *("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "InvalidTokenId", "ExpiredToken"),
    *("TokenRefreshRequired", "NotSignedUp", "AccessKeyIdDoesNotExist"),
}
_REGION = {"AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect", "Redirect", "InvalidRegion"}
_PASSING = {
    *("InternalError", "ServiceUnavailable", "SlowDown", "SlowDownRead", "SlowDownWrite", "RequestTimeout", "Busy"),
    *("OperationAborted", "ConditionalRequestConflict", "ServerBusy", "Throttling", "ThrottlingException"),
    *("RequestLimitExceeded", "BandwidthLimitExceeded", "IncompleteBody", "BadDigest", "XAmzContentSHA256Mismatch"),
    # minio-py aborts a failed multipart upload, and this hides why it failed when the server had dropped it already.
    "NoSuchUpload",
}


@contextmanager
def translated(what: str, location: str) -> Iterator[None]:
    """`what` was being done (`store segments/a`), at `location`."""
    try:
        yield
    except EntrepotError:
        raise
    except S3Error as error:
        raise _from_s3(error, what, location) from error
    except (ServerError, InvalidResponseError) as error:
        raise _from_status(error, what, location) from error
    except urllib3.exceptions.SSLError as error:
        raise VaultDenied(
            f"{location}: could not {what}: TLS failed: {error}.",
            hint="SSL_CERT_FILE names the CAs to trust; use http:// if the server does not speak TLS.",
        ) from error
    except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
        raise VaultUnavailable(f"{location}: could not {what}: {_cause(error)}.", hint=ENDPOINT_HINT) from error
    except (MinioException, ParseError, ValueError, TypeError) as error:
        # What minio-py raises when an answer is cut short, or is not S3's: it reads answers without looking twice.
        raise VaultUnavailable(
            f"{location}: could not {what}: the answer makes no sense ({error}).", hint=ENDPOINT_HINT
        ) from error


def is_precondition_failure(error: S3Error) -> bool:
    """The object was there already: `If-None-Match: *` did its work."""
    return error.code == "PreconditionFailed" or error.response.status == 412


def _from_s3(error: S3Error, what: str, location: str) -> EntrepotError:
    code, status = error.code or "", error.response.status
    said = f"{code}: {error.message}".rstrip(". ") if error.message else code
    message = f"{location}: could not {what}: {said}."
    if code in _MISSING:
        return NotFound(f"{location}: could not {what}: there is no such object.")
    if code == "NoSuchBucket":
        return VaultDenied(message, hint="Make the bucket, or let Entrepot make it with create_bucket in [s3].")
    if code in _KEYS:
        return VaultDenied(message, hint=KEYS_HINT)
    if code == "RequestTimeTooSkewed":
        return VaultDenied(message, hint="The clocks of this machine and of the S3 server differ too much; set them.")
    if code in _REGION:
        return VaultDenied(message, hint="ENTREPOT_S3_REGION or AWS_REGION must name the bucket's region.")
    if code in _PASSING or status >= 500 or status == 429:
        return VaultUnavailable(message, hint="The server failed in passing; its own log says more.")
    if status == 403:
        return VaultDenied(message, hint=f"These keys need to list, read, write and delete in the bucket. {KEYS_HINT}")
    return VaultDenied(message, hint=ENDPOINT_HINT)


def _from_status(error: ServerError | InvalidResponseError, what: str, location: str) -> EntrepotError:
    status = error.status_code if isinstance(error, ServerError) else error._code
    message = f"{location}: could not {what}: the server answered {status} without saying why."
    if status >= 500 or status == 429:
        return VaultUnavailable(message, hint="The server, or something in front of it, failed in passing.")
    return VaultDenied(message, hint=f"Is it an S3 server? {ENDPOINT_HINT}")


def _cause(error: BaseException) -> str:
    """The innermost reason: urllib3 wraps it, and repeats the URL each time."""
    while isinstance(error, urllib3.exceptions.MaxRetryError) and error.reason is not None:
        error = error.reason
    if isinstance(error, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError):
        return str(error.__cause__ or error).rstrip(". ")
    if isinstance(error, urllib3.exceptions.ProtocolError) and len(error.args) > 1:
        return str(error.args[1]).rstrip(". ")
    return (str(error) or type(error).__name__).rstrip(". ")
