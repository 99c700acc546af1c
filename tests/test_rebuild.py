"""A rebuild is blue/green: what is there answers until the new is whole, and a rebuild that ends early leaves no trace."""

from __future__ import annotations

import itertools
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from chroma_servers import collections
from numpy.typing import NDArray
from store_fakes import CountingEmbedder

from vectorstore._rebuild import Green
from vectorstore.chroma import VectorIndex
from vectorstore.errors import FingerprintMismatch, StoreError
from vectorstore.keyword import KeywordIndex
from vectorstore.ledger import Ledger
from vectorstore.records import Chunk, Document, Filters, Passage, chunk_id
from vectorstore.store import Store, Upsert

pytestmark = pytest.mark.usefixtures("place")

MakeDocument = Callable[..., Upsert]
OLD = "Backlog fell.\n\nCommon ground.\n\nOld third."


class PowerCut(BaseException):
    """No handler of ours catches it by name."""


class Held(CountingEmbedder):
    """Another model, which embeds nothing until it may."""

    def __init__(self) -> None:
        super().__init__("held", 24)
        self.reached, self.free = threading.Event(), threading.Event()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.reached.set()
        assert self.free.wait(60)
        return super().encode(texts)


def opened(root: Path, embedder: CountingEmbedder | None = None, **more: object) -> Store:
    return Store.open(root, embedder=embedder or CountingEmbedder(), chunker_version="1", **more)  # type: ignore[arg-type]


def texts(passages: list[Passage]) -> set[str]:
    return {passage.chunk.text for passage in passages}


def put(store: Store, *items: Upsert) -> None:
    store.upsert_many(items)


def indexes(root: Path) -> set[str]:
    """The names of the index files, without what SQLite keeps beside one that is open; those on a server in the same words."""
    names = {path.name for path in root.iterdir() if path.name.startswith(("chroma", "keyword"))}
    for (name,) in sql(root, "SELECT value FROM meta WHERE key = 'chroma_store'"):
        found = {
            int(n.split("-")[2]) for n in collections(os.environ["THESIS_CHROMA"]) if n.startswith(f"thesis-{name}-")
        }
        names |= {"chroma" if number == 1 else f"chroma-{number}" for number in found}
    return {name for name in names if not name.endswith(("-wal", "-shm"))}


