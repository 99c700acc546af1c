"""A store made from a backup: all of it, checked, or nothing.

Nothing in the file is trusted: names, kinds, sizes and sums are checked before and while anything is written, into a folder beside
the one that is wanted; that takes its name when ledger, indexes and texts agree.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vectorstore import _verify
from vectorstore._following_index import FollowingIndex
from vectorstore._indexes import Files
from vectorstore._moving import move
from vectorstore._places import META, Place, place_of
from vectorstore._rebuild import fill_keyword, unstage
from vectorstore._schema import SCHEMA, strangers
from vectorstore.backup import FORMAT, LEDGER, MANIFEST, PIECE, counts
from vectorstore.chroma import VectorIndex
from vectorstore.errors import NotFound, StoreError
from vectorstore.keyword import KeywordIndex
from vectorstore.ledger import Ledger
from vectorstore.lock import OwnerLock
from vectorstore.server import Server
from vectorstore.shared import Shared

Progress = Callable[[int, int], None]  # chunks done, chunks in all

_ENTRY = re.compile(r"ledger\.sqlite|originals/[0-9a-f]{64}\.pdf")
_MANIFEST_BYTES = 256 << 20
_MOST_TIMES = 100  # what deflate may make of a real ledger or PDF; a bomb is beyond
_SPARE = 64 << 20  # bytes of the disk that stay free
_NO_BACKUP = "Name a file that `thesis backup` wrote."
_OTHER = "Restore another backup."


@dataclass(frozen=True, slots=True)
class Restored:
    """A store that was made from a backup of ``made_at`` (ISO 8601)."""

    root: Path
    made_at: str
    documents: int
    versions: int
    chunks: int


def restore(
    source: Path,
    root: Path,
    progress: Progress | None = None,
    *,
    server: Server | None = None,
    shared: Shared | None = None,
) -> Restored:
    """Make the store ``root`` from a backup: all of it, checked, or nothing. ``progress`` counts chunks.

    ``server``: the Chroma server that is to hold its vectors (default: embedded, in the folder). ``shared``: the PostgreSQL that
    is to hold its ledger (default: a file of the folder); its base is to be empty.
    Raises NotFound for a file that is not there, StoreError for a folder that is not empty, a file that is no backup, is
    damaged, or of a newer program.
    """
    if not source.is_file():
        raise NotFound(f"There is no file {source}.", _NO_BACKUP)
    if shared is not None:
        held = _into_shared(source, root, shared, progress, server)
        return _restored(root, held)
    _need_empty(root)
    making = root.parent / f".{root.name}.restoring"
    try:
        making.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{making} cannot be made: {error}.", "Name another folder with --store.") from error
    lock = OwnerLock(making)
    lock.acquire()
    try:
        _clear(making)  # of a restore that was killed
        manifest = _unpack(source, making)
        _finish(source, making, manifest, progress, server)
        lock.release()
        _need_empty(root)
        if root.is_dir():
            root.rmdir()
        making.replace(root)
    except OSError as error:
        raise StoreError(f"{root} cannot be written: {error}.", "Free some space or name another folder.") from error
    finally:
        lock.release()
        if making.is_dir():
            shutil.rmtree(making, ignore_errors=True)
    return _restored(root, manifest)


def _restored(root: Path, manifest: dict[str, Any]) -> Restored:
    held = manifest["counts"]
    return Restored(root, manifest["made_at"], held["documents"], held["versions"], held["chunks"])


def _need_empty(root: Path) -> None:
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise StoreError(f"{root} is not empty.", "Name a folder that is empty or not there yet with --store.")


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif not path.name.startswith("owner."):
            path.unlink()


def _unpack(source: Path, folder: Path) -> dict[str, Any]:
    """Write the entries below ``folder``, each checked; return the manifest."""
    try:
        with zipfile.ZipFile(source) as archive:
            manifest = _manifest(source, archive)
            _check(source, archive, manifest, folder)
            for name, entry in manifest["files"].items():
                _take(source, archive, name, entry, folder / name)
            return manifest
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, struct.error) as error:
        raise StoreError(f"{source} is no backup, or is damaged: {error}.", _NO_BACKUP) from error


def _manifest(source: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    """Return the manifest, of the right shape. Raises StoreError."""
    try:
        entry = archive.getinfo(MANIFEST)
        with archive.open(entry) as stream:
            manifest = json.loads(stream.read(_MANIFEST_BYTES))
        form, schema = int(manifest["format"]), int(manifest["schema"])
        read = {
            "made_at": str(manifest["made_at"]),
            "counts": {name: int(manifest["counts"][name]) for name in ("documents", "versions", "chunks", "vectors")},
            "files": {
                str(name): {"bytes": int(said["bytes"]), "sha256": str(said["sha256"])}
                for name, said in manifest["files"].items()
            },
        }
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise StoreError(f"{source} is no backup: its manifest cannot be read ({error}).", _NO_BACKUP) from error
    if form > FORMAT:
        raise _too_new(source, f"format {form}; this one knows {FORMAT}")
    if schema > SCHEMA:
        raise _too_new(source, f"schema {schema}; this one knows {SCHEMA}")
    return read


def _too_new(source: Path, what: str) -> StoreError:
    return StoreError(f"{source} was written by a newer version of this program ({what}).", "Update the program.")


def _check(source: Path, archive: zipfile.ZipFile, manifest: dict[str, Any], folder: Path) -> None:
    """Refuse, before anything is written, entries that a backup does not have."""

    def wrong(what: str) -> StoreError:
        return StoreError(f"{source} is no backup: {what}.", _NO_BACKUP)

    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if len(set(names)) != len(names):
        raise wrong("an entry is there twice")
    if set(names) != {MANIFEST, *manifest["files"]}:
        raise wrong("its entries are not those of its manifest")
    if LEDGER not in manifest["files"]:
        raise wrong("it has no ledger")
    for entry in entries:
        mode = entry.external_attr >> 16
        if entry.is_dir() or (mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode)):
            raise wrong(f"{entry.filename[:80]!r} is no plain file")
        if entry.filename == MANIFEST:
            continue
        if not _ENTRY.fullmatch(entry.filename):
            raise wrong(f"{entry.filename[:80]!r} belongs to no store")
        said = manifest["files"][entry.filename]["bytes"]
        if entry.file_size != said:
            raise wrong(f"{entry.filename} has {entry.file_size} bytes, the manifest says {said}")
        if entry.file_size > _MOST_TIMES * max(entry.compress_size, 4096):
            raise wrong(f"{entry.filename} grows from {entry.compress_size} to {entry.file_size} bytes")
    total = sum(entry["bytes"] for entry in manifest["files"].values())
    # The indexes take about as much as the ledger.
    needed = total + manifest["files"][LEDGER]["bytes"] + _SPARE
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise StoreError(
            f"{source} needs about {needed / 1e6:,.0f} MB, the disk has {free / 1e6:,.0f} MB free.", "Free some space."
        )


def _take(source: Path, archive: zipfile.ZipFile, name: str, said: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with archive.open(name) as stream, path.open("xb") as target:
        while piece := stream.read(PIECE):
            size += len(piece)
            if size > said["bytes"]:
                break
            digest.update(piece)
            target.write(piece)
        target.flush()
        os.fsync(target.fileno())
    if size != said["bytes"] or digest.hexdigest() != said["sha256"]:
        raise StoreError(f"{source} is damaged: {name} is not what was saved.", _OTHER)
    if name != LEDGER and Path(name).stem != said["sha256"]:
        raise StoreError(f"{source} is damaged: {name} holds another file.", _OTHER)


def _finish(
    source: Path, folder: Path, manifest: dict[str, Any], progress: Progress | None, server: Server | None
) -> None:
    """Bring the ledger up to date, make both indexes from it, and compare all."""
    with contextlib.closing(_opened(source, folder)) as ledger:
        _settle(source, ledger, manifest)
        place = place_of(folder, ledger, server)
        files = Files(vectors=place.first())
        files.remember(ledger)
        try:
            _need_whole(source, _index(ledger, place, files, KeywordIndex(folder / files.keyword), progress))
        except BaseException:
            if server is not None:
                with contextlib.suppress(StoreError):  # what failed is told of; collections without a store harm nobody
                    place.discard(files.vectors)
            raise
        finally:
            place.close()


def _settle(source: Path, ledger: Ledger, manifest: dict[str, Any]) -> None:
    """Compare the ledger with the manifest, and take out what was true of the files of the store that was saved."""
    with ledger.transaction() as connection:
        if (found := counts(connection)) != manifest["counts"]:
            raise StoreError(f"{source} is damaged: the ledger holds {found}.", _OTHER)
        if more := strangers(connection):
            raise StoreError(f"{source} is no backup: its ledger also has {more[0][:80]!r}.", _NO_BACKUP)
        unstage(ledger)
        # A rebuild half-way, which file it was, being written to.
        gone = ("indexes", "file", "changing", *META)
        connection.executemany("DELETE FROM meta WHERE key = ?", ((key,) for key in gone))
        ledger.settle(ledger.marked())


def _into_shared(
    source: Path, root: Path, shared: Shared, progress: Progress | None, server: Server | None
) -> dict[str, Any]:
    """Bring a backup into a base that machines share, which is to be empty: the ledger whole or not at all, then its vectors."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=root, prefix=".restoring."))
    except OSError as error:
        raise StoreError(f"{root} cannot be written: {error}.", "Name another folder with --store.") from error
    try:
        manifest = _unpack(source, folder)
        with contextlib.closing(_opened(source, folder)) as held, contextlib.closing(Ledger(shared)) as ledger:
            _settle(source, held, manifest)
            with ledger.lock("alone"):
                for path in sorted((folder / "originals").glob("*.pdf")):
                    ledger.keep_original(path.stem, path.read_bytes())
                move(held, ledger)
                with contextlib.closing(place_of(folder, ledger, server)) as place:
                    files = Files(vectors=place.first())
                    files.remember(ledger)
                    words = FollowingIndex(folder, ledger)
                    try:
                        _need_whole(source, _index(ledger, place, files, words, progress))
                    finally:
                        words.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return manifest


