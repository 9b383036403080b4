"""Is it back? After a replay every document that the lost service held at the moment T is read from the rebuilt one and
compared with the evidence of it in the recording.

`journal` finds out what was there, `asking` asks for it, `judge` compares, `verification` runs it all and stores what
it found; `verifier` puts that together for a replay. Nothing is ever written to the target.
"""

from .verification import Verification
from .verifier import Verifier

__all__ = ["Verification", "Verifier"]
