"""Old versions stay readable until the user's retention ends; then what they were is still told."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from store_fakes import CountingEmbedder

from ingest.ingestor import Ingestor
from vectorstore.errors import NotFound
from vectorstore.records import Metadata, chunk_id, sha256
from vectorstore.settings import Settings
from vectorstore.store import Pruned, Store, Upsert

MakeDocument = Callable[..., Upsert]
LONG_AGO = "2020-01-02T03:04:05+00:00"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store", embedder=CountingEmbedder(), chunker_version="1") as opened:
        yield opened


def pdf(make_document: MakeDocument, path: str, text: str, data: bytes, **metadata: object) -> Upsert:
    item, version = make_document(text, path=path, **metadata), sha256(data)
    chunks = [
        replace(c, version=version, chunk_id=chunk_id(c.document_id, version, c.start, c.end)) for c in item.chunks
    ]
    return Upsert(replace(item.document, version=version), chunks, data)


def age(store: Store, version: str) -> None:
    """Let a version have been replaced long ago."""
    connection = sqlite3.connect(store.root / "ledger.sqlite")
    with connection:
        changed = connection.execute(
            "UPDATE versions SET replaced_at = ? WHERE version = ? AND replaced_at IS NOT NULL", (LONG_AGO, version)
        )
        assert changed.rowcount
    connection.close()


def originals(store: Store) -> set[str]:
    return {path.stem for path in (store.root / "originals").iterdir()}


def test_without_a_retention_every_version_stays(store: Store, make_document: MakeDocument) -> None:
    old, new = (make_document(text, path="a") for text in ("One text.", "Another text."))
    gone = make_document("Gone text.", path="b")
    store.upsert_many([old, gone])
    store.upsert_many([new])
    store.remove([gone.document.document_id])
    age(store, old.document.version)
    age(store, gone.document.version)
    pruned = store.prune()
    assert (pruned.versions, pruned.originals, pruned.vectors) == (0, 0, 2)
    for item in (old, new, gone):
        assert store.document(item.document.document_id, item.document.version).text == item.document.text
    assert store.verify() == []


def test_what_was_replaced_or_removed_before_the_retention_is_forgotten_and_still_told(
    store: Store, make_document: MakeDocument
) -> None:
    old = pdf(make_document, "a.pdf", "One text.", b"%PDF one", title="Outlook", published="2024-05-06")
    recent = pdf(make_document, "a.pdf", "A second text.", b"%PDF two")
    new = pdf(make_document, "a.pdf", "A third text.", b"%PDF three")
    gone = pdf(make_document, "b.pdf", "Gone text.", b"%PDF gone")
    for item in (old, gone, recent, new):
        store.upsert_many([item])
    store.remove([gone.document.document_id])
    age(store, old.document.version)
    age(store, gone.document.version)
    answers = store.search("text", k=9)

    pruned = store.prune(30)
    assert (pruned.versions, pruned.originals) == (2, 2)
    assert originals(store) == {recent.document.version, new.document.version}
    assert store.search("text", k=9) == answers
    assert store.verify() == []
    name = old.document.document_id
    assert store.document(name).text == "A third text."
    assert store.document(name, recent.document.version).text == "A second text."
    with pytest.raises(NotFound) as caught:
        store.document(name, old.document.version)
    told = str(caught.value)
    for fact in (
        "a.pdf",
        "'Outlook'",
        "published 2024-05-06",
        "current until 2020-01-02",
        old.document.version,
        "retention ended",
    ):
        assert fact in told
    with pytest.raises(NotFound, match="retention ended"):
        store.original(name, old.document.version)
    with pytest.raises(NotFound, match="was removed") as caught:
        store.document(gone.document.document_id)
    assert "Ingest its file again" in caught.value.what_to_do
    assert store.prune(30) == Pruned(0, 0, 0, 0)


def test_bytes_that_come_back_are_there_again(store: Store, make_document: MakeDocument) -> None:
    old, new = (pdf(make_document, "a.pdf", text, text.encode()) for text in ("One text.", "Another text."))
    store.upsert_many([old])
    store.upsert_many([new])
    age(store, old.document.version)
    assert store.prune(1).versions == 1
    store.upsert_many([old])
    assert store.document(old.document.document_id) == old.document
    assert store.original(old.document.document_id) == b"One text."
    assert store.verify() == []
    assert store.prune(1).versions == 0
    store.upsert_many([new])  # and replaced anew: its time begins now
    assert store.prune(1).versions == 0
    assert store.document(old.document.document_id, old.document.version).text == "One text."


def test_an_original_that_another_document_has_stays(store: Store, make_document: MakeDocument) -> None:
    first, second = (pdf(make_document, path, "Same text.", b"%PDF same") for path in ("a.pdf", "b.pdf"))
    store.upsert_many([first, second])
    store.upsert_many([pdf(make_document, "a.pdf", "Other text.", b"%PDF other")])
    age(store, first.document.version)
    assert (store.prune(1).versions, store.prune(1).originals) == (1, 0)
    assert store.original(second.document.document_id) == b"%PDF same"


def test_an_original_that_no_version_has_and_other_files(store: Store, make_document: MakeDocument) -> None:
    store.upsert_many([pdf(make_document, "a.pdf", "Text.", b"%PDF a")])
    folder = store.root / "originals"
    (folder / f"{'0' * 64}.pdf").write_bytes(bytes(5000))
    (folder / "mine.txt").write_text("mine")
    pruned = store.prune()
    assert (pruned.originals, pruned.bytes >= 5000) == (1, True)
    assert originals(store) == {sha256(b"%PDF a"), "mine"}


def test_the_file_becomes_smaller_when_much_is_unused(store: Store, make_document: MakeDocument) -> None:
    item = make_document("\n\n".join(f"Order number {n} went to warehouse {n * 7919 % 1000}." for n in range(2000)))
    store.upsert_many([item, make_document("Kept.", path="kept")])
    store.remove([item.document.document_id])
    pruned = store.prune()
    assert pruned.vectors == 2000
    assert pruned.bytes > 2000 * 16 * 4
    assert store.verify() == []
    assert [p.chunk.text for p in store.search("kept", k=3)] == ["Kept."]


def test_the_setting_decides(store: Store, make_document: MakeDocument) -> None:
    old, new = (make_document(text, path="a", **{"title": "T"}) for text in ("One text.", "Another text."))
    store.upsert_many([old])
    store.upsert_many([new])
    age(store, old.document.version)
    with Ingestor(store, Settings()) as ingestor:
        assert ingestor.prune().versions == 0
    with Ingestor(store, Settings(retention_days=30)) as ingestor:
        assert ingestor.prune().to_json()["versions"] == 1
    assert store.document(new.document.document_id).metadata == Metadata(title="T")
