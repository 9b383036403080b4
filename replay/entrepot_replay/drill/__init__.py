"""Can it be restored? A drill starts an empty copy of a product, replays everything into it, verifies, stops it, and
keeps the result with its date.

`product` is the copy's process, `readiness` knows when it can be asked, `drill` puts it all together.
"""

from .drill import Drill, Drills, Hands
from .product import ProductFailed

__all__ = ["Drill", "Drills", "Hands", "ProductFailed"]