def _need_whole(source: Path, problems: list[str]) -> None:
    if problems:
        raise StoreError(f"{source} holds a store that is not whole: {problems[0]}", _OTHER)


def _index(ledger: Ledger, place: Place, files: Files, keyword: KeywordIndex, progress: Progress | None) -> list[str]:
    """Make both indexes and return what is wrong with the whole."""
    embedder = ledger.get_meta("embedder") or ""
    with contextlib.closing(keyword), contextlib.closing(place.open(files.vectors, embedder)) as vectors:
        _fill(ledger, vectors, embedder, progress)
        fill_keyword(ledger, keyword)
        return _verify.problems(ledger, vectors, keyword, embedder, unfinished=True)


def _opened(source: Path, folder: Path) -> Ledger:
    try:
        return Ledger(folder / LEDGER)
    except StoreError as error:
        raise StoreError(f"{source} is damaged: {error.message}", _OTHER) from error


def _fill(ledger: Ledger, vectors: VectorIndex, embedder: str, progress: Progress | None) -> None:
    """Put the ledger's vectors into an empty index; documents that wait for theirs go on waiting."""
    waiting = {one.document_id for one in ledger.waiting()}
    total, done = ledger.count_chunks(), 0
    for document_id, _ in ledger.current():
        chunks = ledger.chunks(document_id)
        ids, _, matrix = ledger.vectors(embedder, document_id)
        if len(ids) == len(chunks):
            vectors.add(chunks, matrix)
        elif document_id not in waiting:
            raise StoreError(f"{len(chunks) - len(ids)} vectors of {document_id} are missing from the ledger.", _OTHER)
        done += len(chunks)
        if progress:
            progress(done, total)
