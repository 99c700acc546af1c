"""Search as the base grows: time, recall of both halves, memory. ``make bench-search``.

``ARGS="--sizes 10000,50000,200000,1000000 --keep DIR"`` measures all sizes and keeps the base in DIR, where a second run goes
on. ``--source STORE`` takes real chunks and vectors from a store that is not open; without it they are read from the filings
that THESIS_CORPUS names (else the sample notes) and embedded here. How the base is made of them: search_base. Every question is
asked once, after a few others. All figures come from one run on one machine; beside the time on the clock stands the
processor's, which others at work on the machine disturb less.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant import Assistant
from benchmarks import search_base
from benchmarks.report import write
from benchmarks.search_base import Source
from ingest.chunking import chunk
from ingest.cleaning import tag
from ingest.metadata import extract
from ingest.readers import Source as File
from ingest.readers import read
from vectorstore import keyword
from vectorstore._ranking import LARGE
from vectorstore.chroma import BODY, VectorIndex, collection_of
from vectorstore.embedding import Embedder, make_embedder, token_counter
from vectorstore.keyword import KeywordIndex, query_words
from vectorstore.ledger import Ledger
from vectorstore.records import Document, Filters, document_id, sha256
from vectorstore.settings import Settings
from vectorstore.store import Store

ROOT = Path(__file__).resolve().parents[1]
EMBEDDED = 3_000  # real chunks, where they have to be embedded first
CHUNKER = "bench"
Ask = Callable[[str], object]

NAMED = (
    "What were the revenues of {} in FY{}?", "How much did {} pay in dividends in {}?",
    "What risks does {} name in its {} annual report?", "capital expenditure of {} FY{}",
    "What was the operating margin of {} in FY{}?", "Why did the gross profit of {} change in {}?",
    "legal proceedings of {} in {}", "How did {} finance its acquisitions in {}?",
)  # fmt: skip
OPEN = (
    "What do companies say about tariffs and supply chains?", "Which firms have floating rate debt?",
    "How is goodwill tested for impairment?", "share repurchase programs", "Who audits the financial statements?",
    "What are the main risks from rising interest rates?", "How do companies hedge foreign currency exposure?",
    "What is said about customer concentration?", "Which acquisitions were completed and how were they financed?",
    "How did inflation affect gross margin?", "What do firms expect for capital expenditure next year?",
    "How is revenue from contracts with customers recognised?", "climate change regulation risk",
    "What happened to backlog and orders?", "lease obligations and right-of-use assets", "pension plan funding",
    "Which companies restructured and cut jobs?", "cyber security incidents", "How are inventories valued?",
    "What drove selling and administrative expense?", "Which covenants bind the credit facility?",
    "How much is spent on research and development?", "stock compensation expense", "Why did the effective tax rate change?",
)  # fmt: skip


class Synthetic:
    """The real model for questions; its fingerprint says that the chunks' vectors are not its own."""

    def __init__(self, real: Embedder) -> None:
        self._real = real
        self.dimension, self.max_tokens = real.dimension, real.max_tokens
        self.fingerprint = f"bench-synthetic/{real.fingerprint}"

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._real.count_tokens(texts)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._real.encode(texts)


