"""The keyword index of a shared base: PostgreSQL full text beside the copy of FTS5 that each process keeps, on the same chunks.

Part "keyword" of ``make bench-scale``. Full text is a table of PostgreSQL with one tsvector a chunk (the words above it weigh as
in FTS5) under a GIN index, asked for any of the question's words, ordered by ts_rank_cd or ts_rank.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg

from assistant import Assistant
from assistant.evaluation.bootstrap import interval95
from benchmarks import retrieval
from vectorstore._ranking import BODY_WEIGHT, HEADER_WEIGHT
from vectorstore.chroma import BODY, FURNITURE, collection_of
from vectorstore.embedding import Embedder
from vectorstore.keyword import KeywordIndex, header_words, indexed_text, query_words
from vectorstore.settings import Settings
from vectorstore.store import Store

Say = Callable[[str], None]
Asked = Callable[..., list[tuple[str, float]]]
_TOGETHER = 1000
COPIES = (1, 4, 10)  # of the chunks
# Weights of D, C, B, A; the least of PostgreSQL's is 0 and the most 1.
_WEIGHTS = "{" + f"{BODY_WEIGHT / HEADER_WEIGHT:.3f},0,0,1" + "}"
RANKS = {
    "ts_rank_cd": f"ts_rank_cd('{_WEIGHTS}', words, asked)",
    "ts_rank": f"ts_rank('{_WEIGHTS}', words, asked, 1)",  # 1: divided by the logarithm of the length
}


def fill(connection: psycopg.Connection[Any], schema: str, store: Store) -> dict[str, float]:
    """Put every chunk of a store into full text; return seconds and bytes of the index and of its table."""
    begun = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {schema}")
        cursor.execute(f"SET search_path = {schema}")
        for name in (BODY, FURNITURE):
            cursor.execute(
                f"CREATE TABLE {name} (place BIGSERIAL, chunk_id TEXT, document_id TEXT, heading TEXT, content TEXT, words TSVECTOR "
                "GENERATED ALWAYS AS (setweight(to_tsvector('english', heading), 'A') || "
                "setweight(to_tsvector('english', content), 'D')) STORED)"
            )
        for source in store.sources():
            rows: dict[str, list[tuple[str, ...]]] = {BODY: [], FURNITURE: []}
            for chunk in store.chunks(source.document_id):
                head = header_words(source.metadata, chunk.section)
                row = (chunk.chunk_id, source.document_id, head, indexed_text(chunk.text))
                rows[collection_of(chunk.role)].append(row)
            for name, new in rows.items():
                statement = f"INSERT INTO {name} (chunk_id, document_id, heading, content) VALUES (%s, %s, %s, %s)"
                for start in range(0, len(new), _TOGETHER):
                    cursor.executemany(statement, new[start : start + _TOGETHER])
        for name in (BODY, FURNITURE):
            cursor.execute(f"CREATE INDEX {name}_words ON {name} USING gin (words)")
        connection.commit()
        took = time.perf_counter() - begun
        cursor.execute(f"ANALYZE {BODY}")
        connection.commit()
        sizes = cursor.execute(
            f"SELECT sum(pg_relation_size('{schema}.' || name || '_words')), sum(pg_total_relation_size('{schema}.' || name)) "
            f"FROM unnest(ARRAY['{BODY}', '{FURNITURE}']) AS name"
        ).fetchone()
    assert sizes is not None
    return {"fill_s": took, "gin_mb": float(sizes[0]) / 1e6, "table_and_index_mb": float(sizes[1]) / 1e6}


def asking(connection: psycopg.Connection[Any], numbers: dict[int, str], rank: str) -> Asked:
    """Return what stands in for ``KeywordIndex.search``. ``numbers``: the documents by the numbers that it is given."""

    def search(
        name: str,
        query: str,
        k: int,
        documents: Sequence[int] | None = None,
        roles: Sequence[str] = (),
        *,
        chunks: int | None = None,
    ) -> list[tuple[str, float]]:
        words = query_words(query)
        if not words or k < 1:
            return []
        within, values = "", [" | ".join(words)]
        if documents is not None:
            within = "AND document_id = ANY(%s)"
            values.append([numbers[one] for one in documents])  # type: ignore[arg-type]
        found = connection.execute(
            f"SELECT chunk_id, {RANKS[rank]} AS score FROM {name}, to_tsquery('english', %s) AS asked "
            f"WHERE words @@ asked {within} ORDER BY score DESC, place LIMIT {int(k)}",
            values,
        ).fetchall()
        connection.commit()
        return [(row[0], float(row[1])) for row in found]

    return search


@contextlib.contextmanager
def answered_by(store: Store, search: Asked) -> Iterator[None]:
    """Have a store search words by ``search`` until the end of the block."""
    keyword: Any = store._indexes()[1]
    keyword.search = search
    try:
        yield
    finally:
        del keyword.search


def compared(
    assistant: Assistant, sets: Sequence[retrieval.Questions], say: Say, label: str
) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Return hit@5, hit@10 and milliseconds of the words alone and of the program's whole search; and each question's hits."""
    store, out = assistant.store, dict[str, float]()
    every: dict[str, list[float]] = {}

    def words(row: Any, k: int) -> list[Any]:
        return [retrieval.from_passage(p) for p in store.search_keyword(row.question, k=k)]

    for name, search in {"words": words, "search": retrieval.searching(assistant)}.items():
        values: dict[str, list[float]] = {"hit_5": [], "hit_10": []}
        for one in sets:
            scores = retrieval.score(one, search)
            for k in (5, 10):
                values[f"hit_{k}"] += retrieval.values(scores, f"{one.level}_hit@{k}")
        out |= {f"{label}_{name}_{key}": statistics.fmean(found) for key, found in values.items()}
        every |= {f"{name}_{key}": found for key, found in values.items()}
        times = []
        for row in [row for one in sets for row in one.rows][::3]:
            begun = time.perf_counter()
            search(row, 66 if name == "words" else 10)
            times.append((time.perf_counter() - begun) * 1000)
        times.sort()
        out[f"{label}_{name}_p50_ms"] = statistics.median(times)
        out[f"{label}_{name}_p95_ms"] = times[int(0.95 * (len(times) - 1))]
        start = f"{label}_{name}_"
        say(
            f"keyword: {start}: "
            + ", ".join(f"{k.removeprefix(start)} {v:.3g}" for k, v in out.items() if k.startswith(start))
        )
    return out, every


