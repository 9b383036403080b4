"""What would go, and why: the dry run of `prune`, and what `prune` then does."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import batched
from uuid import UUID

from ..catalog.retention import History, PinRow, RetentionCatalog
from ..config.rule import KeepConfig, RuleConfig
from ..errors import BadInput
from .document_plan import VersionPlan, is_long_deleted, plan_document

_BATCH = 5000


@dataclass(slots=True, frozen=True)
class DocumentPlan:
    """One document of which something goes."""

    history: History
    versions: tuple[VersionPlan, ...]


@dataclass(slots=True, frozen=True)
class Going:
    """An exchange that goes, where it is, and the bytes it takes there. `ends` marks what says that a document was
    deleted, which must not be forgotten before the rest of it: it would come back to life."""

    id: UUID
    retention_class: str
    segment: str
    stored: int
    ends: bool = False


@dataclass(slots=True)
class RuleTotals:
    """What goes by one rule. `deleted` of the documents go altogether; `seen_unchanged` are exchanges that only showed
    that nothing had changed."""

    documents: int = 0
    deleted: int = 0
    versions: int = 0
    kept_versions: int = 0
    seen_unchanged: int = 0
    journal: int = 0


@dataclass(slots=True)
class Plan:
    """`held` are classes with a legal hold, of which nothing goes, with the number of exchanges that would."""

    documents: list[DocumentPlan] = field(default_factory=list)
    going: list[Going] = field(default_factory=list)
    rules: dict[str, RuleTotals] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)

    @property
    def stored(self) -> int:
        """Bytes of the records that go; repacking gives them back."""
        return sum(found.stored for found in self.going)


def make_plan(catalog: RetentionCatalog, rules: Sequence[RuleConfig], now: int) -> Plan:
    """By the rules that say what to keep; what came by any other rule stays.

    Raises BadInput if no rule says so: an empty policy would keep nothing, or everything, and is a mistake in both
    cases. Raises what the catalog raises.
    """
    keeps = {rule.name: rule.keep for rule in rules if rule.keep is not None}
    if not keeps:
        raise BadInput(
            "No rule says what to keep, so nothing can be pruned.",
            hint='Give a rule a keep, such as keep = { within = "10y", last = 50 }.',
        )
    plan = Plan(rules={name: RuleTotals() for name in sorted(keeps)})
    held = {hold.retention_class for hold in catalog.holds()}
    pins: dict[UUID, list[PinRow]] = {}
    for pin in catalog.pins():
        pins.setdefault(pin.document, []).append(pin)
    newest = min(now, catalog.newest() or now)
    looks: dict[UUID, tuple[set[UUID], int]] = {}
    ends: set[UUID] = set()
    spared: dict[UUID, str] = {}
    for history in catalog.histories(keeps):
        keep = keeps[history.rule]
        gone = is_long_deleted(history, keep, newest)
        if gone and (kept := _held_looks(catalog, history, held)):
            # A part of it would stay, and not what says that it was deleted.
            keep, gone = keep.model_copy(update={"deleted_within": None}), False
            spared |= kept
        versions = plan_document(history, keep, pins.get(history.document, ()), now, newest)
        _count(plan.rules[history.rule], versions)
        if any(version.going for version in versions):
            plan.documents.append(DocumentPlan(history, tuple(versions)))
        for look in (look for version in versions for look in version.going):
            ids, _ = looks.setdefault(look.exchange, (set(), look.stored))
            ids.add(look.id)
        if gone and versions and not any(version.stays for version in versions):
            ends.update(look.exchange for look in versions[-1].going)
    for going in (*_of_documents(catalog, looks), *_of_the_journal(catalog, keeps, newest, plan)):
        if going.retention_class in held:
            spared[going.id] = going.retention_class
        else:
            plan.going.append(replace(going, ends=True) if going.id in ends else going)
    plan.held = dict(Counter(spared.values()))
    return plan


def _held_looks(catalog: RetentionCatalog, history: History, held: set[str]) -> dict[UUID, str]:
    """Those of a document's exchanges that are in a held class, with the class."""
    if not held:
        return {}
    places = catalog.places([look.exchange for look in history.looks])
    return {exchange: name for exchange, (name, _) in places.items() if name in held}


def _count(totals: RuleTotals, versions: Sequence[VersionPlan]) -> None:
    totals.documents += any(version.going for version in versions)
    totals.deleted += bool(versions) and not any(version.stays for version in versions)
    totals.versions += sum(not version.stays for version in versions)
    totals.kept_versions += sum(version.stays for version in versions)
    totals.seen_unchanged += sum(len(version.going) for version in versions if version.stays)


def _of_documents(catalog: RetentionCatalog, looks: dict[UUID, tuple[set[UUID], int]]) -> Iterator[Going]:
    """Exchanges of which nothing that they say about any document stays."""
    for chunk in batched(looks, _BATCH):
        everything, places = catalog.looks_of(chunk), catalog.places(chunk)
        for identifier in chunk:
            going, stored = looks[identifier]
            if identifier in places and everything.get(identifier, set()) <= going:
                yield Going(identifier, *places[identifier], stored)


def _of_the_journal(
    catalog: RetentionCatalog, keeps: dict[str, KeepConfig], newest: int, plan: Plan
) -> Iterator[Going]:
    """Exchanges that say nothing about a document go by age alone, counted back from the last exchange of all: neither
    a clock that jumps ahead nor a silent month makes anything old."""
    for name, keep in sorted(keeps.items()):
        if keep.within is None:
            continue
        for entry in catalog.journal(name, newest - keep.within):
            plan.rules[name].journal += 1
            yield Going(entry.id, entry.retention_class, entry.segment, entry.stored)
