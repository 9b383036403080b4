"""Exchanges in, looks and index fields out. Used by the shipper, by a rebuild and by `reindex`, so that all agree.

Only exchanges that a rule protects make documents. A rule's recipe (which query fields name a document, which fields do
not make a version) is the one in force when the exchange is read; segments carry the recipes they were shipped with, so
that a rebuild from the vault alone comes out the same.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol, Self

from ..catalog.documents import Effect, Look, Side
from ..catalog.fields import FieldRow, FieldValue
from ..catalog.retention import ErasedRow
from ..catalog.rows import ExchangeRow, MessageRow
from ..config import RuleConfig
from ..jsonpaths import Path, TooDeep, compile_path
from ..model import Action
from .canonical import LONGEST_JSON, Canonical, Parsed, canonical_json, canonical_value, is_json, parse
from .coded import codings_of, uncoded
from .effects import Said, statements
from .identity import document_id, document_key

_MEMO = 65_536
"""Contents whose canonical digest is remembered: polled documents come back byte by byte."""
_NOTHING = sha256(b"").digest()


MOST_VALUES = 64
"""Values of one field that one exchange is found by."""


class Bodies(Protocol):
    """The bodies of one exchange as they are stored: after transfer decoding and, but for `fidelity = "wire"`, after
    content decoding."""

    def read(self, side: Side) -> bytes:
        """The whole body. Asked only for bodies up to LONGEST_JSON bytes."""
        ...


@dataclass(slots=True, frozen=True)
class Recipe:
    """What a rule says about its documents. `query`: the fields that tell documents apart, None for all; `ignore`:
    JSONPath expressions of what makes no version; `index`: names, and where in a payload their values are."""

    query: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    index: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "query": None if self.query is None else list(self.query),
            "ignore": list(self.ignore),
            "index": dict(self.index),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Raises KeyError and TypeError for what `to_json` did not make."""
        query = value["query"]
        index = tuple(dict(value["index"]).items())
        return cls(None if query is None else tuple(query), tuple(value["ignore"]), index)


DEFAULT = Recipe()


def recipes_of(rules: Iterable[RuleConfig]) -> dict[str, Recipe]:
    """The recipes of the rules that protect or index, by name of the rule."""
    return {
        rule.name: Recipe(rule.document.query, rule.ignore, tuple(sorted(rule.index.items())))
        for rule in rules
        if rule.action is Action.PROTECT or rule.index
    }


class Interpreter:
    """Makes looks by the given recipes; a rule without one compares everything. Not for several threads at once."""

    def __init__(self, recipes: Mapping[str, Recipe]) -> None:
        """Raises ValueError for a JSONPath that does not parse."""
        self.recipes = dict(recipes)
        self._ignore = {name: tuple(map(compile_path, recipe.ignore)) for name, recipe in recipes.items()}
        self._fields = {name: frozenset(recipe.query) for name, recipe in recipes.items() if recipe.query is not None}
        self._index = {
            name: tuple((field, compile_path(path)) for field, path in recipe.index)
            for name, recipe in recipes.items()
            if recipe.index
        }
        self._memo: dict[tuple[bytes, str, bool, tuple[str, ...]], Canonical] = {}

    def looks(self, row: ExchangeRow, bodies: Bodies, erased: ErasedRow | None = None) -> list[Look]:
        """What the exchange says about documents, or would if `erased` had not been; raises what `bodies` raises."""
        if row.action is not Action.PROTECT:
            return []
        payloads = _Payloads(row, bodies)
        return [self._look(row, said, payloads) for said in list(statements(row, payloads.read, erased))]

    def fields(self, row: ExchangeRow, bodies: Bodies) -> list[FieldRow]:
        """What the exchange's payloads, where they are JSON, hold under the names that its rule indexes; each value
        once, and at most MOST_VALUES of a name. Raises what `bodies` raises."""
        index = self._index.get(row.rule)
        if not index:
            return []
        read = _Payloads(row, bodies).read
        sides: tuple[Side, ...] = ("request",) if row.response is None else ("request", "response")
        payloads = [payload for side in sides if (payload := read(side)) is not None]
        found: list[FieldRow] = []
        for name, path in index:
            values: dict[str, FieldValue] = {}
            for payload in payloads:
                for value in _found(path, payload):
                    if (indexed := FieldValue.of(value)) is not None and len(values) < MOST_VALUES:
                        values.setdefault(indexed.text, indexed)
            found.extend(FieldRow(row.id, name, value) for value in values.values())
        return found

    def _look(self, row: ExchangeRow, said: Said, payloads: "_Payloads") -> Look:
        message = _message(row, said.side)
        media_type = message.content_type.partition(";")[0].strip().lower()
        key = said.prefix + document_key(said.path, said.query, self._fields.get(row.rule))
        size, digest, content = message.size, message.digest, Canonical(message.digest)
        match said.effect:
            case Effect.TOMBSTONE | Effect.ERASED:
                size, digest, content, media_type = 0, _NOTHING, Canonical(_NOTHING), ""
            case Effect.PATCH:
                content = Canonical(_patch_digest(row, media_type, payloads.digest(said.side)))
            case Effect.CONTENT if 0 < size <= LONGEST_JSON and (is_json(media_type) or codings_of(message)):
                content = self._canonical(row.rule, message, payloads, said.side)
        return Look(
            document=document_id(row.destination, key),
            destination=row.destination,
            key=key,
            at=said.at,
            exchange=row.id,
            effect=said.effect,
            side=said.side,
            digest=digest,
            size=size,
            content=content.digest,
            media_type=media_type,
            rule=row.rule,
            retention_class=row.retention_class,
            malformed=bool(content.malformed),
        )

    def _canonical(self, rule: str, message: MessageRow, payloads: "_Payloads", side: Side) -> Canonical:
        json_body, ignore = is_json(message.content_type), self._ignore.get(rule, ())
        place = (message.digest, rule if ignore else "", json_body, codings_of(message))
        found = self._memo.get(place)
        if found is None:
            if len(self._memo) >= _MEMO:
                self._memo.clear()
            found = payloads.canonical(side, ignore) if json_body else Canonical(payloads.digest(side))
            self._memo[place] = found
        return found


