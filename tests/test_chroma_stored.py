"""The cheap count of a start: right while Chroma's table has all, and never trusted when it disagrees."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from store_fakes import CountingEmbedder

from vectorstore._items import Upsert
from vectorstore.chroma import BODY, VectorIndex
from vectorstore.errors import StoreError
from vectorstore.store import Store

MakeDocument = Callable[..., Upsert]


def test_stored_follows_what_is_added_and_removed(tmp_path: Path, make_document: MakeDocument) -> None:
    chunks = make_document("\n\n".join(f"word{n}" for n in range(300))).chunks
    vectors = np.eye(300, 8, dtype=np.float32) + 0.1
    index = VectorIndex(tmp_path / "chroma", "words/8")
    try:
        assert index.stored() == 0
        index.add(chunks, vectors)
        assert index.stored() == index.count() == 300
        index.add(chunks[:10], vectors[:10])
        index.remove(BODY, [chunk.chunk_id for chunk in chunks[:40]])
        assert index.stored() == index.count() == 260
    finally:
        index.close()
    again = VectorIndex(tmp_path / "chroma", "words/8")
    try:
        assert again.stored() == 260
    finally:
        again.close()


def test_a_table_of_another_kind_is_not_counted(tmp_path: Path) -> None:
    index = VectorIndex(tmp_path / "chroma", "words/8")
    try:
        index.folder = tmp_path / "other"
        assert index.stored() == -1
        index.folder.mkdir()
        with sqlite3.connect(index.folder / "chroma.sqlite3") as connection:
            connection.execute("CREATE TABLE something (a)")
        connection.close()
        assert index.stored() == -1
    finally:
        index.close()


@pytest.mark.parametrize("told", [-1, 0, 99])
def test_a_start_counts_in_full_where_the_cheap_count_disagrees(
    tmp_path: Path, make_document: MakeDocument, monkeypatch: pytest.MonkeyPatch, told: int
) -> None:
    with Store.open(tmp_path, embedder=CountingEmbedder(), chunker_version="1") as store:
        store.upsert_many([make_document("One.\n\nTwo.\n\nThree.")])
    full: list[int] = []
    count = VectorIndex.count

    def counted(self: VectorIndex, name: str | None = None) -> int:
        full.append(count(self, name))
        return full[-1]

    monkeypatch.setattr(VectorIndex, "count", counted)
    Store.open(tmp_path, embedder=CountingEmbedder()).close()
    assert full == []
    monkeypatch.setattr(VectorIndex, "stored", lambda self: told)
    Store.open(tmp_path, embedder=CountingEmbedder()).close()
    assert full == [3]
    monkeypatch.setattr(VectorIndex, "count", lambda self, name=None: 2)
    with pytest.raises(StoreError, match="the ledger has 3 chunks"):
        Store.open(tmp_path, embedder=CountingEmbedder())
