"""Expunging: given payloads are taken out of segments, dictionaries, catalog and spool for good; the rest of their
exchanges stays, marked as erased. `select` finds what is meant, `run` does it, and ends what a crash interrupted.
"""

from .run import Expunged, expunge, settle_erasures

__all__ = ["Expunged", "expunge", "settle_erasures"]
