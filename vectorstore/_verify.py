"""`thesis verify`: ledger, vector index, keyword index and source text against each other. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

import numpy as np

from vectorstore.chroma import VectorIndex, collection_of
from vectorstore.errors import StoreError
from vectorstore.keyword import KeywordIndex, indexed_text
from vectorstore.ledger import Ledger
from vectorstore.records import Chunk, chunk_id, sha256

_TOLERANCE = 1e-5  # Chroma normalizes nothing, but keeps float32 of its own


def problems(
    ledger: Ledger,
    vectors: VectorIndex | None,
    keyword: KeywordIndex | None,
    embedder: str,
    *,
    unfinished: bool = False,
) -> list[str]:
    """Return every problem in plain words, the most basic first; empty if all agree.

    ``unfinished``: that documents wait for their vectors is no problem.
    """
    found = ledger.problems()
    if found:
        return found
    heads = {head.document_id: head for head in ledger.heads()}
    paths = {name: head.path for name, head in heads.items()}
    if ledger.get_meta("embedder") != embedder:
        found.append(f"The store was made with {ledger.get_meta('embedder')}, not with {embedder}.")
    for name in ledger.marked():
        found.append(f"{paths.get(name, name)} was being changed when the program stopped.")
    waiting = {one.document_id: one.chunks for one in ledger.waiting()}
    for name, count in () if unfinished else waiting.items():
        found.append(f"{paths.get(name, name)}: {count} chunks wait for their vectors; words find them already.")
    chunks, lacking = _ledger(ledger, embedder, paths, found)
    for name, count in lacking.items():
        if name in waiting:
            continue
        found.append(f"{paths.get(name, name)}: {count} chunks have no vector in the ledger.")
    for label, index in (("vector index", vectors), ("keyword index", keyword)):
        if index is None:
            found.append(f"The {label} cannot be opened.")
    try:
        if vectors is not None:
            _vectors(ledger, vectors, embedder, chunks, waiting, paths, found)
        if keyword is not None:
            _keyword(ledger, keyword, chunks, paths, found)
    except StoreError as error:
        found.append(error.message)
    return found


def _ledger(
    ledger: Ledger, embedder: str, paths: dict[str, str], found: list[str]
) -> tuple[dict[str, Chunk], dict[str, int]]:
    """Check the chunks against the stored text."""
    chunks: dict[str, Chunk] = {}
    shas: dict[str, list[str]] = defaultdict(list)
    by_document: dict[str, list[tuple[Chunk, str]]] = defaultdict(list)
    for chunk, text_sha, embedded_sha in ledger.chunk_rows():
        chunks[chunk.chunk_id] = chunk
        shas[chunk.document_id].append(embedded_sha)
        by_document[chunk.document_id].append((chunk, text_sha))
    current = dict(ledger.current())
    with ledger.snapshot() as connection:  # not what the ledger keeps in memory
        counts = dict(connection.execute("SELECT document_id, chunks FROM documents WHERE version IS NOT NULL"))
    for name, version in current.items():
        text, whole = ledger.text_of(name, version)
        path = paths[name]
        if not whole:
            found.append(f"{path}: the stored text is damaged.")
        if (said := counts[name]) != len(by_document[name]):
            found.append(f"{path}: the ledger says {said} chunks and has {len(by_document[name])}.")
        for chunk, text_sha in by_document[name]:
            where = f"{path}: the chunk at {chunk.start} to {chunk.end}"
            if chunk.version != version:
                found.append(f"{where} is of version {chunk.version[:12]}, the document is at {version[:12]}.")
            elif text[chunk.start : chunk.end] != chunk.text:
                found.append(f"{where} is not the text at that place.")
            elif sha256(chunk.text.encode("utf-8", "surrogatepass")) != text_sha:
                found.append(f"{where} does not match its checksum.")
            elif chunk_id(name, version, chunk.start, chunk.end) != chunk.chunk_id:
                found.append(f"{where} has a wrong identity.")
    strays = sorted(by_document.keys() - current.keys())
    found += [f"{name}: {len(by_document[name])} chunks of a document that is not in." for name in strays]
    lacking = {}
    for name, wanted in shas.items():
        missing = ledger.missing(embedder, wanted)
        if missing:
            lacking[name] = sum(sha in missing for sha in wanted)
    return chunks, lacking


def _vectors(
    ledger: Ledger,
    index: VectorIndex,
    embedder: str,
    chunks: dict[str, Chunk],
    waiting: Collection[str],
    paths: dict[str, str],
    found: list[str],
) -> None:
    kept: dict[str, np.ndarray[tuple[int], np.dtype[np.float32]]] = {}
    for name in {chunk.document_id for chunk in chunks.values()}:
        ids, _, matrix = ledger.vectors(embedder, name)
        kept.update(zip(ids, matrix, strict=True))
    if index.fingerprints() != {embedder}:
        found.append("The vector index was made by another model.")
    seen: set[str] = set()
    extra, differing = 0, dict.fromkeys(paths, 0)
    for collection, name, document, vector in index.entries():
        chunk = chunks.get(name)
        if chunk is None or collection_of(chunk.role) != collection:
            extra += 1
            continue
        seen.add(name)
        if chunk.document_id in waiting:
            continue  # what is there may be of an older header
        if document != chunk.document_id or (name in kept and not np.allclose(vector, kept[name], atol=_TOLERANCE)):
            differing[chunk.document_id] = differing.get(chunk.document_id, 0) + 1
    whole = {name: chunk for name, chunk in chunks.items() if chunk.document_id not in waiting}
    _report("vector index", whole, seen, extra, differing, paths, found)
    for collection in ("body", "furniture"):
        wanted = next((c for c in whole.values() if collection_of(c.role) == collection and c.chunk_id in kept), None)
        if wanted and not index.nearest(collection, kept[wanted.chunk_id], 1):
            found.append(f"The vector index ({collection}) finds nothing.")


def _keyword(
    ledger: Ledger, index: KeywordIndex, chunks: dict[str, Chunk], paths: dict[str, str], found: list[str]
) -> None:
    found += index.problems()
    numbers = ledger.numbers()
    seen: set[str] = set()
    extra, differing = 0, dict.fromkeys(paths, 0)
    for table, number, name, body in index.entries():
        chunk = chunks.get(name)
        if chunk is None or collection_of(chunk.role) != table or name in seen:
            extra += 1
            continue
        seen.add(name)
        if numbers[chunk.document_id] != number or body != indexed_text(chunk.text):
            differing[chunk.document_id] = differing.get(chunk.document_id, 0) + 1
    _report("keyword index", chunks, seen, extra, differing, paths, found)


def _report(
    label: str,
    chunks: dict[str, Chunk],
    seen: set[str],
    extra: int,
    differing: dict[str, int],
    paths: dict[str, str],
    found: list[str],
) -> None:
    missing: dict[str, int] = defaultdict(int)
    for name, chunk in chunks.items():
        if name not in seen:
            missing[chunk.document_id] += 1
    found += [f"{paths.get(n, n)}: {c} chunks are missing from the {label}." for n, c in missing.items()]
    found += [f"{paths.get(n, n)}: {c} chunks differ in the {label}." for n, c in differing.items() if c]
    if extra:
        found.append(f"The {label} has {extra} entries that the ledger does not know.")
