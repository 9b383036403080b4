"""A vault in a directory: one file per object. The embedded default; also right for a mounted network disk.

A put writes a hidden temporary file beside its target, syncs it, links it to its name (which fails if the name is
taken) and syncs the folders. A crash leaves at worst a temporary file, which no listing shows and the next `check`
removes when it is old. Folders are 0700 and files 0600: payloads are nobody else's business.
"""

import errno
import io
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ..errors import AlreadyExists, BadInput, EntrepotError, NotFound, VaultDenied, VaultUnavailable
from .canary import prove
from .keys import check_key, check_prefix, check_range, check_start, is_key
from .port import ObjectStat

_PARTIAL = ".partial-"
"""Temporary files begin with this. A key segment may begin with a dot, but not with this, see `_path`."""
_PARTIAL_AGE = 24 * 3600.0
"""Seconds after which a temporary file is nobody's; no put takes a day."""
_CHUNK = 1024 * 1024


class DirectoryVault:
    """The Vault port on a local directory, which is made if it is not there."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    @property
    def location(self) -> str:
        return str(self.root)

    def check(self) -> None:
        with _translated(self.location, "use"):
            _make_folder(self.root)
        prove(self)
        with _translated(self.location, "tidy up"):
            self._remove_old_partials()

    def put(self, key: str, source: Path) -> ObjectStat:
        target = self._path(key)
        with source.open("rb") as reader, _translated(key, "store"):
            _make_folder(target.parent)
            partial = target.parent / f"{_PARTIAL}{secrets.token_hex(8)}"
            try:
                _write_durably(reader, partial)
                if not _claim(partial, target) and not _same(partial, target):
                    raise AlreadyExists(f"{key}: the vault already holds other bytes under this key.")
            finally:
                partial.unlink(missing_ok=True)
            # Also after finding the same bytes: whoever put them there may have died before this.
            _sync_folders(target.parent, self.root)
            return _stat(key, target)

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        with self.open(key, start, length) as stream:
            return stream.read()

    @contextmanager
    def open(self, key: str, start: int = 0, length: int | None = None) -> Iterator[BinaryIO]:
        check_range(start, length)
        path = self._path(key)
        with _translated(key, "read"):
            file = path.open("rb", buffering=0)
        with file:
            size = os.fstat(file.fileno()).st_size
            check_start(key, size, start)
            wanted = size - start if length is None else min(length, size - start)
            with _translated(key, "read"):
                file.seek(start)
            with io.BufferedReader(_Range(file, wanted, key), _CHUNK) as stream:
                yield stream

    def stat(self, key: str) -> ObjectStat:
        path = self._path(key)
        with _translated(key, "look at"):
            return _stat(key, path)

    def list(self, prefix: str = "") -> Iterator[ObjectStat]:
        check_prefix(prefix)
        folder, _, _ = prefix.rpartition("/")
        yield from self._walk(self.root / folder, f"{folder}/" if folder else "", prefix)

    def delete(self, key: str) -> None:
        path = self._path(key)
        with _translated(key, "delete"):
            try:
                path.unlink()
                _sync_folder(path.parent)
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                return

    def erase(self, key: str) -> None:
        self.delete(key)

    def locked_until(self, key: str) -> int | None:
        self.stat(key)
        return None

    def _walk(self, folder: Path, above: str, prefix: str) -> Iterator[ObjectStat]:
        """Objects below `folder` in the order of whole keys: a folder sorts as its name with the slash, so that
        `a-b` comes before `a/b` as it does in S3."""
        try:
            with _translated(above or self.location, "list"), os.scandir(folder) as entries:
                names = sorted(
                    entry.name + ("/" if entry.is_dir() else "")
                    for entry in entries
                    if is_key(entry.name) and not entry.name.startswith(_PARTIAL)
                )
        except NotFound:
            return  # nothing was ever stored below
        for name in names:
            key = above + name
            if name.endswith("/"):
                if key.startswith(prefix) or prefix.startswith(key):
                    yield from self._walk(folder / name, key, prefix)
            elif key.startswith(prefix):
                with _translated(key, "look at"):
                    try:
                        found = _stat(key, folder / name)
                    except FileNotFoundError:
                        continue  # deleted since the folder was read
                yield found

    def _path(self, key: str) -> Path:
        check_key(key)
        if any(part.startswith(_PARTIAL) for part in key.split("/")):
            raise BadInput(f"{key}: names that begin with {_PARTIAL} are the vault's own.")
        return self.root / key

    def _remove_old_partials(self) -> None:
        horizon = time.time() - _PARTIAL_AGE
        for partial in self.root.rglob(f"{_PARTIAL}*"):
            try:
                if partial.stat().st_mtime < horizon:
                    partial.unlink()
            except FileNotFoundError:
                continue  # its put ended, or another process tidies up as well


def _stat(key: str, path: Path) -> ObjectStat:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise FileNotFoundError(key)  # a folder of objects is none
    return ObjectStat(key, found.st_size, found.st_mtime_ns // 1000)


class _Range(io.RawIOBase):
    """`remaining` bytes of an open file; a file that ends before is one that shrank under us."""

    def __init__(self, file: io.FileIO, remaining: int, key: str) -> None:
        self._file = file
        self._remaining = remaining
        self._key = key

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed asks for any WriteableBuffer
        if not self._remaining:
            return 0
        with _translated(self._key, "read"):
            count = self._file.readinto(memoryview(buffer)[: self._remaining]) or 0
        if not count:
            raise VaultUnavailable(f"{self._key}: the file ended {self._remaining} bytes early.")
        self._remaining -= count
        return count


def _make_folder(folder: Path) -> None:
    """Makes it with all missing parents, each 0700: `parents=True` alone would make those as the umask says."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _write_durably(reader: BinaryIO, target: Path) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as writer:
        shutil.copyfileobj(reader, writer, _CHUNK)
        writer.flush()
        os.fsync(writer.fileno())


def _claim(partial: Path, target: Path) -> bool:
    """Gives the file its name; False if the name is taken. A rename would silently replace what is there, a link
    refuses; only where the file system has no links (FAT, some network disks) a look has to do."""
    try:
        os.link(partial, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
            raise
        if target.exists():
            return False
        partial.rename(target)
    return True


def _same(one: Path, other: Path) -> bool:
    if one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as left, other.open("rb") as right:
        while chunk := left.read(_CHUNK):
            if chunk != right.read(_CHUNK):
                return False
    return True


def _sync_folders(folder: Path, root: Path) -> None:
    """The entry of the object and of every folder that may have been made for it."""
    while True:
        _sync_folder(folder)
        if folder in (root.parent, folder.parent):
            return
        folder = folder.parent


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_PASSING = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EMFILE, errno.ENFILE}


@contextmanager
def _translated(what: str, verb: str) -> Iterator[None]:
    """The one place where the operating system's errors become ours."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise NotFound(f"{what}: there is no such object in the vault.") from None
    except FileExistsError:
        raise AlreadyExists(f"{what}: a part of this key is the key of an object, and no folder.") from None
    except OSError as error:
        kind: type[EntrepotError] = VaultUnavailable if error.errno in _PASSING else VaultDenied
        raise kind(f"{what}: the vault could not {verb} it: {error.strerror}.", hint=_hint(error)) from error


def _hint(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "Free space on the vault's disk; captures wait in the spool until then."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "The user that runs Entrepot must own the vault's folder and be able to write there."
    return "Look at the disk that holds the vault."
