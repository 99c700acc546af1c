"""What goes into a store comes out of it: documents, versions, filters, one owner."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from chromadb import Collection
from store_fakes import CountingEmbedder

from vectorstore import names
from vectorstore._schema import SCHEMA
from vectorstore.errors import FingerprintMismatch, NotFound, SettingsError, StoreError, StoreLocked
from vectorstore.ledger import Ledger
from vectorstore.records import Filters, Metadata, Origin, Page, Region, Section, sha256
from vectorstore.store import Store, Upsert, embedded_texts

pytestmark = pytest.mark.usefixtures("any_place")
# What is so of a ledger that is a file of one owner; tests/test_shared_store.py has the like for many.
one_owner = pytest.mark.parametrize("any_place", ["embedded", "server"], indirect=True)

MakeDocument = Callable[..., Upsert]


@pytest.fixture
def fake() -> CountingEmbedder:
    return CountingEmbedder()


@pytest.fixture
def store(tmp_path: Path, fake: CountingEmbedder) -> Iterator[Store]:
    with Store.open(tmp_path / "store", embedder=fake, chunker_version="1") as opened:
        yield opened


def put(store: Store, *items: Upsert) -> None:
    store.upsert_many(items)


def texts(passages: list) -> list[str]:  # type: ignore[type-arg]
    return [passage.chunk.text for passage in passages]


def test_a_document_comes_back_exactly(store: Store, make_document: MakeDocument) -> None:
    item = make_document("Rates rose.\n\nÄrger \ud83d lone surrogate, \x00 NUL, 🚀 emoji.", path="a b/ü.txt")
    document = replace(
        item.document,
        metadata=Metadata(
            title="Rates \udcff",
            publisher="House",
            authors=("A. One", "B. Two"),
            published="2024-05-06",
            kind="article",
            company="NIKE, Inc.",
            extra=MappingProxyType({"after": "x"}),
            origins=(Origin("title", "text", 0, 5), Origin("published", "user")),
        ),
        media_type="application/pdf",
        pages=(Page(1, 0, 12, "iv"), Page(2, 12, len(item.document.text))),
        sections=(Section(0, 12, "Top", 1),),
        regions=(Region(0, 3, "running"),),
        warnings=("page 2 is faint",),
    )
    chunks = [replace(chunk, page=2, section="Item 7 > Liquidity") for chunk in item.chunks]
    store.upsert(document, chunks, original=b"%PDF-1.7 bytes")

    assert store.document(document.document_id) == document
    assert store.chunks(document.document_id) == chunks
    assert store.chunk(chunks[1].chunk_id) == chunks[1]
    assert store.original(document.document_id) == b"%PDF-1.7 bytes"
    info = store.info(document.document_id)
    assert info is not None
    assert (info.state, info.pages, info.characters, info.chunks) == ("indexed", 2, len(document.text), 2)
    assert (info.metadata, info.warnings, info.error) == (document.metadata, document.warnings, None)
    assert store.sources() == [info]
    assert store.verify() == []


def test_a_new_version_replaces_the_chunks_and_the_old_text_stays_readable(
    store: Store, make_document: MakeDocument
) -> None:
    old = make_document("Backlog fell to nine.\n\nShared tail.", path="n.md")
    new = make_document("Backlog rose to twelve.\n\nShared tail.", path="n.md")
    store.upsert(old.document, old.chunks)
    before = store.index_fingerprint
    store.upsert(new.document, new.chunks)

    assert texts(store.search_keyword("backlog", k=9)) == ["Backlog rose to twelve."]
    assert texts(store.search_dense("backlog fell to nine", k=9)).count("Backlog fell to nine.") == 0
    name = new.document.document_id
    assert store.document(name).text == new.document.text
    assert store.document(name, old.document.version).text == old.document.text
    assert store.index_fingerprint != before
    assert store.count() == 1
    assert store.verify() == []
    with pytest.raises(NotFound):
        store.chunk(old.chunks[0].chunk_id)


def test_putting_in_the_same_again_changes_nothing(
    store: Store, fake: CountingEmbedder, make_document: MakeDocument
) -> None:
    item = make_document("One.\n\nTwo.", title="T")
    put(store, item)
    before, worked = store.index_fingerprint, len(fake.encoded)
    found = store.search("one", k=5)
    put(store, item)
    assert store.index_fingerprint == before
    assert len(fake.encoded) == worked + 1  # the query
    assert store.search("one", k=5) == found
    assert store.verify() == []


def test_same_version_with_other_metadata_and_roles_takes_them_on(store: Store, make_document: MakeDocument) -> None:
    put(store, make_document("Accept cookies?", company="Old Co", role="body"))
    put(store, make_document("Accept cookies?", company="New Co", role="cookie"))
    assert store.search("cookies", k=5) == []
    (passage,) = store.search("cookies", k=5, filters=Filters(roles=("cookie",)))
    assert (passage.metadata.company, passage.chunk.role) == ("New Co", "cookie")
    assert store.count(Filters(company=("Old",))) == 0
    assert store.verify() == []


def test_two_documents_with_one_text_keep_both_chunks_and_one_embedding(
    store: Store, fake: CountingEmbedder, make_document: MakeDocument
) -> None:
    first, second = (make_document("Same words here.", path=path) for path in ("a.txt", "b.txt"))
    put(store, first, second)
    assert fake.encoded == ["Same words here."]
    found = store.search_dense("same words here", k=9)
    assert {passage.path for passage in found} == {"a.txt", "b.txt"}
    assert len({passage.chunk.chunk_id for passage in found}) == 2
    assert first.document.version == second.document.version
    assert store.count() == 2


def test_one_call_with_two_versions_of_a_document_ends_with_the_last(store: Store, make_document: MakeDocument) -> None:
    put(store, make_document("First.", path="x"), make_document("Second.", path="x"))
    assert [c.text for info in store.sources() for c in store.chunks(info.document_id)] == ["Second."]
    assert store.verify() == []


def test_many_documents_in_groups(store: Store, make_document: MakeDocument) -> None:
    steps: list[tuple[int, int]] = []
    items = [make_document("\n\n".join(f"word{d} item{n}" for n in range(90)), path=f"{d}.txt") for d in range(14)]
    store.upsert_many(items, progress=lambda done, total: steps.append((done, total)))
    assert steps[0] == (0, 14 * 90)
    assert steps[-1] == (14 * 90, 14 * 90)
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert sum(info.chunks for info in store.sources()) == 14 * 90
    assert store.verify() == []


def test_the_header_is_embedded_with_the_chunk_unless_the_model_could_not_read_both(
    store: Store, fake: CountingEmbedder, make_document: MakeDocument, caplog: pytest.LogCaptureFixture
) -> None:
    put(store, make_document("Sales rose.", company="NIKE, Inc.", form="10-K", fiscal_period="FY2021", title="T"))
    assert fake.encoded == ["NIKE 2021\nSales rose."]
    note = make_document("Sales rose.", title="A note")
    assert embedded_texts(fake, note.document.metadata, note.chunks) == ["A note\nSales rose."]
    narrow = CountingEmbedder(max_tokens=6)
    assert embedded_texts(narrow, note.document.metadata, note.chunks) == ["Sales rose."]
    assert caplog.text == ""
    narrower = CountingEmbedder(max_tokens=4)
    assert embedded_texts(narrower, note.document.metadata, note.chunks) == ["Sales rose."]
    assert "1 chunks of A note are beyond the 4 tokens" in caplog.text


def test_furniture_is_embedded_by_its_own_words_once_for_all_documents(
    store: Store, fake: CountingEmbedder, make_document: MakeDocument
) -> None:
    put(
        store,
        make_document("Form 10-K", path="a", role="running", company="NIKE, Inc.", form="10-K"),
        make_document("Form 10-K", path="b", role="running", title="A note"),
    )
    assert fake.encoded == ["Form 10-K"]
    assert store.count() == 2


def test_a_removed_document_is_gone_from_every_search_and_its_text_stays(
    store: Store, make_document: MakeDocument
) -> None:
    gone, kept = make_document("Lithium prices.", path="a"), make_document("Copper prices.", path="b")
    put(store, gone, kept)
    name = gone.document.document_id
    assert store.remove([name, name, "unknown"]) == 1
    assert store.remove([name]) == 0
    for search in (store.search, store.search_dense, store.search_keyword):
        assert texts(search("prices of lithium", k=9)) == ["Copper prices."]
    assert store.info(name) is None
    assert [info.path for info in store.sources()] == ["b"]
    assert store.document(name, gone.document.version).text == "Lithium prices."
    with pytest.raises(NotFound):
        store.document(name)
    assert store.verify() == []
    put(store, gone)
    assert store.count() == 2
    assert store.verify() == []


def test_a_failure_keeps_the_version_that_was_in(store: Store, make_document: MakeDocument) -> None:
    item = make_document("Good text.", path="good.pdf")
    put(store, item)
    where = {"path": "good.pdf", "collection": "default"}
    store.record_failure(document_id=item.document.document_id, **where, error="truncated")
    store.record_failure(document_id="f" * 24, path="bad.pdf", collection="default", error="password")
    assert texts(store.search("good", k=5)) == ["Good text."]
    bad, good = store.sources()
    assert (bad.state, bad.version, bad.error) == ("failed", "", "password")
    assert (good.state, good.version, good.error) == ("failed", item.document.version, "truncated")
    assert store.count() == 1
    put(store, item)
    again = store.info(item.document.document_id)
    assert again is not None
    assert (again.state, again.error) == ("indexed", None)
    assert store.remove(["f" * 24]) == 1
    assert len(store.sources()) == 1
    assert store.verify() == []


def test_wrong_chunks_are_refused(store: Store, make_document: MakeDocument) -> None:
    item = make_document("One.\n\nTwo.")
    first, second = item.chunks
    for chunks, words in (
        ([replace(first, text="Uno.")], "not the text at its offsets"),
        ([replace(first, document_id="x")], "another document"),
        ([first, second, first], "twice"),
    ):
        with pytest.raises(StoreError, match=words):
            store.upsert(item.document, chunks)
    assert store.is_empty()


def test_an_empty_store_answers_with_nothing(store: Store) -> None:
    assert store.is_empty()
    assert store.search("anything", k=5) == []
    assert store.search_dense("anything", k=5, filters=Filters(company=("x",))) == []
    assert (store.sources(), store.count(), store.verify(), store.rebuild()) == ([], 0, [], 0)
    assert store.info("x") is None
    for lookup in (store.document, store.chunk, store.original):
        with pytest.raises(NotFound):
            lookup("x")


# Filters


@pytest.fixture
def filled(store: Store, make_document: MakeDocument) -> Store:
    def add(path: str, **metadata: object) -> Upsert:
        return make_document(f"Margins of {path} widened.", path=path, **metadata)

    filing = {"kind": "filing", "publisher": "SEC"}
    put(
        store,
        add("nike21", company="NIKE, Inc.", ticker="NKE", form="10-K", fiscal_period="FY2021", published="2021-07-20", **filing),
        add("nike22", company="NIKE, Inc.", ticker="NKE", form="10-K/A", fiscal_period="FY2022", published="2022-07-21", **filing),
        add("block", company="Block, Inc.", ticker="SQ", form="10-Q", fiscal_period="Q3 2022", published="2022-11-04", **filing),
        add("blockbuster", company="Blockbuster Corp", kind="article", publisher="The Paper", published="2022-11-04"),
        add("undated", company="Lands' End", kind="transcript"),
        make_document("Margins of private widened.", path="private", collection="Desk A", published="2020-01-01"),
    )  # fmt: skip
    return store


@pytest.mark.parametrize(
    ("filters", "paths"),
    [
        (Filters(), "block blockbuster nike21 nike22 private undated"),
        (Filters(company=("nike",)), "nike21 nike22"),
        (Filters(company=("Nike Incorporated",)), "nike21 nike22"),
        (Filters(company=("Block",)), "block"),
        (Filters(company=("LANDS END",)), "undated"),
        (Filters(company=("block", "lands")), "block undated"),
        (Filters(company=("Adidas",)), ""),
        (Filters(company=("",)), ""),
        (Filters(kind=("filing",)), "block nike21 nike22"),
        (Filters(kind=("article", "transcript")), "blockbuster undated"),
        (Filters(publisher=("the paper",)), "blockbuster"),
        (Filters(ticker=("nke",)), "nike21 nike22"),
        (Filters(form=("10k",)), "nike21"),
        (Filters(form=("10-k/a",)), "nike22"),
        (Filters(fiscal_period=("fy 2021", "q3 2022")), "block nike21"),
        (Filters(collection=("desk a",)), "private"),
        (Filters(company=("nike",), since="2022-01-01"), "nike22"),
        (Filters(since="2022-07-21", until="2022-11-04"), "block blockbuster nike22"),
        (Filters(until="2021-07-20"), "nike21 private"),
        (Filters(as_of="2022-07-21"), "nike21 nike22 private"),
        (Filters(as_of="2022-07-20T23:59:59Z"), "nike21 private"),
        (Filters(roles=()), "block blockbuster nike21 nike22 private undated"),
        (Filters(roles=("disclaimer",)), ""),
    ],
)
def test_filters(filled: Store, filters: Filters, paths: str) -> None:
    wanted = paths.split()
    for search in (filled.search, filled.search_dense, filled.search_keyword):
        assert sorted(p.path for p in search("margins widened", k=50, filters=filters)) == wanted
    if not filters.roles or "disclaimer" not in filters.roles:
        assert filled.count(filters) == len(wanted)
        assert [info.path for info in filled.sources(filters)] == wanted


def test_document_id_filter(filled: Store) -> None:
    name = next(info.document_id for info in filled.sources() if info.path == "block")
    (passage,) = filled.search("margins", k=9, filters=Filters(document_id=(name,)))
    assert passage.path == "block"


def test_undated_counts_only_what_lacks_a_date(filled: Store) -> None:
    assert filled.undated() == 0
    assert filled.undated(Filters(as_of="2022-07-21")) == 1
    assert filled.undated(Filters(as_of="2022-07-21", kind=("transcript",))) == 1
    assert filled.undated(Filters(as_of="2022-07-21", kind=("filing",))) == 0


@pytest.mark.parametrize("name", ["since", "until", "as_of"])
def test_a_wrong_date_is_an_error(filled: Store, name: str) -> None:
    with pytest.raises(SettingsError, match="June"):
        filled.search("margins", k=3, filters=Filters(**{name: "June 2023"}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "named", "same"),
    [
        ("Nike", "NIKE, Inc.", True),
        ("J.P. Morgan", "JPMorgan Chase & Co.", True),
        ("JPMORGAN CHASE & CO", "JPMorgan Chase", True),
        ("Hershey", "The Hershey Company", True),
        ("Estée Lauder", "ESTEE LAUDER COMPANIES INC", True),
        ("Nike International Holdings", "NIKE, Inc.", False),
        ("Block", "H&R Block", False),
        ("Co", "Company Inc", False),
        ("Inc.", "Apple Inc", False),
    ],
)
def test_company_names(asked: str, named: str, same: bool) -> None:
    assert names.same_company(asked, named) is same


# One owner


@one_owner
def test_a_second_owner_is_told_who_has_the_store(tmp_path: Path, fake: CountingEmbedder) -> None:
    root = tmp_path / "s"
    with Store.open(root, embedder=fake):
        with pytest.raises(StoreLocked, match=r"is in use by process \d+ \(.+, since 20") as caught:
            Store.open(root, embedder=fake)
        assert caught.value.what_to_do
        (root / "owner.json").unlink()
        with pytest.raises(StoreLocked, match="another process"):
            Store.open(root, embedder=fake)
    with Store.open(root, embedder=fake) as again:
        assert again.is_empty()
        again.close()
        again.close()


@one_owner
def test_the_lock_of_a_process_that_died_is_free(tmp_path: Path, fake: CountingEmbedder) -> None:
    script = """
