"""A product's documents as of a moment, as files that one can open without Entrepot.

`run.checkout` does it; `names` makes file names out of keys that may be hostile, `extensions` what they end in,
`folder` lets all of it appear at once or not at all, `index` writes `index.json`, which maps files to documents.
"""

from .run import CheckedOut, Failed, checkout

__all__ = ["CheckedOut", "Failed", "checkout"]
