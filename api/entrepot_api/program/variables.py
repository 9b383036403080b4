"""What a program's environment gets so that its traffic goes through the proxy.

`docs/how-to/run-programs.md` lists the variables and the programs that need more.
"""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

from entrepot_store.errors import BadInput

_PASSWORD = "entrepot"  # noqa: S105 - no secret: urllib and undici send no user name without some password
_PROXY = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
_NO_PROXY = ("NO_PROXY", "no_proxy")

REPLACING = (
    "SSL_CERT_FILE",  # OpenSSL, Go, Ruby, httpx, .NET
    "REQUESTS_CA_BUNDLE",  # Python requests
    "CURL_CA_BUNDLE",  # curl
    "AWS_CA_BUNDLE",  # AWS CLI and SDKs
    "GIT_SSL_CAINFO",  # git
    "PIP_CERT",  # pip
    "CARGO_HTTP_CAINFO",  # cargo
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",  # gRPC core
)
"""Variables that replace a trust store: they name the whole bundle."""
ADDING = ("NODE_EXTRA_CA_CERTS", "DENO_CERT")
"""Variables that add to a trust store: they name the proxy's CA alone."""


def proxy_url_of(url: str, source: str | None) -> str:
    """The proxy's URL with the program's name in it as the user, which is how the proxy knows who sends.

    Raises BadInput."""
    where = urlsplit(url)
    if where.scheme not in ("http", "https") or not where.hostname:
        raise BadInput(f"{url!r} is not the URL of a proxy, such as http://127.0.0.1:8080.")
    if source is None:
        return url
    return f"{where.scheme}://{quote(source, safe='')}:{_PASSWORD}@{where.netloc.rpartition('@')[2]}"


def variables(proxy: str, no_proxy: str, ca: Path | None, bundle: Path | None) -> Mapping[str, str]:
    """The variables to set. `ca` None (a proxy of which only the URL is known) leaves trust stores alone.

    ALL_PROXY is not among them: it would send FTP and other protocols to a proxy that speaks HTTP only.
    """
    told = dict.fromkeys(_PROXY, proxy) | dict.fromkeys(_NO_PROXY, no_proxy)
    told["NODE_USE_ENV_PROXY"] = "1"  # Node 24 reads the proxy variables only when told to
    if bundle is not None:
        told |= dict.fromkeys(REPLACING, str(bundle))
    if ca is not None:
        told |= dict.fromkeys(ADDING, str(ca))
    return told
