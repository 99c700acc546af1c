"""A vector index that an older program made searches as widely as a new one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import chromadb
import numpy as np
import pytest

from vectorstore import chroma
from vectorstore._items import Upsert
from vectorstore.chroma import BODY, FURNITURE, VectorIndex

MakeDocument = Callable[..., Upsert]


def _hnsw(folder: Path) -> dict[str, dict[str, object]]:
    """Return what Chroma itself has on disk, read by a client of its own."""
    client = chromadb.PersistentClient(str(folder), settings=chromadb.config.Settings(anonymized_telemetry=False))
    try:
        return {name: dict(client.get_collection(name).configuration_json["hnsw"]) for name in (BODY, FURNITURE)}
    finally:
        client.close()


def test_an_older_index_takes_on_the_present_width_of_search_and_keeps_the_rest(
    tmp_path: Path, make_document: MakeDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunks = make_document("\n\n".join(f"word{n}" for n in range(40))).chunks
    vectors = np.eye(40, dtype=np.float32) + 0.01
    folder = tmp_path / "chroma"
    with monkeypatch.context() as older:
        older.setattr(chroma, "_HNSW", {**chroma._HNSW, "ef_search": 7})
        index = VectorIndex(folder, "words/40")
        index.add(chunks, vectors)
        index.close()
    before = _hnsw(folder)
    assert {name: settings["ef_search"] for name, settings in before.items()} == {BODY: 7, FURNITURE: 7}

    index = VectorIndex(folder, "words/40")
    try:
        assert [index.nearest(BODY, vector, 1)[0][0] for vector in vectors] == [chunk.chunk_id for chunk in chunks]
        assert index.fingerprints() == {"words/40"}
    finally:
        index.close()

    wanted = chroma._HNSW["ef_search"]
    assert _hnsw(folder) == {name: {**settings, "ef_search": wanted} for name, settings in before.items()}
    assert {settings["ef_construction"] for settings in before.values()} == {chroma._HNSW["ef_construction"]}


def test_an_index_of_this_program_is_not_written_at_its_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    VectorIndex(tmp_path / "chroma", "words/8").close()
    written: list[object] = []
    monkeypatch.setattr(chromadb.Collection, "modify", lambda *_, **settings: written.append(settings))
    VectorIndex(tmp_path / "chroma", "words/8").close()
    assert written == []