class _Payloads:
    """The payloads of one exchange, without content codings; JSON is parsed once."""

    def __init__(self, row: ExchangeRow, bodies: Bodies) -> None:
        self._row = row
        self._bodies = bodies
        self._parsed: dict[Side, Parsed | None] = {}

    def read(self, side: Side) -> Any:
        """The value; None if the payload is no JSON, or too long to be parsed."""
        parsed = self._parse(side)
        return None if parsed is None else parsed.value

    def canonical(self, side: Side, ignore: Sequence[Path]) -> Canonical:
        """Takes what is ignored out of the value, so it comes last."""
        parsed = self._parse(side)
        if parsed is not None:
            try:
                return canonical_value(parsed, ignore)
            except (ValueError, RecursionError):
                pass  # said by what follows: the bytes are compared, and marked
        return canonical_json(self._body(side), ignore)

    def digest(self, side: Side) -> bytes:
        """Of what is under a content coding, where one is stored: the same content is not always packed the same."""
        message = _message(self._row, side)
        coded = codings_of(message) and message.size <= LONGEST_JSON
        return sha256(self._body(side)).digest() if coded else message.digest

    def _body(self, side: Side) -> bytes:
        return uncoded(self._bodies.read(side), codings_of(_message(self._row, side)), LONGEST_JSON)

    def _parse(self, side: Side) -> Parsed | None:
        if side not in self._parsed:
            message = _message(self._row, side)
            self._parsed[side] = None
            if is_json(message.content_type) and 0 < message.size <= LONGEST_JSON:
                try:
                    self._parsed[side] = parse(self._body(side))
                except (ValueError, RecursionError):
                    self._parsed[side] = None  # not what it says; as a content it will be marked malformed
        return self._parsed[side]


def _found(path: Path, payload: object) -> list[object]:
    try:
        return path.find(payload)
    except TooDeep:
        return []  # nested deeper than a path follows: there is nothing to find it by


def _message(row: ExchangeRow, side: Side) -> MessageRow:
    message = row.request if side == "request" else row.response
    if message is None:
        raise ValueError(f"exchange {row.id} has no {side}")
    return message


def _patch_digest(row: ExchangeRow, media_type: str, digest: bytes) -> bytes:
    """A merge patch applied twice changes nothing the second time, any other patch may (`add` to a list)."""
    again = b"" if media_type in ("application/merge-patch+json", "application/json") else row.id.bytes
    return sha256(b"patch" + digest + again).digest()


def dump_recipes(recipes: Mapping[str, Recipe], rules: Iterable[str]) -> str:
    """Those of the named rules as one line of JSON, for a segment's first record; empty if all are as by default."""
    said = {name: recipes[name].to_json() for name in sorted(rules) if recipes.get(name, DEFAULT) != DEFAULT}
    return json.dumps(said, separators=(",", ":")) if said else ""


def load_recipes(text: str) -> dict[str, Recipe]:
    """Raises ValueError, KeyError, TypeError or AttributeError for what `dump_recipes` did not write."""
    if not text:
        return {}
    return {name: Recipe.from_json(value) for name, value in json.loads(text).items()}
