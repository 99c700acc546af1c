"""How fast documents come in, by engine: ``make bench-scale-ingest ARGS="--files 4 --device cuda"``.

Documents: those of THESIS_CORPUS/filings (without it: the sample notes). Each engine runs as a command of its own, start-up
and model included, into a new base; the bases must be the same. Then what decides how far a cluster carries: what one core (or
GPU) embeds when it does nothing else, and what the one process that has the base can take in when others embed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._processes import ROOT, measure
from benchmarks.ingest import SEED, THESIS, chosen
from benchmarks.report import write

Say = Callable[[str], None]

_SAMPLE = 1000  # texts that the model is measured with on a CPU
_SAMPLE_GPU = 20_000
_BATCH = 128  # texts, as an actor gets them


@dataclass(frozen=True, slots=True)
class Engine:
    """One way to read: its name, and how many workers it has."""

    name: str
    workers: int

    @property
    def label(self) -> str:
        return f"{self.name}-{self.workers}"


ENGINES = (Engine("plain", 1), Engine("plain", 2), Engine("ray", 1), Engine("ray", 2))


def engine_metrics(
    files: Sequence[Path], work: Path, say: Say, *, engines: Sequence[Engine] = ENGINES
) -> dict[str, float]:
    """Return documents and chunks a minute and the seconds of each engine, by ``label``. Raises AssertionError where bases differ."""
    metrics: dict[str, float] = {}
    fingerprints = set()
    for engine in engines:
        store = work / engine.label
        command = [*THESIS, "ingest", *map(str, files), "--store", str(store), "--engine", engine.name, "--json"]
        with _environment(THESIS_WORKERS=str(engine.workers)):
            done = measure(command)
        report = json.loads(done.output)
        minutes = done.seconds / 60
        metrics |= {
            f"{engine.label}/seconds": done.seconds,
            f"{engine.label}/documents_per_minute": report["added"] / minutes,
            f"{engine.label}/chunks_per_s": report["chunks"] / done.seconds,
            f"{engine.label}/peak_mb": done.peak_mb,
        }
        with _opened(store) as base:
            fingerprints.add(base.index_fingerprint)
        say(
            f"{engine.label:8} {done.seconds:6.1f} s  {report['added'] / minutes:6.1f} documents/min  "
            f"{report['chunks'] / done.seconds:6.1f} chunks/s  peak {done.peak_mb:.0f} MB"
        )
    assert len(fingerprints) == 1, "the engines made different bases"
    return metrics


def embedder_metrics(store: Path, say: Say, *, device: str = "cpu", threads: int = 1) -> dict[str, float]:
    """Return texts and tokens a second of the model alone, on ``threads`` cores or on a GPU (``device`` "cuda")."""
    from benchmarks.ingest import _embedded, _tokens
    from vectorstore.embedding import make_embedder
    from vectorstore.settings import load_settings

    with _opened(store) as base:
        texts = _embedded(base)
    settings = load_settings(overrides={"embedding_device": device})
    embedder = make_embedder(settings, threads=threads)
    wanted = _SAMPLE_GPU if device == "cuda" else _SAMPLE
    sample = random.Random(SEED).choices(texts, k=wanted) if device == "cuda" else texts[:wanted]
    batch = _BATCH * 8 if device == "cuda" else _BATCH
    embedder.encode(sample[:batch])  # the model loads
    wall, cpu = time.perf_counter(), time.process_time()
    for start in range(0, len(sample), batch):
        embedder.encode(sample[start : start + batch])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    name = "gpu" if device == "cuda" else "core"
    rate = len(sample) / (wall if device == "cuda" else cpu)
    tokens = _tokens(embedder, sample) / (wall if device == "cuda" else cpu)
    say(f"the model alone, {embedder.fingerprint}: {rate:.0f} chunks/s, {tokens:.0f} tokens/s for each {name}")
    return {f"embedder/chunks_per_s_per_{name}": rate, f"embedder/tokens_per_s_per_{name}": tokens}


def taking_in_metrics(store: Path, work: Path, say: Say) -> dict[str, float]:
    """Return the chunks a second that one process takes in when documents and vectors come from others."""
    from vectorstore.store import Store, Upsert, embedded_texts, text_sha

    with _opened(store) as base:
        embedder, chunker = base.embedder, base.chunker_version
        items, kept = [], []
        for info in base.sources():
            document, chunks = base.document(info.document_id), base.chunks(info.document_id)
            items.append(Upsert(document, chunks, base.original(info.document_id)))
            texts = embedded_texts(embedder, document.metadata, chunks)
            kept.append(dict(zip(map(text_sha, texts), _vectors(base, info.document_id), strict=True)))
    total = sum(len(item.chunks) for item in items)
    with Store.open(work / "taken", embedder=embedder, chunker_version=chunker) as taken:
        begun, cpu = time.perf_counter(), time.process_time()
        for item, made in zip(items, kept, strict=True):
            taken.keep_vectors(embedder.fingerprint, list(made), np.stack(list(made.values())))
            taken.put_many([item])
            while taken.embed_next():
                pass
        seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
        assert taken.waiting() == []
    say(f"one process takes in {total / seconds:.0f} chunks/s ({total / cpu:.0f} a processor second)")
    return {"taking_in/chunks_per_s": total / seconds, "taking_in/chunks_per_cpu_s": total / cpu}


def run(
    folder: Path, wanted: int | None, work: Path, say: Say, *, device: str = "cpu", engines: Sequence[Engine] = ENGINES
) -> dict[str, float]:
    """Measure everything and return the metrics."""
    files = chosen(folder, wanted)
    metrics = {"files": float(len(files)), "bytes": float(sum(path.stat().st_size for path in files))}
    metrics |= engine_metrics(files, work, say, engines=engines)
    store = work / engines[0].label
    metrics |= embedder_metrics(store, say)
    if device == "cuda":
        metrics |= embedder_metrics(store, say, device=device)
    taken = taking_in_metrics(store, work, say)
    share = taken["taking_in/chunks_per_cpu_s"] / metrics["embedder/chunks_per_s_per_core"]
    say(f"so one base keeps up with the embedding of about {share:.0f} cores")
    return metrics | taken | {"cores_one_base_keeps_up_with": share}


def _vectors(base: Any, document_id: str) -> NDArray[np.float32]:
    vectors: NDArray[np.float32] = base._ledger.vectors(base.embedder.fingerprint, document_id)[2]
    return vectors


@contextmanager
def _opened(store: Path) -> Iterator[Any]:
    from vectorstore.embedding import make_embedder
    from vectorstore.settings import load_settings
    from vectorstore.store import Store

    with Store.open(store, embedder=make_embedder(load_settings())) as base:
        yield base


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def main() -> None:
    """Run all, print, write benchmarks/out/scale_ingest.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=4, metavar="N", help="drawn with a fixed seed (default 4)")
    parser.add_argument("--all", action="store_true", help="every document")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="also measure the model on a GPU")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="documents (default: THESIS_CORPUS/filings)")
    given = parser.parse_args()
    corpus = os.environ.get("THESIS_CORPUS")
    folder = given.folder or (Path(corpus) / "filings" if corpus else ROOT / "knowledge")
    with tempfile.TemporaryDirectory() as work:
        found = run(
            folder,
            None if given.all else given.files,
            Path(work),
            lambda line: print(line, flush=True),
            device=given.device,
        )
    print(f"written to {write('scale_ingest', found, corpus=folder.name)}")


if __name__ == "__main__":
    main()
