"""Compares a live answer with the recorded one and gives the verdict, with the reasons that led to it.

What decides: status, media type, `Location` (each relative to its own server) and body; JSON by structure, everything
else by its bytes. `ETag` is reported and does not decide: it is the server's own mark, and a rebuilt server makes new
ones. A request that succeeded when it was recorded and is now refused has failed. What was not recorded whole is not
guessed: its verdict is unknown.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from entrepot_store.catalog import ExchangeRow
from entrepot_store.catalog.replays import Difference, Verdict
from entrepot_store.model import header_text

from .answer import HELD, Answer, header
from .jsondiff import json_differences, parse_json
from .target import Target

MAX_DIFFERENCES = 20
"""Differences kept of one step; further ones are counted."""
MAX_TEXT = 200
"""Characters kept of one value."""
_REFERENCE = re.compile(r"\{\{secret:[a-z0-9_.-]+:[0-9a-f]{32}\}\}")


@dataclass(slots=True)
class Comparison:
    """The verdict on one answer. `reason` is a sentence where the differences do not say it all."""

    verdict: Verdict
    reason: str = ""
    differences: list[Difference] = field(default_factory=list)
    more: int = 0


def compare(row: ExchangeRow, answer: Answer, target: Target, recorded_body: Callable[[], bytes]) -> Comparison:
    """`recorded_body` reads the recorded response's body; it is called only when the digests differ."""
    found = _Found()
    _status(row, answer, found)
    response = row.response
    if response is None or row.status is None:
        return Comparison(Verdict.UNKNOWN, "no answer was recorded to compare with", found.kept, found.more)
    _content_type(response.content_type, answer, found)
    _location(row, header(response.headers, b"location"), answer, target, found)
    _etag(header(response.headers, b"etag"), answer, found)
    incomplete = response.truncated or not row.complete
    if not incomplete:
        _body(row, answer, recorded_body, found)
    if answer.status >= 400 > row.status:
        return Comparison(Verdict.FAILED, f"the target answered {answer.status}", found.kept, found.more)
    if found.decisive:
        return Comparison(Verdict.DIFFERENT, "", found.kept, found.more)
    if incomplete:
        return Comparison(
            Verdict.UNKNOWN, "the recorded answer is incomplete; its body was not compared", found.kept, found.more
        )
    return Comparison(Verdict.IDENTICAL, "", found.kept, found.more)


class _Found:
    """Differences so far, bounded."""

    def __init__(self) -> None:
        self.kept: list[Difference] = []
        self.more = 0
        self.decisive = False

    def add(self, where: str, recorded: str | None, live: str | None, *, decisive: bool = True) -> None:
        self.decisive = self.decisive or decisive
        if len(self.kept) < MAX_DIFFERENCES:
            self.kept.append(Difference(where[:MAX_TEXT], _short(recorded), _short(live), decisive))
        else:
            self.more += 1


def _short(text: str | None) -> str:
    if text is None:
        return "(absent)"
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"


def _status(row: ExchangeRow, answer: Answer, found: _Found) -> None:
    if row.status is not None and row.status != answer.status:
        found.add("status", str(row.status), str(answer.status))


def _content_type(recorded: str, answer: Answer, found: _Found) -> None:
    live = header_text(answer.header(b"content-type") or b"")
    if _media_type(recorded) != _media_type(live):
        found.add("header content-type", recorded or None, live or None)


def _media_type(text: str) -> str:
    return "".join(text.lower().split()).rstrip(";")


def _location(row: ExchangeRow, recorded: bytes | None, answer: Answer, target: Target, found: _Found) -> None:
    live = answer.header(b"location")
    if recorded is None and live is None:
        return
    authority = row.url.partition("://")[2].partition("/")[0]
    one = None if recorded is None else _relative(header_text(recorded), authority, "")
    other = None if live is None else _relative(header_text(live), target.authority, target.prefix)
    if one is None or other is None or not _redacted_pattern(one).fullmatch(other):
        # Where the recorded one held a secret the live one does too, and it is nobody's to read.
        shown = other if other is None or one is None or not _REFERENCE.search(one) else "(not shown)"
        found.add("header location", one, shown)


def _redacted_pattern(text: str) -> re.Pattern[str]:
    """The text as a pattern in which a redacted value matches any value."""
    return re.compile("[^&;#]*".join(re.escape(part) for part in _REFERENCE.split(text)))


def _relative(location: str, authority: str, prefix: str) -> str:
    """Without the server that it was asked from: that one is another by intention."""
    scheme, separator, rest = location.partition("://")
    if separator and scheme.lower() in ("http", "https"):
        host, slash, path = rest.partition("/")
        if host.lower() != authority.lower():
            return location
        location = slash + path or "/"
    return location.removeprefix(prefix) if location.startswith(f"{prefix}/") else location


def _etag(recorded: bytes | None, answer: Answer, found: _Found) -> None:
    live = answer.header(b"etag")
    if recorded != live:
        found.add(
            "header etag",
            None if recorded is None else header_text(recorded),
            None if live is None else header_text(live),
            decisive=False,
        )


def _body(row: ExchangeRow, answer: Answer, recorded_body: Callable[[], bytes], found: _Found) -> None:
    response = row.response
    if response is None or (response.size == answer.size and response.digest == answer.digest):
        return
    if response.size > HELD or answer.body is None:
        found.add("body", f"{response.size} bytes", f"{answer.size} bytes, other content")
        return
    recorded = recorded_body()
    one, other = parse_json(response.content_type, recorded), parse_json(response.content_type, answer.body)
    if one is None or other is None:
        found.add("body", f"{response.size} bytes{_first(recorded, answer.body)}", f"{answer.size} bytes")
        return
    for where, was, now in json_differences(one.value, other.value):
        found.add(where, was, now)


def _first(recorded: bytes, live: bytes) -> str:
    """Where two bodies part, for people."""
    at = next((place for place, pair in enumerate(zip(recorded, live, strict=False)) if pair[0] != pair[1]), None)
    return "" if at is None else f", first difference at byte {at}"
