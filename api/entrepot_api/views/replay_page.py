"""The report of a replay as one HTML page that needs nothing else: no script, no font, no style from anywhere.

It is made of captured text, which is hostile. Every text goes through `_text`, which makes markup of nothing; the
page's own policy forbids scripts, requests and forms besides, should that ever fail.
"""

from collections.abc import Iterable, Iterator
from html import escape

from entrepot_replay.report import Report
from entrepot_store.catalog.replay_checks import CheckResult, CheckRow
from entrepot_store.catalog.replays import Difference, StepRow
from entrepot_store.clock import to_rfc3339

from ..text import visible
from .replay import state_text

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .5rem}
p.lead{font-size:1.15rem;margin:.5rem 0 1rem}
.bad{color:#b3261e}.good{color:#1b6e3c}
@media(prefers-color-scheme:dark){.bad{color:#ff8a80}.good{color:#7fd8a2}}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:0}dt{opacity:.7}dd{margin:0}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-top:1px solid #8886}
th{font-weight:600}
code{font:13px/1.45 ui-monospace,monospace;overflow-wrap:anywhere;white-space:pre-wrap}
td ul{margin:.2rem 0 0;padding-left:1.1rem}
.kind{white-space:nowrap;font-weight:600}
"""
_MEANING = {
    CheckResult.MISSING: "missing",
    CheckResult.DIFFERS: "differs",
    CheckResult.EXTRA: "extra",
    CheckResult.UNKNOWN: "unknown",
}


def report_page(report: Report) -> str:
    """A whole document, in UTF-8 when encoded."""
    title = f"Replay of {report.replay.destination}"
    return "".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{_text(title)}</title><style>{_STYLE}</style></head><body>",
            f"<h1>{_text(title)}</h1>",
            *_lead(report),
            *_not_back(report),
            *_steps(report),
            *_back(report),
            *_facts(report),
            "</body></html>\n",
        ]
    )


def _lead(report: Report) -> Iterator[str]:
    good = report.exit_code == 0
    found = report.verification
    if found is None:
        sentence = "Nobody has looked whether everything is back."
    elif not found.counts.total:
        sentence = "No document was readable when it was recorded: there is nothing to verify."
    elif found.counts.not_back:
        sentence = f"{found.counts.not_back} of {found.counts.total} documents are not back as they were."
    else:
        sentence = f"All {found.counts.total} documents are back."
    if found is not None and not found.complete:
        sentence += f" The verification did not come to its end{f': {found.reason}' if found.reason else ''}."
    yield f'<p class="lead {"good" if good else "bad"}">{_text(sentence)}</p>'
    for warning in report.replay.plan.get("warnings", ()):
        if warning["kind"] in ("gap", "lost"):
            yield f'<p class="bad">{_text(warning["text"])}</p>'


def _not_back(report: Report) -> Iterator[str]:
    if not report.checks:
        return
    yield "<h2>Not back</h2><table><tr><th>Result<th>Document<th>Why</tr>"
    for row in report.checks:
        yield f'<tr><td class="kind bad">{_text(_MEANING.get(row.result, row.result.value))}<td>{_document(row)}'
        yield f"<td>{_text(row.reason)}{_differences(row.differences, row.more_differences)}</tr>"
    yield "</table>"
    if report.unlisted_checks:
        yield f"<p>{report.unlisted_checks} more are not listed here.</p>"


def _document(row: CheckRow) -> str:
    now = "" if row.asked in ("", row.path) else f"<br>now <code>{_text(row.asked)}</code>"
    place = f" <code>{_text(row.place)}</code>" if row.place else ""
    known = f"<br><small>known from {_text(row.evidence)}{_at(row.at)}</small>" if row.evidence else ""
    return f"<code>{_text(row.path)}</code>{place}{now}{known}"


def _steps(report: Report) -> Iterator[str]:
    if not report.steps:
        return
    yield "<h2>Steps that were not answered as recorded</h2><table><tr><th>Verdict<th>Request<th>Why</tr>"
    for row in report.steps:
        yield from _step(row)
    yield "</table>"
    if report.unlisted:
        yield f"<p>{report.unlisted} more are not listed here.</p>"


def _step(row: StepRow) -> Iterator[str]:
    verdict = "under way" if row.verdict is None else row.verdict.value
    statuses = f"{row.recorded_status} → {row.live_status if row.live_status is not None else '?'}"
    yield f'<tr><td class="kind bad">{_text(verdict)}'
    yield f"<td>#{row.seq} <code>{_text(row.method)} {_text(row.path)}</code><br>{_text(statuses)}"
    yield f"<td>{_text(row.reason)}{_differences(row.differences, row.more_differences)}</tr>"


def _differences(differences: Iterable[Difference], more: int) -> str:
    shown = [one for one in differences if one.decisive]
    if not shown:
        return ""
    items = "".join(f"<li><code>{_text(one.where)}: {_text(one.recorded)} → {_text(one.live)}</code>" for one in shown)
    return f"<ul>{items}{f'<li>and {more} more' if more else ''}</ul>"


def _back(report: Report) -> Iterator[str]:
    found = report.verification
    if found is None or report.share_back is None:
        return
    counts = found.counts
    share = int(report.share_back * 1000) / 10
    numbers = (
        ("restored", counts.restored),
        ("missing", counts.missing),
        ("differ", counts.differs),
        ("extra", counts.extra),
        ("unknown", counts.unknown),
    )
    yield f"<h2>Back: {share:g} %</h2><dl>"
    yield from (f"<dt>{name}<dd>{number}" for name, number in numbers)
    yield f"<dt>as of<dd>{to_rfc3339(found.as_of)}</dl>"


def _facts(report: Report) -> Iterator[str]:
    row, counts = report.replay, report.counts
    facts = (
        ("replay", str(row.id)),
        ("target", row.target),
        ("state", f"{state_text(row)}{f': {row.reason}' if row.reason else ''}"),
        ("steps", str(counts.planned)),
        ("identical", str(counts.identical)),
        ("equivalent", str(counts.equivalent)),
        ("different", str(counts.different)),
        ("failed", str(counts.failed)),
        ("unknown", str(counts.unknown)),
        ("not sent", str(counts.pending + counts.sending)),
        ("left out of the plan", str(counts.skipped)),
        ("verified", "" if report.verification is None else to_rfc3339(report.verification.started_at)),
        ("exit code", str(report.exit_code)),
    )
    yield "<h2>The replay</h2><dl>"
    yield from (f"<dt>{name}<dd>{_text(value)}" for name, value in facts if value)
    yield "</dl>"


def _at(moment: int | None) -> str:
    return "" if moment is None else f" at {to_rfc3339(moment)}"


def _text(text: str) -> str:
    """Captured text as text: nothing in it is markup, and what does not print is shown."""
    return escape(visible(text), quote=True)
