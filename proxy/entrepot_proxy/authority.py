"""The certificate authority that TLS interception signs with: made once, in `DATA/ca`.

ca/                     0700
ca/mitmproxy-ca.pem     0600, private key and certificate, under the name mitmproxy looks for
ca/ca.pem               the certificate alone: what clients are told to trust
ca/upstream.pem         the CAs trusted for destinations, when `proxy.upstream_ca` adds to the usual ones
"""

import fcntl
import os
from pathlib import Path

import certifi
from mitmproxy.certs import CertStore

from entrepot_store.errors import ConfigError
from entrepot_store.state import write_private

BASENAME = "mitmproxy"
CERTIFICATE = "ca.pem"
KEY_SIZE = 2048

_BEGIN = b"-----BEGIN CERTIFICATE-----"


def ensure_authority(data: Path) -> Path:
    """The folder of the CA, with the CA in it. Processes that race to make it end with the same one.

    Raises ConfigError if the folder cannot be written or what is in it is no CA.
    """
    folder = data / "ca"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            _make(folder)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ConfigError(
            f"{folder}: the certificate authority cannot be read or made: {error.strerror or error}.",
            hint="Make the data folder writable for this user.",
        ) from error
    return folder


def upstream_bundle(folder: Path, extra: Path | None) -> Path | None:
    """A file with the usual CAs and those of `extra`, or None when there is nothing to add. Raises ConfigError."""
    if extra is None:
        return None
    try:
        added = extra.read_bytes()
    except OSError as error:
        raise ConfigError(f"proxy.upstream_ca: {extra} cannot be read: {error.strerror or error}.") from error
    if _BEGIN not in added:
        raise ConfigError(f"proxy.upstream_ca: {extra} holds no PEM certificate.")
    bundle = folder / "upstream.pem"
    usual = Path(certifi.where()).read_text(encoding="utf-8")
    write_private(bundle, usual.rstrip() + "\n" + added.decode("utf-8", "replace"))
    return bundle


def _make(folder: Path) -> None:
    secret = folder / f"{BASENAME}-ca.pem"
    if not secret.exists():
        # Made aside and moved into place, so that a half-written CA is never taken for one.
        aside = folder / ".new"
        aside.mkdir(mode=0o700, exist_ok=True)
        with CertStore.umask_secret():
            CertStore.create_store(aside, BASENAME, KEY_SIZE, organization="Entrepot", cn="Entrepot proxy CA")
        for name in (f"{BASENAME}-dhparam.pem", f"{BASENAME}-ca.pem"):
            (aside / name).replace(folder / name)
        for left in aside.iterdir():
            left.unlink()
        aside.rmdir()
    secret.chmod(0o600)
    pem = secret.read_bytes()
    start = pem.find(_BEGIN)
    if start < 0:
        raise ConfigError(f"{secret}: holds no certificate.", hint="Put the right file back, or remove the folder.")
    certificate = folder / CERTIFICATE
    if not certificate.exists() or certificate.read_bytes() != pem[start:]:
        write_private(certificate, pem[start:].decode("ascii"))
        certificate.chmod(0o644)  # it is public; the folder keeps others out, copies of it need not be secret
