"""Coverage as people read it: one entry per source, destination, method and path template, with what captured it, what
the rules in force would do with it, and how the shape of its payloads changed.

Read a destination at a time: the number of flows to one is bounded, and templates are inferred over all of them.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ..catalog.coverage import CoverageCatalog, FlowRow, PathRow, SampleRow
from ..catalog.rows import Page
from ..config import Settings
from ..model import Action
from . import shapes
from .cursor import make_cursor, read_cursor
from .present import PresentRules, Ruling, filled
from .tally import HOUR
from .templates import infer

type Protection = Literal["protected", "partly", "unprotected"]
type ShapeState = Literal["new", "stable", "changed"]


@dataclass(slots=True, frozen=True)
class Captured:
    """What one rule captured of a flow, by what it said at the time. Times: microseconds since the epoch."""

    rule: str
    action: str
    exchanges: int
    first_seen: int
    last_seen: int


@dataclass(slots=True, frozen=True)
class Shape:
    """The shape of one side's JSON bodies. `new` until there are samples enough to tell a change; `since` and the
    times of the changes are microseconds since the epoch, to the hour."""

    state: ShapeState
    since: int
    samples: int
    schema: str
    changes: tuple[shapes.Change, ...]


@dataclass(slots=True, frozen=True)
class Flow:
    """One entry. Sizes are of bodies, bytes; times microseconds since the epoch; `statuses` by status, None for no
    answer; `captured` latest first; `present` is what the rules in force say of it, most exchanges first.

    `protection` speaks of the rules in force, over those exchanges that the server answered, if it did any; `differs`
    says that they would not do now what was done when such an exchange was captured last.
    """

    source: str
    destination: str
    method: str
    template: str
    exchanges: int
    request_bytes: int
    response_bytes: int
    first_seen: int
    last_seen: int
    answered: bool
    statuses: Mapping[int | None, int]
    media_types: tuple[str, ...]
    captured: tuple[Captured, ...]
    present: tuple[Ruling, ...]
    protection: Protection
    differs: bool
    request_shape: Shape | None = None
    response_shape: Shape | None = None

    @property
    def place(self) -> tuple[str, str, str, str]:
        """What the list is ordered by."""
        return self.destination, self.template, self.method, self.source


@dataclass(slots=True, frozen=True, kw_only=True)
class FlowFilter:
    """Every given condition must hold; several names are alternatives. `covered` True: protected by the rules in
    force; False: not, or not wholly."""

    source: tuple[str, ...] = ()
    destination: tuple[str, ...] = ()
    covered: bool | None = None

    def matches(self, flow: Flow) -> bool:
        return (not self.source or flow.source in self.source) and (
            self.covered is None or self.covered == (flow.protection == "protected")
        )


@dataclass(slots=True)
class CoverageReport:
    """Coverage by the rules of `settings`. Raises as the catalog does."""

    catalog: CoverageCatalog
    settings: Settings
    _rules: PresentRules = field(init=False)

    def __post_init__(self) -> None:
        self._rules = PresentRules(self.settings)

    def page(self, where: FlowFilter, *, limit: int = 100, cursor: str | None = None) -> Page[Flow]:
        """By destination, template, method and source. Raises BadInput for a cursor of another listing."""
        listing = f"coverage {where!r}"
        after = None if cursor is None else read_cursor(listing, cursor)
        items: list[Flow] = []
        for flow in self.flows(where, after):
            if len(items) == limit:
                return Page(items, make_cursor(listing, items[-1].place))
            items.append(flow)
        return Page(items)

    def flows(self, where: FlowFilter, after: tuple[str, ...] | None = None) -> Iterator[Flow]:
        """All of them, or those behind `after`."""
        for destination in self.catalog.destinations():
            if where.destination and destination not in where.destination:
                continue
            if after is not None and destination < after[0]:
                continue
            for flow in self.of_destination(destination):
                if where.matches(flow) and (after is None or flow.place > after):
                    yield flow

    def of_destination(self, destination: str) -> list[Flow]:
        paths = {row.path: row for row in self.catalog.paths(destination)}
        templates = infer({path: row.values for path, row in paths.items()})
        groups: defaultdict[tuple[str, str, str], list[FlowRow]] = defaultdict(list)
        for row in self.catalog.flows(destination):
            if row.path in templates:  # read a moment later than the paths
                groups[templates[row.path], row.method, row.source].append(row)
        shown = self._shapes(destination, templates)
        return [
            self._flow(template, rows, paths, shown.get((template, method), (None, None)))
            for (template, method, _), rows in sorted(groups.items())
        ]

    def _flow(
        self,
        template: str,
        rows: Sequence[FlowRow],
        paths: Mapping[str, PathRow],
        shown: tuple[Shape | None, Shape | None],
    ) -> Flow:
        first = rows[0]
        answered = [row for row in rows if row.answered]
        statuses: defaultdict[int | None, int] = defaultdict(int)
        captured: defaultdict[tuple[str, str], list[FlowRow]] = defaultdict(list)
        present: defaultdict[Ruling, int] = defaultdict(int)
        latest: dict[tuple[object, ...], FlowRow] = {}
        rulings = {id(row): self._ruling(row, paths) for row in rows}
        for row in rows:
            statuses[row.status] += row.exchanges
            captured[row.rule, row.action].append(row)
            kind = (row.path, row.status, row.media_type)
            if kind not in latest or latest[kind].last_seen < row.last_seen:
                latest[kind] = row
        for row in answered or rows:
            present[rulings[id(row)]] += row.exchanges
        protects = {ruling.action is Action.PROTECT for ruling in present}
        return Flow(
            source=first.source,
            destination=first.destination,
            method=first.method,
            template=template,
            exchanges=sum(row.exchanges for row in rows),
            request_bytes=sum(row.request_bytes for row in rows),
            response_bytes=sum(row.response_bytes for row in rows),
            first_seen=min(row.first_seen for row in rows),
            last_seen=max(row.last_seen for row in rows),
            answered=bool(answered),
            statuses=dict(sorted(statuses.items(), key=lambda item: item[0] or 0)),
            media_types=tuple(sorted({row.media_type for row in rows if row.media_type})),
            captured=_captured(captured),
            present=tuple(sorted(present, key=lambda ruling: (-present[ruling], ruling))),
            protection="protected" if protects == {True} else "unprotected" if protects == {False} else "partly",
            differs=any(rulings[id(row)] != (row.rule, row.action) for row in latest.values()),
            request_shape=shown[0],
            response_shape=shown[1],
        )

    def _ruling(self, row: FlowRow, paths: Mapping[str, PathRow]) -> Ruling:
        path = filled(row.path, paths[row.path].values)
        return self._rules.ruling(row.source, row.destination, row.method, path, row.media_type, row.status)

    def _shapes(
        self, destination: str, templates: Mapping[str, str]
    ) -> dict[tuple[str, str], tuple[Shape | None, Shape | None]]:
        samples: defaultdict[tuple[str, str], list[SampleRow]] = defaultdict(list)
        digests: set[bytes] = set()
        for sample in self.catalog.samples(destination):
            if sample.path in templates:
                samples[templates[sample.path], sample.method].append(sample)
                digests.update(shape for shape in (sample.request_shape, sample.response_shape) if shape)
        schemas = self.catalog.schemas(digests)
        return {
            key: (
                _shape([(sample.hour, sample.request_shape) for sample in found], schemas),
                _shape([(sample.hour, sample.response_shape) for sample in found], schemas),
            )
            for key, found in samples.items()
        }


def _captured(found: Mapping[tuple[str, str], Sequence[FlowRow]]) -> tuple[Captured, ...]:
    entries = [
        Captured(
            rule,
            action,
            sum(row.exchanges for row in rows),
            min(row.first_seen for row in rows),
            max(row.last_seen for row in rows),
        )
        for (rule, action), rows in found.items()
    ]
    return tuple(sorted(entries, key=lambda entry: (-entry.last_seen, entry.rule, entry.action)))


def _shape(samples: Sequence[tuple[int, bytes | None]], schemas: Mapping[bytes, str]) -> Shape | None:
    seen = [(hour, schemas[digest]) for hour, digest in samples if digest and digest in schemas]
    if not seen:
        return None
    changes = shapes.changes(seen)
    state: ShapeState = "changed" if changes else "new" if len(seen) < shapes.BASE else "stable"
    return Shape(state, seen[0][0] * HOUR, len(seen), seen[-1][1], tuple(changes))
