"""One file that holds a store, made while another process may be serving it.

The file is a ZIP::

    ledger.sqlite      one committed state, without unused pages
    originals/*.pdf    those that the ledger's versions refer to
    manifest.json      last: format, program, schema, models, counts, and the size and SHA-256 of every other entry

SQLite's write-ahead log lets a second process read one committed state for as long as it takes, whatever the owner writes. The
indexes are left out: Chroma gives no such state, and both are made again from the ledger's own vectors (restore).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import sqlite3
import tempfile
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from vectorstore._moving import move
from vectorstore._schema import SCHEMA, newer, schema_of
from vectorstore._sql import Connection
from vectorstore.errors import StoreEmpty, StoreError
from vectorstore.ledger import Ledger
from vectorstore.shared import Shared

FORMAT = 1
LEDGER, MANIFEST = "ledger.sqlite", "manifest.json"
PIECE = 1 << 20  # bytes read and written at once
_ORIGINAL = re.compile(r"[0-9a-f]{64}")
# Level 6 takes half as long again for 3 % less; most of a ledger is vectors and text that is packed already.
_LEVEL = 1


@dataclass(frozen=True, slots=True)
class Saved:
    """A backup that was written."""

    path: Path
    bytes: int
    documents: int
    versions: int
    chunks: int
    originals: int


def save(root: Path, target: Path, *, shared: Shared | None = None) -> Saved:
    """Write a backup of the store in ``root`` to ``target``, whole or not at all; the store may be in use.

    ``shared``: of the base there. Raises StoreEmpty where there is no store, StoreError for a file that exists, cannot be written, or a ledger that is damaged
    or of another version.
    """
    ledger = root / LEDGER
    if shared is None and not ledger.is_file():
        raise StoreEmpty(f"There is no base in {root}.", "Make one with: thesis ingest PATH_OR_URL")
    if target.exists():
        raise StoreError(f"{target} exists already.", "Name a file that does not: a backup overwrites nothing.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error}.", "Name another place.") from error
    try:
        copy, packed, originals = folder / LEDGER, folder / "packed", root / "originals"
        if shared is None:
            _snapshot(ledger, copy)
        else:
            originals = folder / "originals"
            _taken_down(shared, copy, originals)
        manifest = _describe(copy, root)
        _pack(packed, copy, originals, manifest)
        packed.replace(target)
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error}.", "Free some space or name another place.") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Saved(
        target,
        target.stat().st_size,
        manifest["counts"]["documents"],
        manifest["counts"]["versions"],
        manifest["counts"]["chunks"],
        sum(name != LEDGER for name in manifest["files"]),
    )


def _snapshot(ledger: Path, copy: Path) -> None:
    """Write one committed state of the ledger to ``copy``."""
    try:
        with contextlib.closing(sqlite3.connect(ledger, timeout=30, isolation_level=None)) as connection:
            connection.execute("VACUUM INTO ?", (str(copy),))
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and "full" in str(error):
            raise OSError(str(error)) from error
        raise StoreError(
            f"The ledger {ledger} cannot be read: {error}.",
            "See `thesis verify`; what can still be read is in the files that were ingested.",
        ) from error


def _taken_down(shared: Shared, copy: Path, originals: Path) -> None:
    """Write one committed state of a shared ledger to ``copy``, as an SQLite file, and the originals beside it."""
    originals.mkdir()
    with contextlib.closing(Ledger(shared)) as source, contextlib.closing(Ledger(copy)) as target, source.snapshot():
        if source.is_empty():
            raise StoreEmpty(f"There is no base in {shared.shown}.", "Make one with: thesis ingest PATH_OR_URL")
        move(source, target)
        for version in source.originals():
            if (body := source.original(version)) is not None:
                (originals / f"{version}.pdf").write_bytes(body)


def _describe(copy: Path, root: Path) -> dict[str, Any]:
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        schema = schema_of(connection)
        if schema is None:
            raise StoreEmpty(f"There is no base in {root}.", "Make one with: thesis ingest PATH_OR_URL")
        if schema > SCHEMA:
            raise newer(root / LEDGER, schema)
        meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
        return {
            "format": FORMAT,
            "program": _program(),
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "schema": schema,
            "embedder": meta.get("embedder"),
            "chunker": meta.get("chunker"),
            "counts": counts(connection),
            "files": {},
        }


def counts(connection: Connection) -> dict[str, int]:
    """Return what a ledger holds, as the manifest says it."""
    wanted = {
        "documents": "SELECT count(*) FROM documents WHERE version IS NOT NULL",
        "versions": "SELECT count(*) FROM versions",
        "chunks": "SELECT count(*) FROM chunks",
        "vectors": "SELECT count(*) FROM embeddings",
    }
    return {name: int(connection.execute(statement).fetchone()[0]) for name, statement in wanted.items()}


def _pack(packed: Path, ledger: Path, originals: Path, manifest: dict[str, Any]) -> None:
    with contextlib.closing(sqlite3.connect(ledger)) as connection:
        versions = [row[0] for row in connection.execute("SELECT DISTINCT version FROM versions ORDER BY version")]
    with packed.open("wb") as stream:
        with zipfile.ZipFile(stream, "w", compresslevel=_LEVEL) as archive:
            _put(archive, LEDGER, ledger, zipfile.ZIP_DEFLATED, manifest)
            for name in versions:
                path = originals / f"{name}.pdf"
                # Retention may take one away meanwhile; most versions never had one.
                with contextlib.suppress(FileNotFoundError):
                    if _ORIGINAL.fullmatch(name):
                        _put(archive, f"originals/{path.name}", path, zipfile.ZIP_STORED, manifest)
            text = json.dumps(manifest, indent=1, sort_keys=True).encode()
            archive.writestr(zipfile.ZipInfo(MANIFEST), text, zipfile.ZIP_DEFLATED, _LEVEL)
        stream.flush()
        os.fsync(stream.fileno())


def _put(archive: zipfile.ZipFile, name: str, path: Path, method: int, manifest: dict[str, Any]) -> None:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as source:
        entry = zipfile.ZipInfo(name)  # no date and no owner of the machine
        entry.compress_type = method
        entry._compresslevel = _LEVEL  # type: ignore[attr-defined]
        with archive.open(entry, "w", force_zip64=True) as target:
            while piece := source.read(PIECE):
                digest.update(piece)
                size += len(piece)
                target.write(piece)
    manifest["files"][name] = {"bytes": size, "sha256": digest.hexdigest()}


def _program() -> str:
    try:
        return version("thesis-assistant")
    except PackageNotFoundError:
        return ""
