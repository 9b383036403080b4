"""The vault, where segments live: `port` is what any must do, `directory` and `s3` do it, `open_vault` chooses."""

from .port import ObjectStat, Vault

__all__ = ["ObjectStat", "Vault"]
