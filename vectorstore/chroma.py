"""Vectors in embedded Chroma: the only importer of chromadb.

Two collections: body chunks, which nearly every search wants, and page furniture. A metadata filter inside Chroma is
linear in the collection, so the split keeps the usual search unfiltered. Anything narrower is
scored by the store from its own vectors.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vectorstore._faults import fault
from vectorstore.errors import StoreError
from vectorstore.records import Chunk

Vectors = NDArray[np.float32]

REBUILD = "Run `thesis rebuild`: it makes the index again from the ledger; no document is lost."
# Chroma holds the interpreter's lock while it writes: over a few hundred at once all else in the process (a server's
# answers, the clocks that stop late workers) would stand still for seconds.
_BATCH = 256
# Recall@10 of 1.00 at 50,000 chunks and 0.98 at a million (with ef_search 200: 0.99 and 0.96, for 1.5 ms less); docs/performance.md.
_HNSW = {"space": "cosine", "ef_construction": 200, "max_neighbors": 32, "ef_search": 600}
BODY, FURNITURE = "body", "furniture"
# What Chroma says to a question while an empty collection takes in its first vectors.
_NO_GRAPH_YET, _FIRST_S = "Nothing found on disk", 2.0


def collection_of(role: str) -> str:
    """Return the name of the collection (and keyword table) that holds chunks of ``role``."""
    return BODY if role == "body" else FURNITURE


class VectorIndex:
    """The vectors of one store folder. Only the store that holds the owner lock may make one."""

    most = sys.maxsize  # neighbours that one search may ask for
    _page = 2000

    def __init__(self, folder: Path, fingerprint: str) -> None:
        import chromadb
        from chromadb.config import Settings

        self.folder = folder
        self._client: Any = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._client = chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))
            self._collections = {
                name: self._client.get_or_create_collection(
                    name,
                    embedding_function=None,
                    configuration={"hnsw": _HNSW},
                    metadata={"fingerprint": fingerprint},
                )
                for name in (BODY, FURNITURE)
            }
            for collection in self._collections.values():
                _keep_up(collection)
            # Chroma counts by reading its whole table, and only this object changes what is in.
            self._changes = 0
            self._sizes: dict[str, tuple[int, int]] = {}
            self._batch = min(_BATCH, int(self._client.get_max_batch_size()))
        except Exception as error:
            self.close()
            _forget(folder)
            raise StoreError(f"The vector index {folder} cannot be read: {error}", REBUILD) from error

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def fingerprints(self) -> set[str]:
        """Return the fingerprints that the collections carry."""
        return {str((c.metadata or {}).get("fingerprint")) for c in self._collections.values()}

    def add(self, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        """Add or replace; ``vectors`` is (len(chunks), dimension)."""
        for name, collection in self._collections.items():
            rows = [i for i, chunk in enumerate(chunks) if collection_of(chunk.role) == name]
            for start in range(0, len(rows), self._batch):
                part = rows[start : start + self._batch]
                self._change(
                    collection.upsert,
                    ids=[chunks[i].chunk_id for i in part],
                    embeddings=vectors[part],
                    metadatas=[
                        {"document_id": chunks[i].document_id, "version": chunks[i].version, "role": chunks[i].role}
                        for i in part
                    ],
                )

    def remove(self, name: str, chunk_ids: Sequence[str]) -> None:
        """Remove the chunks that are there; the others are no error."""
        for start in range(0, len(chunk_ids), self._batch):
            self._change(self._collections[name].delete, ids=list(chunk_ids[start : start + self._batch]))

    def ids_of(self, document_id: str) -> dict[str, set[str]]:
        """Return the chunk ids of one document, by collection."""
        return {
            name: set(self._guard(collection.get, where={"document_id": document_id}, include=[])["ids"])
            for name, collection in self._collections.items()
        }

    def count(self, name: str | None = None) -> int:
        return sum(self._guard(c.count) for n, c in self._collections.items() if name in (None, n))

    def stored(self) -> int:
        """Return the rows of Chroma's own table: ``count``, but for changes that only its log has yet; -1 if it has no such table.

        ``count`` makes Chroma load every vector first: half a second for 30,000, at each start of a short command.
        """
        place = (self.folder / "chroma.sqlite3").resolve().as_uri()
        try:
            with contextlib.closing(sqlite3.connect(f"{place}?mode=ro", uri=True)) as connection:
                return int(connection.execute("SELECT count(*) FROM embeddings").fetchone()[0])
        except sqlite3.Error:
            return -1

    def load(self) -> None:
        """Bring every vector into memory, as the first question would. Raises StoreError for a graph that is damaged.

        One that was half written may bring the whole process down: see ``loads``.
        """
        for collection in self._collections.values():
            if self._guard(collection.count):
                one = self._guard(collection.get, limit=1, include=["embeddings"])["embeddings"]
                self._guard(collection.query, query_embeddings=one, n_results=1, include=["distances"])

    def size(self, name: str) -> int:
        """Return ``count``, kept until the next change."""
        changes, size = self._sizes.get(name, (-1, 0))
        if changes != self._changes:
            changes = self._changes
            size = self.count(name)
            self._sizes[name] = (changes, size)
        return size

    def nearest(self, name: str, vector: Vectors, k: int) -> list[tuple[str, float]]:
        """Return up to ``k`` (chunk id, cosine), best first; approximate (HNSW)."""
        k = min(k, self.size(name))
        return self._nearest(name, vector, k) if k > 0 else []

    def _nearest(self, name: str, vector: Vectors, k: int) -> list[tuple[str, float]]:
        call, until = self._collections[name].query, time.monotonic() + _FIRST_S
        while True:
            try:
                found = self._guard(call, query_embeddings=[vector], n_results=k, include=["distances"])
                break
            except StoreError as error:
                if _NO_GRAPH_YET not in error.message or time.monotonic() > until:
                    raise
            time.sleep(0.02)
        return [(i, 1.0 - float(d)) for i, d in zip(found["ids"][0], found["distances"][0], strict=True)]

    def entries(self) -> Iterator[tuple[str, str, str, Vectors]]:
        """Yield (collection, chunk id, document id, vector) of everything, for `thesis verify`."""
        for name, collection in self._collections.items():
            offset = 0
            while True:
                page = self._guard(collection.get, limit=self._page, offset=offset, include=["embeddings", "metadatas"])
                if not page["ids"]:
                    break
                for i, metadata, vector in zip(page["ids"], page["metadatas"], page["embeddings"], strict=True):
                    yield name, i, str((metadata or {}).get("document_id")), np.asarray(vector, np.float32)
                offset += len(page["ids"])

    def _change(self, call: Any, **arguments: Any) -> None:
        self._changes += 1
        try:
            self._guard(call, **arguments)
        finally:
            self._changes += 1  # what was counted meanwhile is no longer so

    def _guard(self, call: Any, **arguments: Any) -> Any:
        try:
            return call(**arguments)
        except Exception as error:
            raise fault(f"The vector index {self.folder}", error, REBUILD) from error


def _keep_up(collection: Any) -> None:
    """Give a collection of an older program the present ``ef_search``. Chroma reads it when it loads the graph: before the first use."""
    wanted = _HNSW["ef_search"]
    if (collection.configuration_json.get("hnsw") or {}).get("ef_search") != wanted:
        with warnings.catch_warnings():
            # Chroma says so of every collection that embeds nothing itself.
            warnings.filterwarnings("ignore", "legacy embedding function config", DeprecationWarning)
            collection.modify(configuration={"hnsw": {"ef_search": wanted}})


def loads(folder: Path, fingerprint: str) -> str:
    """Try ``VectorIndex.load`` in a process of its own; return "" where it works, else what went wrong.

    No process may have the folder open. A graph whose last save was cut short is not tried: it may load, and fail later.
    """
    if any(map(_cut_short, folder.glob("*/header.bin"))):
        return "a save was cut short"
    code = (
        "import json, pathlib, sys; sys.path[:] = json.loads(sys.argv[1]); from vectorstore.chroma import VectorIndex; "
        "index = VectorIndex(pathlib.Path(sys.argv[2]), sys.argv[3]); index.load(); index.close()"
    )
    call = [sys.executable, "-P", "-c", code, json.dumps(sys.path), str(folder), fingerprint]
    done = subprocess.run(call, capture_output=True, text=True, errors="replace", check=False)
    said = [line for line in done.stderr.splitlines() if line.strip()]
    return "" if done.returncode == 0 else (said[-1] if said else f"it ended with {done.returncode}")


def _cut_short(header: Path) -> bool:
    """Whether a save ended half-way. hnswlib writes its files over the old ones, and Chroma the list of ids after them."""
    try:
        last = (header.parent / "index_metadata.pickle").stat().st_mtime_ns
        return any(path.stat().st_mtime_ns > last for path in header.parent.glob("*.bin"))
    except FileNotFoundError:
        return True


def _forget(folder: Path) -> None:
    """Chroma keeps what failed to start, and would hand it out again for a folder that was made anew."""
    from chromadb.api.shared_system_client import SharedSystemClient

    SharedSystemClient._identifier_to_system.pop(str(folder), None)


def discard(folder: Path) -> None:
    """Delete an index folder, whatever state it is in."""
    if folder.is_dir():
        shutil.rmtree(folder)
    else:
        folder.unlink(missing_ok=True)
