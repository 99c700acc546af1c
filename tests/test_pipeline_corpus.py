"""Every document of a corpus of real files goes in, with exact offsets, and a second run is idle."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from test_pipeline import counts, open_store, run

CORPUS = os.environ.get("THESIS_CORPUS")

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not CORPUS, reason="THESIS_CORPUS names no folder of documents"),
]


def test_the_whole_corpus_goes_in_and_stays(tmp_path: Path) -> None:
    folder = Path(CORPUS or "")
    with open_store(tmp_path / "store") as store:
        first = run(store, folder)
        assert [(f.path, f.error) for f in first.failed] == []
        assert first.added == len(store.sources()) > 0
        for info in store.sources():
            text = store.document(info.document_id).text
            chunks = store.chunks(info.document_id)
            assert chunks
            assert all(text[chunk.start : chunk.end] == chunk.text for chunk in chunks)
        assert counts(run(store, folder, sync=True)) == (0, 0, first.added, 0)
