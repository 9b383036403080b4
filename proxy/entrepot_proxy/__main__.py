"""`python -O -m entrepot_proxy`: the command line of the proxy process. `entrepot proxy` and `entrepot up` start it."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from entrepot_store.config import load_settings
from entrepot_store.errors import ConfigError, EntrepotError
from entrepot_store.logs import log_to_stderr


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0, or that of the EntrepotError it ended with (`docs/exit-codes.md`)."""
    options = _parser().parse_args(arguments)
    # At INFO mitmproxy tells every connection; what the engine forwards of its messages is at the same levels.
    log_to_stderr("mitmproxy", "entrepot_proxy.engine", "asyncio", "hpack")
    try:
        overrides = _overrides(options)
        settings = load_settings(options.config, overrides)
        # Imports of mitmproxy take seconds; a mistake in the settings is told before.
        from .runner import Runner

        async def serve() -> None:
            await Runner(settings, options.config, overrides, capture=options.capture).run()

        asyncio.run(serve())
    except EntrepotError as error:
        print(f"entrepot proxy: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="entrepot-proxy", description="The capture proxy.")
    parser.add_argument("--data", type=Path, help="the data folder")
    parser.add_argument("--config", type=Path, help="the configuration file")
    parser.add_argument("--listen", help="HOST:PORT of the forward proxy; empty for none")
    parser.add_argument(
        "--reverse", action="append", metavar="NAME=URL@HOST:PORT", help="a reverse listener; may be repeated"
    )
    parser.add_argument("--no-capture", dest="capture", action="store_false", help="only proxy; for the benchmark")
    return parser


def _overrides(options: argparse.Namespace) -> dict[str, Any]:
    proxy: dict[str, Any] = {}
    if options.listen is not None:
        proxy["listen"] = options.listen or None
    if options.reverse:
        proxy["reverse"] = [_reverse(text) for text in options.reverse]
    overrides: dict[str, Any] = {}
    if options.data is not None:
        overrides["data"] = options.data
    if proxy:
        overrides["proxy"] = proxy
    return overrides


def _reverse(text: str) -> dict[str, str]:
    """`NAME=URL@HOST:PORT` as the settings want it; its parts are checked there."""
    name, equals, rest = text.partition("=")
    target, at, listen = rest.rpartition("@")
    if not (name and equals and at):
        raise ConfigError(
            f"--reverse: {text!r} is not NAME=http://TARGET@HOST:PORT.",
            hint="For example orders=http://127.0.0.1:9001@127.0.0.1:9101.",
        )
    return {"name": name, "target": target, "listen": listen}


if __name__ == "__main__":
    sys.exit(main())
