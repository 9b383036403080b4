"""Whether something accepts connections at a URL; also `python -m entrepot_api.listening URL`."""

import socket
import sys
from urllib.parse import urlsplit

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what listens on every address is asked on loopback
_DEFAULT_PORTS = {"http": 80, "https": 443}


def accepts_connections(url: str, seconds: float = 2.0) -> bool:
    """True once a TCP connection to the URL's host and port succeeds within `seconds`."""
    where = urlsplit(url)
    host = _ANY.get(where.hostname or "", where.hostname)
    try:
        with socket.create_connection((host, where.port or _DEFAULT_PORTS[where.scheme]), timeout=seconds):
            return True
    except OSError:
        return False


def main() -> int:
    """For health checks: exit code 0 if something listens at the URL given as the argument."""
    url = sys.argv[1]
    if accepts_connections(url):
        return 0
    print(f"Nothing listens at {url}.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