def real_source(store: str | None, settings: Settings, embedder: Embedder) -> tuple[Source, str]:
    """Return the real chunks to make the base of, and where they are from."""
    if store:
        ledger = Ledger(Path(store) / "ledger.sqlite")
        try:
            return search_base.source_of(ledger, embedder.fingerprint), store
        finally:
            ledger.close()
    corpus = os.environ.get("THESIS_CORPUS")
    folder = Path(corpus) / "filings" if corpus else ROOT / "knowledge"
    count, found = token_counter(settings), []
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in {".pdf", ".md", ".txt", ".html"})
    for path in paths:
        reading = read(File(str(path), path.read_bytes(), path.name, None))
        regions = tag(reading)
        document = Document(
            document_id("bench", str(path)), sha256(reading.text.encode()), str(path), "bench", reading.text,
            extract(reading, regions, name=path.name), pages=reading.pages, sections=reading.sections, regions=regions,
        )  # fmt: skip
        found.append((document, chunk(document, count)[: max(1, EMBEDDED // len(paths))]))
    return search_base.source(found, embedder), str(folder)


def fill(folder: Path, base: Source, fingerprint: str, size: int) -> None:
    """Bring ledger, keyword index and vector index to ``size`` chunks."""
    ledger, words = Ledger(folder / "ledger.sqlite"), KeywordIndex(folder / "keyword.sqlite")
    vectors = VectorIndex(folder / "chroma", fingerprint)
    try:
        ledger.set_meta("embedder", fingerprint)
        ledger.set_meta("chunker", CHUNKER)
        search_base.fill_ledger(ledger, fingerprint, base, size)
        search_base.fill_keyword(words, ledger)
        search_base.fill_vectors(vectors, base, size)
    finally:
        for part in (ledger, words, vectors):
            part.close()


def questions(size: int) -> tuple[list[str], list[str]]:
    """Return questions that name a company and a year, and those that name none."""
    made = random.Random(size)
    firms = max(1, size // search_base.PER_COMPANY)
    named = [
        NAMED[i % len(NAMED)].format(
            search_base.company(made.randrange(firms)).removesuffix(", Inc."), made.choice(search_base.YEARS)
        )
        for i in range(5 * len(NAMED))
    ]
    return named, list(OPEN)


def timed(ask: Ask, asked: Sequence[str], name: str) -> dict[str, float]:
    """Return median and 95th percentile in ms on the clock, and of the process's processor time; the first four are practice."""
    clock, busy = [], []
    for question in asked:
        begun, used = time.perf_counter(), time.process_time()
        ask(question)
        clock.append((time.perf_counter() - begun) * 1000)
        busy.append((time.process_time() - used) * 1000)
    out = {}
    for kind, values in (("", clock[4:]), ("_cpu", busy[4:])):
        out[f"{name}{kind}_p50_ms"] = statistics.median(values)
        out[f"{name}{kind}_p95_ms"] = statistics.quantiles(values, n=20)[-1]
    return out


def dense_recall(index: VectorIndex, base: Source, size: int, asked: NDArray[np.float32]) -> dict[str, float]:
    """Return the recall of the vector index against the cosine of every body chunk."""
    depth = 50
    best = np.full((len(asked), depth), -2.0, np.float32)
    for part in _vectors(base, size):
        both = np.concatenate([best, asked @ part.T], axis=1)
        best = -np.partition(-both, depth - 1, axis=1)[:, :depth]
    best = -np.sort(-best, axis=1)
    out = {}
    for k in (10, depth):
        shares = []
        for row, vector in zip(best, asked, strict=True):
            found = index.nearest(BODY, vector, k)
            shares.append(sum(score >= row[k - 1] - 1e-5 for _, score in found) / k)
        out[f"dense_recall_{k}"] = statistics.fmean(shares)
    return out


def _vectors(base: Source, size: int) -> Iterator[NDArray[np.float32]]:
    body = np.array([collection_of(chunk.role) == BODY for chunk in base.chunks])
    held: list[NDArray[np.float32]] = []
    for plan in search_base.plans(base, size):
        held.append(search_base.vectors(base, plan)[body[plan.rows]])
        if len(held) == 200:
            yield np.concatenate(held)
            held = []
    if held:
        yield np.concatenate(held)


def keyword_recall(index: KeywordIndex, asked: Sequence[str]) -> dict[str, float]:
    """Return the recall against FTS5's score of every chunk that holds any of the words."""
    shares: dict[int, list[float]] = {10: [], 50: []}
    for query in asked:
        with index._database.read() as connection:
            exact = keyword._scored(connection, BODY, query_words(query), 50, None, (), False)
        found = [name for name, _ in index.search(BODY, query, 50)]
        for k, values in shares.items():
            wanted = {name for name, _ in exact[:k]}
            if wanted:
                values.append(len(wanted & set(found[:k])) / len(wanted))
    return {f"keyword_recall_{k}": statistics.fmean(values) for k, values in shares.items()}


def memory() -> float:
    """Return the most memory that this process had so far, in MB; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:
        return 0.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(folder: Path, base: Source, embedder: Embedder, settings: Settings, size: int) -> dict[str, float]:
    """Ask the base in ``folder``."""
    with Store.open(folder, embedder=embedder) as store:
        assistant = Assistant(store, settings)
        named, unnamed = questions(size)
        out = {"chunks": float(sum(s.chunks for s in store.sources()))}
        out |= timed(lambda q: assistant.search(q, k=10), named, "named")
        out |= timed(lambda q: assistant.search(q, k=10), unnamed, "open")
        out["memory_mb"] = memory()
        firm = search_base.company(0)
        scope = Filters(company=(firm,), fiscal_period=("FY2021",))
        out |= timed(lambda q: store.search_dense(q, k=50), unnamed, "dense")
        out |= timed(lambda q: store.search_keyword(q, k=50), unnamed, "keyword")
        out |= timed(lambda q: store.search_dense(q, k=50, filters=scope), unnamed, "dense_scoped")
        out |= timed(lambda q: store.search_keyword(q, k=50, filters=scope), unnamed, "keyword_scoped")
    index = VectorIndex(folder / "chroma", embedder.fingerprint)
    words = KeywordIndex(folder / "keyword.sqlite")
    try:
        out |= dense_recall(index, base, size, embedder.encode([*unnamed, *named[:24]]))
        out |= keyword_recall(words, [*unnamed, *named[:24]])
    finally:
        index.close()
        words.close()
    for name in ("ledger.sqlite", "keyword.sqlite", "chroma"):
        place = folder / name
        files = [p for p in place.rglob("*") if p.is_file()] if place.is_dir() else [place]
        out[f"{Path(name).stem}_file_mb"] = sum(p.stat().st_size for p in files) / 1e6
    return out


def main() -> None:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else None)
    parser.add_argument("--sizes", default="10000,50000", help="chunks, growing")
    parser.add_argument("--keep", help="folder for the base; without it a temporary one")
    parser.add_argument("--source", help="store folder to take real chunks and vectors from")
    given = parser.parse_args()
    settings = Settings()
    real = make_embedder(settings)
    base, origin = real_source(given.source, settings, real)
    embedder = Synthetic(real)
    metrics: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(given.keep or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for size in sorted(map(int, given.sizes.split(","))):
            begun = time.perf_counter()
            fill(folder, base, embedder.fingerprint, size)
            found = {"fill_s": time.perf_counter() - begun, **measure(folder, base, embedder, settings, size)}
            print(f"\n{size:,} chunks, of {len(base.chunks):,} real ones; FTS5 scores all below {LARGE:,} body chunks")
            for name, value in found.items():
                print(f"{name:<28} {value:>12.3f}")
            metrics |= {f"{size}_{name}": value for name, value in found.items()}
    write("search", metrics, corpus=f"synthetic, made of {origin}")


if __name__ == "__main__":
    main()
