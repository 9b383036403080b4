"""Which document somebody means: by its id, by destination and key, or by the URL that its product has it under."""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import unquote, urlsplit
from uuid import UUID

from entrepot_store.catalog.documents import DocumentCatalog, DocumentRow
from entrepot_store.config import Settings
from entrepot_store.documents import recipes_of
from entrepot_store.documents.identity import document_key
from entrepot_store.errors import BadInput, NotFound
from entrepot_store.rules.names import ProductNames

from .query import stored_text

_ESCAPED_URL = re.compile(r"https?%3A", re.IGNORECASE)
_MERGED_SLASHES = re.compile(r"^(https?):/+", re.IGNORECASE)
_HELP = "A document is named by its id, by destination and key (orders /v1/settings/7), or by its URL."


def find_document(documents: DocumentCatalog, settings: Settings, words: Sequence[str]) -> DocumentRow:
    """The document that one word (id or URL) or two (destination and key) name. Raises NotFound, and BadInput for what
    names none."""
    if len(words) == 2:
        return documents.find(stored_text(words[0]), stored_text(words[1]))
    if len(words) != 1:
        raise BadInput(f"{len(words)} words name no document.", hint=_HELP)
    if "://" in words[0]:
        return find_by_url(documents, settings, words[0])
    try:
        identifier = UUID(words[0])
    except ValueError:
        raise BadInput(f"{words[0]!r} names no document.", hint=_HELP) from None
    return documents.document(identifier)


def find_by_url(documents: DocumentCatalog, settings: Settings, url: str) -> DocumentRow:
    """The document that its product has under `url`: the host is looked up as in captured traffic, and of the query
    those fields count that count by any rule. Raises as `find_document`."""
    url = plain_url(url)
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise BadInput(f"{url!r} is no URL: {error}.", hint=_HELP) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInput(f"{url!r} is no URL of http or https.", hint=_HELP)
    name = ProductNames(settings.product).destination(parts.hostname, port)
    destination = stored_text(listeners(settings).get(parts.netloc, name))
    path, query = stored_text(parts.path or "/"), stored_text(parts.query)
    for key in _keys(path, query, settings):
        try:
            return documents.find(destination, key)
        except NotFound:
            continue
    raise NotFound(
        f"No document is known under {url}: {destination} has none of that key.",
        hint=f"`entrepot documents --to {destination}` lists them; only what a rule protects becomes one.",
    )


def listeners(settings: Settings) -> dict[str, str]:
    """Products by the address of their reverse listener, which is what clients know them by."""
    return {listener.listen: listener.name for listener in settings.proxy.reverse}


def plain_url(text: str) -> str:
    """A URL that came in the path of another one: percent-encoded as a whole, or with its slashes merged into one by
    some proxy on the way."""
    if _ESCAPED_URL.match(text):
        text = unquote(text, errors="surrogateescape")
    return _MERGED_SLASHES.sub(lambda match: f"{match[1].lower()}://", text)


def _keys(path: str, query: str, settings: Settings) -> Iterable[str]:
    """The keys that the URL may have, by what any rule says of queries; all fields first, then the most."""
    chosen = {recipe.query for recipe in recipes_of(settings.rule).values() if recipe.query is not None}
    yield document_key(path, query)
    for fields in sorted(chosen, key=lambda fields: (-len(fields), fields)):
        yield document_key(path, query, frozenset(fields))
