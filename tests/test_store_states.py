"""Words first, vectors behind: what answers in each state, and how what was left is finished."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from store_fakes import CountingEmbedder

from vectorstore._faults import fault, no_room
from vectorstore._sqlite import Database
from vectorstore.errors import StoreError, StoreFull
from vectorstore.records import Filters, Passage
from vectorstore.store import Store, Upsert

pytestmark = pytest.mark.usefixtures("any_place")
in_the_folder = pytest.mark.parametrize("any_place", ["embedded"], indirect=True)

MakeDocument = Callable[..., Upsert]
OLD = "Backlog fell.\n\nCommon ground."
NEW = "Backlog rose.\n\nCommon ground."


def opened(root: Path, embedder: CountingEmbedder | None = None, **more: object) -> Store:
    return Store.open(root, embedder=embedder or CountingEmbedder(), chunker_version="1", **more)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened(tmp_path / "store") as made:
        yield made


def texts(passages: Sequence[Passage]) -> list[str]:
    return sorted(passage.chunk.text for passage in passages)


def states(store: Store) -> dict[str, str]:
    return {info.path: info.state for info in store.sources()}


def test_a_document_answers_by_its_words_at_once_and_by_its_vectors_when_they_are_made(
    store: Store, make_document: MakeDocument
) -> None:
    item = make_document(OLD, path="n")
    store.put_many([item])
    assert store.embedder.encoded == []  # type: ignore[attr-defined]
    assert states(store) == {"n": "chunked"}
    assert texts(store.search_keyword("backlog", k=5)) == ["Backlog fell."]
    assert store.search_dense("backlog", k=5) == []
    assert store.search_dense("backlog", k=5, filters=Filters(kind=("other",))) == []
    assert texts(store.search("backlog", k=5)) == ["Backlog fell."]
    assert [(one.document_id, one.chunks) for one in store.waiting()] == [(item.document.document_id, 2)]
    assert store.verify() == ["n: 2 chunks wait for their vectors; words find them already."]

    (done,) = store.embed_next()
    assert (done.document_id, done.chunks, done.error) == (item.document.document_id, 2, None)
    assert store.embed_next() == []
    assert states(store) == {"n": "indexed"}
    for filters in (Filters(), Filters(kind=("other",))):  # the graph, and the vectors kept in memory
        assert len(store.search_dense("backlog", k=5, filters=filters)) == 2
    assert (store.waiting(), store.verify()) == ([], [])


@in_the_folder  # copied as files
def test_a_store_with_documents_that_wait_opens_answers_and_finishes_them(
    tmp_path: Path, make_document: MakeDocument
) -> None:
    with opened(tmp_path) as store:
        store.upsert_many([make_document("First note.", path="a")])
        store.put_many([make_document(OLD, path="b")])
    for finish in ("embed", "upsert", "rebuild"):
        root = tmp_path.parent / f"{tmp_path.name}-{finish}"
        shutil.copytree(tmp_path, root)
        with opened(root) as store:
            assert texts(store.search("backlog first", k=5)) == ["Backlog fell.", "First note."]
            if finish == "embed":
                assert len(store.embed_next()) == 1
            elif finish == "upsert":
                store.upsert_many([make_document("Another.", path="c")])
            else:
                store.rebuild()
            assert set(states(store).values()) == {"indexed"}
            assert texts(store.search_dense("backlog", k=2)) != ["First note."]
            assert store.verify() == []


def test_the_old_version_never_answers_beside_the_new_one(tmp_path: Path, make_document: MakeDocument) -> None:
    old, new = make_document(OLD, path="n"), make_document(NEW, path="n")
    with opened(tmp_path) as store:
        store.upsert_many([old])
        store.put_many([new])
        for filters in (Filters(), Filters(kind=("other",)), Filters(roles=())):
            assert texts(store.search_keyword("backlog ground", k=9, filters=filters)) == texts_of(new)
            assert store.search_dense("backlog", k=9, filters=filters) == []
            assert texts(store.search("backlog ground", k=9, filters=filters)) == texts_of(new)
        assert store.document(new.document.document_id).text == NEW
    with opened(tmp_path) as store:
        store.embed_next()
        assert texts(store.search_dense("backlog", k=9)) == texts_of(new)
        assert store.document(new.document.document_id, old.document.version).text == OLD
        assert store.verify() == []


def texts_of(item: Upsert) -> list[str]:
    return sorted(chunk.text for chunk in item.chunks)


def test_a_document_that_was_seen_is_listed_and_counts_as_nothing(store: Store, make_document: MakeDocument) -> None:
    kept = make_document(OLD, path="kept")
    store.upsert_many([kept])
    name = kept.document.document_id
    assert store.unread(["x" * 24, name]) == {"x" * 24}
    store.seen([("x" * 24, "queued.pdf", "default"), (name, "kept", "default")])
    assert states(store) == {"kept": "seen", "queued.pdf": "seen"}
    assert store.count() == 1
    assert texts(store.search("backlog", k=1)) == ["Backlog fell."]  # the version that is in answers on
    assert store.verify() == []
    store.same(name)
    assert states(store) == {"kept": "indexed", "queued.pdf": "seen"}
    assert store.remove(["x" * 24]) == 1
    assert states(store) == {"kept": "indexed"}
    only_seen = store.root.parent / "only"
    with opened(only_seen) as empty:
        empty.seen([("y" * 24, "queued.pdf", "default")])
        assert empty.is_empty()
    with Store.open(only_seen, embedder=CountingEmbedder("other", 8), chunker_version="2") as again:
        assert states(again) == {"queued.pdf": "seen"}
        assert again.verify() == []


def test_what_the_user_removed_comes_back_without_its_old_metadata(store: Store, make_document: MakeDocument) -> None:
    item = make_document(OLD, path="n", company="Alder", title="Old title")
    store.upsert_many([item])
    store.remove([item.document.document_id])
    store.seen([(item.document.document_id, "n", "default")])
    (info,) = store.sources()
    assert (info.state, info.version, info.metadata.company, info.metadata.title) == ("seen", "", None, None)
    assert store.sources(Filters(company=("alder",))) == []


def test_a_document_that_waits_may_fail_be_removed_or_be_replaced_first(
    store: Store, make_document: MakeDocument
) -> None:
    failing, gone, changed = (make_document(f"{OLD} {n}", path=n) for n in ("failing", "gone", "changed"))
    newer = make_document(NEW, path="changed")
    store.put_many([failing, gone, changed])
    store.record_failure(
        document_id=failing.document.document_id, path="failing", collection="default", error="cut off"
    )
    store.remove([gone.document.document_id])
    store.put_many([newer])
    assert len(store.embed_next()) == 2
    assert states(store) == {"failing": "failed", "changed": "indexed"}  # the failure is the last that is known of it
    assert texts(store.search_dense("backlog", k=9)) == sorted(texts_of(failing) + texts_of(newer))
    assert store.verify() == []


class Stumbling(CountingEmbedder):
    """Fails on texts with a word in them."""

    def __init__(self, word: str, error: Exception) -> None:
        super().__init__()
        self.word, self.error = word, error

    def encode(self, texts):  # type: ignore[no-untyped-def]
        if any(self.word in text for text in texts):
            raise self.error
        return super().encode(texts)


@pytest.mark.parametrize("error", [StoreError("no"), RuntimeError("bad graph"), MemoryError()], ids=repr)
def test_one_document_that_cannot_be_embedded_fails_alone_and_answers_by_its_words(
    tmp_path: Path, make_document: MakeDocument, error: Exception
) -> None:
    good, bad, other = (make_document(f"Note on {n}.", path=n) for n in ("copper", "poison", "nickel"))
    with opened(tmp_path, Stumbling("poison", error)) as store:
        store.put_many([good, bad, other])
        done = store.embed_next()
        assert {one.document_id for one in done if one.error} == {bad.document.document_id}
        assert states(store) == {"copper": "indexed", "nickel": "indexed", "poison": "failed"}
        assert store.embed_next(skip={bad.document.document_id}) == []
        assert texts(store.search_keyword("poison", k=3)) == ["Note on poison."]
        with pytest.raises(StoreError):
            store.upsert_many([bad])
        store.upsert_many([make_document("Fresh.", path="fresh")])  # the fault of another document is not raised here
    with opened(tmp_path) as store:
        assert [one.error for one in store.embed_next()] == [None]
        assert store.verify() == []


def test_embedding_stops_between_savings_and_goes_on_from_there(
    tmp_path: Path, make_document: MakeDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vectorstore import _writer

    monkeypatch.setattr(_writer, "_ENCODE", 10)
    item = make_document("\n\n".join(f"word{n}" for n in range(35)))
    with opened(tmp_path) as store:
        store.put_many([item])
        steps: list[tuple[int, int]] = []
        assert store.embed_next(lambda *step: steps.append(step), stop=lambda: len(steps) > 2) == []
        assert steps == [(0, 35), (10, 35), (20, 35)]
        assert len(store.waiting()) == 1
    with opened(tmp_path) as store:
        assert len(store.embed_next()) == 1
        assert len(store.embedder.encoded) == 15  # type: ignore[attr-defined]


# A disk that is full, an error of SQLite


def limit_pages(store: Store, more: int) -> None:
    """Let the ledger grow by ``more`` pages only: SQLite then says what it says of a full disk."""
    writer = store._ledger._database._writer
    assert writer is not None
    pages = writer.execute("PRAGMA page_count").fetchone()[0] + more
    writer.execute(f"PRAGMA max_page_count = {pages}")


def long_text(words: int) -> str:
    return "\n\n".join(" ".join(f"w{n}x{p}" for n in range(words)) for p in range(60))


@in_the_folder
@pytest.mark.parametrize("more", range(0, 32, 4))  # the larger limits are reached by the vectors
def test_a_ledger_that_cannot_grow_says_so_and_leaves_nothing_half_in(
    tmp_path: Path, make_document: MakeDocument, more: int
) -> None:
    old, new = make_document(OLD, path="n"), make_document(long_text(60), path="n")
    with opened(tmp_path, CountingEmbedder(dimension=256)) as store:
        store.upsert_many([old])
        limit_pages(store, more)
        with pytest.raises(StoreFull, match="no space left") as caught:
            store.upsert_many([new])
        assert "Free some space" in caught.value.what_to_do
        assert all("wait for their vectors" in problem for problem in store.verify())
        assert store.search("backlog w1x1", k=3) != []
        limit_pages(store, 100_000)
        store.upsert_many([new])
        assert states(store) == {"n": "indexed"}
        assert store.verify() == []


def test_a_commit_that_fails_leaves_no_transaction_open(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.sqlite")
    with database.write() as connection:
        connection.execute("CREATE TABLE a (n INTEGER PRIMARY KEY)")
        connection.execute("CREATE TABLE b (n INTEGER REFERENCES a (n) DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(sqlite3.IntegrityError), database.write() as connection:
        connection.execute("INSERT INTO b VALUES (7)")
    with database.write() as connection:
        connection.execute("INSERT INTO a VALUES (1)")
    database.close()
    with sqlite3.connect(tmp_path / "x.sqlite") as fresh:
        assert fresh.execute("SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b)").fetchone() == (1, 0)
    fresh.close()


@pytest.mark.parametrize(
    ("error", "full", "words"),
    [
        (sqlite3.OperationalError("database or disk is full"), True, "Free some space"),
        (OSError(28, "No space left on device"), True, "Free some space"),
        (OSError(27, "File too large"), True, "Free some space"),
        (RuntimeError("Error in compaction: (code: 13) database or disk is full"), True, "Free some space"),
        (sqlite3.OperationalError("disk I/O error"), False, "Check the disk"),
        (sqlite3.OperationalError("attempt to write a readonly database"), False, "right to write"),
        (sqlite3.OperationalError("database is locked"), False, "another program"),
        (MemoryError(), False, "Close other programs"),
        (RuntimeError("hnsw: no such label"), False, "Do the other thing"),
    ],
)
def test_each_cause_has_its_own_advice(error: Exception, full: bool, words: str) -> None:
    found = fault("The index x", error, "Do the other thing.")
    assert isinstance(found, StoreFull) is full
    assert no_room(error) is full
    assert words in str(found)
    assert "The index x" in found.message


# A copy of the folder


@in_the_folder
def test_a_copy_of_an_open_store_is_compared_once_and_answers(
    tmp_path: Path, make_document: MakeDocument, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(tmp_path / "store") as store:
        store.upsert_many([make_document(OLD, path="a")])
        store.put_many([make_document(NEW, path="b")])
        shutil.copytree(tmp_path / "store", tmp_path / "copy")
    for expected in (True, False):
        caplog.clear()
        with opened(tmp_path / "copy") as copy:
            assert ("compared in full" in caplog.text) is expected
            assert texts(copy.search_keyword("backlog", k=2)) == ["Backlog fell.", "Backlog rose."]
    caplog.clear()
    shutil.copytree(tmp_path / "store", tmp_path / "later")  # closed: nothing to compare
    opened(tmp_path / "later").close()
    assert caplog.text == ""


@in_the_folder
def test_a_copy_whose_indexes_are_of_another_state_is_told_and_rebuilt(
    tmp_path: Path, make_document: MakeDocument
) -> None:
    root, copy = tmp_path / "store", tmp_path / "copy"
    with opened(root) as store:
        store.upsert_many([make_document(OLD, path="a")])
        shutil.copytree(root, tmp_path / "before")
        store.upsert_many([make_document(NEW, path="a")])  # as many chunks: no count tells
        shutil.copytree(root, copy)
    shutil.rmtree(copy / "chroma")
    shutil.copytree(tmp_path / "before" / "chroma", copy / "chroma")
    for _ in range(2):
        with pytest.raises(StoreError, match="copied while it was written to") as caught:
            opened(copy)
        assert "thesis rebuild" in caught.value.what_to_do
    with opened(copy, repair=True) as store:
        store.rebuild()
        assert store.verify() == []
    with opened(copy) as store:
        assert texts(store.search("backlog", k=1)) == ["Backlog rose."]


@in_the_folder
def test_a_copy_whose_ledger_mixes_two_states_is_refused_with_the_way_out(
    tmp_path: Path, make_document: MakeDocument
) -> None:
    root, copy = tmp_path / "store", tmp_path / "copy"
    with opened(root) as store:
        store.upsert_many([make_document(f"{OLD} {n}", path=str(n)) for n in range(30)])
        shutil.copytree(root, copy)
    with sqlite3.connect(copy / "ledger.sqlite") as torn:  # a page of one table came from before its index's
        torn.execute("PRAGMA writable_schema = ON")
        torn.execute("DELETE FROM sqlite_master WHERE name = 'chunks_of_document'")
    torn.close()
    with sqlite3.connect(copy / "ledger.sqlite") as torn:
        torn.execute("UPDATE versions SET text = x'00' WHERE rowid = (SELECT min(rowid) FROM versions)")
    torn.close()
    with pytest.raises(StoreError, match="its ledger mixes two states") as caught:
        opened(copy)
    assert "thesis backup" in caught.value.what_to_do
    with pytest.raises(StoreError, match="its ledger mixes two states"):
        opened(copy, repair=True)
