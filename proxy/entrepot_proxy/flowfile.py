"""mitmproxy's flow files, read and written in a process of their own, because the rest of Entrepot knows no mitmproxy.

    python -m entrepot_proxy.flowfile read FILE [--data DATA [--config FILE]]   flow file → spool frames on stdout
    python -m entrepot_proxy.flowfile write                                    frames on stdin → flow file on stdout

Frames are those of a spool file (`FILE_MAGIC`, then one `pack_exchange` each, bodies inline). With `--data` exchanges
are decided and redacted with that installation's rules and key before they are written; without it they come out as
recorded, and the caller must redact them before they touch a disk.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from mitmproxy import exceptions, http
from mitmproxy.io import FlowReader, FlowWriter

from entrepot_store.config import Settings, load_settings
from entrepot_store.config.settings import ProxySettings
from entrepot_store.errors import BadInput, Damaged, EntrepotError
from entrepot_store.model import Action, Exchange
from entrepot_store.redact import load_key
from entrepot_store.spool.frames import FILE_MAGIC, HEADER_SIZE, MARKER, MAX_PAYLOAD, Bad, decode_frames, encode_frame
from entrepot_store.spool.records import pack_exchange, unpack

from .flow_export import flow_of
from .flow_import import exchange_of
from .policy import Policy, compile_policy


def read(source: BinaryIO, target: BinaryIO, policy: Policy) -> tuple[int, int]:
    """Frames of every HTTP flow, in file order. Returns how many, and how many flows of other protocols there were.

    Raises Damaged behind the last flow that can be read; what came before it has been written.
    """
    written = skipped = 0
    target.write(FILE_MAGIC)
    try:
        for flow in FlowReader(source).stream():
            if not isinstance(flow, http.HTTPFlow):
                skipped += 1
                continue
            exchange = exchange_of(flow, policy)
            if exchange.action is not Action.IGNORE:
                target.write(encode_frame(pack_exchange(exchange)))
                written += 1
    except exceptions.FlowReadException as error:
        raise Damaged(
            f"The flow file ends in something that is no flow, after {written} HTTP flows: {error}.",
            hint="What came before it was read.",
        ) from error
    finally:
        target.flush()
    return written, skipped


def write(source: BinaryIO, target: BinaryIO) -> int:
    """A flow file of the exchanges framed in `source`. Raises Damaged for a bad frame, BadInput for bodies in files."""
    if source.read(len(FILE_MAGIC)) != FILE_MAGIC:
        raise BadInput("The input does not begin as spool frames do.")
    writer = FlowWriter(target)  # type: ignore[no-untyped-call] # mitmproxy is typed in part
    written = 0
    while frame := _frame(source):
        payload = next(iter(decode_frames(frame)))
        if isinstance(payload, Bad):
            raise Damaged(f"The frame behind {written} exchanges is damaged.")
        record = unpack(payload)
        if isinstance(record, Exchange):
            writer.add(flow_of(record))
            written += 1
    target.flush()
    return written


def _frame(source: BinaryIO) -> bytes:
    """The next whole frame, or nothing at the end. One at a time: an export may be larger than memory."""
    head = source.read(HEADER_SIZE)
    if not head:
        return b""
    if len(head) == HEADER_SIZE and head.startswith(MARKER):
        size = int.from_bytes(head[len(MARKER) : len(MARKER) + 4], "little")
        if size <= MAX_PAYLOAD:
            body = source.read(size)
            if len(body) == size:
                return head + body
    raise Damaged("The input ends within a frame, or holds something that is no frame.")


def _policy(options: argparse.Namespace) -> Policy:
    if options.data is None:
        bare = Settings.model_construct(proxy=ProxySettings(redact_headers=()), product=(), rule=())
        return compile_policy(bare, b"")
    settings = load_settings(options.config, {"data": options.data})
    return compile_policy(settings, load_key(settings.data))


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0, or that of the EntrepotError it ended with."""
    parser = argparse.ArgumentParser(prog="entrepot-flowfile", description="mitmproxy's flow files as spool frames.")
    actions = parser.add_subparsers(dest="action", required=True)
    reading = actions.add_parser("read", help="a flow file into frames on standard output")
    reading.add_argument("file", type=Path)
    reading.add_argument("--data", type=Path, help="decide and redact with this installation's rules and key")
    reading.add_argument("--config", type=Path)
    actions.add_parser("write", help="frames from standard input into a flow file on standard output")
    options = parser.parse_args(arguments)
    try:
        if options.action == "read":
            with options.file.open("rb") as source:
                _, skipped = read(source, sys.stdout.buffer, _policy(options))
            if skipped:
                print(f"{skipped} flows are not HTTP and were left out.", file=sys.stderr)
        else:
            write(sys.stdin.buffer, sys.stdout.buffer)
    except EntrepotError as error:
        print(f"entrepot flowfile: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # The reader has what it wants. Python would complain again when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        print(f"entrepot flowfile: {error.filename or 'input'}: {error.strerror or error}.", file=sys.stderr)
        return BadInput.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
