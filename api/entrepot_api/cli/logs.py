"""Logging of the commands that run on and on (`ship`, `serve`): on stderr, where an init system or `up` picks it up."""

import logging

_CHATTY = ("alembic", "uvicorn.error", "urllib3")
"""Libraries that tell at INFO how they do their work."""


def log_to_stderr() -> None:
    """Everything of ours from INFO on, of chatty libraries from WARNING on."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
