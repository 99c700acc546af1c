"""A ledger in PostgreSQL beside one in SQLite, on the same documents; and the copy of the words that a process keeps of a shared one.

Parts "ledger" and "copy" of ``make bench-scale``.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant import Assistant
from benchmarks.scale_base import Bases
from vectorstore.embedding import Embedder
from vectorstore.records import Chunk, Document, Metadata, chunk_id, document_id, sha256
from vectorstore.settings import Settings
from vectorstore.store import Store, Upsert

Say = Callable[[str], None]
_CHUNKS = 50  # of a document that is put in


class Borrowed:
    """An Embedder that says it is another and computes nothing: random unit vectors, after ``seconds`` for each text."""

    def __init__(self, of: Embedder, seconds: float = 0.0) -> None:
        self._of, self._seconds, self._random = of, seconds, np.random.default_rng(1)

    def __getattr__(self, name: str) -> object:
        return getattr(self._of, name)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self._seconds:
            time.sleep(self._seconds * len(texts))
        found = self._random.standard_normal((len(texts), self._of.dimension)).astype(np.float32)
        made: NDArray[np.float32] = found / np.linalg.norm(found, axis=1, keepdims=True)
        return made


def document(name: str, chunks: int = _CHUNKS, words: int = 50) -> Upsert:
    """Return a document of as many chunks of about 50 words, no two alike."""
    path = f"/bench/{name}.txt"
    pick = np.random.default_rng(int(sha256(name.encode())[:8], 16))
    parts = [
        f"Report {name} {n}: " + " ".join(f"word{w}" for w in pick.zipf(1.3, words) % 50_000) + "."
        for n in range(chunks)
    ]
    text, identity = "\n".join(parts), document_id("bench", path)
    version, made, at = sha256(text.encode()), [], 0
    for part in parts:
        made.append(
            Chunk(
                chunk_id(identity, version, at, at + len(part)),
                identity,
                version,
                at,
                at + len(part),
                part,
                None,
                "",
                "body",
            )
        )
        at += len(part) + 1
    return Upsert(Document(identity, version, path, "bench", text, Metadata(title=f"Report {name}")), tuple(made))


def p50(act: Callable[[int], object], times: int) -> float:
    """Return the median of ``times`` calls in milliseconds."""
    took = []
    for number in range(times):
        begun = time.perf_counter()
        act(number)
        took.append((time.perf_counter() - begun) * 1000)
    return statistics.median(took)


def opened(bases: Bases, embedder: Embedder, *, shared: bool, folder: str = "own") -> Store:
    if not shared:
        return Store.open(bases.embedded, embedder=embedder)
    return Store.open(bases.folder / folder, embedder=embedder, server=bases.server, shared=bases.shared)


def ledgers(bases: Bases, embedder: Embedder, settings: Settings, asked: Sequence[str], say: Say) -> dict[str, float]:
    """Return milliseconds of a read, a write, a question, and chunks a second of words and of known vectors, in both places."""
    out: dict[str, float] = {}
    for name, shared in (("sqlite", False), ("postgres", True)):
        borrowed = Borrowed(embedder)
        with opened(bases, borrowed, shared=shared) as store:  # type: ignore[arg-type]
            ledger, ids = store._ledger, [one.document_id for one in store.sources()]
            found = {
                "read_p50_ms": p50(lambda n: ledger.info(ids[n % len(ids)]), 300),  # noqa: B023 - called at once
                "write_p50_ms": p50(lambda n: ledger.set_meta("bench", str(n)), 100),  # noqa: B023
            }
            items = [document(f"{name}{n}") for n in range(20)]
            begun = time.perf_counter()
            store.put_many(items)
            found["words_chunks_per_s"] = len(items) * _CHUNKS / (time.perf_counter() - begun)
            begun = time.perf_counter()
            while store.embed_next():
                pass
            found["vectors_chunks_per_s"] = len(items) * _CHUNKS / (time.perf_counter() - begun)
            store.remove([item.document.document_id for item in items])
            if shared:
                chunks = sum(source.chunks for source in store.sources())
                found["bytes_a_chunk"] = ledger._database.bytes() / chunks
        with opened(bases, embedder, shared=shared) as store:
            assistant = Assistant(store, settings)
            for question in asked[:5]:
                assistant.ask(question)
            found["question_p50_ms"] = p50(lambda n: assistant.ask(asked[n]), len(asked))  # noqa: B023
            assistant.release()
        say(f"ledger: {name}: " + ", ".join(f"{key} {value:.4g}" for key, value in found.items()))
        out |= {f"{name}_{key}": value for key, value in found.items()}
    return out


def copies(bases: Bases, embedder: Embedder, say: Say) -> dict[str, float]:
    """Return how long a new process takes to fill its copy of the words, its size, and after how long it finds a document of another."""
    borrowed = Borrowed(embedder)
    with opened(bases, borrowed, shared=True, folder="one") as one:  # type: ignore[arg-type]
        opening = []
        for _ in range(2):  # the copy is filled, and is there
            begun = time.perf_counter()
            opened(bases, borrowed, shared=True, folder="two").close()  # type: ignore[arg-type]
            opening.append(time.perf_counter() - begun)
        filled = opening[0] - opening[1]
        with opened(bases, borrowed, shared=True, folder="two") as two:  # type: ignore[arg-type]
            chunks = sum(source.chunks for source in two.sources())
            first, later = [], []
            for number in range(20):
                item = document(f"seen{number}")
                one.put_many([item])
                begun = time.perf_counter()
                found = two.search_keyword(f"Report seen{number} 7", k=1)
                first.append((time.perf_counter() - begun) * 1000)
                if not found or found[0].chunk.document_id != item.document.document_id:
                    raise AssertionError("a document of another process was not found at once")
                later.append(p50(lambda n: two.search_keyword(f"Report seen{number} 7", k=1), 5))  # noqa: B023
            one.remove([document(f"seen{number}").document.document_id for number in range(20)])
            size = sum(path.stat().st_size for path in _words(bases.folder / "two"))
    out = {
        "chunks": float(chunks), "open_s": opening[1], "fill_s": filled, "fill_chunks_per_s": chunks / filled, "size_mb": size / 1e6,
        "bytes_a_chunk": size / chunks,
        "first_search_after_a_change_p50_ms": statistics.median(first), "search_p50_ms": statistics.median(later),
    }  # fmt: skip
    say("copy: " + ", ".join(f"{key} {value:.4g}" for key, value in out.items()))
    return out


def _words(folder: Path) -> list[Path]:
    return sorted(folder.glob("replicas/*/words.sqlite*"))
