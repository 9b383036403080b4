"""Takes the secrets out of bodies. Works on hostile input in bounded memory, not in bounded time: a regular expression
can be made to run for ever. Whoever faces strangers therefore asks a `RedactionProcess` to do it.
"""

import codecs
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..content import Limits, Undecodable, undo_bytes
from ..jsonpaths import compile_path
from .body_rules import BodyRules, charset, is_looked_into, media_type
from .form_spans import form_spans, parts
from .json_spans import json_spans
from .patterns import compile_patterns, pattern_spans, string_spans, word_spans
from .reference import find_references, is_reference, reference_for
from .spans import Span, Unredactable, apart, splice, uncovered

TOO_LONG = "it is longer than proxy.redact_body_bytes"
_DEEPEST = 3
"""Levels of multipart within multipart."""
_LINES = frozenset(
    ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines",
     "application/json-lines", "application/json-seq", "application/stream+json")
)  # fmt: skip
_UNSPECIFIC = frozenset(
    ("", "text/plain", "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded")
)  # fmt: skip
"""What senders say who do not think about it: JSON may stand behind it."""


@dataclass(slots=True, frozen=True)
class Redacted:
    """What became of a body. `data` is None where nothing had to be taken out; what is there is free of content
    codings. `withheld` is why it may not be kept at all, empty if it may."""

    data: bytes | None = None
    withheld: str = ""


UNCHANGED = Redacted()


class BodyRedactor:
    """Redacts by one rule's `redact.json`, `form` and `regex`. `keep_references` as for Redactor."""

    def __init__(self, key: bytes, rules: BodyRules, *, keep_references: bool = False) -> None:
        self._key = key
        self._keep = keep_references
        self._paths = tuple(compile_path(path) for path in rules.json)
        self._fields = frozenset(field.strip().lower() for field in rules.form)
        self._patterns = compile_patterns(rules.regex)
        self._max_bytes = rules.max_bytes

    def body(self, data: bytes, content_type: str, codings: Sequence[str] = ()) -> Redacted:
        """`codings` are undone first. Never raises for what the body holds."""
        if not data or not is_looked_into(content_type):
            return UNCHANGED
        try:
            if codings:
                data = undo_bytes(data, codings, Limits(self._max_bytes, self._max_bytes))
            elif len(data) > self._max_bytes:
                return Redacted(withheld=TOO_LONG)
            return self._redact(data, content_type)
        except Undecodable:
            return Redacted(withheld="its Content-Encoding cannot be undone within proxy.redact_body_bytes")
        except Unredactable as error:
            return Redacted(withheld=str(error))

    def message(self, data: bytes) -> Redacted:
        """A WebSocket message. With nothing but JSONPaths it has to be JSON: it may be part of one."""
        if not data:
            return UNCHANGED
        if not (self._paths or self._patterns):
            return Redacted(withheld="a message is no form")
        text = data.decode("utf-8", "surrogateescape")
        try:
            spans = self._json(text, 0, len(text)) if not self._patterns or _is_json(text) else []
            return self._spliced(text, "utf-8", "surrogateescape", spans)
        except Unredactable as error:
            return Redacted(withheld=str(error))

    def value(self, raw: bytes, redacted: bytes) -> bytes:
        """A header value, a path or the like, by the regular expressions; `redacted` is what is left of `raw` after the
        secrets in known places were replaced. What they were replaced with is not looked into."""
        if not self._patterns or not redacted:
            return redacted
        own = [reference.text for reference in find_references(redacted) if reference.text not in raw]
        if not own:
            return self._plain(redacted)
        places = re.compile(b"|".join(re.escape(text) for text in dict.fromkeys(own)))
        result, position = b"", 0
        for match in places.finditer(redacted):
            result += self._plain(redacted[position : match.start()]) + match[0]
            position = match.end()
        return result + self._plain(redacted[position:])

    def _plain(self, value: bytes) -> bytes:
        found = self._spliced(value.decode("utf-8", "surrogateescape"), "utf-8", "surrogateescape", [])
        return value if found.data is None else found.data

    def _redact(self, data: bytes, content_type: str) -> Redacted:
        text, codec, errors = _decode(data, content_type)
        spans = list(self._structure(text, content_type, 0, len(text), _DEEPEST))
        return self._spliced(text, codec, errors, spans)

    def _spliced(self, text: str, codec: str, errors: str, spans: list[Span]) -> Redacted:
        if self._patterns:
            spans = spans + apart(string_spans(text, self._patterns), spans)
            spans = spans + apart(word_spans(text, self._patterns), spans)
            spans = spans + uncovered(pattern_spans(text, self._patterns), spans, text)
        if not spans:
            return UNCHANGED
        return Redacted(splice(text, spans, self._hide).encode(codec, errors))

    def _hide(self, span: Span) -> str:
        if self._keep and is_reference(span.secret):
            return span.secret.decode()
        return reference_for(self._key, span.label[:64] or "field", span.secret).decode()

    def _structure(self, text: str, content_type: str, start: int, end: int, depth: int) -> Iterator[Span]:
        """JSON values and form fields, by what the body says it is."""
        if not (self._paths or self._fields):
            return
        kind = media_type(content_type)
        if kind.startswith("multipart/"):
            yield from self._multipart(text, content_type, start, end, depth)
        elif kind == "text/event-stream":
            yield from self._events(text, start, end)
        elif kind in _LINES:
            yield from self._lines(text, start, end)
        elif kind in ("application/json", "text/json") or kind.endswith("+json"):
            yield from self._json(text, start, end)
        elif kind in _UNSPECIFIC:
            yield from self._unspecific(text, start, end)

    def _unspecific(self, text: str, start: int, end: int) -> Iterator[Span]:
        if self._paths and _begins_json(text, start, end):
            # Bytes that are no text at all are no JSON that somebody forgot to call so.
            if _is_json(text[start:end]) or not _has_bytes(text[start:end]):
                yield from self._json(text, start, end)
        elif self._fields:
            yield from self._form(text, start, end)

    def _form(self, text: str, start: int, end: int) -> Iterator[Span]:
        for span in form_spans(text[start:end], self._fields):
            yield span._replace(start=span.start + start, end=span.end + start)

    def _json(self, text: str, start: int, end: int) -> list[Span]:
        if not self._paths or not text[start:end].strip("\ufeff \t\r\n"):
            return []
        if text.startswith("\ufeff", start):
            start += 1
        return json_spans(text, self._paths, start, end)

    def _lines(self, text: str, start: int, end: int) -> Iterator[Span]:
        for line in re.finditer(r"[^\n\x1e]+", text[start:end]):
            yield from self._json(text, start + line.start(), start + line.end())

    def _events(self, text: str, start: int, end: int) -> Iterator[Span]:
        """Server-sent events whose data is JSON, each on one line."""
        for line in re.finditer(r"(?<![^\r\n])data:([^\r\n]*)", text[start:end]):
            first, last = start + line.start(1), start + line.end(1)
            if _begins_json(text, first, last):
                yield from self._json(text, first, last)

    def _multipart(self, text: str, content_type: str, start: int, end: int, depth: int) -> Iterator[Span]:
        if not depth:
            raise Unredactable("its multipart body is nested too deeply")
        for part in parts(text, content_type, start, end):
            if part.name in self._fields:
                if part.start < part.end:
                    secret = text[part.start : part.end].encode("utf-8", "surrogateescape")
                    yield Span(part.start, part.end, part.name, secret)
            elif is_looked_into(part.content_type):
                yield from self._structure(text, part.content_type, part.start, part.end, depth - 1)


