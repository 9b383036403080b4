"""Records in another form, made out of the bytes of the stored one: a payload without its exchange, an exchange without
its payload. `merge` writes them; whatever is not changed is copied byte by byte.
"""

from uuid import UUID

from . import record_ids
from .fields import (
    ERASED,
    PAYLOAD_TYPE,
    format_digest,
)
from .head import Kind, RecordHead
from .http_block import CONTENT_LENGTH, END
from .shape import PREFIX

_OF_THE_PAYLOAD = frozenset(
    {
        *(b"WARC-Payload-Digest", b"Entrepot-Payload-Length", b"WARC-Refers-To", b"WARC-Profile"),
        *(b"WARC-Truncated", b"Entrepot-Added", ERASED),
    }
)
"""Fields that speak of a payload that is there."""


def payload_head(head: RecordHead, digest: bytes) -> bytes:
    """A record that holds the payload of the given one and nothing else of it, under the same record id: what revisits
    refer to stays when the exchange that brought it goes."""
    return (
        b"WARC/1.1\r\nWARC-Type: resource\r\nWARC-Record-ID: %s\r\nWARC-Date: %s\r\nWARC-Target-URI: urn:%s\r\n"
        b"WARC-Payload-Digest: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
    ) % (
        record_ids.urn(head.record_id),
        head.fields.need(b"WARC-Date"),
        format_digest(digest),
        format_digest(digest),
        PAYLOAD_TYPE,
        head.size,
    )


def erased_head(head: RecordHead, erasure: UUID, messages: int = 0) -> bytes:
    """A request or response record without its payload, which names the erasure that took it away. Headers and facts
    stay as they were. `messages` is how many WebSocket messages were taken away with it.

    Raises ValueError for a record that is neither.
    """
    if head.kind not in (Kind.REQUEST, Kind.RESPONSE):
        raise ValueError(f"a {head.kind} record has no payload to erase")
    added = head.fields.get(b"Entrepot-Added") is not None
    block = _without_length(head.raw[-_block_length(head) :], added=added)
    lines = []
    for name, value in head.fields.pairs:
        if name in _OF_THE_PAYLOAD or (messages and name.startswith(b"Entrepot-Messages")):
            continue
        if name == b"WARC-Type":
            value = head.kind.value.encode()  # noqa: PLW2901 - the one value that changes
        elif name == b"Content-Length":
            lines.append(b"WARC-Truncated: unspecified\r\n%s: %s\r\n" % (ERASED, str(erasure).encode()))
            if messages:
                missing = messages + int(head.fields.get(b"Entrepot-Messages-Missing") or 0)
                lines.append(b"Entrepot-Messages-Missing: %d\r\n" % missing)
            value = b"%d" % len(block)  # noqa: PLW2901 - as above
        lines.append(b"%s: %s\r\n" % (name, value))
    return b"WARC/1.1\r\n%s\r\n%s" % (b"".join(lines), block)


def _block_length(head: RecordHead) -> int:
    """Bytes of the HTTP head, which is what follows the fields."""
    return len(head.raw) - head.raw.index(b"\r\n\r\n") - 4


def _without_length(block: bytes, *, added: bool) -> bytes:
    """The HTTP head over an empty payload: a length that was added goes, one that was captured is renamed as any that
    does not state the size of what is stored."""
    start, *lines = block.removesuffix(END + END).split(END)
    if added:
        lines.pop()
    renamed = [PREFIX + line if line.lower().startswith(CONTENT_LENGTH.lower() + b":") else line for line in lines]
    return END.join([start, *renamed]) + END + END
