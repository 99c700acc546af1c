"""For soak: kills in the moment at which Chroma writes its graph over the old one, which it does every thousand vectors.

python -m benchmarks.soak --only saves [--kills N] [--seed N]
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.soak import Options, Result
from benchmarks.soak_store import CountingEmbedder
from vectorstore.errors import ThesisError
from vectorstore.records import Chunk, Document, Metadata, chunk_id, document_id, sha256
from vectorstore.store import Store, Upsert

_DOCUMENTS, _CHUNKS = 40, 100
_WAITS = (0.0, 0.002, 0.01, 0.03, 0.1)  # seconds after the first write of a save was seen
_PATIENCE = 120.0


def document(number: int, round_: int) -> Upsert:
    """Return a document of 100 chunks, other ones in each round."""
    path = f"/soak/{number}.txt"
    name = document_id("soak", path)
    parts = [f"Line {n} of report {number}, round {round_}, word{number}x{n}." for n in range(_CHUNKS)]
    text = "\n".join(parts)
    version = sha256(text.encode())
    chunks, at = [], 0
    for part in parts:
        end = at + len(part)
        chunks.append(Chunk(chunk_id(name, version, at, end), name, version, at, end, part, None, "", "body"))
        at = end + 1
    return Upsert(Document(name, version, path, "soak", text, Metadata(title=f"Report {number}")), tuple(chunks))


def write(root: str, seed: int) -> None:
    """Change documents until killed. Runs in a process of its own."""
    pick = random.Random(seed)
    with Store.open(root, embedder=CountingEmbedder(), chunker_version="1") as store:
        while True:
            store.upsert_many([document(pick.randrange(_DOCUMENTS), pick.randrange(1_000_000)) for _ in range(4)])


def saves(options: Options) -> Result:
    """Kill a writer within a save of Chroma's; the store must answer, and hold what its ledger says."""
    pick = random.Random(options.seed)
    root = options.folder / "store"
    with Store.open(root, embedder=CountingEmbedder(), chunker_version="1") as store:
        store.upsert_many([document(n, 0) for n in range(_DOCUMENTS)])
    kills = min(options.kills, 3) if options.quick else options.kills
    problems: list[str] = []
    remade = 0
    for number in range(kills):
        before = _graph(root)
        child = subprocess.Popen(
            [sys.executable, "-c", f"from benchmarks.soak_saves import write; write({str(root)!r}, {number})"]
        )
        try:
            until = time.monotonic() + _PATIENCE
            while _graph(root) == before and child.poll() is None and time.monotonic() < until:
                time.sleep(0.0005)
            time.sleep(pick.choice(_WAITS))
        finally:
            child.kill()
            child.wait()
        folder = _folder(root)
        try:
            with Store.open(root, embedder=CountingEmbedder(), chunker_version="1") as store:
                remade += _folder(root) != folder
                answers = store.search_dense("word7x7", k=3)
                store.embed_next()
                found = [p for p in store.verify() if "wait for their vectors" not in p]
                if len(answers) != 3 or store.count() != _DOCUMENTS or found:
                    problems.append(f"kill {number}: {len(answers)} answers, {store.count()} documents, {found[:2]}")
        except ThesisError as error:
            problems.append(f"kill {number}: {error}")
        if (number + 1) % 10 == 0:
            options.say(f"  {number + 1} kills, {remade} graphs made again, {len(problems)} problems")
    return Result({"kills": float(kills), "graphs_made_again": float(remade)}, problems)


def _folder(root: Path) -> str:
    return ",".join(sorted(p.name for p in root.glob("chroma*")))


def _graph(root: Path) -> list[tuple[str, int]]:
    """Return what changes when a save begins."""
    found = []
    for path in [*root.glob("chroma*/*/*.pickle"), *root.glob("chroma*/*/*.bin")]:
        try:
            found.append((str(path), path.stat().st_mtime_ns))
        except OSError:  # replaced just now
            continue
    return sorted(found)
