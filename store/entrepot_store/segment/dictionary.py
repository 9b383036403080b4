"""The dictionary of a segment: trained on a sample of the segment's own records, stored in its first frame.

A dictionary holds pieces of its samples in clear, so it never serves another segment.

The numbers were measured on the records of `benchmarks/traffic.py`, and `python -m benchmarks.segment_tuning` measures
them again. Records compressed one by one without a dictionary take almost five times the bytes.
"""

from collections.abc import Sequence

import google_crc32c
import zstandard

from .frames import DICTIONARY_MAGIC, MAX_DICTIONARY, SKIPPABLE, format_skippable, parse_frame_header

TRAIN_ABOVE = 64 * 1024
"""Bytes of records beyond which a segment has a dictionary. Thirty exchanges already take a third of the bytes with
one, its own included, and it is made in milliseconds."""
SIZE = 256 * 1024
"""At most; zstd makes a smaller one of few samples. 64 KiB take 3 % more bytes in all; 512 KiB gain 2 %, but train and
search twice as long, and are twice as long to fetch before the first record of a segment can be read."""
SAMPLE_LEAST, SAMPLE_MOST = 512 * 1024, 2 * 1024 * 1024
"""Bytes of records trained on: a quarter of them, within these bounds. More gains less than 1 %, and every sample is
formatted twice."""
SAMPLE_LONGEST = 8 * 1024
"""Of a long record only so much is trained on: a dictionary helps beginnings."""
_PIECE, _MATCH = 4096, 8
"""Long pieces, so that whole documents get into the dictionary: two documents of a kind share most of their bytes.
With the usual pieces of a few hundred bytes records take 10 % more."""
_FRAME_LEVEL = 9
"""For the dictionary itself. Level 19 saves 2 KiB a segment and takes as long as compressing 6,000 exchanges."""
_PLAIN_LEVEL = 3
_LOWEST_ID = 32768

PARAMETERS = zstandard.ZstdCompressionParameters(
    # Between zstd's levels 4 and 5, which it defines for data without a dictionary: the greedy search of level 5 with
    # the longer matches that a dictionary of whole documents has to offer. 9 % fewer bytes than level 3, 3 % fewer
    # than level 5, in two thirds of level 5's time.
    strategy=zstandard.STRATEGY_GREEDY,
    window_log=19,
    hash_log=17,
    chain_log=17,
    search_log=5,
    min_match=6,
    write_checksum=True,
    write_content_size=True,
    write_dict_id=True,
)


def sample_every(useful: int) -> int:
    """Which part of the exchanges to train on, one in so many, given the bytes worth training on."""
    return -(-useful // min(max(useful // 4, SAMPLE_LEAST), SAMPLE_MOST))


def train(samples: Sequence[bytes]) -> zstandard.ZstdCompressionDict | None:
    """A dictionary, or None if the samples have too little in common for one. The same samples give the same bytes."""
    # Every frame names its dictionary. An id from the lower half of the free range (RFC 8878 §5) is two bytes shorter.
    identifier = _LOWEST_ID + google_crc32c.value(b"".join(samples)) % _LOWEST_ID
    try:
        return zstandard.train_dictionary(
            SIZE, list(samples), k=_PIECE, d=_MATCH, f=18, steps=1, level=_PLAIN_LEVEL, dict_id=identifier
        )
    except zstandard.ZstdError:
        return None  # zstd refuses too few or too uniform samples; a segment without a dictionary is as good


def compressor(dictionary: zstandard.ZstdCompressionDict | None) -> zstandard.ZstdCompressor:
    """What compresses the records of a segment."""
    if dictionary is None:
        return zstandard.ZstdCompressor(level=_PLAIN_LEVEL, write_checksum=True, write_content_size=True)
    # Without this zstd would build the dictionary's search tables anew for every record.
    dictionary.precompute_compress(compression_params=PARAMETERS)
    return zstandard.ZstdCompressor(dict_data=dictionary, compression_params=PARAMETERS)


def format_dictionary(dictionary: zstandard.ZstdCompressionDict) -> bytes:
    """The dictionary frame."""
    compressor = zstandard.ZstdCompressor(level=_FRAME_LEVEL, write_checksum=True, write_content_size=True)
    return format_skippable(DICTIONARY_MAGIC, compressor.compress(dictionary.as_bytes()))


def parse_dictionary(frame: bytes) -> zstandard.ZstdCompressionDict:
    """The dictionary in a dictionary frame, ready for decompression from several threads. Raises ValueError."""
    content = frame[SKIPPABLE.size :]
    header = parse_frame_header(content)
    if header.content_size > MAX_DICTIONARY:
        raise ValueError(f"a dictionary of {header.content_size} bytes is over the bound")
    try:
        plain = zstandard.ZstdDecompressor().decompress(content, allow_extra_data=False)
        return zstandard.ZstdCompressionDict(plain, dict_type=zstandard.DICT_TYPE_FULLDICT)
    except zstandard.ZstdError as error:
        raise ValueError(f"the dictionary does not decode: {error}") from error
