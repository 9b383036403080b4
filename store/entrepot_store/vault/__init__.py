"""The vault: where segments live.

`port` says what any vault must do; `directory`, `s3` and `memory` do it, `retrying` wraps one, `open_vault` chooses.
"""

from .open import open_vault
from .port import ObjectStat, Vault

__all__ = ["ObjectStat", "Vault", "open_vault"]
