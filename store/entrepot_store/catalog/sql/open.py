"""Opens the catalog that the configuration names."""

from ...config import Settings
from .catalog import SqlCatalog


def open_catalog(where: Settings | str) -> SqlCatalog:
    """`where` is the configuration or a database URL. Makes the tables or migrates them.

    Raises ConfigError (not a URL of SQLite or PostgreSQL), TooNew, CatalogUnavailable.
    """
    return SqlCatalog(where if isinstance(where, str) else where.catalog_url)
