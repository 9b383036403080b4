"""Content codings (`Content-Encoding`): which were applied, and how to undo them within bounds.

`codings` reads the header, `decoders` undoes one coding piece by piece, `undo` undoes a chain under limits.
"""

from .codings import content_codings
from .limits import Limits
from .undo import Undecodable, undo_bytes, undo_stream

__all__ = ["Limits", "Undecodable", "content_codings", "undo_bytes", "undo_stream"]