def _decode(data: bytes, content_type: str) -> tuple[str, str, str]:
    """The body as text, from which exactly its bytes can be made again, with the codec and its error handler."""
    guess: str = json.detect_encoding(data[:4]) if len(data) > 1 else "utf-8"
    if guess in ("utf-8", "utf-8-sig"):
        named = charset(content_type)
        guess = _known(named) if named else "utf-8"
    elif guess in ("utf-16", "utf-32"):
        guess += "-le" if data[:1] == b"\xff" else "-be"
    errors = "surrogateescape" if guess == "utf-8" else "strict"
    try:
        text = data.decode(guess, errors)
        whole = text.encode(guess, errors) == data
    except UnicodeError:
        whole = False
    if not whole and guess.startswith("utf"):
        raise Unredactable("its text is not in the encoding that it says")
    return (text, guess, errors) if whole else (data.decode("utf-8", "surrogateescape"), "utf-8", "surrogateescape")


def _known(name: str) -> str:
    """The codec of that name if it is one for texts, else UTF-8, which holds any bytes."""
    try:
        codec = codecs.lookup(name)
    except (LookupError, ValueError):
        return "utf-8"
    # Codecs that are none for texts are not told by the public interface, and decode bytes to bytes.
    return codec.name if getattr(codec, "_is_text_encoding", False) else "utf-8"


def _begins_json(text: str, start: int, end: int) -> bool:
    return text[start:end].lstrip("\ufeff \t\r\n")[:1] in ("{", "[", '"')


def _is_json(text: str) -> bool:
    try:
        json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return False
    return True


def _has_bytes(text: str) -> bool:
    """Whether some of it is no text in its encoding."""
    return any("\udc80" <= character <= "\udcff" for character in text)
