"""Ingest and cold start against the tutorial's pipeline, in one run. ``make bench-ingest ARGS="--files 4 | --all"``.

Documents: the PDFs of THESIS_CORPUS/filings (without it: the sample notes). Both sides run as commands of their own, start-up
and model included, in the order ours, tutorial, ours, so that a machine with other work treats them alike; processor seconds
stand beside seconds for the same reason. Then on the store that was made: the same again unchanged, questions from a cold
start, a long filing answering by its words, and what each stage costs when it runs alone.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks._processes import ROOT, Measured, measure
from benchmarks._tutorial import files_in
from benchmarks._tutorial import ingest as tutorial_ingest
from benchmarks.report import write

THESIS = [sys.executable, "-c", "import sys; from app import main; sys.exit(main(sys.argv[1:]))"]
SELF = [sys.executable, "-m", "benchmarks.ingest"]
QUESTION = "What were total revenues?"
LONG = 200  # pages
SEED = 7


def chosen(folder: Path, wanted: int | None) -> list[Path]:
    """Return ``wanted`` of the documents below ``folder`` (None: all), drawn with a fixed seed, in order."""
    files = files_in(folder)
    return sorted(random.Random(SEED).sample(files, min(wanted, len(files)))) if wanted else files


# What the child processes do


def _stages(files: Sequence[Path]) -> dict[str, float]:
    """Return processor seconds of each stage, run one after the other in this process, and the model's speed."""
    from ingest import chunking, cleaning, metadata, readers, worker
    from vectorstore import _writer, chroma, embedding, keyword, ledger
    from vectorstore.settings import load_settings
    from vectorstore.store import Store, Upsert

    settings = load_settings()
    embedder = embedding.make_embedder(settings)
    embedder.encode(["warm", "up"])
    seconds: dict[str, float] = {}
    within: list[str] = []

    def counted(owner: Any, name: str, stage: str) -> None:
        inner = getattr(owner, name)

        def timed(*arguments: Any, **named: Any) -> Any:
            if within:  # a part of another stage
                return inner(*arguments, **named)
            within.append(stage)
            begun = time.process_time()
            try:
                return inner(*arguments, **named)
            finally:
                seconds[stage] = seconds.get(stage, 0.0) + time.process_time() - begun
                within.clear()

        setattr(owner, name, timed)

    encode = embedder.encode
    counted(readers, "read", "read")
    counted(cleaning, "tag", "clean")
    counted(metadata, "extract", "metadata")
    counted(chunking, "chunk", "chunk")
    counted(_writer, "embedded_texts", "count")
    counted(type(embedder), "encode", "embed")
    for name in ("read", "put", "chunks", "waiting", "missing", "keep_vectors", "embedded", "vectors_for", "indexed"):
        counted(ledger.Ledger, name, "ledger")
    counted(keyword.KeywordIndex, "replace", "keyword")
    counted(chroma.VectorIndex, "add", "chroma")
    with (
        tempfile.TemporaryDirectory() as place,
        Store.open(place, embedder=embedder, chunker_version=chunking.CHUNKER_VERSION) as store,
    ):
        begun = time.process_time()
        for path in files:
            parsed = worker.parse(worker.Job(str(path), path.name, "bench", path), settings)
            original = path.read_bytes() if path.suffix.lower() == ".pdf" else None
            store.upsert_many([Upsert(parsed.document, parsed.chunks, original)])
        seconds["other"] = time.process_time() - begun - sum(seconds.values())
        texts = _embedded(store)
    sample = random.Random(SEED).sample(texts, min(1000, len(texts)))
    wall, cpu = time.perf_counter(), time.process_time()
    encode(sample)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {f"stage/{name}": value for name, value in seconds.items()} | {
        "texts": float(len(texts)),
        "tokens": float(_tokens(embedder, texts)),
        "model_tokens_per_s": _tokens(embedder, sample) / wall,
        "model_tokens_per_cpu_s": _tokens(embedder, sample) / cpu,
    }


