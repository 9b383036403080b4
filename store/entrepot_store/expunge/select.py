"""Which sides of which exchanges an erasure is of."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from ..catalog import Catalog, ExchangeFilter
from ..catalog.fields import FieldCondition

type Sides = Mapping[UUID, tuple[bool, bool]]
"""By exchange: whether its request, whether its response."""


def select(
    catalog: Catalog,
    *,
    exchanges: Iterable[UUID] = (),
    payloads: Iterable[bytes] = (),
    documents: Iterable[UUID] = (),
    subject: Iterable[FieldCondition] = (),
) -> Sides:
    """Everything of the exchanges, of all that said something about the documents, and of all that carry the index
    fields of a data subject; and of any exchange the sides that have one of the payloads (SHA-256). What was erased
    already is left out.

    Raises NotFound for an exchange or document that is not there, BadInput for a condition that makes no sense.
    """
    found: dict[UUID, tuple[bool, bool]] = {}
    for identifier in exchanges:
        found[catalog.exchange(identifier).id] = (True, True)
    for document in documents:
        catalog.documents.document(document)
        found.update((look.exchange, (True, True)) for look in catalog.documents.looks(document))
    conditions = tuple(subject)
    if conditions:
        found.update((row.id, (True, True)) for row in catalog.iterate(ExchangeFilter(fields=conditions)))
    for digest in payloads:
        for identifier, (request, response) in catalog.retention.sides_with(digest).items():
            known = found.get(identifier, (False, False))
            found[identifier] = (known[0] or request, known[1] or response)
    erased = catalog.retention.erased(found)
    return {
        identifier: sides
        for identifier, sides in found.items()
        if (row := erased.get(identifier)) is None or (sides[0] > row.request or sides[1] > row.response)
    }
