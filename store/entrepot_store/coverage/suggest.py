"""`entrepot rules suggest`: TOML for what looks worth protecting and is not, with the reasons in comments.

The text loads as a configuration as it stands. Captured text gets into it as quoted strings and printable comments.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..archive import Archive
from ..config import RuleConfig, Settings
from ..rules import PathTemplate
from . import noise
from .classify import Finding, Kind, classify
from .noise import Noise
from .report import CoverageReport, Flow, FlowFilter

_CLASSES: Mapping[Kind, str] = {
    "configuration": "config",
    "settings": "settings",
    "preferences": "preferences",
    "derived data": "derived",
}
KEEP = '{ within = "1y", last = 30 }'
_LONGEST_NAME = 63


@dataclass(slots=True, frozen=True)
class Suggestion:
    """A rule for all flows with one destination and path template. `present` are the names of the rules that decide
    about them now."""

    name: str
    destination: str
    template: str
    finding: Finding
    flows: tuple[Flow, ...]
    present: tuple[str, ...]
    ignore: tuple[Noise, ...] = ()


@dataclass(slots=True, frozen=True)
class Suggested:
    """`rules` are for what is not protected; `ignore` are fields that rules in force should leave out, by rule."""

    rules: tuple[Suggestion, ...]
    ignore: Mapping[str, Sequence[Noise]]


def suggest(archive: Archive, settings: Settings, progress: Callable[[str], None] = lambda _: None) -> Suggested:
    """What the traffic captured so far suggests; `progress` is told what is being looked at. Raises as the catalog and
    the vault do."""
    report = CoverageReport(archive.catalog.coverage, settings)
    together: defaultdict[tuple[str, str], list[Flow]] = defaultdict(list)
    for flow in report.flows(FlowFilter()):
        together[flow.destination, flow.template].append(flow)
    names = {rule.name.lower() for rule in settings.rule}
    rules = []
    for (destination, template), flows in together.items():
        finding = _finding(flows)
        if finding is None or not _can_be_matched(destination, template):
            continue
        progress(f"{destination} {template}")
        name = _name(destination, template, names)
        names.add(name.lower())
        present = sorted({ruling.rule for flow in flows for ruling in flow.present})
        learnt = noise.of_flow(archive, destination, template)
        rules.append(Suggestion(name, destination, template, finding, tuple(flows), tuple(present), tuple(learnt)))
    progress("documents")
    rules.sort(key=lambda rule: (-rule.finding.points, rule.destination, rule.template))
    return Suggested(tuple(rules), _unknown(noise.of_documents(archive), settings.rule))


def to_toml(found: Suggested) -> str:
    """The text of a file; it says so if there is nothing to suggest."""
    lines: list[str] = []
    if found.rules:
        lines += [
            "# Suggested by `entrepot rules suggest`: a guess that needs your judgement.",
            "# The first rule that matches decides, so these belong before the rules named in their comments.",
        ]
    for rule in found.rules:
        lines += ["", *_rule(rule)]
    for name, fields in found.ignore.items():
        lines += ["", *_addition(name, fields)]
    if not lines:
        lines = ["# Nothing that looks like configuration, settings, preferences or derived data is unprotected."]
    return "\n".join(lines) + "\n"


def _rule(rule: Suggestion) -> Iterator[str]:
    yield _comment(f"{', '.join(_usage(rule.flows))}; decided by {', '.join(rule.present)} now.")
    yield _comment(f"It looks like {rule.finding.kind}: {'; '.join(rule.finding.reasons)}.")
    yield "[[rule]]"
    yield f"name = {_quoted(rule.name)}"
    yield f"to = {_quoted(rule.destination)}"
    yield f"path = {_quoted(rule.template)}"
    yield 'action = "protect"'
    yield f"class = {_quoted(_CLASSES[rule.finding.kind])}"
    yield f"keep = {KEEP}"
    if rule.ignore:
        yield from _ignore(rule.ignore)


def _ignore(fields: Sequence[Noise], prefix: str = "") -> Iterator[str]:
    for field in fields:
        yield _comment(f"{field.path} is {field.looks_like} and differed in {field.pairs} of {field.pairs} looks.")
    yield f"{prefix}ignore = [{', '.join(_quoted(field.path) for field in fields)}]"


def _addition(name: str, fields: Sequence[Noise]) -> Iterator[str]:
    yield _comment(f'Rule "{name}": these fields make a version of every look. To leave them out, add to it:')
    yield from _ignore(fields, "# ")


def _finding(flows: Sequence[Flow]) -> Finding | None:
    """The likeliest over all methods and sources; None if something of it is protected already, or nothing speaks for
    it. A rule for one method only is its author's decision."""
    if any(flow.protection != "unprotected" for flow in flows if flow.answered):
        return None
    found = [
        finding
        for flow in flows
        if (finding := classify(flow, [other for other in flows if other is not flow])) is not None
    ]
    return max(found, key=lambda finding: finding.points, default=None)


def _can_be_matched(destination: str, template: str) -> bool:
    """Whether a rule can name them: hostile peers make up what no configuration takes."""
    if "**" in template or not destination or any(c.isspace() for c in destination):
        return False
    try:
        PathTemplate.compile(template)
    except ValueError:
        return False
    return True


def _name(destination: str, template: str, taken: Iterable[str]) -> str:
    words = re.findall(r"[A-Za-z0-9]+", re.sub(r"\{[^}]*\}", "", template))
    plain = "-".join((*re.findall(r"[A-Za-z0-9]+", destination), *words)).lower() or "flow"
    name, number = plain[:_LONGEST_NAME].rstrip("-"), 2
    while name.lower() in taken:
        suffix = f"-{number}"
        name = plain[: _LONGEST_NAME - len(suffix)].rstrip("-") + suffix
        number += 1
    return name


def _usage(flows: Iterable[Flow]) -> list[str]:
    """`billing 12 GET`, busiest first."""
    answered = sorted((flow for flow in flows if flow.answered), key=lambda flow: -flow.exchanges)
    said = [f"{flow.source} {flow.exchanges} {flow.method}" for flow in answered[:6]]
    return [*said, f"{len(answered) - 6} more"] if len(answered) > 6 else said


def _unknown(found: Mapping[str, Sequence[Noise]], rules: Iterable[RuleConfig]) -> dict[str, list[Noise]]:
    """Without what the rules ignore already; of rules that are in force."""
    ignored = {rule.name: set(rule.ignore) for rule in rules}
    left = {
        name: [field for field in fields if field.path not in ignored[name]]
        for name, fields in found.items()
        if name in ignored
    }
    return {name: fields for name, fields in left.items() if fields}


def _quoted(text: str) -> str:
    # JSON's escapes are among TOML's.
    return json.dumps(text)


def _comment(text: str) -> str:
    return "# " + "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
