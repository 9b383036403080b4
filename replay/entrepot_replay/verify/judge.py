"""The verdict on one document: what it was (`expected`), what the target answered for it, and what follows from that.

A document is restored when it agrees with its evidence, differences that are accounted for aside. Where the evidence
is in doubt (something may have changed the document after it was last seen) agreement proves as much, and disagreement
proves nothing: unknown, and why. A list in doubt agrees if all that changed in it are items that have checks of their
own.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Lock

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeRow
from entrepot_store.catalog.replay_checks import CheckResult, CheckRow
from entrepot_store.catalog.replays import Verdict
from entrepot_store.documents.canonical import LONGEST_JSON, is_json
from entrepot_store.documents.coded import codings_of, uncoded
from entrepot_store.errors import EntrepotError
from entrepot_store.jsonpaths import Path
from entrepot_store.model import header_text

from ..answer import HELD, Answer
from ..compare import Accounting, compare
from ..jsondiff import json_differences, parse_json
from ..target import Target
from .contents import Ids, add_differences, compare_whole, compare_written
from .expected import Basis, Expected
from .findings import Findings
from .items import Alignment, Item
from .kept import written_content

_GONE = frozenset({404, 410})
_NOT_READABLE = frozenset({405, 501})
_NO_TELLING = frozenset({401, 403, 407, 408, 425, 429})
_INDEX = re.compile(r"\[\d+\]")
_COUNTS = re.compile(r"\$(\.\w+)*\.\w*(total|count|size|length|etag|version|last_?modified|updated)\w*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """`path` is what the target was asked for, `at` when (microseconds)."""

    path: str
    answer: Answer
    at: int


class Known:
    """All documents that are expected, by recorded and by live path, without queries."""

    def __init__(self, documents: Sequence[Expected], live_path: Callable[[str], str]) -> None:
        self._recorded = {one.bare.rstrip("/"): one for one in documents}
        self._live = {live_path(path): one for path, one in self._recorded.items()}
        self._told: set[tuple[str, str, str]] = set()
        self._lock = Lock()
        self._readable = {_parent(one) for one in documents if one.was_read}
        self._open: list[tuple[Expected, Asked]] = []

    def readable(self, document: Expected) -> None:
        """Notes that the target shows it."""
        with self._lock:
            self._readable.add(_parent(document))

    def leave_open(self, document: Expected, asked: Asked) -> None:
        with self._lock:
            self._open.append((document, asked))

    def left_open(self) -> list[tuple[Expected, Asked, bool]]:
        """What was left open, and whether anything beside it is readable."""
        return [(document, asked, _parent(document) in self._readable) for document, asked in self._open]

    def recorded(self, path: str) -> Expected | None:
        return self._recorded.get(path)

    def live(self, path: str) -> Expected | None:
        return self._live.get(path)

    def first(self, result: CheckResult, path: str, identity: str) -> bool:
        """Whether an item is told of for the first time; several lists may hold it."""
        with self._lock:
            one = result.value, path, identity
            new = not identity or one not in self._told
            self._told.add(one)
            return new


class Judge:
    """Judges the documents of one verification. Safe to share between threads."""

    def __init__(
        self,
        archive: Archive,
        target: Target,
        known: Known,
        *,
        translate: Callable[[str], str],
        accounting: Callable[[Expected, ExchangeRow, Asked], Accounting],
        ignore: Callable[[ExchangeRow], Sequence[Path]],
    ) -> None:
        self._archive = archive
        self._target = target
        self._known = known
        self._translate = translate
        self._accounting = accounting
        self._ignore = ignore

    def __call__(self, expected: Expected, asked: Asked) -> list[CheckRow]:
        """One row of the document, none if it turns out that it never was one, and more for items of a list. Their
        numbers are the caller's to give. Content that cannot be read any more makes an unknown."""
        status = asked.answer.status
        if 200 <= status < 300:
            self._known.readable(expected)
        if status in _NO_TELLING or status >= 500:
            return [self._row(expected, asked, CheckResult.UNKNOWN, f"the target answered {status}")]
        if expected.basis is Basis.GONE:
            return [self._gone(expected, asked)]
        if status in _NOT_READABLE and not expected.was_read:
            return []
        if status in _GONE:
            return self._absent(expected, asked)
        try:
            return self._compared(expected, asked)
        except EntrepotError as error:
            reason = f"the recorded content cannot be read: {error}"
            return [self._row(expected, asked, CheckResult.UNKNOWN, reason)]

    def _gone(self, expected: Expected, asked: Asked) -> CheckRow:
        if asked.answer.status in _GONE:
            return self._row(expected, asked, CheckResult.RESTORED, "it is gone, as it was")
        if asked.answer.status >= 300:
            return self._row(expected, asked, CheckResult.UNKNOWN, f"the target answered {asked.answer.status}")
        return self._row(expected, asked, CheckResult.EXTRA, "it was gone, and is there")

    def _absent(self, expected: Expected, asked: Asked) -> list[CheckRow]:
        if expected.perhaps_gone:
            return [self._row(expected, asked, CheckResult.RESTORED, "it is gone with what it stood below")]
        if not expected.was_read and "?" in expected.path:
            return []  # a query on a write says what it does as often as where: a part of an upload is no document
        if not expected.was_read:
            self._known.leave_open(expected, asked)
            return []
        return [self._lost(expected, asked)]

    def settled(self) -> list[CheckRow]:
        """To be asked when everything else is judged: what was never read and is not there. It is lost if others beside
        it are readable; where nothing is, the address that a POST gave is none to read, and of a place that was written
        to nobody knows."""
        rows = []
        for expected, asked, readable in self._known.left_open():
            if readable:
                rows.append(self._lost(expected, asked))
            elif self._archive.catalog.exchange(expected.exchange).method.upper() != "POST":
                reason = f"the target answered {asked.answer.status}; it was written and never read"
                rows.append(self._row(expected, asked, CheckResult.UNKNOWN, reason))
        return rows

    def _lost(self, expected: Expected, asked: Asked) -> CheckRow:
        if "batch" in expected.doubt:
            return self._row(expected, asked, CheckResult.UNKNOWN, f"it is not there; {expected.doubt}")
        return self._row(expected, asked, CheckResult.MISSING, f"the target answered {asked.answer.status}")

    def _compared(self, expected: Expected, asked: Asked) -> list[CheckRow]:
        row = self._archive.catalog.exchange(expected.exchange)
        findings = Findings()
        accounting = self._accounting(expected, row, asked)
        if expected.basis is Basis.READ:
            incomplete = self._read(expected, row, asked, accounting, findings)
            if incomplete and not findings.decisive:
                return [_with(self._row(expected, asked, CheckResult.UNKNOWN, incomplete), findings, row)]
        else:
            self._written(expected, row, asked, accounting, findings)
        if findings.agrees:
            reason = findings.accounts
            if expected.perhaps_gone:
                reason = "what it stood below was deleted, and it is there"
                return [_with(self._row(expected, asked, CheckResult.UNKNOWN, reason), findings, row)]
            return [_with(self._row(expected, asked, CheckResult.RESTORED, reason), findings, row)]
        if findings.vague and not expected.was_read and not expected.perhaps_gone and asked.answer.status < 300:
            # A bucket that was made by PUT: nobody recorded what reading it shows, and that it is there is the answer.
            reason = "it is there; no read of it was recorded to compare its content with"
            return [_with(self._row(expected, asked, CheckResult.RESTORED, reason), Findings(), row)]
        doubt = expected.doubt or ("what it stood below was deleted" if expected.perhaps_gone else "")
        if expected.basis in (Basis.WRITTEN, Basis.CHANGED) and not doubt:
            doubt = "it was not read after it was written"
        if doubt or not findings.decisive:
            if expected.varies is not None and not doubt:
                doubt = "it changed by itself while it was recorded"
            reason = doubt or "a read of it was never recorded, and the answer of its write showed other fields"
            return [_with(self._row(expected, asked, CheckResult.UNKNOWN, reason), findings, row)]
        return [
            _with(self._row(expected, asked, CheckResult.DIFFERS, ""), findings, row),
            *self._items(expected, asked, findings),
        ]

    # Reads

    def _read(
        self, expected: Expected, row: ExchangeRow, asked: Asked, accounting: Accounting, findings: Findings
    ) -> str:
        """Compares with a recorded read; says why its body cannot be compared, if it cannot."""
        response, answer = row.response, asked.answer
        if response is None:
            return "no answer was recorded"
        # Everything but the body, which is compared with the items of its lists lined up.
        bare = replace(answer, size=response.size, digest=response.digest)
        found = compare(row, bare, self._target, lambda: b"", accounting)
        findings.take(found.differences, found.more)
        if found.verdict is Verdict.UNKNOWN:
            return found.reason
        if answer.status >= 300:
            return ""
        if response.size > HELD:
            if (answer.size, answer.digest) != (response.size, response.digest):
                findings.add("body", f"{response.size} bytes", f"{answer.size} bytes, other content")
            return ""
        recorded = uncoded(self._archive.body_bytes(row, "response"), codings_of(response), LONGEST_JSON)
        aligned = compare_whole(
            *(response.content_type, recorded, answer, accounting),
            ids=self._ids(expected),
            ignore=self._ignore(row),
            findings=findings,
        )
        if aligned is not None:
            self._lists(expected, row, asked, aligned, accounting=accounting, findings=findings)
        elif findings.decisive and expected.varies is not None and answer.status == row.status:
            findings.decisive, findings.vague = False, True
        return ""

    def _lists(
        self,
        expected: Expected,
        row: ExchangeRow,
        asked: Asked,
        found: Alignment,
        *,
        accounting: Accounting,
        findings: Findings,
    ) -> None:
        """Differences of an aligned document; of one in doubt without what newer documents of their own account for."""
        findings.missing = [item for item in found.missing if not self._left_since(expected, item)]
        findings.extra = [item for item in found.extra if not self._came_since(expected, asked, item)]
        noise = self._noise(expected, row)
        changed = len(findings.missing) < len(found.missing) or len(findings.extra) < len(found.extra)

        def skip(where: str) -> bool:
            if _INDEX.sub("[]", where) in noise:
                return True
            if not expected.doubt:
                return False
            places = (where[: one.end()] for one in _INDEX.finditer(where))
            inner = next((place for place in places if place in found.items), None)
            if inner is not None:
                return self._newer(expected, self._known.recorded(f"{expected.bare.rstrip('/')}/{found.items[inner]}"))
            return changed and _COUNTS.fullmatch(where) is not None

        for item in findings.missing:
            findings.add(item.where, _named(item), None)
        for item in findings.extra:
            findings.add(f"{item.where} (live)", None, _named(item))
        add_differences(found, accounting, findings, skip)

    def _noise(self, expected: Expected, row: ExchangeRow) -> frozenset[str]:
        """Where the document changed by itself while it was recorded, for items of lists whichever."""
        if expected.varies is None or row.response is None:
            return frozenset()
        kind = row.response.content_type
        before = self._archive.body_bytes(self._archive.catalog.exchange(expected.varies), "response")
        one, other = parse_json(kind, before), parse_json(kind, self._archive.body_bytes(row, "response"))
        if one is None or other is None:
            return frozenset()
        return frozenset(_INDEX.sub("[]", found.where) for found in json_differences(one.value, other.value))

    def _left_since(self, expected: Expected, item: Item) -> bool:
        own = self._known.recorded(f"{expected.bare.rstrip('/')}/{item.id}") if expected.doubt and item.id else None
        return own is not None and (own.basis is Basis.GONE or own.perhaps_gone) and own.at >= expected.at

    def _came_since(self, expected: Expected, asked: Asked, item: Item) -> bool:
        path = asked.path.partition("?")[0].rstrip("/")
        own = self._known.live(f"{path}/{item.id}") if expected.doubt and item.id else None
        return self._newer(expected, own)

    @staticmethod
    def _newer(expected: Expected, own: Expected | None) -> bool:
        return own is not None and own.at >= expected.at and own.basis is not Basis.GONE

    def _items(self, expected: Expected, asked: Asked, findings: Findings) -> list[CheckRow]:
        """Items of one side only that have no document of their own."""
        rows = []
        live = asked.path.partition("?")[0].rstrip("/")
        for item in findings.missing:
            path = expected.bare.rstrip("/")
            told = self._known.recorded(f"{path}/{item.id}") is not None
            if not told and self._known.first(CheckResult.MISSING, path, item.id):
                row = self._row(expected, asked, CheckResult.MISSING, f"item {_named(item)} is not in the list")
                rows.append(replace(row, place=item.where))
        for item in findings.extra:
            own = self._known.live(f"{live}/{item.id}")
            if (own is None or own.basis is Basis.GONE) and self._known.first(CheckResult.EXTRA, live, item.id):
                reason = f"item {_named(item)} is in the list and was not"
                rows.append(replace(self._row(expected, asked, CheckResult.EXTRA, reason), place=item.where))
        return rows

    # Writes

    def _written(
        self, expected: Expected, row: ExchangeRow, asked: Asked, accounting: Accounting, findings: Findings
    ) -> None:
        answer = asked.answer
        if not 200 <= answer.status < 300:
            findings.add("status", "200", str(answer.status), decisive=False)
            findings.vague = True
            return
        content_type, recorded = written_content(self._archive, expected, row)
        if recorded == answer.body:
            return
        live_type = header_text(answer.header(b"content-type") or b"")
        one = parse_json(content_type, recorded)
        other = None if answer.body is None else parse_json(live_type, answer.body)
        if one is None or other is None:
            findings.add("body", f"{len(recorded)} bytes", f"{answer.size} bytes", decisive=False)
            findings.vague = True
            # Bytes under one media type that came back as others: a file store does not do that.
            plain = expected.basis is Basis.WRITTEN and content_type == live_type and not is_json(content_type)
            if plain and not content_type.startswith(("text/", "application/xml", "application/x-www-form")):
                findings.decisive = True
            return
        compare_written(
            one.value,
            other.value,
            accounting,
            ids=self._ids(expected),
            ignore=self._ignore(row),
            findings=findings,
        )

    def _ids(self, expected: Expected) -> Ids:
        path = expected.bare.rstrip("/")

        def live_id(recorded: str) -> str:
            return self._translate(f"{path}/{recorded}").rpartition("/")[2] if "/" not in recorded else recorded

        def own(recorded: str) -> bool:
            known = self._known.recorded(f"{path}/{recorded}") is not None
            return bool(recorded) and (known or live_id(recorded) != recorded)

        return Ids(live_id, own)

    @staticmethod
    def _row(expected: Expected, asked: Asked, result: CheckResult, reason: str) -> CheckRow:
        return CheckRow(
            *(0, expected.path, result),
            asked=asked.path,
            evidence=expected.basis.value,
            exchange=expected.exchange,
            at=expected.at,
            live_status=asked.answer.status,
            reason=reason,
        )


def _with(row: CheckRow, findings: Findings, recorded: ExchangeRow) -> CheckRow:
    """The row with what was found; of a restored document only what had to be accounted for."""
    restored = row.result is CheckResult.RESTORED
    return replace(
        row,
        recorded_status=recorded.status,
        differences=tuple(one for one in findings.differences if one.why or not restored),
        more_differences=findings.more,
    )


def _parent(document: Expected) -> str:
    return document.bare.rstrip("/").rpartition("/")[0]


def _named(item: Item) -> str:
    return item.id or "without an id"
