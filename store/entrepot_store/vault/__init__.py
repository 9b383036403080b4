"""The vault: where segments live. `port` says what any vault must do; `directory` and `s3` do it; `open_vault` chooses."""

from .open import open_vault
from .port import ObjectStat, Vault

__all__ = ["ObjectStat", "Vault", "open_vault"]
