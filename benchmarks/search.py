"""Search at 50,000 chunks, warm: ours, and its two indexes alone. ``make bench-search``.

The base is made of the filings that THESIS_CORPUS names (without it, of the sample notes), copied under other companies
and years until it is large enough; chunks get random unit vectors (their place does not matter for the time), the
questions' vectors are real. All figures come from one run on one machine: read them against each other.
"""

from __future__ import annotations

import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from assistant import Assistant
from benchmarks.report import write
from ingest.chunking import CHUNKER_VERSION, chunk
from ingest.cleaning import tag
from ingest.metadata import extract
from ingest.readers import Source, read
from vectorstore.embedding import Embedder, make_embedder, token_counter
from vectorstore.records import Document, Filters, document_id, sha256
from vectorstore.settings import Settings
from vectorstore.store import Store, Upsert

WANTED = 50_000
ROOT = Path(__file__).resolve().parents[1]


class RandomVectors:
    """The real model for questions; random unit vectors for the many chunks."""

    def __init__(self, real: Embedder) -> None:
        self._real = real
        self._random = np.random.default_rng(7)
        self.dimension, self.max_tokens = real.dimension, real.max_tokens
        self.fingerprint = f"bench-random/{real.fingerprint}"

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._real.count_tokens(texts) if len(texts) < 8 else [1] * len(texts)

    def encode(self, texts: Sequence[str]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        if len(texts) < 8:
            return self._real.encode(texts)
        rows = self._random.standard_normal((len(texts), self.dimension), dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def documents(folder: Path) -> list[Document]:
    """Return what can be read below ``folder``."""
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in {".pdf", ".md", ".txt", ".html"}):
        reading = read(Source(str(path), path.read_bytes(), path.name, None))
        regions = tag(reading)
        meta = extract(reading, regions, name=path.name)
        found.append(
            Document(
                document_id("bench", str(path)), sha256(reading.text.encode()), str(path), "bench", reading.text, meta,
                pages=reading.pages, sections=reading.sections, regions=regions,
            )
        )  # fmt: skip
    return found


def fill(store: Store, sources: Sequence[Document], settings: Settings) -> int:
    """Put copies under other companies and years in until there are enough chunks; return how many."""
    count = token_counter(settings)
    base = [(d, chunk(d, count)) for d in sources]
    total = 0
    for number in itertools.count():
        for document, chunks in base:
            if total >= WANTED:
                return total
            place = f"{document.path}#{number}"
            identity = document_id("bench", place)
            meta = document.metadata
            if number:
                company = f"{meta.company or 'Sample'} {number}"
                meta = replace(meta, company=company, title=f"{meta.title} {number}", ticker=None)
            copy = replace(document, document_id=identity, path=place, metadata=meta)
            moved = tuple(
                replace(c, document_id=identity, chunk_id=sha256(f"{identity}{c.start}".encode())[:24]) for c in chunks
            )
            store.upsert_many([Upsert(copy, moved)])
            total += len(moved)
    return total


def p50(ask: Callable[[str], object], questions: Sequence[str]) -> float:
    """Return the median of milliseconds a question, after one warm round."""
    for question in questions:
        ask(question)
    times = []
    for question in questions:
        begun = time.perf_counter()
        ask(question)
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)


def main() -> None:
    """Fill, ask, print."""
    settings = Settings()
    corpus = os.environ.get("THESIS_CORPUS")
    folder = Path(corpus) / "filings" if corpus else ROOT / "knowledge"
    with (
        tempfile.TemporaryDirectory() as place,
        Store.open(place, embedder=RandomVectors(make_embedder(settings)), chunker_version=CHUNKER_VERSION) as store,
    ):
        total = fill(store, documents(folder), settings)
        companies = [s.metadata.company for s in store.sources() if s.metadata.company][:10] or ["small caps"]
        questions = [
            text.format(c)
            for c in companies
            for text in (
                "What were the revenues of {} in FY2021?", "How much did {} pay in dividends in 2020?",
                "What risks does {} name?", "capital expenditure of {} FY2022", "legal proceedings of {}",
            )
        ]  # fmt: skip
        open_questions = [
            "What do companies say about tariffs and supply chains?", "Which firms have floating rate debt?",
            "How is goodwill tested for impairment?", "share repurchase programs", "Who audits the financial statements?",
        ] * 4  # fmt: skip
        assistant = Assistant(store, settings)
        scope = Filters(company=(companies[0],))
        metrics = {
            "chunks": float(total),
            "search_p50_ms": p50(lambda q: assistant.search(q, k=10), questions),
            "search_open_p50_ms": p50(lambda q: assistant.search(q, k=10), open_questions),
        }
        baseline = {
            "keyword_alone_p50_ms": p50(lambda q: store.search_keyword(q, k=10), questions),
            "dense_alone_p50_ms": p50(lambda q: store.search_dense(q, k=10), questions),
            "dense_one_company_p50_ms": p50(lambda q: store.search_dense(q, k=10, filters=scope), questions),
        }
    for name, value in {**metrics, **baseline}.items():
        print(f"{name:<28} {value:>10.1f}")
    write("search", metrics, corpus=str(folder), baseline=baseline)


if __name__ == "__main__":
    main()
