"""Many processes on one shared base, with made-up embedding: the servers and the one order of changes are what is measured.

Part "load" of ``make bench-scale``. An ingester stands for a machine of its own: it waits for as long as the model would take there
(``_RATE`` chunks a second, what two cores embed) and puts random vectors in. A reader searches one question after the other. All of
them and the servers run on this machine, so that what they reach together is the least that ten machines would.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.scale_base import Bases, processor_seconds
from benchmarks.scale_ledger import Borrowed, document
from vectorstore.embedding import Embedder, make_embedder
from vectorstore.server import Server
from vectorstore.settings import load_settings
from vectorstore.shared import Shared
from vectorstore.store import Store

Say = Callable[[str], None]
_RATE = 160.0
_SIZES = ((1, 0), (2, 0), (5, 0), (10, 0), (10, 10))
_PARTS = 50


def measure(bases: Bases, embedder: Embedder, asked: Sequence[str], seconds: float, say: Say) -> dict[str, float]:
    """Return for each number of ingesters and readers what they reached, and what the servers took of it."""
    out: dict[str, float] = {"rate_of_one": _RATE}
    for ingesters, readers in _SIZES:
        found = together(bases, asked, ingesters, readers, seconds)
        say(f"load: {ingesters} ingesters, {readers} readers: " + ", ".join(f"{k} {v:.4g}" for k, v in found.items()))
        out |= {f"{ingesters}_{readers}_{key}": value for key, value in found.items()}
    out["most_chunks_per_s"] = max(value for name, value in out.items() if name.endswith("_chunks_per_s"))
    return out


def together(bases: Bases, asked: Sequence[str], ingesters: int, readers: int, seconds: float) -> dict[str, float]:
    """Run so many of each for so long, once all are ready."""
    context = multiprocessing.get_context("spawn")
    start, told = context.Barrier(ingesters + readers + 1), context.SimpleQueue()
    works = [
        context.Process(target=ingest, args=(bases.folder, bases.shared, bases.server, n, seconds, start, told))
        for n in range(ingesters)
    ]
    works += [
        context.Process(
            target=search, args=(bases.folder, bases.shared, bases.server, n, list(asked), seconds, start, told)
        )
        for n in range(readers)
    ]
    for one in works:
        one.start()
    try:
        start.wait(300)
        before = {name: processor_seconds(pid) for name, pid in bases.pids.items()}
        begun = time.perf_counter()
        reports = [told.get() for _ in works]
        took = time.perf_counter() - begun
        used = {name: processor_seconds(pid) - before[name] for name, pid in bases.pids.items()}
    finally:
        for one in works:
            one.join(60)
            if one.is_alive():
                one.terminate()
    put = [report for report in reports if report["kind"] == "ingest"]
    times = sorted(second for report in reports if report["kind"] == "search" for second in report["times"])
    chunks = sum(report["chunks"] for report in put)
    found = {
        "chunks_per_s": chunks / took,
        "share_of_wanted": chunks / took / (_RATE * ingesters),
        "clients_cores": sum(report["cpu"] for report in reports) / took,
    } | {f"{name}_cores": value / took for name, value in used.items()}
    found |= {f"{name}_cpu_ms_a_chunk": value / max(1, chunks) * 1000 for name, value in used.items()}
    if times:
        found |= {
            "searches_per_s": len(times) / took,
            "search_p50_ms": statistics.median(times) * 1000,
            "search_p95_ms": times[int(0.95 * (len(times) - 1))] * 1000,
        }
    return found


def _store(folder: Path, shared: Shared, server: Server, seconds: float) -> Store:
    os.environ["OMP_NUM_THREADS"] = "1"
    embedder: Any = Borrowed(make_embedder(load_settings(overrides={"ledger": "", "chroma": ""})), seconds)
    return Store.open(folder / "load", embedder=embedder, server=server, shared=shared)


def ingest(folder: Path, shared: Shared, server: Server, number: int, seconds: float, start: Any, told: Any) -> None:
    """Put documents in, one after the other, each with its vectors."""
    with _store(folder, shared, server, 1 / _RATE) as store:
        items = [document(f"load{os.getpid()}x{n}", _PARTS) for n in range(4)]
        start.wait()
        until, cpu, chunks, count = time.monotonic() + seconds, time.process_time(), 0, 0
        while time.monotonic() < until:
            store.put_many(items)
            while done := store.embed_next():
                chunks += sum(one.chunks for one in done)
            count += len(items)
            items = [document(f"load{os.getpid()}x{count + n}", _PARTS) for n in range(4)]
        told.put({"kind": "ingest", "chunks": chunks, "cpu": time.process_time() - cpu})


def search(
    folder: Path,
    shared: Shared,
    server: Server,
    number: int,
    asked: Sequence[str],
    seconds: float,
    start: Any,
    told: Any,
) -> None:
    """Search one question after the other by words and by a vector."""
    with _store(folder, shared, server, 0.0) as store:
        store.search(asked[0], k=10)  # its copy of the words is there
        start.wait()
        until, cpu, times, place = time.monotonic() + seconds, time.process_time(), [], number * 37
        while time.monotonic() < until:
            begun = time.perf_counter()
            store.search(asked[place % len(asked)], k=10)
            times.append(time.perf_counter() - begun)
            place += 1
        told.put({"kind": "search", "times": times, "cpu": time.process_time() - cpu})
