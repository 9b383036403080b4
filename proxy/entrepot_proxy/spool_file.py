"""One spool file while it is written: append durably, cut a torn tail, seal."""

import os
from pathlib import Path

from entrepot_store.spool.files import SpoolFolder, SpoolName, sync_folder
from entrepot_store.spool.frames import FILE_MAGIC, encode_frame
from entrepot_store.spool.records import Head, pack_head


class Disk:
    """The three calls that fail when a disk does. Tests replace it; nothing else should."""

    def write(self, descriptor: int, data: bytes) -> None:
        """Writes all of it. Raises OSError."""
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]

    def sync(self, descriptor: int) -> None:
        os.fdatasync(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        os.ftruncate(descriptor, size)


class SpoolFile:
    """An `.open` file of ours. `size` counts the bytes known to be on disk; what is behind them may be torn."""

    def __init__(self, folder: SpoolFolder, name: SpoolName, disk: Disk) -> None:
        """Creates the file and makes it durable, head and all. Raises OSError and leaves nothing behind."""
        self._folder = folder
        self.name = name
        self._disk = disk
        self.path: Path = folder.open_path(name)
        self.size = 0
        self.commits = 0
        self._renamed = False
        self._descriptor: int | None = os.open(
            self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_APPEND, 0o600
        )
        try:
            self.append(FILE_MAGIC + encode_frame(pack_head(Head(name.worker, name.sequence, name.created))))
            self.commits = 0
            sync_folder(folder.path)
        except BaseException:
            self.discard()
            raise

    def append(self, frames: bytes) -> None:
        """Writes whole frames and waits until they are on disk. After an OSError the tail may be torn: `cut_tail`."""
        descriptor = self._open_descriptor()
        self._disk.write(descriptor, frames)
        self._disk.sync(descriptor)
        self.size += len(frames)
        self.commits += 1

    def cut_tail(self) -> None:
        """Removes what a failed `append` left behind. Raises OSError if even that cannot be done."""
        descriptor = self._open_descriptor()
        self._disk.truncate(descriptor, self.size)
        self._disk.sync(descriptor)

    def seal(self) -> None:
        """Hands the file to the shipper. Raises OSError; may be called again then."""
        if not self._renamed:
            self.path.rename(self._folder.sealed_path(self.name))
            self._renamed = True
        sync_folder(self._folder.path)
        self._close()

    def discard(self) -> None:
        """Removes a file that holds nothing but its head. Raises OSError; may be called again then."""
        self._close()
        self.path.unlink(missing_ok=True)

    def _open_descriptor(self) -> int:
        if self._descriptor is None:
            raise ValueError(f"{self.path} is closed")
        return self._descriptor

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
