"""Real secrets for the references that stand in the recording, by reference themselves.

`sources` are where secrets come from, `kinds` what `[[credential]]` makes of them, `asking` those that a server gives
out, `renewable` one of either while a run lasts. `references` tells which references may be filled in, `signature`
which requests AWS keys signed. `run` has the secrets of a run, `filling` puts them into one request, and `signing`
signs it at the very end. Nothing here has a repr that shows a secret, and no error quotes one.
"""

from .asking import Ask
from .filling import Filling
from .kinds import configured_for
from .references import header_references, query_references, references_of
from .run import Credentials
from .signature import Signature
from .sources import CredentialSource

__all__ = [
    "Ask",
    "CredentialSource",
    "Credentials",
    "Filling",
    "Signature",
    "configured_for",
    "header_references",
    "query_references",
    "references_of",
]
