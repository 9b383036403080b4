"""Accounts for differences between a recorded and a live answer: which mapping, or which noise, makes them the same.

Nothing is accounted for by being small. A difference is explained when the id map says that the live value stands for
the recorded one; when both are something that a service makes anew each time (a UUID, a token, a time), the recorded
one was not sent to it, and neither stands for another already; or when both are times near their own now.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

from ..flow.names import names_an_id, role_of_field
from ..flow.values import Key, Kind, is_distinctive, kind_of, text_key
from ..jsondiff import names_a_secret
from .align import lined_up
from .chance import both_by_chance
from .idmap import IdMap

NEAR_US = 24 * 3600 * 1_000_000
"""How far a time may lie from the moment of its exchange to count as "now" (microseconds)."""
_SPLIT = re.compile(r"([^A-Za-z0-9_.:+-]+)")
_WORD_BY_WORD = re.compile(r"([^A-Za-z0-9_-]+)")
_FINER = re.compile(r"([^A-Za-z0-9]+)")
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[\"((?:[^\"\\]|\\.)*)\"\]|\[\d+\]")
_DURATION = re.compile(
    r"(?:[a-z]+_)*(?:elapsed|took|latency|uptime)(?:_?(?:ms|us|ns|s|secs?|seconds|millis|micros|nanos))?"
)
"""How long the service itself took. A `duration`, and milliseconds of anything else, may be what a client stored."""
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_AMOUNT = re.compile(r"(total|sum|count|max|min|page|seat|row|line|item|guest|room)s?[_-]?(number|no)", re.IGNORECASE)
"""Names that end like an order number and tell how many, or which in a row."""
_DIGEST = re.compile(
    r"md5|sha\d|sha-\d|\bsha\b|digest|checksum|crc|hash|etag|integrity|fingerprint|thumbprint", re.IGNORECASE
)
_CONTEXT = 6
"""Tokens and what is between them, in front of a token, that are read for what it is."""
_LIST = re.compile(r"\s*,\s*")
LONGEST = 256 * 1024
"""Characters of a text that are lined up token by token."""


class Explainer:
    """For one step: what was sent and recorded, and when."""

    def __init__(
        self,
        idmap: IdMap,
        *,
        step: int,
        collection: str,
        sent: Callable[[], frozenset[str]],
        recorded_at: int,
        sent_at: int,
        ignore: re.Pattern[str] | None = None,
        tentative: bool = False,
        itself: tuple[str, str] | None = None,
    ) -> None:
        """`sent` are the values that the recorded request carried; times are microseconds since the epoch.
        `ignore`: places that were declared to be noise. `tentative`: what is supposed to be made anew goes into the map
        only by `keep`. `itself`: the authority (host[:port]) under which the lost service was asked, and that of the
        target."""
        self._idmap = idmap
        self._step = step
        self._collection = collection
        self._sent_of = sent
        self._recorded_at = recorded_at
        self._sent_at = sent_at
        self._ignore = ignore
        self._tentative = tentative
        self._itself = itself
        self._supposed: dict[Key, tuple[str, str, bool]] = {}
        """What one comparison takes to be made anew: live value, where, and whether it may be stored."""
        self._supposed_live: dict[tuple[str, str], Key] = {}

    @cached_property
    def _sent(self) -> frozenset[str]:
        return self._sent_of()

    def leaf(self, where: str, recorded: object, live: object) -> str:
        """Why two JSON leaves differ; empty if nothing accounts for it. `where` is a JSONPath."""
        if self._ignore is not None and self._ignore.fullmatch(where):
            return "declared noise"
        if isinstance(recorded, bool) or isinstance(live, bool) or recorded is None or live is None:
            return ""
        names = [found[1] or found[2] or "" for found in _STEP.finditer(where) if found[1] or found[2]]
        one, other = str(recorded), str(live)
        if isinstance(recorded, str) != isinstance(live, str):
            return ""
        if "headers" in names[:-1] and sorted(_LIST.split(one)) == sorted(_LIST.split(other)):
            return "the same list in another order"  # a batch repeats the headers of its parts
        if not isinstance(recorded, str) and names and one not in self._sent and _is_duration(names[-1]):
            return "a duration"
        is_id = bool(names) and names_an_id(names[-1]) and _AMOUNT.fullmatch(names[-1]) is None
        role = role_of_field(names, self._collection) if is_id else ""
        return self.value(where, role, one, other)

    def keep(self) -> None:
        """The answers agree: what was supposed to get there goes into the map. Of answers that do not, nothing does: a
        list that lost its first item would give every item the id of the next."""
        for key, (live, where, stored) in self._supposed.items():
            self._idmap.learn(key, live, step=self._step, where=where, stored=stored)
        self._supposed.clear()

    def lined_up(self, recorded: Any, live: Any) -> tuple[Any, list[str]]:
        """The live document with its lists in the recorded order, and where they were not."""
        return lined_up(recorded, live, self._idmap.translate)

    def value(self, where: str, role: str, recorded: str, live: str) -> str:
        """The same for two texts; `role` is what they are the id of, if anything."""
        if self._itself is not None and f"//{self._itself[0]}" in recorded:
            # It names itself by the address at which it was asked, and that is another one.
            recorded = recorded.replace(f"//{self._itself[0]}", f"//{self._itself[1]}")
            if recorded == live:
                return "its own address"
        why = self._whole(where, role, recorded, live)
        if why or max(len(recorded), len(live)) > LONGEST:
            return why
        for split in (_SPLIT, _WORD_BY_WORD, _FINER):
            if why := self._tokens(where, recorded, live, split):
                return why
        return ""

    def _whole(self, where: str, role: str, recorded: str, live: str) -> str:
        for key in (text_key(recorded), Key(role, recorded)):
            known = self._known(key) if key.role or is_distinctive(recorded) else None
            if known is not None and not key.role.startswith("etag "):
                return "mapped" if known == live else self._near_now(recorded, live)
        if self._idmap.translate(recorded) == live:
            return "mapped"
        if noise := self._near_now(recorded, live):
            return noise
        if recorded in self._sent or not recorded or not live:
            return ""
        if _DIGEST.search(where) or _DIGEST.match(recorded):
            return ""  # told by the content: another digest is other content
        kind = kind_of(recorded)
        made = is_distinctive(recorded) and both_by_chance(recorded, live)
        key = text_key(recorded) if made else Key(role, recorded)
        # A number is taken for one only where its name says that it is an id, or an amount would pass.
        if not made and not (role and kind is Kind.NUMBER and kind_of(live) is Kind.NUMBER):
            return ""
        return f"made anew: {kind.value}" if self._suppose(key, live, where) else ""

    def _known(self, key: Key) -> str | None:
        supposed = self._supposed.get(key)
        return self._idmap.live(key) if supposed is None else supposed[0]

    def _suppose(self, key: Key, live: str, where: str) -> bool:
        """False if one of the two stands for something else already: what was two is not one."""
        of = key.role, live
        other = self._supposed_live.get(of) or self._idmap.stands_for(*of)
        if other is not None and other != key:
            return False
        stored = not names_a_secret(where)
        if not self._tentative:
            return self._idmap.learn(key, live, step=self._step, where=where, stored=stored)
        self._supposed[key] = live, where, stored
        self._supposed_live[of] = key
        return True

    def _near_now(self, recorded: str, live: str) -> str:
        then, now = micros_of(recorded), micros_of(live)
        if then is None or now is None or recorded in self._sent:
            return ""
        near = abs(then - self._recorded_at) <= NEAR_US and abs(now - self._sent_at) <= NEAR_US
        return "a time near now" if near else ""

    def _tokens(self, where: str, recorded: str, live: str, split: re.Pattern[str]) -> str:
        """Texts of the same form, every differing token of which is accounted for."""
        ours, theirs = split.split(recorded), split.split(live)
        if len(ours) != len(theirs) or len(ours) == 1:
            return ""
        reasons: list[str] = []
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            if one == other:
                continue
            if number % 2:
                return ""
            before = ours[number - 2] if number >= 2 and "/" in ours[number - 1] else ""
            role = role_of_field([before], "") if before[:1].isalpha() else ""
            # What says here what a value is stands in front of it: `<ETag>`, `sha256:`.
            around = "".join(ours[max(0, number - _CONTEXT) : number])[-200:]
            around = around[max(0, around.rfind("<")) :]
            why = self._whole(f"{where} {around}", role, one, other)
            if not why:
                return ""
            reasons.append(why)
        return ", ".join(dict.fromkeys(reasons))


def _is_duration(name: str) -> bool:
    return _DURATION.fullmatch(_WORDS.sub("_", name).lower()) is not None


def micros_of(text: str) -> int | None:
    """The moment a text names, in microseconds since the epoch: ISO 8601, HTTP dates, epoch seconds to nanoseconds."""
    if text.isascii() and text.replace(".", "", 1).isdigit():
        whole, _, rest = text.partition(".")
        scale = {10: 1_000_000, 13: 1000, 16: 1}.get(len(whole))
        if len(whole) == 19:
            return int(whole) // 1000
        return None if scale is None else int(whole) * scale + int(float(f"0.{rest or 0}") * scale)
    if not 10 < len(text) < 64:
        return None
    try:
        moment = datetime.fromisoformat(text) if text[:4].isdigit() else parsedate_to_datetime(text)
    except (ValueError, IndexError):
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1_000_000)
