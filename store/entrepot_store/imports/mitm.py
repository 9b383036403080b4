"""Reads mitmproxy's flow files, through a child process: only the proxy knows mitmproxy.

The child sends spool frames through a pipe, as recorded and not yet redacted; nothing of that touches a disk.
A flow file that ends in the middle, as mitmdump leaves it when it is killed, is read as far as it goes.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, cast

from ..errors import Damaged
from ..model import Exchange
from ..spool.pipe import read_frames
from ..spool.records import unpack
from .entries import Entry, Recorded, Refused

_READ = ("-m", "entrepot_proxy.flowfile", "read")


def read_flow_file(path: Path) -> Iterator[Entry]:
    """Every HTTP flow, then one Refused for what the child says it could not read.

    Raises Damaged if the child breaks off without saying why.
    """
    number = 0
    with tempfile.TemporaryFile() as remarks:
        child = subprocess.Popen([sys.executable, "-P", *_READ, str(path)], stdout=subprocess.PIPE, stderr=remarks)  # noqa: S603 - our own module
        try:
            assert child.stdout is not None  # noqa: S101 - it was asked to be a pipe
            for payload in read_frames(cast("BinaryIO", child.stdout)):
                record = unpack(payload)
                if isinstance(record, Exchange):
                    number += 1
                    # It was named by an empty configuration; ours decides anew.
                    yield Recorded(f"flow {number}", replace(record, source="", destination=""))
            code = child.wait()
        finally:
            child.kill()  # when the import is broken off; a child that has ended does not mind
            child.communicate()
        remarks.seek(0)
        said = remarks.read().decode("utf-8", "replace").strip().removeprefix("entrepot flowfile: ")
    if code and not said:
        raise Damaged(f"{path}: reading it ended with exit code {code} after {number} flows.")
    if said:
        yield Refused(f"behind flow {number}" if code else str(path), said.rstrip("."))
