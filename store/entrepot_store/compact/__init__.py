"""Compaction: small segments of a class become one, and what nothing refers to any more is left behind.

`repack` lets one segment take the place of others, safe against a crash at any step; `groups` chooses which; `grace`
removes the replaced ones once nobody can be reading them; `run` is the chore that does all of it.
"""

from .run import Compacted, compact

__all__ = ["Compacted", "compact"]
