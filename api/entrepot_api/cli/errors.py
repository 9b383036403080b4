"""The one place where an error becomes a sentence on stderr and an exit code.

`ENTREPOT_DEBUG=1` adds the traceback. The codes of EntrepotErrors are listed in `docs/exit-codes.md`.
"""

import os
import sys
import traceback
from collections.abc import Callable

from entrepot_store.errors import EntrepotError

from ..text import visible

INTERRUPTED = 130  # as a shell reports a program that SIGINT ended


def guarded(run: Callable[[], None]) -> None:
    """Runs the command line; an error ends the process with its sentence and its exit code, never with a traceback."""
    try:
        run()
    except EntrepotError as error:
        _say(str(error), error.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output went away, as in `entrepot exchanges | head`. Point stdout elsewhere so that the
        # interpreter's own flush at exit does not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _say(f"{where}{error.strerror or error}.", 1)
    except Exception as error:  # noqa: BLE001 - the last resort: a user never meets a traceback unasked
        _say(f"Internal error: {type(error).__name__}: {error}. Run again with ENTREPOT_DEBUG=1 and report it.", 1)


def _say(sentence: str, code: int) -> None:
    if os.environ.get("ENTREPOT_DEBUG") == "1":
        traceback.print_exc()
    # What an error quotes may come from captured traffic: it must not drive the terminal.
    print(f"Error: {visible(sentence)}", file=sys.stderr)
    sys.exit(code)
