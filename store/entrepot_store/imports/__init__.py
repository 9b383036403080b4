"""Takes in traffic that somebody recorded already, so that it is protected like captured traffic.

`detect` tells the formats apart; `har_document`, `har` and `har_body` read HAR, `mitm` reads mitmproxy's flow files.
`intake` decides and redacts as the proxy would, `spooled` writes the spool files, `run` does the whole import.
"""

from .entries import Recorded, Refused
from .run import ImportReport, import_file

__all__ = ["ImportReport", "Recorded", "Refused", "import_file"]
