"""Named fields of WARC records: how they are written and read, and the names that are ours."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache

from ..clock import from_rfc3339
from ..model import Headers
from .exact import Exact, unpack_exact

VERSION_LINE = b"WARC/1.1"
END = b"\r\n"
END_OF_HEAD = b"\r\n\r\n"
END_OF_RECORD = b"\r\n\r\n"

REQUEST_TYPE = b"application/http;msgtype=request"
RESPONSE_TYPE = b"application/http;msgtype=response"
MESSAGES_TYPE = b"application/vnd.entrepot.websocket-messages"
PAYLOAD_TYPE = b"application/vnd.entrepot.payload"
FIELDS_TYPE = b"application/warc-fields"
ERASED = b"Entrepot-Erased"
REVISIT_PROFILE = b"http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"


class Fields:
    """The named fields of one record: `pairs` in order, and by name, where the first of a name counts."""

    __slots__ = ("_first", "pairs")

    def __init__(self, pairs: Headers) -> None:
        self.pairs = pairs
        self._first = dict(reversed(pairs))

    def get(self, name: bytes) -> bytes | None:
        return self._first.get(name)

    def need(self, name: bytes) -> bytes:
        """Raises ValueError if the field is not there."""
        value = self.get(name)
        if value is None:
            raise ValueError(f"no {name.decode('ascii')} field")
        return value

    def text(self, name: bytes) -> str | None:
        value = self.get(name)
        return None if value is None else value.decode("utf-8")

    def all(self, name: bytes) -> Iterator[bytes]:
        return (value for key, value in self.pairs if key == name)

    @property
    def exact(self) -> Exact:
        packed = self.get(b"Entrepot-Exact")
        return {} if packed is None else unpack_exact(packed)


def parse_fields(head: bytes) -> Fields:
    """`head` is a record up to its first empty line, without it. Raises ValueError."""
    version, _, rest = head.partition(END)
    if version != VERSION_LINE:
        raise ValueError(f"a record begins with {version[:20]!r} instead of {VERSION_LINE!r}")
    pairs = [line.partition(b": ") for line in rest.split(END)]
    if not all(separator for _, separator, _ in pairs):
        raise ValueError(f"{rest[:80]!r} are not fields")
    return Fields(tuple([(name, value) for name, _, value in pairs]))


def format_date(micros: int) -> bytes:
    """A WARC-Date with six decimals. Raises ValueError for a time no four-digit year holds."""
    seconds, fraction = divmod(micros, 1_000_000)
    return b"%s.%06dZ" % (_second(seconds), fraction)


@lru_cache(maxsize=1024)
def _second(seconds: int) -> bytes:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0").encode()
    except (OverflowError, OSError) as error:
        raise ValueError(f"{seconds} seconds is not a time") from error


def parse_date(value: bytes) -> int:
    """Raises ValueError."""
    return from_rfc3339(value.decode("ascii"))


def format_digest(digest: bytes) -> bytes:
    return b"sha256:" + digest.hex().encode()


def parse_digest(value: bytes) -> bytes:
    """Raises ValueError."""
    algorithm, _, text = value.partition(b":")
    digest = bytes.fromhex(text.decode("ascii"))
    if algorithm != b"sha256" or len(digest) != 32:
        raise ValueError(f"{value!r} is not a SHA-256 digest")
    return digest
