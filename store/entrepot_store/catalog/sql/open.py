"""Opens the catalog that the configuration names."""

from ...config import Settings
from ...errors import NotFound
from .catalog import SqlCatalog
from .engine import Database


def open_catalog(where: Settings | str, *, create: bool = True, migrate: bool | None = None) -> SqlCatalog:
    """`where` is the configuration or a database URL. With `create` it makes the tables where there are none; without,
    nothing, because an empty catalog would say that nothing was ever captured. With `migrate` (as `create`, unless said
    otherwise) it brings the tables of an older Entrepot up to date.

    Raises ConfigError (not a URL of SQLite or PostgreSQL), TooNew, CatalogUnavailable; NotFound without `create`,
    TooOld without `migrate`.
    """
    url = where if isinstance(where, str) else where.catalog_url
    file = None if create else Database(url).file
    if file is not None and not file.exists():
        raise NotFound(
            f"There is no catalog at {file}.",
            hint="Does --data name the folder that `entrepot up` uses? A catalog that was lost is made again by "
            "`entrepot rebuild-catalog`.",
        )
    return SqlCatalog(url, create=create, migrate=create if migrate is None else migrate)
