"""Proves that a vault does what its port says, with an object nobody else uses, before anything depends on it."""

import secrets
import tempfile
from pathlib import Path

from ..errors import AlreadyExists, NotFound, VaultDenied
from .port import Vault


def prove(vault: Vault) -> None:
    """Writes, reads, refuses to overwrite, deletes. Raises what the vault raises, and VaultDenied if it lies."""
    key = f".canary/{secrets.token_hex(8)}"
    with tempfile.TemporaryDirectory(prefix="entrepot-canary-") as folder:
        first, second = Path(folder) / "first", Path(folder) / "second"
        first.write_bytes(secrets.token_bytes(64))
        second.write_bytes(secrets.token_bytes(64))
        vault.put(key, first)
        try:
            if vault.get(key, 16, 16) != first.read_bytes()[16:32]:
                raise VaultDenied(f"{vault.location}: an object read back differs from what was written.")
            try:
                vault.put(key, second)
            except AlreadyExists:
                pass
            else:
                raise VaultDenied(f"{vault.location}: it let an object be overwritten.")
        finally:
            vault.delete(key)
        try:
            vault.stat(key)
        except NotFound:
            return
        raise VaultDenied(f"{vault.location}: an object is still there after it was deleted.")
