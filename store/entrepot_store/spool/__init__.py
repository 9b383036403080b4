"""The spool: the durable log a proxy writes first and a shipper empties.

`frames` is the byte format, `records` what a frame holds, `files` names, states and locks, `reader` reads a file that
may be torn or damaged. The writer, with its thread and its queue, is the proxy's (`entrepot_proxy.spool_writer`).
"""

from .files import SpoolFolder, SpoolName
from .reader import Damage, SpoolContent, read_spool_file

__all__ = ["Damage", "SpoolContent", "SpoolFolder", "SpoolName", "read_spool_file"]
