"""Bodies that are stored under their content coding, as `fidelity = "wire"` asks: what is in them, for whoever has to
compare, index or look into them. What is stored and given out stays as it was.
"""

from ..catalog.rows import MessageRow
from ..content import Limits, Undecodable, content_codings, undo_bytes


def codings_of(message: MessageRow) -> tuple[str, ...]:
    """The content codings that the stored body is still under, first applied first; none for most."""
    return () if message.encoding or message.size == 0 else content_codings(message.headers)


def uncoded(data: bytes, codings: tuple[str, ...], most: int) -> bytes:
    """What is under the codings; the bytes themselves if they are not what they say, or hold more than `most` bytes."""
    if not codings:
        return data
    try:
        return undo_bytes(data, codings, Limits(max_bytes=most))
    except Undecodable:
        return data
