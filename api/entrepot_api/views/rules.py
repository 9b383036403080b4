"""What `entrepot rules` says, as JSON: findings, explanations and previews."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import Field

from entrepot_store.clock import to_rfc3339
from entrepot_store.config import RuleConfig
from entrepot_store.rules.check import Finding
from entrepot_store.rules.explain import Explained, Explanation
from entrepot_store.rules.preview import Decided, Preview

from .base import Moment, View


class FindingView(View):
    """One thing to look at. `rule` is null for what concerns a class."""

    kind: str
    severity: str = Field(description="`error` or `warning`.")
    rule: str | None
    message: str


class CheckView(View):
    """`rules` counts those that were checked; `catalog` says whether captured traffic was asked as well."""

    rules: int
    catalog: bool
    findings: list[FindingView]


class MatcherView(View):
    """`found` is null for what is not known, empty for what is not there."""

    key: str
    wanted: list[str]
    found: str | None
    outcome: str = Field(description="`yes`, `no`, or `depends` on what is not known.")


class ExplainedRuleView(View):
    name: str
    action: str
    retention_class: str = Field(serialization_alias="class")
    outcome: str
    matchers: list[MatcherView]


class ExplanationView(View):
    """`decides` is the rule that matches for certain; one of `may_decide` comes before it if what is not known is so.
    `recorded` is the rule that decided when the exchange was captured, null for a URL."""

    url: str
    source: str | None
    destination: str
    method: str
    content_type: str | None
    status: int | None
    recorded: str | None
    decides: str
    may_decide: list[str]
    rules: list[ExplainedRuleView]


class DecidedView(View):
    rule: str
    action: str
    retention_class: str = Field(serialization_alias="class")
    durability: str
    on_failure: str
    fidelity: str


class TakenOutView(View):
    """`references` counts, by label, what would come in the place of secrets. `withheld` is why nothing of a body would
    be kept, null if it would."""

    place: str
    references: dict[str, int]
    withheld: str | None


class PreviewView(View):
    id: UUID
    started_at: Moment
    method: str
    destination: str
    path: str
    now: DecidedView
    then: DecidedView
    taken_out: list[TakenOutView]
    left_in: list[str]
    unread: str | None


class PreviewsView(View):
    """`exchanges` counts those looked at; `items` are those that change."""

    exchanges: int
    items: list[PreviewView]


def check_view(rules: Sequence[RuleConfig], findings: Sequence[Finding], *, catalog: bool) -> CheckView:
    views = [
        FindingView(kind=one.kind, severity="error" if one.error else "warning", rule=one.rule, message=one.message)
        for one in findings
    ]
    return CheckView(rules=len(rules), catalog=catalog, findings=views)


def explained_rule_view(one: Explained) -> ExplainedRuleView:
    return ExplainedRuleView(
        name=one.rule.name,
        action=one.rule.action.value,
        retention_class=one.rule.retention_class,
        outcome=one.outcome.value,
        matchers=[
            MatcherView(key=each.key, wanted=list(each.wanted), found=each.found, outcome=each.outcome.value)
            for each in one.matchers
        ],
    )


def explanation_view(url: str, recorded: str | None, explanation: Explanation) -> ExplanationView:
    facts = explanation.facts
    return ExplanationView(
        url=url,
        source=facts.source,
        destination=facts.destination,
        method=facts.method,
        content_type=facts.content_type,
        status=facts.status,
        recorded=recorded,
        decides=explanation.decides.name,
        may_decide=[rule.name for rule in explanation.may_decide],
        rules=[explained_rule_view(one) for one in explanation.rules],
    )


def preview_view(preview: Preview) -> PreviewView:
    row = preview.exchange
    return PreviewView(
        id=row.id,
        started_at=to_rfc3339(row.started_at),
        method=row.method,
        destination=row.destination,
        path=row.path,
        now=_decided_view(preview.now),
        then=_decided_view(preview.then),
        taken_out=[
            TakenOutView(place=one.place, references=dict(one.references), withheld=one.withheld or None)
            for one in preview.taken_out
        ],
        left_in=list(preview.left_in),
        unread=preview.unread or None,
    )


def _decided_view(decided: Decided) -> DecidedView:
    return DecidedView(
        rule=decided.rule,
        action=decided.action.value,
        retention_class=decided.retention_class,
        durability=decided.durability,
        on_failure=decided.on_failure,
        fidelity=decided.fidelity,
    )
