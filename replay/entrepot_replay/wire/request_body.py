"""A request's body on its way out: as long as it says, or an error that nobody takes for another."""

from collections.abc import Iterator

from ..errors import OutcomeUnknown
from ..outgoing import Outgoing


def body_pieces(request: Outgoing, *, chunked: bool = False) -> Iterator[bytes]:
    """The pieces, empty ones left out. Never gives out more than `length` bytes; `chunked` bodies have none.

    Raises OutcomeUnknown, because the head has left, if the body has another length or cannot be read from this disk;
    lets pass what else reading it raises.
    """
    left = request.length
    try:
        for piece in request.body:
            left -= len(piece)
            if left < 0 and not chunked:
                raise OutcomeUnknown("the request broke off: its body is longer than it says")
            if piece:
                yield piece
    except OSError as error:
        raise OutcomeUnknown(f"the request broke off: {error}") from error
    if left > 0 and not chunked:
        raise OutcomeUnknown("the request broke off: its body is shorter than it says")


def in_chunks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces under the chunked transfer coding (RFC 9112 §7.1)."""
    for piece in pieces:
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"
