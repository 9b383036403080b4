"""WARC record ids that follow from the exchange id, and lead back to it.

The request record has the exchange's own id (a UUIDv7). The response record has the same id with the version nibble
inverted, which makes it a UUIDv8, "custom" (RFC 9562 §5.8); the record of WebSocket messages has the response's id
with the lowest bit inverted. Nothing else differs, so the second id of an exchange costs next to nothing once
compressed, and any of the three gives away the other two.
"""

from uuid import UUID

_VERSION = 0xF << 76
_LOWEST = 1


def response_id(exchange: UUID) -> UUID:
    return UUID(int=exchange.int ^ _VERSION)


def messages_id(exchange: UUID) -> UUID:
    return UUID(int=exchange.int ^ _VERSION ^ _LOWEST)


def exchange_of_response(record: UUID) -> UUID:
    return UUID(int=record.int ^ _VERSION)


def exchange_of_messages(record: UUID) -> UUID:
    return UUID(int=record.int ^ _VERSION ^ _LOWEST)


def urn(identifier: UUID) -> bytes:
    """`<urn:uuid:…>`, as WARC writes ids."""
    return b"<urn:uuid:%s>" % str(identifier).encode()


def parse_urn(text: bytes) -> UUID:
    """Raises ValueError."""
    if not (text.startswith(b"<urn:uuid:") and text.endswith(b">")):
        raise ValueError(f"{text!r} is not <urn:uuid:…>")
    return UUID(text[10:-1].decode("ascii"))
