"""The redaction key: 32 random bytes, one per installation, made once and never replaced.

It turns secrets into references. Lost, new references no longer equal old ones; leaked, guesses can be tried.
"""

import os
import secrets
from pathlib import Path

from ..errors import ConfigError

KEY_FILE = "redaction.key"
KEY_VARIABLE = "ENTREPOT_REDACTION_KEY"
KEY_SIZE = 32


def load_key(data: Path) -> bytes:
    """`ENTREPOT_REDACTION_KEY` (64 hex digits) if set, else `DATA/redaction.key`, which is made (0600) if missing.

    Processes that race to make it end with the same key. Raises ConfigError; no message shows any of the key.
    """
    given = os.environ.get(KEY_VARIABLE)
    return _from_text(given) if given else _from_file(data / KEY_FILE)


def _from_text(text: str) -> bytes:
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != KEY_SIZE:
        raise ConfigError(
            f"environment: {KEY_VARIABLE}: is not {KEY_SIZE * 2} hex digits.",
            hint="Make one with `openssl rand -hex 32`, and give every proxy the same.",
        )
    return key


def _from_file(path: Path) -> bytes:
    try:
        if not path.exists():
            _make(path)
        if path.stat().st_mode & 0o007:
            raise ConfigError(
                f"{path}: everybody on this machine may read or change the redaction key.", hint=f"chmod 600 {path}"
            )
        key = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{path}: the redaction key cannot be read or made: {error.strerror}.",
            hint=f"Make the folder writable, or set {KEY_VARIABLE}.",
        ) from error
    if len(key) != KEY_SIZE:
        raise ConfigError(
            f"{path}: holds {len(key)} bytes where a redaction key has {KEY_SIZE}.",
            hint="Put the right file back; with a new key, secrets no longer equal those already captured.",
        )
    return key


def _make(path: Path) -> None:
    """Writes a new key aside and links it into place: whoever comes second finds the first one's, whole."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(KEY_SIZE))
            stream.flush()
            os.fsync(stream.fileno())
        try:
            path.hardlink_to(aside)
        except FileExistsError:
            return  # another process was first; its key is the one
    finally:
        aside.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
