"""What long-running parts log has the time in UTC, wherever the machine stands."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

LOG = """
import logging
from entrepot_store.logs import log_to_stderr
log_to_stderr("chatty")
logging.getLogger("chatty").info("how I work")
logging.getLogger("chatty").warning("what goes wrong")
logging.getLogger("ours").info("what happens")
"""


def test_every_line_has_the_time_in_utc_and_chatty_libraries_are_quiet() -> None:
    environment = {**os.environ, "TZ": "Pacific/Kiritimati"}  # 14 hours ahead
    said = subprocess.run([sys.executable, "-c", LOG], env=environment, capture_output=True, text=True, check=True)
    times, texts = zip(*(line.split(" ", 1) for line in said.stderr.splitlines()), strict=True)
    assert texts == ("WARNING chatty: what goes wrong", "INFO ours: what happens")
    for time in times:
        assert abs(datetime.now(UTC) - datetime.fromisoformat(time)) < timedelta(minutes=5)
