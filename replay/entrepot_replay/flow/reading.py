"""Takes a message apart into the values it carries, each with its place and what it is the id of.

The same reading is done with recorded requests, recorded answers and live answers, so a place (`Part.where`) means the
same in all of them:

    path:3             a segment of the request's path            query:page#0    a field of its query
    header:if-match#0  one value of a header                      cookie:sid      a cookie
    json:/items/0/id   a JSON leaf (RFC 6901)                     form:user#0     a field of a form
    xml:UploadId#0     the text of an XML element, counted by name
    tag:csrf#0         the value of an HTML tag with that name   href#2:-1  a link in HTML
    text#4             a token of any other text, counted
    location:-1        a segment of a URL, counted from its end   location?cursor a field of its query

Behind a `|` stands a place inside a value: `json:/next|url?cursor`, `json:/arn|part#5`, `json:/state|base64|json:/id`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from urllib.parse import unquote

from entrepot_store.model import Headers

from .bodies import body_parts
from .headers import answer_header_parts, request_header_parts
from .inside import pairs_of, segment_parts
from .names import collection_of
from .part import Part
from .values import Key, key_of

MOST_PARTS = 20_000
"""Values of one message that are looked at; what lies behind is left as it is."""


@dataclass(frozen=True, slots=True)
class Place:
    """What the URL of an exchange says of all that is in it: its path, and what that speaks of."""

    path: str
    collection: str

    @classmethod
    def of(cls, path: bytes) -> "Place":
        """`path` is path and query as sent."""
        bare = path.partition(b"?")[0].decode("latin-1")
        return cls(bare, collection_of([unquote(segment) for segment in bare.split("/") if segment]))


def request_parts(path: bytes, headers: Headers, content_type: str, body: bytes | None) -> Iterator[Part]:
    """The values in a request. `path` has its query; `body` is content-decoded, None if it is not looked into."""
    place = Place.of(path)
    bare, _, query = path.decode("latin-1").partition("?")
    yield from segment_parts("path:", bare)
    yield from pairs_of("query:", query, place.collection)
    yield from request_header_parts(headers, place.path)
    yield from islice(body_parts(content_type, body, place.collection) if body else (), MOST_PARTS)


def response_parts(path: bytes, headers: Headers, content_type: str, body: bytes | None) -> Iterator[Part]:
    """The values in the answer to a request for `path`, as above."""
    place = Place.of(path)
    yield from answer_header_parts(headers, place.path)
    yield from islice(body_parts(content_type, body, place.collection) if body else (), MOST_PARTS)


def made_key(part: Part) -> Key | None:
    """What a value in an answer is recognised by later; None if it cannot be, or if nothing says that it is an id."""
    return key_of(part.text, part.role if part.is_id else "")


def used_key(part: Part) -> Key | None:
    """What a value in a request may be recognised by."""
    return key_of(part.text, part.role)
