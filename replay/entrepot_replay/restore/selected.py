"""Which documents `--document` means: paths, URLs, ids of documents, and templates and globs as rules have them
(`/orders/{id}`, `/orders/**`)."""

from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from entrepot_store.archive import Archive
from entrepot_store.errors import BadInput, NotFound
from entrepot_store.rules.template import PathTemplate


def select(archive: Archive, paths: Iterable[str], wanted: Sequence[str]) -> set[str]:
    """The paths that any of `wanted` names; all of them if there is none. Raises NotFound for one that names nothing,
    BadInput for a malformed template."""
    everything = set(paths)
    if not wanted:
        return everything
    found: set[str] = set()
    for text in wanted:
        matches = _matcher(archive, text)
        named = {path for path in everything if matches(path)}
        if not named:
            raise NotFound(
                f"--document {text!r} names no document of the product.",
                hint="Name a path, a template such as /orders/{id}, a glob such as '/orders/**', or a document's id.",
            )
        found |= named
    return found


def _matcher(archive: Archive, text: str) -> Callable[[str], bool]:
    try:
        identifier = UUID(text)
    except ValueError:
        pass
    else:
        text = archive.catalog.documents.document(identifier).key.partition("?")[0]
        return text.__eq__
    if "://" in text:
        text = "/" + text.partition("://")[2].partition("/")[2]
    if "{" not in text and "*" not in text:
        return text.__eq__
    try:
        return PathTemplate.compile(text).matches
    except ValueError as error:
        raise BadInput(f"--document {text!r} is no template: {error}.") from None
