"""Redaction: secrets leave an exchange before it touches a disk, and references take their places.

`key` is the key of an installation, `reference` what stands for a secret, `cookies` and `urls` know where secrets are
within a value, `redactor` does it to the headers and the path of an exchange.
"""

from .key import load_key
from .redactor import Redactor
from .reference import Reference, find_references, reference_for

__all__ = ["Redactor", "Reference", "find_references", "load_key", "reference_for"]
