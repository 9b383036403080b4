"""Compares a live answer with the recorded one and gives the verdict, with the reasons that led to it.

What decides: status, media type, `Location` (each relative to its own server) and body; JSON by structure, everything
else by its bytes. Differences that the id map or known noise accounts for (`mapping.explain`) do not decide: an answer
with no others is equivalent. `ETag` is reported and does not decide: it is the server's own mark, and a rebuilt server
makes new ones. A request that succeeded when it was recorded and is now refused has failed. What was not recorded whole
is not guessed: its verdict is unknown.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

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


class Accounting(Protocol):
    """Why two values differ; empty if nothing accounts for it."""

    def leaf(self, where: str, recorded: object, live: object) -> str: ...

    def value(self, where: str, role: str, recorded: str, live: str) -> str: ...

    def lined_up(self, recorded: Any, live: Any) -> tuple[Any, list[str]]:
        """The live document with its lists in the recorded order, and where they were not."""
        ...


class Nothing:
    """Accounts for nothing."""

    def leaf(self, where: str, recorded: object, live: object) -> str:
        return ""

    def value(self, where: str, role: str, recorded: str, live: str) -> str:
        return ""

    def lined_up(self, recorded: Any, live: Any) -> tuple[Any, list[str]]:
        return live, []


_NOTHING = Nothing()


def compare(
    row: ExchangeRow,
    answer: Answer,
    target: Target,
    recorded_body: Callable[[], bytes],
    accounting: Accounting = _NOTHING,
) -> Comparison:
    """`recorded_body` reads the recorded response's body; it is called only when the digests differ."""
    found = _Found(accounting)
    _status(row, answer, found)
    response = row.response
    if response is None or row.status is None:
        return Comparison(Verdict.UNKNOWN, "no answer was recorded to compare with", found.kept, found.more)
    _content_type(response.content_type, answer, found)
    _etag(header(response.headers, b"etag"), answer, found)
    incomplete = response.truncated or not row.complete
    if not incomplete:
        _body(row, answer, recorded_body, found)
    # Behind the body, which says more of what was made anew than a URL does.
    _location(row, header(response.headers, b"location"), answer, target, found)
    if answer.status >= 400 > row.status:
        return Comparison(Verdict.FAILED, f"the target answered {answer.status}", found.kept, found.more)
    if found.decisive:
        return Comparison(Verdict.DIFFERENT, "", found.kept, found.more)
    if incomplete:
        return Comparison(
            Verdict.UNKNOWN, "the recorded answer is incomplete; its body was not compared", found.kept, found.more
        )
    verdict = Verdict.EQUIVALENT if found.accounted else Verdict.IDENTICAL
    return Comparison(verdict, "", found.kept, found.more)


class _Found:
    """Differences so far, bounded."""

    def __init__(self, accounting: Accounting) -> None:
        self.accounting = accounting
        self.accounted = False
        self.kept: list[Difference] = []
        self.more = 0
        self.decisive = False

    def add(self, where: str, recorded: str | None, live: str | None, *, decisive: bool = True, why: str = "") -> None:
        """`why` accounts for the difference, which does not decide then."""
        decisive = decisive and not why
        self.decisive = self.decisive or decisive
        self.accounted = self.accounted or bool(why)
        difference = Difference(where[:MAX_TEXT], _short(recorded), _short(live), decisive, why)
        if len(self.kept) < MAX_DIFFERENCES:
            self.kept.append(difference)
            return
        self.more += 1
        if decisive:
            # One that decides must not be hidden by others that do not.
            spare = next((at for at in reversed(range(len(self.kept))) if not self.kept[at].decisive), None)
            if spare is not None:
                self.kept[spare] = difference


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
        why = "" if one is None or other is None else found.accounting.value("header location", "", one, other)
        if not why and one is not None and other is not None and other.startswith("/"):
            why = _under_own_name(one, other, found)
        found.add("header location", one, shown, why=why)


def _under_own_name(recorded: str, live: str, found: "_Found") -> str:
    """A service behind a reverse proxy may have named itself, which the target does too."""
    scheme, separator, rest = recorded.partition("://")
    path = "/" + rest.partition("/")[2]
    if not separator or scheme.lower() not in ("http", "https"):
        return ""
    why = "the same path" if path == live else found.accounting.value("header location", "", path, live)
    return f"{why}, under the service's own name" if why else ""


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
        why = _text(recorded, answer.body, found.accounting)
        found.add("body", f"{response.size} bytes{_first(recorded, answer.body)}", f"{answer.size} bytes", why=why)
        return
    live, moved = found.accounting.lined_up(one.value, other.value)
    for where in moved:
        found.add(where, "(a list)", "(other order)", why="the same items in another order")
    for difference in json_differences(one.value, live):
        why = "" if difference.values is None else found.accounting.leaf(difference.where, *difference.values)
        found.add(difference.where, difference.recorded, difference.live, why=why)


def _text(recorded: bytes, live: bytes, accounting: Accounting) -> str:
    """What accounts for the difference between two texts; nothing does for bytes that are none."""
    try:
        return accounting.value("body", "", recorded.decode("utf-8"), live.decode("utf-8"))
    except UnicodeDecodeError:
        return ""


def _first(recorded: bytes, live: bytes) -> str:
    """Where two bodies part, for people."""
    at = next((place for place, pair in enumerate(zip(recorded, live, strict=False)) if pair[0] != pair[1]), None)
    return "" if at is None else f", first difference at byte {at}"
