"""WARC record ids that follow from the exchange id, and lead back to it.

The request record has the exchange's own id (a UUIDv7), the response record the same with the lowest bit inverted, the
record of WebSocket messages with the second lowest. Ids that differ in their last digit only cost the second record
next to nothing once compressed, and any of the three gives away the other two. That another exchange of the same
quarter microsecond has the same 60 random bits is what UUIDs bet against anyway.
"""

from uuid import UUID

_RESPONSE, _MESSAGES = 1, 2
_INVERTED = {b"%x" % digit: b"%x" % (digit ^ _RESPONSE) for digit in range(16)}


def response_id(exchange: UUID) -> UUID:
    return UUID(int=exchange.int ^ _RESPONSE)


def messages_id(exchange: UUID) -> UUID:
    return UUID(int=exchange.int ^ _MESSAGES)


def exchange_of_response(record: UUID) -> UUID:
    return UUID(int=record.int ^ _RESPONSE)


def exchange_of_messages(record: UUID) -> UUID:
    return UUID(int=record.int ^ _MESSAGES)


def urn(identifier: UUID) -> bytes:
    """`<urn:uuid:…>`, as WARC writes ids."""
    return b"<urn:uuid:%s>" % str(identifier).encode()


def urns(exchange: UUID) -> tuple[bytes, bytes]:
    """Those of the request and of the response record."""
    digits = b"%032x" % exchange.int
    text = b"<urn:uuid:%s-%s-%s-%s-%s" % (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:31])
    last = digits[31:]
    return b"%s%s>" % (text, last), b"%s%s>" % (text, _INVERTED[last])


def parse_urn(text: bytes) -> UUID:
    """Raises ValueError."""
    if not (text.startswith(b"<urn:uuid:") and text.endswith(b">")):
        raise ValueError(f"{text!r} is not <urn:uuid:…>")
    return UUID(text[10:-1].decode("ascii"))
