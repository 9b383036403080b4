"""How much a body may grow while a coding is undone before it is taken for a bomb."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(slots=True, frozen=True)
class Limits:
    """A body is let grow to `max_bytes`, and beyond `free_bytes` only to `max_ratio` times what came over the wire.

    The ratio stops bombs, which need one in the hundreds and up to be worth sending; the free allowance lets short
    and very regular bodies (a megabyte of zeros, a table of defaults) pass, whose ratio says nothing.
    """

    max_bytes: int = 4096 * MIB
    free_bytes: int = 16 * MIB
    max_ratio: int = 100

    def allowed(self, wire_bytes: int) -> int:
        """How many bytes `wire_bytes` may become."""
        return min(self.max_bytes, max(self.free_bytes, wire_bytes * self.max_ratio))
