"""The golden set: facts found, refusals right, every quote identical to its span (`make bench-golden` prints all)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assistant import Assistant
from benchmarks import golden
from ingest import CHUNKER_VERSION, ingest
from vectorstore.embedding import Embedder
from vectorstore.settings import Settings
from vectorstore.store import Store

GOLDEN = golden.ROOT / "tests" / "golden" / "golden.jsonl"
CORPUS = os.environ.get("THESIS_CORPUS")


def ask_all(base: str, paths: list[Path], folder: Path, embedder: Embedder) -> golden.Score:
    settings = Settings(store=str(folder))
    with Store.open(folder, embedder=embedder, chunker_version=CHUNKER_VERSION) as store:
        assert ingest(store, [str(p) for p in paths], settings=settings).failed == ()
        outcomes = golden.ask(Assistant(store, settings), golden.suited(golden.read(GOLDEN), base))
    wrong = [(o.row["id"], o.answer.status, o.answer.text[:200]) for o in outcomes if not o.decided or not all(o.found)]
    print(base, golden.score(outcomes), *wrong, sep="\n")
    return golden.score(outcomes)


def test_the_golden_set_has_what_it_must() -> None:
    rows = golden.read(GOLDEN)
    assert len(rows) >= 40
    assert sum(row["status"] == "insufficient_evidence" for row in rows) >= 12
    assert sum("as_of" in row for row in rows) >= 5


def test_over_the_sample_notes(tmp_path: Path, embedder: Embedder) -> None:
    result = ask_all("notes", [golden.ROOT / "knowledge"], tmp_path, embedder)
    assert result.facts >= 0.9
    assert result.decisions >= 0.9
    assert result.quotes == 1.0


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS, reason="THESIS_CORPUS names no folder of documents")
def test_over_the_seed_articles(tmp_path: Path, embedder: Embedder) -> None:
    result = ask_all("seeds", [Path(str(CORPUS)) / "seeds"], tmp_path, embedder)
    assert result.facts >= 0.9
    assert result.decisions >= 0.9
    assert result.quotes == 1.0
