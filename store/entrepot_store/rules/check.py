"""What is wrong with rules that can be read: each finding one sentence. For `entrepot rules check`.

Whether a file can be read at all is `config`'s to say.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ..catalog import Catalog, ExchangeFilter
from ..config import RuleConfig, Settings
from ..config.refusal import did_you_mean
from ..model import Action
from .glob import compile_globs
from .shadow import shadowed

type Kind = Literal[
    "shadowed",
    "unknown-product",
    "class-without-keep",
    "class-keeps-differ",
    "deleted-first",
    "not-redacted",
    "unmatched",
]


@dataclass(slots=True, frozen=True)
class Finding:
    """One thing to look at. `rule` is None for what concerns a class. Without `error` it may be meant so."""

    kind: Kind
    rule: str | None
    message: str
    error: bool = False


def check(settings: Settings, catalog: Catalog | None = None) -> list[Finding]:
    """In the order of the rules, errors first. With a catalog also what matches nothing that was captured so far.

    Raises what reading the catalog raises.
    """
    rules = settings.rule
    findings = [Finding("shadowed", one.rule, f"{one}.", error=True) for one in shadowed(rules)]
    findings += _unknown_products(settings, catalog)
    findings += _classes(rules)
    findings += _deleted_first(rules)
    findings += _not_redacted(rules)
    if catalog is not None:
        dead = {finding.rule for finding in findings if finding.error}
        findings += _unmatched([rule for rule in rules if rule.name not in dead], catalog)
    order = {rule.name: number for number, rule in enumerate(rules)}
    return sorted(findings, key=lambda one: (not one.error, order.get(one.rule or "", len(order))))


def _unknown_products(settings: Settings, catalog: Catalog | None) -> Iterator[Finding]:
    """Names without a dot or a colon, which no host outside has, that nothing here and nothing captured has."""
    known = {product.name for product in settings.product} | {one.name for one in settings.proxy.reverse}
    seen = {row.name for row in catalog.products()} if catalog is not None else set()
    names = {name.lower() for name in known | seen}
    for rule in settings.rule:
        for key, patterns in (("from", rule.source), ("to", rule.destination)):
            for pattern in patterns:
                if pattern.lower() in names or any(c in pattern for c in "*.:"):
                    continue
                meant = did_you_mean(pattern, sorted(known | seen))
                yield Finding(
                    "unknown-product",
                    rule.name,
                    f"rule {rule.name!r}: {key} = {pattern!r}: nothing known has this name{meant}.",
                )


def _classes(rules: Sequence[RuleConfig]) -> Iterator[Finding]:
    protecting: dict[str, list[RuleConfig]] = {}
    for rule in rules:
        if rule.action is Action.PROTECT:
            protecting.setdefault(rule.retention_class, []).append(rule)
    for name, found in protecting.items():
        without = [rule.name for rule in found if rule.keep is None]
        if len(without) == len(found):
            yield Finding(
                "class-without-keep",
                None,
                f"class {name!r}: no rule that protects ({_listed(without)}) says with keep how long, so everything in "
                "it stays for ever.",
            )
        elif without:
            yield Finding(
                "class-keeps-differ",
                None,
                f"class {name!r}: {_listed(without)} has no keep, while other rules of the class have one; what it "
                "protects stays for ever.",
            )


def _deleted_first(rules: Sequence[RuleConfig]) -> Iterator[Finding]:
    """Whoever can delete can have a document forgotten sooner than the other words of its rule let a version go."""
    for rule in rules:
        keep = rule.keep
        if keep is None or keep.deleted_within is None or keep.within is None or keep.deleted_within >= keep.within:
            continue
        yield Finding(
            "deleted-first",
            rule.name,
            f"rule {rule.name!r}: keep.deleted_within is shorter than keep.within, so a document that is deleted loses"
            " versions that it would keep if it were not.",
        )


def _not_redacted(rules: Sequence[RuleConfig]) -> Iterator[Finding]:
    """Redaction of what is not stored, or that an ignored exchange does not need."""
    for rule in rules:
        redact = rule.redact
        if rule.action is Action.IGNORE and (redact.bodies or redact.headers or redact.query):
            yield Finding(
                "not-redacted",
                rule.name,
                f"rule {rule.name!r} ignores exchanges, so there is nothing to redact in them.",
            )


def _unmatched(rules: Iterable[RuleConfig], catalog: Catalog) -> Iterator[Finding]:
    products = [row.name for row in catalog.products()]
    for rule in rules:
        if rule.action is Action.IGNORE:
            continue  # of these nothing is ever captured
        for path in rule.path or (None,):
            if not _ever_matched(rule, path, products, catalog):
                what = (
                    f"rule {rule.name!r}: {f'path = {path!r} ' if path else ''}matches nothing that was captured so far"
                )
                yield Finding("unmatched", rule.name, f"{what}.")


def _ever_matched(rule: RuleConfig, path: str | None, products: list[str], catalog: Catalog) -> bool:
    """Whether some captured exchange has what the rule asks for; whichever rule took it."""
    sources = _named(rule.source, products)
    destinations = _named(rule.destination, products)
    if sources is None or destinations is None:
        return False
    where = ExchangeFilter(
        source=sources,
        destination=destinations,
        method=rule.method,
        path_template=path,
        status=rule.status,
        content_type=rule.content_type
        if all("*" not in one or one.endswith("/*") for one in rule.content_type)
        else (),
    )
    return bool(catalog.exchanges(where, limit=1).items)


def _named(patterns: tuple[str, ...], products: list[str]) -> tuple[str, ...] | None:
    """The products that fit; None if there are none, nothing if all are meant."""
    if not patterns:
        return ()
    fit = compile_globs(patterns)
    return tuple(name for name in products if fit.fullmatch(name.lower())) or None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
