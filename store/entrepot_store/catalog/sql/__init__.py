"""The catalog on SQLite and PostgreSQL.

`schema` and `../migrations` say what is stored, `engine` how to connect, `shipping` writes, `lookup` reads, `catalog`
is the Catalog port over all of them.
"""

from .catalog import SqlCatalog
from .open import open_catalog

__all__ = ["SqlCatalog", "open_catalog"]
