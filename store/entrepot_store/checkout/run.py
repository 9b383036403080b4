"""Writes what a product's documents were at a moment, each into a file, and the index beside them."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from uuid import UUID

from ..archive import Archive
from ..catalog.documents import DocumentFilter, DocumentRow, VersionRow
from ..clock import to_rfc3339
from ..documents.content import NeverSeen
from ..documents.representation import Representation, represent
from ..errors import Damaged, Erased, NotFound
from .folder import new_folder
from .index import Index, open_index, private_file
from .names import INDEX, FileNames

_CHUNK = 256 * 1024


@dataclass(slots=True, frozen=True)
class Failed:
    """A document whose content could not be read, and why. `never_seen`: only changes of it were captured."""

    document: UUID
    key: str
    version: UUID
    reason: str
    never_seen: bool = False


@dataclass(slots=True, frozen=True)
class CheckedOut:
    """What was written. `deleted` counts documents that were deleted by then, `erased` are those whose content of then
    was expunged; there is no file of either."""

    files: int
    size: int
    deleted: int
    failed: tuple[Failed, ...]
    erased: tuple[Failed, ...] = ()


def checkout(
    archive: Archive, destination: str, at: int, folder: Path, *, progress: Callable[[int], None] | None = None
) -> CheckedOut:
    """The documents of `destination` as of `at` (microseconds) as files in `folder`, which is new or empty.

    Every file has the time at which its version began. A content that was erased, is gone or damaged is left out
    and named, in the index as well; any other error ends it, and then there is no folder. `progress` is told how
    many documents are done. Raises as `folder.new_folder` does, NotFound if there were no documents yet, and what
    vault and catalog raise.
    """
    run = _Run(archive)
    with new_folder(folder) as partial, open_index(partial / INDEX, destination, at) as index:
        where = DocumentFilter(destination=(destination,), as_of=at)
        for number, document in enumerate(archive.catalog.documents.iterate(where), start=1):
            version = archive.catalog.documents.version_at(document.id, at)
            if version is not None:
                run.take(document, version, partial, index)
            if progress is not None:
                progress(number)
        if not run.files and not run.deleted and not run.failed and not run.erased:
            raise NotFound(f"{destination} had no documents at {to_rfc3339(at)}.")
        index.close(
            deleted=run.deleted,
            erased=[_failure(erased) for erased in run.erased],
            failed=[_failure(failed) for failed in run.failed],
        )
    return CheckedOut(run.files, run.size, run.deleted, tuple(run.failed), tuple(run.erased))


class _Run:
    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._names = FileNames()
        self.files = 0
        self.size = 0
        self.deleted = 0
        self.failed: list[Failed] = []
        self.erased: list[Failed] = []

    def take(self, document: DocumentRow, version: VersionRow, root: Path, index: Index) -> None:
        if version.tombstone:
            self.deleted += 1
            return
        file = None
        try:
            shown = represent(self._archive, version)
            file = self._names.claim(document.key, shown.media_type, document.id)
            size, digest = _write(shown, root, file)
        except Erased as error:
            self.erased.append(Failed(document.id, document.key, version.id, error.message))
            return
        except (NotFound, Damaged) as error:
            if file is not None:
                (root / file).unlink(missing_ok=True)
            self.failed.append(Failed(document.id, document.key, version.id, str(error), isinstance(error, NeverSeen)))
            return
        self.files += 1
        self.size += size
        index.add(
            **{"file": str(file), "document": str(document.id), "key": document.key, "version": str(version.id)},
            **{"from": to_rfc3339(version.at), "digest": f"sha256:{digest}", "size": size},
            **{"media_type": shown.media_type, "malformed": version.malformed, "exchange": str(version.exchange)},
            **({"content_encoding": ", ".join(shown.codings)} if shown.codings else {}),
        )


def _write(shown: Representation, root: Path, file: PurePosixPath) -> tuple[int, str]:
    """Size in bytes and digest in hex of what was written."""
    _make_folders(root, file.parent)
    digest, size = sha256(), 0
    with shown.open() as content, os.fdopen(private_file(root / file), "wb") as target:
        while chunk := content.read(_CHUNK):
            target.write(chunk)
            digest.update(chunk)
            size += len(chunk)
    moment = max(shown.version.at, 0) * 1000
    os.utime(root / file, ns=(moment, moment))
    return size, digest.hexdigest()


def _make_folders(root: Path, below: PurePosixPath) -> None:
    """Each 0700: `parents=True` would make those above as the umask says."""
    for part in below.parts:
        root /= part
        root.mkdir(mode=0o700, exist_ok=True)


def _failure(failed: Failed) -> dict[str, str]:
    return {
        "document": str(failed.document),
        "key": failed.key,
        "version": str(failed.version),
        "reason": failed.reason,
    }
