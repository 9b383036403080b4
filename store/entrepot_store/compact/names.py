"""Names of segments that were made out of others.

`…/<first>-m<16 hexadecimal digits>.warc.zst`, where `<first>` is the name of the first segment in it: the new one has
the same place among the keys, so of a payload that is stored twice the same record comes first as before. The digits
stand for what went in, so the same work makes the same name.
"""

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256

from ..segment.merge import Part

SUFFIX = ".warc.zst"
_MERGED = re.compile(r"-m[0-9a-f]{16}\.warc\.zst")


def is_merged(key: str) -> bool:
    return _MERGED.search(key) is not None


def class_of(key: str) -> str:
    """The retention class that a segment's key names."""
    return key.split("/")[1]


def merged_key(parts: Sequence[Part]) -> str:
    """The key of what these parts become. They are in the order of their keys."""
    digest = sha256()
    for part in parts:
        digest.update(part.key.encode())
        for piece in _content(part):
            digest.update(piece)
    first = _MERGED.sub("", parts[0].key).removesuffix(SUFFIX)
    return f"{first}-m{digest.hexdigest()[:16]}{SUFFIX}"


def _content(part: Part) -> Iterable[bytes]:
    for identifier in sorted(part.exchanges):
        erased = part.erased.get(identifier)
        yield identifier.bytes
        if erased is not None:
            yield b"erased %d%d" % (erased.request, erased.response)
    for offset in sorted(part.payloads):
        yield b"payload %d" % offset
