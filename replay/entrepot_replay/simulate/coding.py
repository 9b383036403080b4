"""Under which content coding a client gets a content: the recorded one if it accepts it, else none."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from entrepot_store.content import Limits, undo_stream

from ..encode import ENCODERS, encode_stream
from .answer import Content

_WEIGHT = re.compile(r"q\s*=\s*0(\.0*)?")


@dataclass(slots=True, frozen=True)
class Coding:
    """`sent` are the codings that the client gets, first applied first. `size` is in bytes, None if only sending it
    tells. The bytes as stored are sent as they are if nothing is to `undo` and nothing to `apply`."""

    sent: tuple[str, ...]
    size: int | None
    undo: tuple[str, ...] = ()
    apply: tuple[str, ...] = ()

    @property
    def as_stored(self) -> bool:
        return not self.undo and not self.apply

    def convert(self, stored: Iterable[bytes]) -> Iterator[bytes]:
        """The pieces to send out of those that are stored. Raises Undecodable while it goes."""
        if self.undo:
            return undo_stream(stored, self.undo, Limits())
        return encode_stream(stored, ", ".join(self.apply))


def choose(content: Content, accept_encoding: bytes | None, *, plain: bool) -> Coding:
    """`plain`: the client asks for ranges, which are of the content without any coding that storage undid."""
    accepted = all(_accepts(accept_encoding, coding) for coding in content.recorded)
    if content.codings:
        return Coding(content.codings, content.size) if accepted else Coding((), None, undo=content.codings)
    if content.recorded and accepted and not plain and all(coding in ENCODERS for coding in content.recorded):
        return Coding(content.recorded, None, apply=content.recorded)
    return Coding((), content.size)


def _accepts(header: bytes | None, coding: str) -> bool:
    """A client that says nothing gets what every client understands, although it might take anything (RFC 9110
    §12.5.3)."""
    if header is None:
        return False
    weights: dict[str, bool] = {}
    for entry in header.decode("latin-1").lower().split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        weights[name.removeprefix("x-")] = not any(_WEIGHT.fullmatch(parameter) for parameter in parameters)
    return weights.get(coding, weights.get("*", False))