def sql(root: Path, statement: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(root / "ledger.sqlite")
    with connection:
        rows = connection.execute(statement).fetchall()
    connection.close()
    return rows


def cut(document: Document, size: int) -> list[Chunk]:
    places = [(start, min(start + size, len(document.text))) for start in range(0, len(document.text), size)]
    name, version = document.document_id, document.version
    return [Chunk(chunk_id(name, version, a, b), name, version, a, b, document.text[a:b]) for a, b in places]


@pytest.fixture
def three(tmp_path: Path, make_document: MakeDocument) -> Iterator[Store]:
    with opened(tmp_path / "store") as store:
        put(store, *(make_document(f"{OLD} {n}", path=f"{n}.txt", company=f"Firm {n}") for n in range(3)))
        yield store


def test_the_old_index_answers_and_changes_until_the_new_one_is_whole(
    three: Store, make_document: MakeDocument
) -> None:
    before = three.search("backlog", k=99)
    model = Held()
    rebuild = threading.Thread(target=three.rebuild, kwargs={"embedder": model})
    rebuild.start()
    assert model.reached.wait(60)

    assert three.search("backlog", k=99) == before
    assert three.embedding_fingerprint == "words/16/1"
    first, second, third = three.sources()
    put(three, make_document("Brand new.", path="new.txt"), make_document("Changed wholly.", path="1.txt"))
    assert three.remove([first.document_id]) == 1
    wanted = {"Brand new.", "Changed wholly.", "Backlog fell.", "Common ground.", "Old third. 2"}
    assert texts(three.search("brand backlog changed", k=99)) == wanted
    assert three.verify() == []

    model.free.set()
    rebuild.join(60)
    assert three.embedding_fingerprint == "held/24/1"
    assert three.embedder is model
    assert texts(three.search("brand backlog changed", k=99)) == wanted
    assert {p.path for p in three.search_dense("backlog", k=99, filters=Filters(company=("firm 2",)))} == {third.path}
    assert three.verify() == []
    assert three.info(second.document_id).chunks == 1  # type: ignore[union-attr]
    assert indexes(three.root) == {"chroma-2", "keyword-2.sqlite"}
    assert sql(three.root, "SELECT DISTINCT embedder FROM embeddings") == [("held/24",)]
    three.close()
    with opened(three.root, CountingEmbedder("held", 24)) as again:
        assert texts(again.search("brand backlog changed", k=99)) == wanted
        assert again.verify() == []
    with pytest.raises(FingerprintMismatch, match="thesis rebuild"):
        opened(three.root)


def test_searches_meet_one_generation_or_the_other_and_never_an_error(three: Store) -> None:
    """Each rebuild changes the model, the cut of every document, or both."""
    documents = [three.document(info.document_id) for info in three.sources()]
    cuts = [{c.text for d in documents for c in three.chunks(d.document_id)}]
    cuts += [{c.text for d in documents for c in cut(d, size)} for size in (9, 14)]
    problems, done = list[str](), threading.Event()
    seen = [0, 0, 0]

    def read(search: Callable[..., list[Passage]], filters: Filters) -> None:
        try:
            while not done.is_set():
                found = texts(search("backlog common old third ground", k=999, filters=filters))
                if search == three.search_keyword:
                    if not any(found <= one and len(found) > 1 for one in cuts):
                        problems.append(f"a mixture: {sorted(found)}")
                elif found not in cuts:
                    problems.append(f"not whole: {sorted(found)}")
                else:
                    seen[cuts.index(found)] += 1
        except BaseException as error:  # noqa: BLE001 - a thread's error must fail the test
            problems.append(repr(error))

    threads = [
        threading.Thread(target=read, args=(search, filters))
        for search in (three.search_dense, three.search_keyword)
        for filters in (Filters(), Filters(until="2999-01-01", company=("firm",)), Filters(company=("firm 0", "firm 1", "firm 2")))
        if filters.until is None
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for number, size in zip(range(6), itertools.cycle((9, 14)), strict=False):
        model = CountingEmbedder("ab"[number // 2 % 2], 16)
        three.rebuild(rechunk=lambda document, size=size: cut(document, size), embedder=model)  # type: ignore[misc]
    done.set()
    for thread in threads:
        thread.join(60)
    assert problems == []
    assert seen[1] + seen[2] > 0
    assert three.verify() == []
    assert indexes(three.root) == {"chroma-7", "keyword-7.sqlite"}


def test_the_commit_is_the_exchange_however_long_the_rest_takes(three: Store) -> None:
    found = list[set[str]]()
    real = Green.switch

    def slow(self: Green) -> None:
        """A commit is seen by others before it returns: it may move the whole log into the file first."""
        before = texts(three.search_dense("backlog", k=99))
        real(self)
        found.extend([before, texts(three.search_dense("backlog", k=99)), texts(three.search_keyword("backlo", k=99))])

    documents = [three.document(info.document_id) for info in three.sources()]
    old = {c.text for d in documents for c in three.chunks(d.document_id)}
    new = {c.text for d in documents for c in cut(d, 9)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Green, "switch", slow)
        three.rebuild(rechunk=lambda document: cut(document, 9), embedder=CountingEmbedder("other", 24))
    assert found[:2] == [old, new]
    assert found[2] <= new
    assert three.verify() == []


STEPS = [
    (Ledger, "keep_vectors", "before"),
    (Ledger, "keep_vectors", "after"),
    (VectorIndex, "add", "before"),
    (VectorIndex, "add", "after"),
    (KeywordIndex, "replace", "before"),
    (KeywordIndex, "replace", "after"),
    (Green, "switch", "before"),
    (Ledger, "set_meta", "after"),  # inside the transaction: undone
    (Green, "switch", "after"),
    (Ledger, "drop_unused_vectors", "before"),
]
EXCHANGED = 8


def break_at(patch: pytest.MonkeyPatch, owner: type, name: str, when: str, error: BaseException) -> None:
    real = getattr(owner, name)

    def broken(self: object, *args: object, **kwargs: object) -> object:
        if when == "before":
            raise error
        real(self, *args, **kwargs)
        raise error

    patch.setattr(owner, name, broken)


@pytest.mark.parametrize("error", [PowerCut(), StoreError("disk full")], ids=["power", "disk"])
@pytest.mark.parametrize(("owner", "name", "when"), STEPS, ids=lambda v: getattr(v, "__name__", str(v)))
def test_a_rebuild_that_ends_at_any_step_leaves_one_whole_generation(
    three: Store, owner: type, name: str, when: str, error: BaseException
) -> None:
    before = three.search("backlog", k=99)
    ledger = [three.chunks(info.document_id) for info in three.sources()]
    model = CountingEmbedder("other", 24)
    with pytest.MonkeyPatch.context() as patch:
        break_at(patch, owner, name, when, error)
        with pytest.raises(type(error)):
            three.rebuild(rechunk=lambda document: cut(document, 9), embedder=model)
    exchanged = STEPS.index((owner, name, when)) >= EXCHANGED
    assert three.verify() == []
    assert indexes(three.root) == ({"chroma-2", "keyword-2.sqlite"} if exchanged else {"chroma", "keyword.sqlite"})
    assert sql(three.root, "SELECT count(*) FROM staged_chunks") == [(0,)]
    if not exchanged:
        assert three.embedding_fingerprint == "words/16/1"
        assert three.search("backlog", k=99) == before
        assert [three.chunks(info.document_id) for info in three.sources()] == ledger
    else:
        assert three.embedding_fingerprint == "other/24/1"
    assert three.rebuild(rechunk=lambda document: cut(document, 9), embedder=model) == 15
    assert three.verify() == []
    assert len(indexes(three.root)) == 2
    assert sql(three.root, "SELECT DISTINCT embedder FROM embeddings") == [("other/24",)]
    assert len(three.search_dense("backlog", k=99)) == 15


KILLED = """
import sys
sys.path.insert(0, sys.argv[3])
from store_fakes import CountingEmbedder
from test_rebuild import cut, Green, KeywordIndex, VectorIndex
from vectorstore import _generations, store
from vectorstore._indexes import Files
from vectorstore.server import server_of
from vectorstore.settings import load_settings
owner, name, when, calls = sys.argv[2].split()
owner = {"Green": Green, "KeywordIndex": KeywordIndex, "VectorIndex": VectorIndex, "Files": Files, "_generations": _generations}[owner]
real, left = getattr(owner, name), [int(calls)]

def here(*args, **kwargs):
    left[0] -= 1
    if left[0] == 0 and when == "before":
        print("here", flush=True)
        sys.stdin.readline()
    found = real(*args, **kwargs)
    if left[0] == 0:
        print("here", flush=True)
        sys.stdin.readline()
    return found

opened = store.Store.open(sys.argv[1], embedder=CountingEmbedder("other", 24), chunker_version="2", repair=True, server=server_of(load_settings()))
setattr(owner, name, here)
opened.rebuild(rechunk=lambda document: cut(document, 9))
print("never", flush=True)
"""


KILLS = [
    ("VectorIndex add after 1", False),
    ("KeywordIndex replace before 2", False),
    ("Green switch before 1", False),
    ("Files remember after 1", False),
    ("Green switch after 1", True),
    ("_generations delete before 1", True),
]


@pytest.mark.parametrize(
    ("place", "where", "exchanged"),
    [*(("embedded", *kill) for kill in KILLS), *(("server", *kill) for kill in (KILLS[0], KILLS[4]))],
    indirect=["place"],
)
def test_a_killed_rebuild_is_cleaned_away_at_the_next_start(
    tmp_path: Path, make_document: MakeDocument, where: str, exchanged: bool
) -> None:
    with opened(tmp_path) as store:
        put(store, *(make_document(f"{OLD} {n}", path=f"{n}.txt") for n in range(3)))
        before = store.search("backlog", k=99)
    here = str(Path(__file__).parent)
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path), where, here],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "here\n"
        child.kill()
    assert len(indexes(tmp_path)) == 4
    model = CountingEmbedder("other", 24) if exchanged else CountingEmbedder()
    with Store.open(tmp_path, embedder=model, chunker_version="2" if exchanged else "1") as store:
        assert store.verify() == []
        assert indexes(tmp_path) == ({"chroma-2", "keyword-2.sqlite"} if exchanged else {"chroma", "keyword.sqlite"})
        assert sql(tmp_path, "SELECT count(*) FROM staged_chunks") == [(0,)]
        if exchanged:
            assert len(store.search_dense("backlog", k=99)) == 15
        else:
            assert store.search("backlog", k=99) == before
        assert model.encoded == ["backlog"]


def test_what_a_stopped_rebuild_embedded_is_not_embedded_again(three: Store) -> None:
    class Tired(CountingEmbedder):
        def encode(self, given: Sequence[str]) -> NDArray[np.float32]:
            if self.encoded:
                raise StoreError("out of breath")
            return super().encode(given)

    tired = Tired("other", 24)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vectorstore._rebuild._ENCODE", 4)
        with pytest.raises(StoreError, match="breath"):
            three.rebuild(embedder=tired)
    rested = CountingEmbedder("other", 24)
    three.rebuild(embedder=rested)
    assert sorted(tired.encoded + rested.encoded) == sorted(set(tired.encoded + rested.encoded))
    assert (len(tired.encoded), len(rested.encoded)) == (4, 5)


def test_closing_ends_a_rebuild_and_changes_nothing(tmp_path: Path, make_document: MakeDocument) -> None:
    store = opened(tmp_path)
    put(store, *(make_document(f"{OLD} {n}", path=f"{n}.txt") for n in range(3)))
    model, failures = Held(), list[StoreError]()

    def rebuild() -> None:
        try:
            store.rebuild(embedder=model)
        except StoreError as error:
            failures.append(error)

    working = threading.Thread(target=rebuild)
    working.start()
    assert model.reached.wait(60)
    closing = threading.Thread(target=store.close)
    closing.start()
    while not store._closing.is_set():
        pass
    model.free.set()
    working.join(60)
    closing.join(60)
    assert [error.message for error in failures] == [f"The store {tmp_path} was closed during a rebuild."]
    with opened(tmp_path) as again:
        assert again.verify() == []
        assert indexes(tmp_path) == {"chroma", "keyword.sqlite"}


def test_two_rebuilds_at_once_both_finish(three: Store) -> None:
    counts = list[int]()
    threads = [threading.Thread(target=lambda: counts.append(three.rebuild())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert counts == [9, 9]
    assert three.verify() == []
    assert len(indexes(three.root)) == 2


def test_a_document_that_waits_for_its_vectors_has_them_after_a_rebuild(
    three: Store, make_document: MakeDocument
) -> None:
    three.put_many([make_document("Words come first.", path="late.txt")])
    assert [one.chunks for one in three.waiting()] == [1]
    assert three.rebuild() == 10
    assert three.waiting() == []
    (late,) = [info for info in three.sources() if info.path == "late.txt"]
    assert late.state == "indexed"
    assert three.search_dense("words come first", k=1)[0].path == "late.txt"
    assert three.verify() == []


def test_a_keyword_index_of_another_layout_is_made_again_when_opened(
    three: Store, caplog: pytest.LogCaptureFixture
) -> None:
    before = three.search_keyword("backlog", k=99), three.search_dense("backlog", k=99)
    three.close()
    connection = sqlite3.connect(three.root / "keyword.sqlite")
    with connection:
        connection.execute("PRAGMA user_version = 99")
        connection.execute("DROP TABLE body")
    connection.close()
    with opened(three.root) as store:
        assert "is made again" in caplog.text
        assert (store.search_keyword("backlog", k=99), store.search_dense("backlog", k=99)) == before
        assert store.verify() == []
        assert indexes(three.root) == {"chroma", "keyword-2.sqlite"}
    caplog.clear()
    with opened(three.root) as store:
        assert caplog.text == ""
        assert store.verify() == []


def test_a_rebuild_in_place_that_an_older_program_left_half_way_is_asked_for_again(three: Store) -> None:
    three.close()
    sql(three.root, "INSERT INTO meta VALUES ('indexes', 'building')")
    with pytest.raises(StoreError, match="stopped half-way"):
        opened(three.root)
    with opened(three.root, repair=True) as store:
        assert store.rebuild() == 9
    with opened(three.root) as store:
        assert store.verify() == []


@pytest.mark.parametrize("place", ["embedded"], indirect=True)
@pytest.mark.parametrize("name", ["../other", "chroma-", "chroma/../../x", "originals", ""])
def test_a_ledger_that_names_files_of_others_is_refused(three: Store, name: str) -> None:
    three.close()
    sql(three.root, f"INSERT OR REPLACE INTO meta VALUES ('vector_index', '{name}')")
    if not name:
        with opened(three.root) as store:  # none is the first
            assert store.verify() == []
        return
    with pytest.raises(StoreError, match="names index files that cannot be"):
        opened(three.root)
    assert (three.root / "chroma").is_dir()