def _tokens(embedder: Any, texts: Sequence[str]) -> int:
    return sum(min(count, embedder.max_tokens) for count in embedder.count_tokens(texts))


def _embedded(store: Any) -> list[str]:
    """Return the distinct texts that the store embedded."""
    from vectorstore.store import embedded_texts

    found: dict[str, None] = {}
    for source in store.sources():
        found.update(dict.fromkeys(embedded_texts(store.embedder, source.metadata, store.chunks(source.document_id))))
    return list(found)


def _first(path: Path) -> dict[str, float]:
    """Return the seconds from the start of an ingest until the document answers by its words, and until all is in."""
    from ingest import CHUNKER_VERSION, Ingestor
    from vectorstore.embedding import make_embedder
    from vectorstore.settings import load_settings
    from vectorstore.store import Store

    settings = load_settings()
    with (
        tempfile.TemporaryDirectory() as place,
        Store.open(place, embedder=make_embedder(settings), chunker_version=CHUNKER_VERSION) as store,
        Ingestor(store, settings) as ingestor,
    ):
        run = threading.Thread(target=ingestor.ingest, args=([str(path)],))
        begun = time.perf_counter()
        run.start()
        while run.is_alive() and not store.search_keyword("total assets", k=1):
            time.sleep(0.02)
        words = time.perf_counter() - begun
        run.join()
        return {"words": words, "whole": time.perf_counter() - begun}


# The run


@contextmanager
def _place(folder: str) -> Iterator[Path]:
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        yield Path(folder)
        return
    with tempfile.TemporaryDirectory() as place:
        yield Path(place)


def _long(files: Sequence[Path]) -> Path | None:
    """Return the PDF that has the fewest pages of those with 200 and more."""
    import pypdfium2

    pages = {}
    for path in files:
        if path.suffix.lower() == ".pdf":
            with pypdfium2.PdfDocument(path) as document:
                pages[path] = len(document)
    return min((p for p in pages if pages[p] >= LONG), key=pages.__getitem__, default=None)


def _ask(store: Path, say: Callable[[str], None]) -> list[Measured]:
    runs = [measure([*THESIS, "ask", QUESTION, "--store", str(store), "--json"]) for _ in range(3)]
    say(f"ask from a cold start: {', '.join(f'{r.seconds:.1f} s ({r.cpu_seconds:.1f} cpu)' for r in runs)}")
    return runs


