"""Opens the vault that the configuration names."""

from pathlib import Path

from ..config import Settings
from .directory import DirectoryVault
from .port import Vault


def open_vault(settings: Settings) -> Vault:
    location = settings.vault_location
    return DirectoryVault(Path(location))
