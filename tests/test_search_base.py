"""The synthetic base of ``make bench-search``: it grows without changing, and is what a store would hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import search_base
from vectorstore.chroma import VectorIndex
from vectorstore.keyword import KeywordIndex
from vectorstore.ledger import Ledger
from vectorstore.records import Chunk


@pytest.fixture(scope="module")
def base() -> search_base.Source:
    texts = [f"Acme sold {n},250 units in 2021 and 3.{n} more to its customers." for n in range(40)]
    chunks = [
        Chunk(f"c{n}", "d", "v", 0, len(text), text, None, "", "body" if n % 4 else "running") for n, text in enumerate(texts)
    ]  # fmt: skip
    made = np.random.default_rng(1).standard_normal((40, 8), dtype=np.float32)
    return search_base.Source(chunks, ["Acme Inc"] * 40, made / np.linalg.norm(made, axis=1, keepdims=True))


def test_a_larger_base_begins_with_the_smaller_one(base: search_base.Source) -> None:
    small, large = list(search_base.plans(base, 300)), list(search_base.plans(base, 900))
    assert [p.document_id for p in small] == [p.document_id for p in large[: len(small)]]
    assert sum(len(p.rows) for p in small) >= 300
    whole, chunks = search_base.document(base, small[0])
    assert (whole, chunks) == search_base.document(base, large[0])
    assert all(whole.text[c.start : c.end] == c.text for c in chunks)
    assert search_base.company(0).split()[0] in whole.text
    assert "2021" in whole.text
    np.testing.assert_allclose(np.linalg.norm(search_base.vectors(base, small[0]), axis=1), 1, rtol=1e-5)


def test_filling_goes_on_where_it_was(base: search_base.Source, tmp_path: Path) -> None:
    ledger, words = Ledger(tmp_path / "ledger.sqlite"), KeywordIndex(tmp_path / "keyword.sqlite")
    vectors = VectorIndex(tmp_path / "chroma", "bench")
    try:
        for size in (300, 350, 600):
            search_base.fill_ledger(ledger, "bench", base, size)
            search_base.fill_keyword(words, ledger)
            search_base.fill_vectors(vectors, base, size)
            wanted = {name for plan in search_base.plans(base, size) for name in plan.chunk_ids()}
            assert ledger.count_chunks() == words.count() == vectors.count() == len(wanted)
            assert {name for _, _, name, _ in words.entries()} == wanted
    finally:
        for part in (ledger, words, vectors):
            part.close()