def measure(
    folder: Path,
    embedded: Path,
    url: str,
    schema: str,
    files: Sequence[Path],
    embedder: Embedder,
    settings: Settings,
    say: Say,
) -> dict[str, float]:
    """Compare both on the chunks of the store ``embedded``, with the questions of ``files``; ``folder`` is for scratch."""
    with Store.open(embedded, embedder=embedder) as store, psycopg.connect(url) as connection:
        assistant = Assistant(store, settings)
        golden = retrieval.ROOT / "tests" / "golden"
        sets = retrieval.read(files) if files else [retrieval.notes_questions(retrieval.ROOT / "knowledge", golden)]
        numbers = {number: name for name, number in store._ledger.numbers().items()}
        out = {f"postgres_{key}": value for key, value in fill(connection, schema, store).items()}
        out["questions"] = float(sum(len(one.rows) for one in sets))
        out["chunks"] = float(sum(one.chunks for one in store.sources()))
        say(f"keyword: full text filled in {out['postgres_fill_s']:.1f} s, {out['postgres_table_and_index_mb']:.0f} MB")
        ours, hits = compared(assistant, sets, say, "copy")
        out |= ours
        for rank in RANKS:
            with answered_by(store, asking(connection, numbers, rank)):
                theirs, found = compared(assistant, sets, say, rank)
            out |= theirs
            for name, values in found.items():
                differences = [a - b for a, b in zip(values, hits[name], strict=True)]
                low, high = interval95(differences)
                out |= {f"{rank}_{name}_minus_copy_low": low, f"{rank}_{name}_minus_copy_high": high}
        asked = [row.question for one in sets for row in one.rows][::6]
        out |= larger(store, connection, folder, asked, say)
        connection.execute(f"DROP SCHEMA {schema} CASCADE")
        connection.commit()
    return out


def larger(
    store: Store, connection: psycopg.Connection[Any], folder: Path, asked: Sequence[str], say: Say
) -> dict[str, float]:
    """Return milliseconds of a search by words in both as the base grows: the same chunks several times over."""
    out: dict[str, float] = {}
    index, held = KeywordIndex(folder / "larger.sqlite"), 0
    try:
        for times in COPIES:
            _grow(store, connection, index, held, times)
            held, chunks = times, index.count()
            found = {
                "copy": lambda question: index.search(BODY, question, 66),
                "ts_rank": lambda question: asking(connection, {}, "ts_rank")(BODY, question, 66),
            }
            for name, search in found.items():
                search(asked[0])
                took = []
                for question in asked:
                    begun = time.perf_counter()
                    search(question)
                    took.append((time.perf_counter() - begun) * 1000)
                out |= {
                    f"at_{chunks}_{name}_p50_ms": statistics.median(took),
                    f"at_{chunks}_{name}_p95_ms": sorted(took)[int(0.95 * (len(took) - 1))],
                }
            say(
                f"keyword: {chunks} chunks: "
                + ", ".join(
                    f"{k.removeprefix(f'at_{chunks}_')} {v:.3g}"
                    for k, v in out.items()
                    if k.startswith(f"at_{chunks}_")
                )
            )
    finally:
        index.close()
    return out


def _grow(store: Store, connection: psycopg.Connection[Any], index: KeywordIndex, held: int, times: int) -> None:
    """Bring both from ``held`` copies of the chunks to ``times``; full text has one already."""
    for copy in range(held, times):
        for number, source in enumerate(store.sources(), start=1):
            index.replace(copy * 10_000 + number, store.chunks(source.document_id), source.metadata)
    for _ in range(max(1, held), times):
        columns = "chunk_id, document_id, heading, content"
        connection.execute(
            f"INSERT INTO {BODY} ({columns}) SELECT {columns} FROM {BODY} WHERE place <= (SELECT count(DISTINCT chunk_id) FROM {BODY})"
        )
    connection.execute(f"ANALYZE {BODY}")
    connection.commit()
