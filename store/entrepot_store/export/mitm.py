"""Writes mitmproxy's flow files, through a child process: only the proxy knows mitmproxy."""

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from typing import BinaryIO

from ..errors import BadInput, Damaged
from ..model import Exchange
from ..spool.frames import FILE_MAGIC, encode_frame
from ..spool.records import pack_exchange

_CODINGS = frozenset({"gzip", "deflate", "br", "zstd"})
"""Content codings that mitmproxy can apply; not two at once."""
_WRITE = ("-m", "entrepot_proxy.flowfile", "write")


def write_flow_file(exchanges: Iterable[Exchange], target: BinaryIO) -> int:
    """Writes one flow file to a target that has a file descriptor; says how many flows it has. Bodies must be in
    memory: a flow holds its body whole, and so must this.

    Raises BadInput for an exchange that no flow can hold, Damaged if the child breaks off, and what iterating raises.
    """
    count = 0
    target.flush()
    with tempfile.TemporaryFile() as remarks:
        child = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-P", *_WRITE], stdin=subprocess.PIPE, stdout=target.fileno(), stderr=remarks
        )
        try:
            assert child.stdin is not None  # noqa: S101 - it was asked to be a pipe
            try:
                child.stdin.write(FILE_MAGIC)
                for exchange in exchanges:
                    child.stdin.write(_frame(exchange))
                    count += 1
                child.stdin.close()
            except BrokenPipeError:
                pass  # the child ended early; its exit code and its remark below say why
            code = child.wait()
        finally:
            child.kill()
            child.wait()
        remarks.seek(0)
        said = remarks.read().decode("utf-8", "replace").strip().removeprefix("entrepot flowfile: ")
    if code:
        raise Damaged(f"Writing the flow file ended after {count} exchanges: {said or f'exit code {code}'}")
    return count


def _frame(exchange: Exchange) -> bytes:
    for message in (exchange.request, exchange.response):
        if message is not None and message.body.decoded and message.body.decoded not in _CODINGS:
            # mitmproxy could not apply it again, and a flow whose header names a coding that its body lacks is broken.
            message.headers = tuple(pair for pair in message.headers if pair[0].lower() != b"content-encoding")
            message.body.decoded = ""
    try:
        return encode_frame(pack_exchange(exchange))
    except ValueError as error:
        raise BadInput(
            f"Exchange {exchange.id} is too long for a flow file: {error}.",
            hint="Leave it out with --max-size, or export warc.gz.",
        ) from None
