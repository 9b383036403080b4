"""A folder that appears whole or not at all."""

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import AlreadyExists, BadInput, NotFound


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A folder to write into, 0700, that takes the name `target` when the block ends, and is gone if it fails.

    Raises AlreadyExists if there is something in `target`, BadInput if it cannot be replaced, NotFound if there is no
    folder to make it in. Other errors of the disk pass as OSError. After a `kill -9` a hidden folder beside the target
    remains, `.NAME.partial-…`, which can be deleted.
    """
    target = target.resolve()
    _check(target)
    partial = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.partial-"))  # mkdtemp makes it 0700
    try:
        yield partial
        _rename(partial, target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _check(target: Path) -> None:
    if target.is_dir():
        if any(target.iterdir()):
            raise AlreadyExists(f"{target} is not empty.", hint=_ANOTHER)
        if target == Path.cwd():
            raise BadInput(f"{target} is the current folder, and would be replaced.", hint=_ANOTHER)
    elif target.exists():
        raise AlreadyExists(f"{target} is a file.", hint=_ANOTHER)
    elif not target.parent.is_dir():
        raise NotFound(f"{target.parent} is no folder, so nothing can be made in it.", hint="Make it first.")


def _rename(partial: Path, target: Path) -> None:
    try:
        partial.rename(target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise AlreadyExists(f"Something else was put into {target} meanwhile.", hint=_ANOTHER) from error
        if error.errno in (errno.EBUSY, errno.EXDEV):
            raise BadInput(f"{target} cannot be replaced; a disk may be mounted there.", hint=_ANOTHER) from error
        raise


_ANOTHER = "Name a new folder."
