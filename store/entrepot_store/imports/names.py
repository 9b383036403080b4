"""Host and port out of what a recording says; recordings say anything."""

from urllib.parse import urlsplit

from ..model import Request, safe_text


def split_endpoint(text: str, default_port: int) -> tuple[str, int]:
    """`10.0.3.7:50412` or `[::1]:80` as host and port; an empty host if it is neither."""
    try:
        where = urlsplit(f"//{text}")
        return where.hostname or "", where.port or default_port
    except ValueError:
        return "", default_port


def endpoint(request: Request) -> tuple[str, int]:
    """The server that a request was meant for."""
    return split_endpoint(safe_text(request.authority), 443 if request.scheme == b"https" else 80)