import os, sys
sys.path.insert(0, sys.argv[2])
from store_fakes import CountingEmbedder
from vectorstore.errors import StoreLocked
from vectorstore.server import server_of
from vectorstore.settings import load_settings
from vectorstore.store import Store
store = Store.open(sys.argv[1], embedder=CountingEmbedder(), chunker_version="1", server=server_of(load_settings()))
print("open", flush=True)
sys.stdin.readline()
os._exit(9)
"""
    root = tmp_path / "s"
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(root), str(Path(__file__).parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        with pytest.raises(StoreLocked, match=f"process {child.pid} "):
            Store.open(root, embedder=fake)
        child.stdin.write("\n")
        child.stdin.flush()
        assert child.wait(60) == 9
    assert json.loads((root / "owner.json").read_text())["pid"] == child.pid  # nobody tidied up
    with Store.open(root, embedder=fake, chunker_version="1") as opened:
        assert opened.verify() == []


# What made the store


def test_another_model_or_chunker_is_refused_with_the_command_that_mends(
    tmp_path: Path, make_document: MakeDocument
) -> None:
    item = make_document("Text.")
    with Store.open(tmp_path, embedder=CountingEmbedder("a"), chunker_version="1") as store:
        put(store, item)
        assert store.embedding_fingerprint == "a/16/1"
    for embedder, chunker in (
        (CountingEmbedder("b"), "1"),
        (CountingEmbedder("a", 8), None),
        (CountingEmbedder("a"), "2"),
    ):
        with pytest.raises(FingerprintMismatch, match="thesis rebuild"):
            Store.open(tmp_path, embedder=embedder, chunker_version=chunker)
    with Store.open(tmp_path, embedder=CountingEmbedder("a")) as store:
        assert store.embedding_fingerprint == "a/16/1"
        assert store.chunker_version == "1"


def test_an_empty_store_takes_on_another_model(tmp_path: Path, make_document: MakeDocument) -> None:
    item = make_document("Text.")
    with Store.open(tmp_path, embedder=CountingEmbedder("a", 16), chunker_version="1") as store:
        put(store, item)
        store.remove([item.document.document_id])
    with Store.open(tmp_path, embedder=CountingEmbedder("b", 8), chunker_version="2") as store:
        put(store, item)
        assert texts(store.search("text", k=3)) == ["Text."]
        assert store.verify() == []


@one_owner
def test_a_store_of_a_newer_program_is_refused(tmp_path: Path, fake: CountingEmbedder) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.set_meta("schema", str(SCHEMA + 1))
    ledger.close()
    with pytest.raises(
        StoreError, match=rf"newer version of this program \(schema {SCHEMA + 1}; this one knows {SCHEMA}\)"
    ):
        Store.open(tmp_path, embedder=fake)


@one_owner
def test_a_damaged_ledger_is_named_and_frees_the_lock(tmp_path: Path, fake: CountingEmbedder) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"garbage" * 1000)
    for _ in range(2):
        with pytest.raises(StoreError, match=r"ledger\.sqlite cannot be read"):
            Store.open(tmp_path, embedder=fake)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, fake: CountingEmbedder) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be made"):
        Store.open(tmp_path / "file" / "store", embedder=fake)


def test_index_fingerprint_is_a_function_of_what_is_in(tmp_path: Path, make_document: MakeDocument) -> None:
    items = [make_document(f"Text {n}.", path=str(n)) for n in range(3)]
    prints = []
    for order in (items, items[::-1]):
        with Store.open(tmp_path / sha256(repr(order).encode())[:8], embedder=CountingEmbedder()) as store:
            for item in order:
                put(store, item)
            prints.append(store.index_fingerprint)
    assert prints[0] == prints[1]


# Threads


def test_threads_search_while_one_writes(store: Store, make_document: MakeDocument) -> None:
    """A reader sees each document whole, in one version: never none, never a mixture."""

    def version(n: int) -> list[Upsert]:
        words = " ".join(["steady", f"edition{n}"])
        return [make_document(f"{words} one.\n\n{words} two.", path=f"{d}.txt", company="Steady Inc") for d in range(3)]

    put(store, *version(0))
    stop, problems = threading.Event(), list[str]()

    def read(filters: Filters) -> None:
        while not stop.is_set():
            found = store.search_dense("steady", k=100, filters=filters)
            for path in {passage.path for passage in found}:
                editions = {p.chunk.version for p in found if p.path == path}
                if len(editions) != 1 or sum(p.path == path for p in found) != 2:
                    problems.append(f"{path}: {editions}")
            if not store.search("steady", k=5, filters=filters):
                problems.append("nothing found")
            for info in store.sources():
                if store.document(info.document_id).text.split()[0] != "steady":
                    problems.append("wrong text")

    def guarded(filters: Filters) -> None:
        try:
            read(filters)
        except BaseException as error:  # noqa: BLE001 - a thread's error must fail the test
            problems.append(repr(error))

    threads = [
        threading.Thread(target=guarded, args=(filters,))
        for filters in (Filters(), Filters(company=("steady",)), Filters(roles=()), Filters(kind=("other",)))
    ]
    for thread in threads:
        thread.start()
    for n in range(1, 15):
        put(store, *version(n))
    stop.set()
    for thread in threads:
        thread.join()
    assert problems == []
    assert store.verify() == []


def test_vectors_are_written_in_slices_that_leave_other_threads_time(
    store: Store, make_document: MakeDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    upsert = Collection.upsert

    def counted(self: Collection, *, ids: list[str], **rest: Any) -> None:
        sizes.append(len(ids))
        upsert(self, ids=ids, **rest)

    monkeypatch.setattr(Collection, "upsert", counted)
    item = make_document("\n\n".join(f"Order number {n} was shipped." for n in range(600)))
    store.upsert_many([item])
    assert sum(sizes) == len(item.chunks) == 600
    assert max(sizes) <= 256
    assert store.verify() == []
