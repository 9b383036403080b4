"""What planning found, in numbers and warnings: the part of a plan that people read before they start it."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from entrepot_store.catalog import ExchangeRow
from entrepot_store.catalog.rows import GapRow
from entrepot_store.clock import to_rfc3339
from entrepot_store.redact import Reference

from .flow import Flow
from .flow.analysis import SECRET
from .selection import LOST, Chosen, Selection
from .tracing import Unread

MAX_SECRETS = 200
"""Secrets listed one by one; a recording of many users has one for each of their sessions."""
MAX_LEARNT = 10_000
"""Secrets that steps bring themselves, kept by digest so that nobody is asked for them."""
MAX_GAPS = 20
BEHIND_SECONDS = 5.0
"""Less than this is what a proxy at work always has in its spool."""

_NO_FLOW = Flow()


class PlanSummary:
    """Counts while the exchanges go by."""

    def __init__(self, behind: float = 0.0) -> None:
        """`behind` is how many seconds of captures are not in the catalog yet."""
        self._behind = behind
        self._considered = 0
        self._steps = 0
        self._bytes = 0
        self._methods: Counter[str] = Counter()
        self._skips: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()
        self._secrets: Counter[Reference] = Counter()
        self._secret_names: Counter[str] = Counter()
        self._partial_answers = 0
        self._trailers = 0
        self._first: int | None = None
        self._last: int | None = None
        self._gaps: list[str] = []
        self._probes = self._made = self._uses = self._unmade = 0
        self._learnt: set[str] = set()
        self._unread: Counter[str] = Counter()

    def count(self, row: ExchangeRow, chosen: Chosen, flow: Flow = _NO_FLOW) -> None:
        self._considered += 1
        self._probes += flow.probe
        self._made += len(flow.makes)
        for use in flow.uses:
            self._uses += 1
            self._unmade += use.made_by is None
        if chosen.skip is not None:
            self._skips[chosen.skip.value] += 1
            if chosen.skip in LOST and chosen.listed:
                self._lost[chosen.skip.value] += 1
            return
        self._steps += 1
        self._bytes += row.request.size
        self._methods[row.method] += 1
        self._first = row.started_at if self._first is None else self._first
        self._last = row.started_at
        if not row.complete:
            self._partial_answers += 1
        self._trailers += any(name.lower() == b"trailer" for name, _ in row.request.headers)

    def unread(self, found: Iterable[Unread]) -> None:
        self._unread.update(one.why for one in found)

    def secrets(self, references: Iterable[Reference], flow: Flow = _NO_FLOW) -> None:
        """The secrets of one step. Those that an earlier step's answer brings are not asked of anybody."""
        learnt = {use.key.text for use in flow.uses if use.key.role == SECRET and use.made_by is not None}
        self._learnt |= learnt
        found = [reference for reference in references if reference.digest not in learnt]
        self._secrets.update(found)
        self._secret_names.update({reference.name for reference in found})

    def gaps(self, gaps: Iterable[GapRow], selection: Selection) -> None:
        """Those that lie in the window; a window without bounds holds them all."""
        for row in gaps:
            gap = row.gap
            if selection.where.since is not None and gap.until <= selection.where.since:
                continue
            if selection.where.until is not None and gap.since >= selection.where.until:
                continue
            missing = f"{gap.missing} captures" if gap.missing else "an unknown number of captures"
            known = " (acknowledged)" if row.acknowledged_at is not None else ""
            self._gaps.append(
                f"From {to_rfc3339(gap.since)} to {to_rfc3339(gap.until)} missing {missing}: {gap.reason}{known}."
            )

    def to_json(self) -> dict[str, Any]:
        return {
            "considered": self._considered,
            "steps": self._steps,
            "bytes": self._bytes,
            "methods": dict(sorted(self._methods.items())),
            "skips": dict(self._skips.most_common()),
            "lost": dict(self._lost.most_common()),
            "secrets": [
                {"name": reference.name, "digest": reference.digest, "steps": steps}
                for reference, steps in self._secrets.most_common(MAX_SECRETS)
            ],
            "secrets_unlisted": max(0, len(self._secrets) - MAX_SECRETS),
            "learnt_secrets": sorted(self._learnt)[:MAX_LEARNT],
            "flow": {
                "values": self._made,
                "uses": self._uses,
                "made_before_the_plan": self._unmade,
                "probes": self._probes,
            },
            "secret_names": dict(self._secret_names.most_common()),
            "first_at": None if self._first is None else to_rfc3339(self._first),
            "last_at": None if self._last is None else to_rfc3339(self._last),
            "warnings": self._warnings(),
        }

    def _warnings(self) -> list[dict[str, str]]:
        """The most serious first. Those of kind `secret` name the secret, so that they can be settled."""
        found = [{"kind": "gap", "text": text} for text in self._gaps[:MAX_GAPS]]
        if len(self._gaps) > MAX_GAPS:
            found.append({"kind": "gap", "text": f"There are {len(self._gaps) - MAX_GAPS} more gaps in this window."})
        if self._behind >= BEHIND_SECONDS:
            found.append(
                {
                    "kind": "behind",
                    "text": f"Captures of the last {self._behind:.0f} seconds are not shipped yet, "
                    "and not in this plan.",
                }
            )
        for why, number in self._lost.most_common():
            found.append({"kind": "lost", "text": f"{_exchanges(number)} cannot be replayed: {why}."})
        for why, number in self._unread.most_common():
            found.append({"kind": "unread", "text": f"{_exchanges(number)} not searched for ids made anew: {why}."})
        if self._unmade:
            found.append(
                {
                    "kind": "before",
                    "text": f"{self._unmade} uses of values that the service made in answers that this plan does not "
                    "send: they go out as recorded.",
                }
            )
        if self._partial_answers:
            found.append(
                {
                    "kind": "incomplete",
                    "text": f"Of {_exchanges(self._partial_answers)} the recorded answer is incomplete: "
                    "they are sent, and their verdict is unknown unless the status differs.",
                }
            )
        if self._trailers:
            text = f"{_exchanges(self._trailers)} announced trailers, which are not sent: their values are left out."
            found.append({"kind": "trailers", "text": text})
        for name, steps in self._secret_names.most_common():
            text = (
                f"{_exchanges(steps)} need the {name} that was redacted: give --credential {name}=env:VARIABLE, "
                "or --without-credentials to leave it out."
            )
            found.append({"kind": "secret", "text": text, "name": name})
        if not self._steps:
            found.append({"kind": "empty", "text": "There is nothing to send."})
        return found


def _exchanges(number: int) -> str:
    return "1 exchange" if number == 1 else f"{number} exchanges"
