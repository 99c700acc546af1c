"""A store is left whole by any failure: faults at every step, damaged files, and the way back."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from chroma_servers import lose_collections
from store_fakes import CountingEmbedder

from vectorstore import _writer
from vectorstore.chroma import VectorIndex
from vectorstore.embedding import Embedder
from vectorstore.errors import FingerprintMismatch, StoreError
from vectorstore.keyword import KeywordIndex
from vectorstore.ledger import Ledger
from vectorstore.records import Chunk, Document, Filters, Passage, chunk_id
from vectorstore.store import Store, Upsert

pytestmark = pytest.mark.usefixtures("place")
in_the_folder = pytest.mark.parametrize("place", ["embedded"], indirect=True)

MakeDocument = Callable[..., Upsert]


class PowerCut(BaseException):
    """No handler of ours catches it by name."""


def opened(root: Path, **more: object) -> Store:
    return Store.open(root, embedder=CountingEmbedder(), chunker_version="1", **more)  # type: ignore[arg-type]


def texts(passages: list[Passage]) -> set[str]:
    return {passage.chunk.text for passage in passages}


OLD = "Backlog fell.\n\nCommon ground.\n\nOld third."
NEW = "Backlog rose.\n\nCommon ground.\n\nBrand new."

STEPS = [
    (Ledger, "read", "before"),
    (Ledger, "read", "after"),
    (Ledger, "put", "before"),
    (Ledger, "put", "after"),  # inside the transaction: still undone
    (KeywordIndex, "replace", "before"),
    (KeywordIndex, "replace", "after"),
    (VectorIndex, "remove", "before"),
    (VectorIndex, "remove", "after"),
    (Ledger, "settle", "before"),
    (Ledger, "settle", "after"),
    (Ledger, "keep_vectors", "before"),
    (Ledger, "keep_vectors", "after"),
    (Ledger, "embedded", "before"),
    (Ledger, "embedded", "after"),
    (VectorIndex, "add", "before"),
    (VectorIndex, "add", "after"),
    (Ledger, "indexed", "before"),
    (Ledger, "indexed", "after"),
]
COMMITTED = 4  # from this step on the new version answers by its words
WHOLE = 17  # from this step on its vectors are in too


def break_at(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, when: str, error: BaseException) -> None:
    real = getattr(owner, name)

    def broken(self: object, *args: object, **kwargs: object) -> object:
        if when == "before":
            raise error
        real(self, *args, **kwargs)
        raise error

    monkeypatch.setattr(owner, name, broken)


@pytest.mark.parametrize("error", [PowerCut(), StoreError("disk full")], ids=["power", "disk"])
@pytest.mark.parametrize(("owner", "name", "when"), STEPS, ids=lambda v: getattr(v, "__name__", str(v)))
def test_a_fault_at_any_step_of_an_upsert(
    tmp_path: Path, make_document: MakeDocument, owner: type, name: str, when: str, error: BaseException
) -> None:
    old, new, fresh = make_document(OLD, path="n"), make_document(NEW, path="n"), make_document("Fresh file.", path="f")
    store = opened(tmp_path)
    store.upsert_many([old])
    with pytest.MonkeyPatch.context() as patch:
        break_at(patch, owner, name, when, error)
        # What was kept before the error need not be made again: the second attempt, document by document, succeeds.
        mended = (name, when) == ("keep_vectors", "after") and isinstance(error, StoreError)
        with contextlib.nullcontext() if mended else pytest.raises(type(error)):
            store.upsert_many([new, fresh])
    step = WHOLE if mended else STEPS.index((owner, name, when))

    def check(at: Store, wanted: set[str], *, waits: bool) -> None:
        for filters in (Filters(), Filters(kind=("other",))):
            found = texts(at.search("backlog fresh", k=99, filters=filters))
            assert found & {"Backlog fell.", "Backlog rose.", "Fresh file."} == wanted
        assert (at.verify() == []) is not waits
        assert all("wait for their vectors" in problem for problem in at.verify())

    store.close()
    with opened(tmp_path) as again:
        wanted = {"Backlog rose.", "Fresh file."} if step >= COMMITTED else {"Backlog fell."}
        check(again, wanted, waits=COMMITTED <= step < WHOLE)
        while again.embed_next():
            pass
        check(again, wanted, waits=False)
        again.upsert_many([new, fresh])
        check(again, {"Backlog rose.", "Fresh file."}, waits=False)
        assert {info.state for info in again.sources()} == {"indexed"}


def test_a_fault_is_mended_in_the_same_process(
    tmp_path: Path, make_document: MakeDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as store:
        store.upsert_many([make_document(OLD)])
        with monkeypatch.context() as patch:
            break_at(patch, Ledger, "put", "before", PowerCut())
            with pytest.raises(PowerCut):
                store.upsert_many([make_document(NEW)])
        assert store.verify() == []
        (info,) = store.sources()
        assert info.state == "read"  # the new text is kept, the old one answers
        assert "Backlog fell." in texts(store.search("backlog", k=9))


@pytest.mark.parametrize(
    ("owner", "name", "when"),
    [
        (Ledger, "take_out", "after"),
        (VectorIndex, "remove", "before"),
        (VectorIndex, "remove", "after"),
        (KeywordIndex, "replace", "before"),
        (Ledger, "settle", "before"),
    ],
    ids=lambda v: getattr(v, "__name__", str(v)),
)
def test_a_fault_at_any_step_of_a_removal(
    tmp_path: Path, make_document: MakeDocument, owner: type, name: str, when: str
) -> None:
    item, other = make_document(OLD, path="n"), make_document("Other.", path="o")
    store = opened(tmp_path)
    store.upsert_many([item, other])
    with pytest.MonkeyPatch.context() as patch:
        break_at(patch, owner, name, when, PowerCut())
        with pytest.raises(PowerCut):
            store.remove([item.document.document_id])
    store.close()
    with opened(tmp_path) as again:
        left = {"Other."} if name != "take_out" else {"Other.", *OLD.split("\n\n")}
        assert texts(again.search_dense("backlog", k=9)) == left
        assert again.verify() == []


def test_a_killed_process_leaves_a_store_that_mends_itself(tmp_path: Path, make_document: MakeDocument) -> None:
    script = """