def run(folder: Path, wanted: int | None, work: Path, say: Callable[[str], None]) -> dict[str, dict[str, float]]:
    """Measure everything and return {"metrics", "baseline"}."""
    files = chosen(folder, wanted)
    names = [str(path) for path in files]
    ours: list[Measured] = []
    base: Measured | None = None
    for turn, side in enumerate(("ours", "tutorial", "ours")):
        if side == "ours":
            ours.append(measure([*THESIS, "ingest", *names, "--store", str(work / f"store-{turn}"), "--json"]))
            done = ours[-1]
        else:
            base = done = measure([*SELF, "--tutorial", str(work / "tutorial"), *names])
        say(f"{side}: {done.seconds:.1f} s, {done.cpu_seconds:.1f} cpu s, peak {done.peak_mb:.0f} MB")
    assert base is not None
    store = work / "store-2"
    again = measure([*THESIS, "ingest", *names, "--store", str(store), "--json"])
    unchanged = json.loads(again.output)["unchanged"]
    say(f"unchanged: {again.seconds:.2f} s, {again.cpu_seconds:.1f} cpu s, {unchanged} of {len(files)} files")
    asked = _ask(store, say)
    notes = work / "notes"
    measure([*THESIS, "ingest", str(ROOT / "knowledge"), "--store", str(notes), "--json"])
    asked_small = _ask(notes, say)
    long = _long(files_in(folder))
    first = json.loads(measure([*SELF, "--first", str(long)]).output) if long else {}
    if long:
        say(f"{long.name} answers by its words after {first['words']:.1f} s, whole after {first['whole']:.1f} s")
    stages: dict[str, float] = json.loads(measure([*SELF, "--stages", *names]).output)
    total = sum(value for name, value in stages.items() if name.startswith("stage/"))
    for name, value in sorted(stages.items(), key=lambda item: -item[1]):
        if name.startswith("stage/"):
            say(f"  {name.removeprefix('stage/'):9} {value:8.2f} cpu s {value / total:7.1%}")
    seconds = statistics.mean(one.seconds for one in ours)
    cpu = statistics.mean(one.cpu_seconds for one in ours)
    speed, limit = stages["tokens"] / seconds, stages["model_tokens_per_s"]
    per_cpu = stages["model_tokens_per_cpu_s"]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    say(
        f"{stages['tokens']:.0f} tokens: {speed:.0f} a second of ingest; the model alone {limit:.0f} a second now, "
        f"{per_cpu:.0f} a processor second, so {per_cpu * cores:.0f} on {cores} free cores"
    )
    say(
        f"{base.seconds / seconds:.2f} times as fast as the tutorial ({base.cpu_seconds / cpu:.2f} in processor seconds)"
    )
    metrics = {
        "files": float(len(files)),
        "seconds": seconds,
        "cpu_seconds": cpu,
        "times_faster": base.seconds / seconds,
        "times_less_cpu": base.cpu_seconds / cpu,
        "peak_mb": max(one.peak_mb for one in ours),
        "memory_growth": max(one.growth for one in ours),
        "chunks": float(json.loads(ours[0].output)["chunks"]),
        "unchanged_seconds": again.seconds,
        "unchanged_cpu_seconds": again.cpu_seconds,
        "unchanged_files": float(unchanged),
        "ask_seconds": statistics.median(one.seconds for one in asked),
        "ask_cpu_seconds": statistics.median(one.cpu_seconds for one in asked),
        "ask_small_seconds": statistics.median(one.seconds for one in asked_small),
        "tokens_per_s": speed,
        "share_of_cpu_in_model": stages["tokens"] / per_cpu / cpu,
        **({"words_after_seconds": first["words"], "whole_after_seconds": first["whole"]} if first else {}),
        **stages,
    }
    baseline = {"seconds": base.seconds, "cpu_seconds": base.cpu_seconds, "peak_mb": base.peak_mb}
    baseline |= {f"stage/{name}": value for name, value in json.loads(base.output).items()}
    return {"metrics": metrics, "baseline": baseline}


def main() -> None:
    """Run both sides, print, write benchmarks/out/ingest.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--files", type=int, default=4, metavar="N", help="documents, drawn with a fixed seed (default 4)"
    )
    parser.add_argument("--all", action="store_true", help="every document")
    parser.add_argument("--work", default="", metavar="DIR", help="keep the stores there (default: a temporary folder)")
    parser.add_argument("--tutorial", metavar="FOLDER", help=argparse.SUPPRESS)
    parser.add_argument("--stages", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--first", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("paths", nargs="*", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.tutorial or given.stages or given.first:
        if given.tutorial:
            found = tutorial_ingest(given.paths, Path(given.tutorial))
        else:
            found = _stages(given.paths) if given.stages else _first(given.paths[0])
        print(json.dumps(found))
        return
    corpus = os.environ.get("THESIS_CORPUS")
    folder = Path(corpus) / "filings" if corpus else ROOT / "knowledge"
    with _place(given.work) as work:
        found = run(folder, None if given.all else given.files, work, lambda line: print(line, flush=True))
    path = write("ingest", found["metrics"], corpus="filings" if corpus else "sample notes", baseline=found["baseline"])
    print(f"written to {path}")


if __name__ == "__main__":
    main()
