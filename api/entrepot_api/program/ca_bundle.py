"""The certificates that a program under `entrepot run` trusts: those it trusted before, and the proxy's CA.

Variables such as SSL_CERT_FILE replace a program's trust store. Were they to name our CA alone, the program could no
longer talk to anything that does not pass the proxy.
"""

import re
import ssl
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import certifi

from entrepot_store.errors import ConfigError

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\s.+?-----END CERTIFICATE-----", re.DOTALL)
_INHERITED = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "GIT_SSL_CAINFO", "PIP_CERT")
_SYSTEM = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS, FreeBSD
)


def write_bundle(target: Path, ca: Path, environment: Mapping[str, str]) -> Path:
    """Writes all of it to `target` and returns it. Raises ConfigError if `ca` holds no certificate; a store that the
    environment names and that is not there is passed over, as the program itself would fail on it with or without us.
    """
    own = list(_certificates(ca))
    if not own:
        problem = "holds no certificate" if ca.is_file() else "is not there"
        raise ConfigError(f"{ca} {problem}.", hint="`entrepot ca` shows where the proxy's CA is.")
    found = dict.fromkeys(certificate for store in _stores(environment) for certificate in _certificates(store))
    target.write_text("\n".join([*found, *own]) + "\n", encoding="ascii")
    return target


def _stores(environment: Mapping[str, str]) -> Iterable[Path]:
    named = [environment[name] for name in _INHERITED if environment.get(name)]
    system = ssl.get_default_verify_paths().cafile
    return [Path(name) for name in (*named, *([system] if system else ()), *_SYSTEM, certifi.where())]


def _certificates(store: Path) -> Iterator[str]:
    """PEM blocks of a file, comments left out; nothing if there is no such file."""
    if store.is_file():
        yield from _CERTIFICATE.findall(store.read_text(encoding="latin-1"))
