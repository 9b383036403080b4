"""An answer out of a stream of bytes, whatever the pieces they come in: heads, then the body as its head says."""

import re
from collections.abc import Callable, Iterator

from .answer_head import MAX_HEAD, AnswerHead, Malformed, end_of_head, parse_head

_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\0\r\n]*)?\r?\n")
_TRAILER = re.compile(rb"[^\0\r\n:]+:[^\0\r\n]*\r?\n")
_MAX_LINE = 16 * 1024
_MAX_INTERIM = 100
_EMPTY = (b"\r\n", b"\n")
_SHORT = "the connection broke before the answer was whole"


class CutShort(Exception):
    """The connection ended before the answer did. The text is the reason."""


class AnswerReader:
    """Reads one answer. `receive` gives the next bytes, empty at the end, and raises what it likes."""

    def __init__(self, receive: Callable[[], bytes], *, to_head: bool) -> None:
        self._receive = receive
        self._to_head = to_head
        self._data = b""
        self._at = 0
        """Up to here `_data` was read: cutting it off each time would make many short chunks dear."""
        self._looked = 0
        self._interim = 0
        self._final: AnswerHead | None = None

    def more(self) -> bool:
        """Takes what `receive` gives; False at the end of the stream."""
        data = self._receive()
        self._looked -= self._at
        self._data, self._at = (self._data[self._at :] + data if self._at < len(self._data) else data), 0
        return bool(data)

    def final_head(self) -> AnswerHead | None:
        """The head of the final answer, if it has come. Raises Malformed."""
        while self._final is None:
            end = end_of_head(self._data, self._at, self._looked) if self.begun else -1
            if end < 0:
                self._looked = len(self._data)
                return None
            head = parse_head(self._data[self._at : end], to_head=self._to_head)
            self._at = self._looked = end
            if head.status >= 200:
                self._final = head
            else:
                self._interim += 1
                if head.status == 101:
                    raise Malformed("the target switched protocols")
                if self._interim > _MAX_INTERIM:
                    raise Malformed("too many interim answers")
        return self._final

    @property
    def interim(self) -> int:
        """How many interim (1xx) answers came before the final one."""
        return self._interim

    @property
    def begun(self) -> bool:
        """There are bytes that were not read yet. Behind a whole answer they belong to no request, and must not
        answer the next one."""
        return self._at < len(self._data)

    def head(self) -> AnswerHead:
        """Reads until the final head is there. Raises Malformed, CutShort, and what `receive` raises."""
        while (found := self.final_head()) is None:
            if not self.more():
                raise CutShort(_SHORT if self._looked else "the target hung up without sending a response")
        return found

    def body(self) -> Iterator[bytes]:
        """The body, once, after `head`. Raises as `head`."""
        head = self.head()
        if head.chunked:
            return self._chunks()
        if head.length is None:
            return self._to_the_end()
        if len(self._data) - self._at >= head.length:  # most answers: all of it came with the head
            return iter((self._take(head.length),))
        return self._exactly(head.length)

    def _take(self, count: int) -> bytes:
        piece = self._data[self._at : self._at + count]
        self._at += len(piece)
        return piece

    def _exactly(self, left: int) -> Iterator[bytes]:
        while left:
            if not self.begun and not self.more():
                raise CutShort(_SHORT)
            piece = self._take(left)
            left -= len(piece)
            yield piece

    def _to_the_end(self) -> Iterator[bytes]:
        while self.begun or self.more():
            yield self._take(len(self._data))

    def _chunks(self) -> Iterator[bytes]:
        while True:
            size = _CHUNK.fullmatch(self._line())
            if size is None:
                raise Malformed("an illegal chunk")
            left = int(size[1], 16)
            if not left:
                break
            yield from self._exactly(left)
            if self._line() not in _EMPTY:
                raise Malformed("a chunk is longer than it says")
        room = MAX_HEAD
        while (line := self._line()) not in _EMPTY:
            room -= len(line)
            if _TRAILER.fullmatch(line) is None or room < 0:
                raise Malformed("an illegal trailer")

    def _line(self) -> bytes:
        looked = 0
        while (end := self._data.find(b"\n", self._at + looked)) < 0:
            looked = len(self._data) - self._at
            if looked > _MAX_LINE:
                break
            if not self.more():
                raise CutShort(_SHORT)
        if end < 0 or end - self._at > _MAX_LINE:
            raise Malformed("a line of the answer's body is too long")
        return self._take(end + 1 - self._at)
