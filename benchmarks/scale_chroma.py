"""Vectors embedded and on a Chroma server of the same machine, in one run: ``make bench-chroma``.

Two measurements: inserting and searching a synthetic base (search_base) in both places, and many processes on one server, some
that read while others insert. ``ARGS="--size 50000 --readers 4 --writers 2"``. No server is running before; one is started, with
its data in a temporary folder.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import search_base
from benchmarks.report import write
from benchmarks.search import OPEN, dense_recall, questions, real_source
from benchmarks.search_base import Source
from tests.chroma_servers import ChromaServer
from vectorstore.chroma import BODY, VectorIndex
from vectorstore.chroma_server import Connection, open_index
from vectorstore.embedding import make_embedder
from vectorstore.records import Chunk
from vectorstore.server import Server
from vectorstore.settings import Settings

Vectors = NDArray[np.float32]
DEPTH = 66  # what a search of the program asks for
_TOGETHER = 250  # chunks of one request
_FINGERPRINT, _PREFIX = "bench", "thesis-bench"


def places(base: Source, asked: Vectors, size: int, url: str, folder: Path) -> dict[str, float]:
    """Return the figures of both places: chunks inserted in a second, milliseconds of a search, recall@10."""
    connection = Connection(Server(url))
    try:
        out: dict[str, float] = {"chunks": float(size)}
        made: dict[str, Callable[[], VectorIndex]] = {
            "embedded": lambda: VectorIndex(folder / "chroma", _FINGERPRINT),
            "server": lambda: open_index(connection, f"{_PREFIX}-1", _FINGERPRINT, "", None),
        }
        for name, opened in made.items():
            index = opened()
            begun = time.perf_counter()
            search_base.fill_vectors(index, base, size)
            out[f"{name}_insert_per_s"] = index.count() / (time.perf_counter() - begun)
            out |= {f"{name}_{key}": value for key, value in _times(index, asked).items()}
            out[f"{name}_recall_10"] = dense_recall(index, base, size, asked)["dense_recall_10"]
            index.close()
        return out
    finally:
        connection.close()


def many(base: Source, asked: Vectors, url: str, *, readers: int, writers: int, each: int = 2_000) -> dict[str, float]:
    """Let processes read while others insert ``each`` chunks into the same collections. Raises AssertionError for one missing.

    What a process meets is raised again here: there is no error that is counted and passed over.
    """
    prefix = f"{_PREFIX}-2"
    connection = Connection(Server(url))
    context = multiprocessing.get_context("spawn")
    try:
        index = open_index(connection, prefix, _FINGERPRINT, "", None)
        before = index.count()
        begun = time.perf_counter()
        with context.Manager() as manager, context.Pool(readers + writers) as pool:
            done = manager.Event()
            reading = [pool.apply_async(_read, (url, prefix, asked, done)) for _ in range(readers)]
            writing = [pool.apply_async(_write, (url, prefix, base, number, each)) for number in range(writers)]
            for one in writing:
                one.get()
            seconds = time.perf_counter() - begun
            done.set()
            times = [value for one in reading for value in one.get()]
        inserted, there = writers * each, index.count() - before
        if there != inserted:
            raise AssertionError(f"{inserted} chunks were inserted, {there} are there")
        missing = sum(_absent(index, number, each) for number in range(writers))
        if missing:
            raise AssertionError(f"{missing} chunks cannot be read back")
        return {
            "readers": float(readers),
            "writers": float(writers),
            "inserted": float(inserted),
            "inserted_per_s": inserted / seconds,
            "searches": float(len(times)),
            "search_p50_ms": statistics.median(times),
            "search_p95_ms": statistics.quantiles(times, n=20)[-1],
        }
    finally:
        connection.close()


def measure(
    size: int = 50_000, *, readers: int = 4, writers: int = 2, settings: Settings | None = None
) -> dict[str, float]:
    """Return all figures; a server is started for them."""
    settings = settings or Settings()
    embedder = make_embedder(settings)
    base, _ = real_source(None, settings, embedder)
    asked = embedder.encode([*OPEN, *questions(size)[0]])
    with tempfile.TemporaryDirectory() as folder, ChromaServer(Path(folder) / "server") as server:
        found = places(base, asked, size, server.url, Path(folder))
        shared = many(base, asked, server.url, readers=readers, writers=writers)
    return found | {f"many_{name}": value for name, value in shared.items()}


def _times(index: VectorIndex, asked: Vectors) -> dict[str, float]:
    times = []
    for vector in [*asked[:4], *asked]:  # the first load the graph
        begun = time.perf_counter()
        index.nearest(BODY, vector, DEPTH)
        times.append((time.perf_counter() - begun) * 1000)
    return {"search_p50_ms": statistics.median(times[4:]), "search_p95_ms": statistics.quantiles(times[4:], n=20)[-1]}


def _read(url: str, prefix: str, asked: Vectors, done: Any) -> list[float]:
    connection, times = Connection(Server(url)), list[float]()
    try:
        index = open_index(connection, prefix, _FINGERPRINT, "", [])
        while not done.is_set():
            for vector in asked:
                begun = time.perf_counter()
                index.nearest(BODY, vector, DEPTH)
                times.append((time.perf_counter() - begun) * 1000)
    finally:
        connection.close()
    return times


def _write(url: str, prefix: str, base: Source, number: int, each: int) -> None:
    connection = Connection(Server(url))
    made = np.random.default_rng((13, number))
    try:
        index = open_index(connection, prefix, _FINGERPRINT, "", [])
        for start in range(0, each, _TOGETHER):
            rows = made.integers(len(base.chunks), size=min(_TOGETHER, each - start))
            noise = made.normal(scale=0.02, size=(len(rows), base.vectors.shape[1]))
            moved = base.vectors[rows] + noise
            vectors = (moved / np.linalg.norm(moved, axis=1, keepdims=True)).astype(np.float32)
            index.add(_chunks(base, number, start, rows.tolist()), vectors)
    finally:
        connection.close()


def _chunks(base: Source, number: int, start: int, rows: Sequence[int]) -> list[Chunk]:
    names = (f"w{number}-{start + place}" for place in range(len(rows)))
    return [
        replace(base.chunks[row], chunk_id=name, document_id=f"writer-{number}", role="body")
        for row, name in zip(rows, names, strict=True)
    ]


def _absent(index: VectorIndex, number: int, each: int) -> int:
    found = index.ids_of(f"writer-{number}")[BODY]
    return len({f"w{number}-{place}" for place in range(each)} - found)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else None)
    parser.add_argument("--size", type=int, default=50_000, help="chunks")
    parser.add_argument("--readers", type=int, default=4, help="processes")
    parser.add_argument("--writers", type=int, default=2, help="processes")
    given = parser.parse_args()
    metrics = measure(given.size, readers=given.readers, writers=given.writers)
    for name, value in metrics.items():
        print(f"{name:<28} {value:>12.3f}")
    write("scale_chroma", metrics, corpus="synthetic, made of sample notes or THESIS_CORPUS")


if __name__ == "__main__":
    main()
