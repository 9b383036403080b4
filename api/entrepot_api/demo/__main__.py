"""`python -m entrepot_api.demo [--keep DIR]`: exits with 0 if everything came back, with 1 if anything differs."""

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from .client import Refused
from .stage import DemoFailed
from .story import tell


def main() -> int:
    about = "A product loses its data and gets it back."
    parser = argparse.ArgumentParser(prog="python -m entrepot_api.demo", description=about)
    parser.add_argument("--keep", metavar="DIR", type=Path, help="keep data, logs and configuration in this folder")
    keep: Path | None = parser.parse_args().keep
    console = Console(width=110 if not sys.stdout.isatty() else None)
    try:
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            return _verdict(tell(keep, console), console)
        with tempfile.TemporaryDirectory(prefix="entrepot-demo-") as folder:
            return _verdict(tell(Path(folder), console), console)
    except (DemoFailed, Refused, OSError) as error:
        console.print(f"The demo failed: {error}", style="bold red", highlight=False, markup=False)
        return 1


def _verdict(restored: bool, console: Console) -> int:
    if restored:
        console.print("Everything came back.", style="bold green")
        return 0
    console.print("Not everything came back: see the differences above.", style="bold red")
    return 1


if __name__ == "__main__":
    sys.exit(main())
