"""The dictionary of a segment: trained on a sample of the segment's own records, stored in its first frame.

A dictionary holds pieces of its samples in clear, so it never serves another segment.
"""

from collections.abc import Sequence

import zstandard

from .frames import DICTIONARY_MAGIC, MAX_DICTIONARY, SKIPPABLE, format_skippable, parse_frame_header

TRAIN_ABOVE = 4 * 1024 * 1024
"""Bytes of records beyond which a dictionary pays for itself."""
SIZE = 256 * 1024
SAMPLE_BYTES = 4 * 1024 * 1024
SAMPLE_LONGEST = 8 * 1024
"""Of a long record only so much is trained on: a dictionary helps beginnings."""
FRAME_LEVEL = 19

PARAMETERS = zstandard.ZstdCompressionParameters(
    strategy=zstandard.STRATEGY_GREEDY,
    window_log=19,
    hash_log=17,
    chain_log=17,
    search_log=4,
    min_match=6,
    write_checksum=True,
    write_content_size=True,
    write_dict_id=True,
)


def train(samples: Sequence[bytes]) -> zstandard.ZstdCompressionDict | None:
    """A dictionary, or None if the samples have too little in common for one. The same samples give the same bytes."""
    try:
        return zstandard.train_dictionary(SIZE, list(samples), k=4096, d=8, steps=1, level=3)
    except zstandard.ZstdError:
        return None  # zstd refuses too few or too uniform samples; a segment without a dictionary is as good


def compressor(dictionary: zstandard.ZstdCompressionDict | None) -> zstandard.ZstdCompressor:
    """What compresses the records of a segment."""
    if dictionary is None:
        return zstandard.ZstdCompressor(level=3, write_checksum=True, write_content_size=True)
    dictionary.precompute_compress(compression_params=PARAMETERS)
    return zstandard.ZstdCompressor(dict_data=dictionary, compression_params=PARAMETERS)


def format_dictionary(dictionary: zstandard.ZstdCompressionDict) -> bytes:
    """The dictionary frame."""
    compressor = zstandard.ZstdCompressor(level=FRAME_LEVEL, write_checksum=True, write_content_size=True)
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
