"""What a configuration decides about exchanges, compiled; a reload swaps one for another between two hooks."""

from typing import NamedTuple

from entrepot_store.config import Settings
from entrepot_store.rules import ProductNames, RuleSet


class Policy(NamedTuple):
    """`strict`: some rule makes an exchange wait for its record, so rules have to be asked before the response goes
    on. Otherwise that is left to the spool writer's thread. `redacts`: some rule looks into bodies, so the rules have
    to be asked before a body gets to a disk."""

    rules: RuleSet
    names: ProductNames
    strict: bool
    redacts: bool


def compile_policy(settings: Settings, key: bytes) -> Policy:
    """`key` is the redaction key. Raises ConfigError or ValueError for a rule that does not compile."""
    strict = any(rule.durability == "sync" or rule.on_failure == "closed" for rule in settings.rule)
    redacts = any(rule.redact.bodies for rule in settings.rule)
    return Policy(RuleSet.compile(settings, key), ProductNames(settings.product), strict, redacts)
