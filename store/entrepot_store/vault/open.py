"""Opens the vault that the configuration names."""

from pathlib import Path

from ..config import Settings
from ..errors import ConfigError
from .directory import DirectoryVault
from .port import Vault
from .retrying import RetryingVault


def open_vault(settings: Settings) -> Vault:
    """`s3://bucket/prefix`, tried again when it fails in passing, or a directory. Connects to nothing yet.

    Raises ConfigError.
    """
    location = settings.vault_location
    if location.startswith("s3://"):
        from .s3 import S3Vault

        return RetryingVault(S3Vault(location, settings.s3))
    if "://" in location:
        raise ConfigError(f"vault: {location!r} is neither a directory nor s3://bucket/prefix.")
    return DirectoryVault(Path(location))
