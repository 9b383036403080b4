"""The catalog on SQLite and PostgreSQL.

`schema` and `../migrations` say what is stored, `engine` how to connect, `shipping` writes, `lookup` reads, `catalog`
is the Catalog port over all of them. `replays` keeps the replays in the same database.
"""

from .catalog import SqlCatalog
from .open import open_catalog
from .replays import SqlReplayStore, replay_store

__all__ = ["SqlCatalog", "SqlReplayStore", "open_catalog", "replay_store"]
