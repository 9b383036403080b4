"""Compares tables by row and column.

Columns are matched by their names in the header. Rows are matched by a column that names them, if there is one: `id`
and the like, else the first, if no value occurs twice in it. Without one, rows are matched by their order, with those
that are equal as anchors.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .align import align, gaps
from .model import Op, TableChange
from .table import Sheet, Table, letters

_NAMING = ("id", "_id", "uuid", "guid", "key", "code", "sku", "number", "no", "email", "name")

type Row = tuple[str, ...]


@dataclass(slots=True, frozen=True)
class _Pair:
    """A sheet in both contents. `columns` are those in both: name, and where in each. `key` is the position in
    `columns` by which rows are matched, None: by their order."""

    name: str | None
    before: Sheet
    after: Sheet
    columns: tuple[tuple[str, int, int], ...]
    key: int | None


def compare_tables(before: Table, after: Table) -> Iterator[TableChange]:
    """What was changed, added and removed, sheet by sheet."""
    if len(before) == len(after) == 1:
        ((name, new),), (old,) = after.items(), before.values()
        if list(before) != list(after) and None not in before and name is not None:
            yield TableChange(Op.CHANGED, before=next(iter(before)), after=name)  # the one sheet has a new name
        yield from _compare_sheet(name, old, new)
        return
    for name, sheet in before.items():
        if name in after:
            yield from _compare_sheet(name, sheet, after[name])
        else:
            yield TableChange(Op.REMOVED, name)
    for name in after:
        if name not in before:
            yield TableChange(Op.ADDED, name)


def _compare_sheet(name: str | None, before: Sheet, after: Sheet) -> Iterator[TableChange]:
    if _headless(before) or _headless(after):
        before, after = _without_header(before), _without_header(after)
    old = {column: index for index, column in enumerate(before.columns)}
    new = {column: index for index, column in enumerate(after.columns)}
    columns = tuple((column, old[column], index) for column, index in new.items() if column in old)
    for column in old:
        if column not in new:
            yield TableChange(Op.REMOVED, name, column=column)
    for column in new:
        if column not in old:
            yield TableChange(Op.ADDED, name, column=column)
    if [place for _, place, _ in columns] != sorted(place for _, place, _ in columns):
        yield TableChange(Op.MOVED, name, before=", ".join(before.columns), after=", ".join(after.columns))
    yield from _compare_rows(_Pair(name, before, after, columns, _key(before, after, columns)))


def _without_header(sheet: Sheet) -> Sheet:
    """Where one side has none, the other's header is a row like others."""
    if sheet.header is None:
        return sheet
    return Sheet(None, 0, ((sheet.header_row, sheet.header), *sheet.rows))


def _headless(sheet: Sheet) -> bool:
    return sheet.header is None and bool(sheet.rows)


def _key(before: Sheet, after: Sheet, columns: Sequence[tuple[str, int, int]]) -> int | None:
    if before.header is None or not columns:
        return None
    names = [column.strip().lower() for column, _, _ in columns]
    candidates = [names.index(name) for name in _NAMING if name in names]
    for position in (*candidates, 0):
        _, old, new = columns[position]
        if _tells_apart(before, old) and _tells_apart(after, new):
            return position
    return None


def _tells_apart(sheet: Sheet, column: int) -> bool:
    values = [_cell(row, column) for _, row in sheet.rows]
    return all(values) and len(set(values)) == len(values)


def _compare_rows(pair: _Pair) -> Iterator[TableChange]:
    old = [tuple(_cell(row, place) for _, place, _ in pair.columns) for _, row in pair.before.rows]
    new = [tuple(_cell(row, place) for _, _, place in pair.columns) for _, row in pair.after.rows]
    if pair.key is not None:
        yield from _by_key(pair, pair.key, old, new)
        return
    for start, end, other, other_end in gaps(align(old, new), len(old), len(new)):
        # Rows that are more alike than not are one row that was changed, if as many went as came.
        paired = end - start if end - start == other_end - other else 0
        for step in range(paired):
            if _alike(old[start + step], new[other + step]):
                yield from _cells(pair, start + step, other + step, old, new)
            else:
                yield _removed(pair, start + step)
                yield _added(pair, other + step)
        for index in range(start + paired, end):
            yield _removed(pair, index)
        for index in range(other + paired, other_end):
            yield _added(pair, index)


def _by_key(pair: _Pair, key: int, old: list[Row], new: list[Row]) -> Iterator[TableChange]:
    places = {row[key]: index for index, row in enumerate(new)}
    order: list[int] = []
    for index, row in enumerate(old):
        place = places.pop(row[key], None)
        if place is None:
            yield _removed(pair, index)
            continue
        order.append(place)
        yield from _cells(pair, index, place, old, new)
    for place in places.values():
        yield _added(pair, place)
    if order != sorted(order):
        yield TableChange(Op.MOVED, pair.name)


def _cells(pair: _Pair, index: int, place: int, old: list[Row], new: list[Row]) -> Iterator[TableChange]:
    if old[index] == new[place]:
        return
    for (column, _, _), was, now in zip(pair.columns, old[index], new[place], strict=True):
        if was != now:
            key = None if pair.key is None else new[place][pair.key]
            yield TableChange(Op.CHANGED, pair.name, pair.after.rows[place][0], key, column, was, now)


def _removed(pair: _Pair, index: int) -> TableChange:
    number, row = pair.before.rows[index]
    key = None if pair.key is None else _cell(row, pair.columns[pair.key][1])
    return TableChange(Op.REMOVED, pair.name, number, key, values=_values(pair.before, row))


def _added(pair: _Pair, place: int) -> TableChange:
    number, row = pair.after.rows[place]
    key = None if pair.key is None else _cell(row, pair.columns[pair.key][2])
    return TableChange(Op.ADDED, pair.name, number, key, values=_values(pair.after, row))


def _values(sheet: Sheet, row: Row) -> dict[str, str]:
    columns = sheet.columns
    return {columns[place] if place < len(columns) else letters(place): cell for place, cell in enumerate(row)}


def _cell(row: Row, column: int) -> str:
    return row[column] if column < len(row) else ""


def _alike(one: Row, other: Row) -> bool:
    return 2 * sum(was == now for was, now in zip(one, other, strict=True)) >= len(one)
