"""What retention knows that must outlive the catalog: small JSON objects in the vault, written once like all others.

    removals/<class>/<id>.json    exchanges that count no more although their segments still hold them
    pins/<id>.json                a pin;   pins/<id>.removed.json     …and that it is none any more
    holds/<id>.json               a hold;  holds/<id>.released.json   …and that it holds no more
    erasures/<id>.json            an entry of the erasure ledger: which exchanges, and nothing of what they held

Each is stored before the catalog learns of it, so a rebuild knows at least as much as the catalog did.
"""

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from ..catalog.retention import ErasedRow, ErasureRow, HoldRow, PinRow
from ..errors import Damaged, NotFound, TooNew
from ..vault import Vault

FORMAT = 1
REMOVALS, PINS, HOLDS, ERASURES = "removals/", "pins/", "holds/", "erasures/"
_JSON, _REMOVED, _RELEASED = ".json", ".removed.json", ".released.json"


def put_fact(vault: Vault, key: str, fact: Mapping[str, Any]) -> None:
    """Stores one. The same again is a success. Raises AlreadyExists for another one under the key, and what the vault
    raises."""
    with tempfile.TemporaryDirectory(prefix="entrepot-fact-") as folder:
        path = Path(folder) / "fact"
        path.write_text(json.dumps({"format": FORMAT, **fact}, sort_keys=True, separators=(",", ":")))
        vault.put(key, path)


def read_fact(vault: Vault, key: str) -> dict[str, Any]:
    """Raises NotFound, Damaged, TooNew, and what the vault raises."""
    try:
        fact = json.loads(vault.get(key))
        found = fact["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(key, error) from error
    if found > FORMAT:
        raise TooNew(f"{key} has format {found}; this version reads up to {FORMAT}.", hint="Use the newer Entrepot.")
    return dict(fact)


def _read_all(vault: Vault, prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for stat in vault.list(prefix):
        if stat.key.endswith(_JSON):
            yield stat.key, read_fact(vault, stat.key)


# Removals


def removal_key(retention_class: str, identifier: UUID) -> str:
    return f"{REMOVALS}{retention_class}/{identifier}{_JSON}"


def put_removal(vault: Vault, key: str, at: int, segments: Mapping[str, Iterable[UUID]]) -> None:
    """`segments`: which exchanges of each count no more."""
    named = {segment: sorted(map(str, ids)) for segment, ids in segments.items()}
    put_fact(vault, key, {"at": at, "segments": named})


def read_removal(vault: Vault, key: str) -> dict[str, frozenset[UUID]]:
    """Raises as `read_fact`."""
    return _removal(key, read_fact(vault, key))


def removals(vault: Vault) -> Iterator[tuple[str, dict[str, frozenset[UUID]]]]:
    """By key."""
    return ((key, _removal(key, fact)) for key, fact in _read_all(vault, REMOVALS))


def _removal(key: str, fact: Mapping[str, Any]) -> dict[str, frozenset[UUID]]:
    try:
        return {segment: frozenset(map(UUID, ids)) for segment, ids in fact["segments"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(key, error) from error


# Pins and holds


def put_pin(vault: Vault, pin: PinRow) -> None:
    put_fact(vault, f"{PINS}{pin.id}{_JSON}", _plain(pin))


def put_unpin(vault: Vault, identifier: UUID, at: int, by: str) -> None:
    put_fact(vault, f"{PINS}{identifier}{_REMOVED}", {"at": at, "by": by})


def pins(vault: Vault) -> list[PinRow]:
    """Those that pin. Raises as `read_fact`."""
    found = dict(_read_all(vault, PINS))
    return [
        _row(key, PinRow, fact, ids=("id", "document", "version"))
        for key, fact in found.items()
        if not key.endswith(_REMOVED) and key.removesuffix(_JSON) + _REMOVED not in found
    ]


def put_hold(vault: Vault, hold: HoldRow) -> None:
    put_fact(vault, f"{HOLDS}{hold.id}{_JSON}", _plain(hold))


def put_release(vault: Vault, identifier: UUID, at: int, by: str) -> None:
    put_fact(vault, f"{HOLDS}{identifier}{_RELEASED}", {"released_at": at, "released_by": by})


def holds(vault: Vault) -> list[HoldRow]:
    """All, released ones with when and by whom. Raises as `read_fact`."""
    found = dict(_read_all(vault, HOLDS))
    return [
        _row(key, HoldRow, fact | found.get(key.removesuffix(_JSON) + _RELEASED, {}), ids=("id",))
        for key, fact in found.items()
        if not key.endswith(_RELEASED)
    ]


# Erasures


def put_erasure(vault: Vault, erasure: ErasureRow, exchanges: Iterable[ErasedRow]) -> None:
    """Unless it is there already; a later erasure of the same exchange may have taken its row over since."""
    key = f"{ERASURES}{erasure.id}{_JSON}"
    try:
        vault.stat(key)
    except NotFound:
        pass
    else:
        return
    rows = sorted(exchanges, key=lambda row: row.exchange.int)
    sides = {str(row.exchange): list(row.sides) for row in rows}
    contents = {str(row.exchange): row.content for row in rows if row.content is not None}
    put_fact(vault, key, {**_plain(erasure), "exchanges": sides, "contents": contents})


def erasures(vault: Vault) -> Iterator[tuple[ErasureRow, list[ErasedRow]]]:
    """Oldest first, as their ids are. Raises as `read_fact`."""
    for key, fact in _read_all(vault, ERASURES):
        erasure = _row(key, ErasureRow, fact, ids=("id",))
        try:
            contents = fact.get("contents", {})  # as of format 1 before histories kept the place of what was erased
            rows = [
                ErasedRow(UUID(exchange), erasure.id, "request" in sides, "response" in sides, contents.get(exchange))
                for exchange, sides in fact["exchanges"].items()
            ]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _damaged(key, error) from error
        yield erasure, rows


def _plain(row: PinRow | HoldRow | ErasureRow) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in row.__slots__}
    return {name: str(value) if isinstance(value, UUID) else value for name, value in values.items()}


def _row[T](key: str, kind: type[T], fact: Mapping[str, Any], *, ids: tuple[str, ...]) -> T:
    try:
        values = {name: fact[name] for name in kind.__slots__}  # type: ignore[attr-defined]  # our rows all have slots
        return kind(**{name: UUID(value) if name in ids and value else value for name, value in values.items()})
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(key, error) from error


def _damaged(key: str, error: Exception) -> Damaged:
    return Damaged(f"{key} does not say what it should: {error!r}.", hint="Bring it back from a copy of the vault.")