import os, sys
sys.path.insert(0, sys.argv[2])
import vectorstore.store as module
from store_fakes import CountingEmbedder
from vectorstore.keyword import KeywordIndex
from vectorstore.records import *
from vectorstore.server import server_of
from vectorstore.settings import load_settings
KeywordIndex.replace = lambda *a, **k: os._exit(7)
store = module.Store.open(sys.argv[1], embedder=CountingEmbedder(), chunker_version="1", server=server_of(load_settings()))
text, name, version = "Killed half-way.", document_id("default", "note.txt"), "0" * 64
chunk = Chunk(chunk_id(name, version, 0, len(text)), name, version, 0, len(text), text)
store.upsert(Document(name, version, "note.txt", "default", text, Metadata()), [chunk])
"""
    with opened(tmp_path) as store:
        store.upsert_many([make_document(OLD)])
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), str(Path(__file__).parent)], check=False, timeout=120
    )
    assert done.returncode == 7
    with opened(tmp_path) as store:
        assert texts(store.search("killed backlog", k=9)) == {"Killed half-way."}
        assert [info.state for info in store.sources()] == ["chunked"]
        assert len(store.embed_next()) == 1
        assert texts(store.search_dense("killed backlog", k=9)) == {"Killed half-way."}
        assert store.verify() == []


def test_what_was_embedded_before_a_fault_is_not_embedded_again(
    tmp_path: Path, make_document: MakeDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_writer, "_ENCODE", 10)
    item = make_document("\n\n".join(f"word{n}" for n in range(35)))

    class Tired(CountingEmbedder):
        def encode(self, given):  # type: ignore[no-untyped-def]
            if len(self.encoded) >= 20:
                raise StoreError("out of breath")
            return super().encode(given)

    with Store.open(tmp_path, embedder=Tired()) as store:
        with pytest.raises(StoreError, match="breath"):
            store.upsert_many([item])
        (info,) = store.sources()
        assert (info.state, info.error) == ("failed", "out of breath")
        assert texts(store.search_keyword("word3", k=1)) == {"word3"}
    rested = CountingEmbedder()
    with Store.open(tmp_path, embedder=rested) as store:
        assert [one.error for one in store.embed_next()] == [None]
        assert len(rested.encoded) == 15
        assert len(store.search_dense("word3", k=99)) == 35
        assert store.verify() == []


# Damaged or lost indexes


def lose_chroma(root: Path) -> None:
    if (root / "chroma").is_dir():
        shutil.rmtree(root / "chroma")
        return
    with contextlib.closing(Ledger(root / "ledger.sqlite")) as ledger:
        lose_collections(os.environ["THESIS_CHROMA"], ledger.get_meta("chroma_store") or "none")


def spoil_chroma_database(root: Path) -> None:
    (root / "chroma" / "chroma.sqlite3").write_bytes(b"garbage" * 5000)


def lose_keyword(root: Path) -> None:
    (root / "keyword.sqlite").unlink()


def spoil_keyword(root: Path) -> None:
    (root / "keyword.sqlite").write_bytes(b"garbage" * 5000)


def lose_both(root: Path) -> None:
    lose_chroma(root)
    lose_keyword(root)


def a_file_for_chroma(root: Path) -> None:
    lose_chroma(root)
    (root / "chroma").write_text("not a folder")


DAMAGES = [lose_chroma, lose_keyword, spoil_keyword, lose_both]


@pytest.mark.parametrize(
    ("place", "damage"),
    [
        *(("embedded", damage) for damage in (*DAMAGES, spoil_chroma_database, a_file_for_chroma)),
        *(("server", damage) for damage in DAMAGES),
    ],
    indirect=["place"],
)
def test_a_damaged_index_is_named_and_rebuilt_to_the_same_answers(
    tmp_path: Path, make_document: MakeDocument, damage: Callable[[Path], None]
) -> None:
    items = [make_document(f"{OLD} {n}", path=str(n), company=f"Firm {n}") for n in range(5)]
    queries = [("backlog", Filters()), ("common third", Filters(company=("firm 2",))), ("ground", Filters(roles=()))]

    def answers(store: Store) -> list[list[Passage]]:
        return [
            search(query, k=7, filters=filters)
            for query, filters in queries
            for search in (store.search, store.search_dense, store.search_keyword)
        ]

    with opened(tmp_path) as store:
        store.upsert_many(items)
        before = answers(store)
    damage(tmp_path)
    for _ in range(2):
        with pytest.raises(StoreError, match="thesis rebuild"):
            opened(tmp_path)
    with opened(tmp_path, repair=True) as store:
        assert store.verify() != []
        with pytest.raises(StoreError, match="thesis rebuild"):
            store.search("backlog", k=3)
        with pytest.raises(StoreError, match="thesis rebuild"):
            store.upsert_many(items)
        steps: list[tuple[int, int]] = []
        assert store.rebuild(lambda done, total: steps.append((done, total))) == 15
        assert steps[-1] == (15, 15)
        assert store.embedder.encoded == []  # type: ignore[attr-defined]
        assert store.verify() == []
        assert answers(store) == before
    with opened(tmp_path) as store:
        assert answers(store) == before


@in_the_folder
def test_the_graph_files_garbled_are_found_by_verify_or_search(tmp_path: Path, make_document: MakeDocument) -> None:
    item = make_document("\n\n".join(f"word{n} text" for n in range(1500)))
    with opened(tmp_path) as store:
        store.upsert_many([item])
        before = store.search_dense("word7 text", k=1500)
    garbled = [path for path in (tmp_path / "chroma").rglob("*.bin") if path.stat().st_size]
    assert garbled
    for path in garbled:
        path.write_bytes(b"\xff" * path.stat().st_size)
    with contextlib.suppress(StoreError), opened(tmp_path) as store:  # Chroma reads its files now, or at a search
        assert store.verify() != []
    with opened(tmp_path, repair=True) as store:
        store.rebuild()
        assert store.verify() == []
        assert store.search_dense("word7 text", k=1500) == before


# Another model, another chunker


def test_rebuild_with_another_model_embeds_everything_again(tmp_path: Path, make_document: MakeDocument) -> None:
    with opened(tmp_path) as store:
        store.upsert_many([make_document(OLD)])
    other = CountingEmbedder("other", 24)
    with pytest.raises(FingerprintMismatch):
        Store.open(tmp_path, embedder=other)
    with Store.open(tmp_path, embedder=other, repair=True) as store:
        with pytest.raises(StoreError, match="thesis rebuild"):
            store.search_dense("backlog", k=3)
        assert "other/24" in " ".join(store.verify())
        assert store.rebuild() == 3
        assert sorted(other.encoded) == sorted(OLD.split("\n\n"))
        assert store.verify() == []
    with Store.open(tmp_path, embedder=CountingEmbedder("other", 24)) as store:
        assert texts(store.search_dense("backlog fell", k=1)) == {"Backlog fell."}
    with pytest.raises(FingerprintMismatch):
        opened(tmp_path)


def halves(document: Document) -> list[Chunk]:
    middle = len(document.text) // 2
    return [
        Chunk(
            chunk_id(document.document_id, document.version, a, b),
            document.document_id,
            document.version,
            a,
            b,
            document.text[a:b],
        )
        for a, b in ((0, middle), (middle, len(document.text)))
    ]


def test_rebuild_with_another_chunker_cuts_the_stored_text_again(tmp_path: Path, make_document: MakeDocument) -> None:
    item = make_document(OLD)
    with opened(tmp_path) as store:
        store.upsert_many([item])
    with Store.open(tmp_path, embedder=CountingEmbedder(), chunker_version="2", repair=True) as store:
        with pytest.raises(StoreError, match="must be made again"):
            store.rebuild()
        assert store.rebuild(rechunk=halves) == 2
        assert store.chunks(item.document.document_id) == halves(item.document)
        assert store.verify() == []
        assert store.embedding_fingerprint == "words/16/2"
    with Store.open(tmp_path, embedder=CountingEmbedder(), chunker_version="2") as store:
        assert len(store.search_dense("backlog", k=9)) == 2
    with pytest.raises(FingerprintMismatch):
        opened(tmp_path)


# What verify sees


def ledger_sql(root: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(root / "ledger.sqlite")
    with connection:
        connection.execute(statement, values)
    connection.close()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE chunks SET text = CAST('Backlog sank.' AS BLOB) WHERE place = 0", "is not the text at that place"),
        ("UPDATE chunks SET text_sha = 'x' WHERE place = 0", "does not match its checksum"),
        ("UPDATE chunks SET start = 1, end = 14 WHERE place = 0", "is not the text at that place"),
        ("UPDATE versions SET text = x'00'", "the stored text is damaged"),
        ("DELETE FROM embeddings WHERE sha = (SELECT embedded_sha FROM chunks LIMIT 1)", "1 chunks have no vector"),
        ("UPDATE documents SET chunks = 7", "says 7 chunks"),
        ("INSERT INTO marks SELECT document_id FROM documents", "was being changed"),
    ],
)
def test_verify_names_what_is_wrong_in_the_ledger(
    tmp_path: Path, make_document: MakeDocument, statement: str, words: str
) -> None:
    with opened(tmp_path) as store:
        store.upsert_many([make_document(OLD, path="backlog.md")])
        assert store.verify() == []
        ledger_sql(tmp_path, statement)
        problems = store.verify()
    assert any(words in problem and "backlog.md" in problem for problem in problems), problems


def test_verify_names_what_is_wrong_in_the_indexes(tmp_path: Path, make_document: MakeDocument) -> None:
    item = make_document(OLD, path="backlog.md")
    with opened(tmp_path) as store:
        store.upsert_many([item])
        vectors, words = store._indexes()
        ids = [chunk.chunk_id for chunk in item.chunks]

        vectors.remove("body", ids[:2])
        assert store.verify() == ["backlog.md: 2 chunks are missing from the vector index."]
        swapped = store.embedder.encode(["wholly different words"] * 3)
        vectors.add(item.chunks, swapped)
        assert store.verify() == ["backlog.md: 3 chunks differ in the vector index."]
        vectors.add([replace(item.chunks[0], chunk_id="f" * 24)], swapped[:1])
        assert "The vector index has 1 entries that the ledger does not know." in store.verify()

        store.rebuild()
        assert store.verify() == []
        _, words = store._indexes()
        words.replace(1, item.chunks[:1], None)
        assert store.verify() == ["backlog.md: 2 chunks are missing from the keyword index."]
        words.replace(1, [replace(item.chunks[0], text="Forged."), *item.chunks[1:]], None)
        assert store.verify() == ["backlog.md: 1 chunks differ in the keyword index."]
        words.replace(99, [replace(item.chunks[0], chunk_id="f" * 24)], None)
        assert "The keyword index has 1 entries that the ledger does not know." in store.verify()


def test_opening_for_repair_is_logged(
    tmp_path: Path, make_document: MakeDocument, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(tmp_path) as store:
        store.upsert_many([make_document(OLD)])
    lose_keyword(tmp_path)
    with caplog.at_level(logging.WARNING), opened(tmp_path, repair=True):
        assert "the ledger has 3 chunks" in caplog.text


def test_the_real_model_end_to_end(tmp_path: Path, embedder: Embedder, make_document: MakeDocument) -> None:
    with Store.open(tmp_path, embedder=embedder, chunker_version="1") as store:
        store.upsert_many([make_document(OLD, company="NIKE, Inc.")])
        before = store.search("did the backlog fall", k=3)
    lose_chroma(tmp_path)
    with Store.open(tmp_path, embedder=embedder, chunker_version="1", repair=True) as store:
        store.rebuild()
        assert store.search("did the backlog fall", k=3) == before
        assert before[0].chunk.text == "Backlog fell."


@in_the_folder
@pytest.mark.parametrize("harm", ["ids cut off", "ids older than the graph", "no ids"])
def test_a_crash_in_chroma_s_own_save_is_mended_from_the_ledger(
    tmp_path: Path, make_document: MakeDocument, caplog: pytest.LogCaptureFixture, harm: str
) -> None:
    """Chroma writes its graph every thousand vectors; what a kill leaves of it does not load."""
    with opened(tmp_path) as store:
        documents = [
            make_document("\n\n".join(f"part {n} of report {d}, word{d}x{n}" for n in range(250)), path=f"/r{d}.txt")
            for d in range(5)
        ]
        store.upsert_many(documents)
        before = [p.chunk.chunk_id for p in store.search_dense("word3x77", k=5)]
    graphs = list((tmp_path / "chroma").glob("*/index_metadata.pickle"))
    assert graphs  # more than a thousand vectors: there is a saved graph to break
    for graph in graphs:
        if harm == "ids cut off":
            graph.write_bytes(graph.read_bytes()[: graph.stat().st_size // 2])
        elif harm == "no ids":
            graph.unlink()
        else:  # the files of the graph are those of a later save, which loads and is wrong
            before_it = graph.stat().st_mtime_ns - 10**9
            os.utime(graph, ns=(before_it, before_it))
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.set_meta("changing", "yes")  # what a program that was killed leaves
    ledger.close()
    with caplog.at_level(logging.WARNING), opened(tmp_path) as store:
        assert "made again from the ledger" in caplog.text
        assert [p.chunk.chunk_id for p in store.search_dense("word3x77", k=5)] == before
        assert store.verify() == []
        assert not (tmp_path / "chroma").exists()
    caplog.clear()
    with caplog.at_level(logging.WARNING), opened(tmp_path) as store:
        assert caplog.text == ""
        assert store.verify() == []


@in_the_folder
def test_a_whole_graph_is_not_made_again_after_a_crash(tmp_path: Path, make_document: MakeDocument) -> None:
    with opened(tmp_path) as store:
        store.upsert_many([make_document("\n\n".join(f"part {n}, word{n}" for n in range(1100)))])
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.set_meta("changing", "yes")
    ledger.close()
    with opened(tmp_path) as store:
        assert (tmp_path / "chroma").is_dir()
        assert store.verify() == []
