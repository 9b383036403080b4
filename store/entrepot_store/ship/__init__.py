"""Shipping: sealed spool files become segments in the vault and rows in the catalog, in that order, exactly once.

`recover` gives dead workers' files to the shipper, `shipper` ships one file, `loop` runs it as a service, `rebuild`
makes the catalog again from the vault alone.
"""

from .loop import run_shipper
from .rebuild import rebuild_catalog
from .shipper import Shipped, Shipper

__all__ = ["Shipped", "Shipper", "rebuild_catalog", "run_shipper"]
