"""How the processes that run on and on (proxy, shipper, API) log: on stderr, in one form, in UTC as all else here."""

import logging
import time

_FORMAT = "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s"
_TIME = "%Y-%m-%dT%H:%M:%S"


def log_to_stderr(*quiet: str) -> None:
    """Everything from INFO on; loggers named `quiet` tell at INFO how they do their work: of those from WARNING on."""
    formatter = logging.Formatter(_FORMAT, _TIME)
    formatter.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in quiet:
        logging.getLogger(name).setLevel(logging.WARNING)
