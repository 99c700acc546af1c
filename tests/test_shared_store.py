"""One base, several processes: ledger in PostgreSQL, vectors on a Chroma server, a copy of the words for each.

Real servers and real processes; the model is a stand-in where only its vectors matter.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assistant.assistant import Assistant
from ingest.chunking import CHUNKER_VERSION
from ingest.ingestor import Ingestor
from tests.pdfmaker import Sheet, raw_pdf
from tests.postgres_server import PostgresServer
from tests.store_fakes import CountingEmbedder
from vectorstore.backup import save
from vectorstore.embedding import Embedder
from vectorstore.errors import FingerprintMismatch, StoreError, StoreUnavailable
from vectorstore.ledger import Ledger
from vectorstore.records import Filters, Metadata
from vectorstore.restore import restore
from vectorstore.server import Server
from vectorstore.settings import Settings
from vectorstore.shared import Shared, shared_of
from vectorstore.store import Store

KNOWLEDGE = Path(__file__).resolve().parent.parent / "knowledge"
Open = Callable[..., Store]

# argv: folder, PostgreSQL, schema, Chroma, name of the process, how many documents
WRITER = """
import sys
from conftest_words import item
from store_fakes import CountingEmbedder
from vectorstore.server import Server
from vectorstore.shared import Shared
from vectorstore.store import Store
folder, url, schema, chroma, name, count = sys.argv[1:]
store = Store.open(folder, embedder=CountingEmbedder(), chunker_version="1", server=Server(chroma), shared=Shared(url, schema))
print("open", flush=True)
for n in range(int(count)):
    path = f"both-{n}.md" if n % 5 == 0 else f"{name}-{n}.md"
    store.upsert(*item(path, f"Report {n} of {name}.\\n\\nIt is about {name} alone, and backlog {n}."))
    print(path, flush=True)
store.close()
"""
ITEM = '''
"""Documents of plain paragraphs for programs that the tests start."""
from vectorstore.records import Chunk, Document, Metadata, chunk_id, document_id, sha256


def item(path, text):
    name, version = document_id("default", path), sha256(text.encode())
    chunks, start = [], 0
    for paragraph in text.split("\\n\\n"):
        end = start + len(paragraph)
        chunks.append(Chunk(chunk_id(name, version, start, end), name, version, start, end, paragraph))
        start = end + 2
    return Document(name, version, path, "default", text, Metadata()), tuple(chunks)
'''


@pytest.fixture
def base(shared_place: Shared, chroma_server: str, tmp_path: Path) -> Iterator[Open]:
    """``base(folder="a", model=..., ...)`` opens the base of this test as another process would."""
    opened: list[Store] = []

    def make(folder: str = "a", *, embedder: Embedder | CountingEmbedder | None = None, **more: object) -> Store:
        store = Store.open(
            tmp_path / folder,
            embedder=embedder or CountingEmbedder(),  # type: ignore[arg-type]
            **({"chunker_version": "1", "server": Server(chroma_server), "shared": shared_place} | more),  # type: ignore[arg-type]
        )
        opened.append(store)
        return store

    yield make
    for store in opened:
        store.close()


def texts(passages: list) -> list[str]:  # type: ignore[type-arg]
    return [passage.chunk.text for passage in passages]


def test_what_one_takes_in_changes_or_removes_the_others_see_at_once(base: Open, make_document) -> None:
    first, second = base("a"), base("b")
    first.upsert_many([make_document("Backlog rose.\n\nMargins held.", path="n.md", title="Old")])
    name = first.sources()[0].document_id
    assert texts(second.search_keyword("backlog", k=5)) == ["Backlog rose."]
    assert texts(second.search_dense("Margins held", k=1)) == ["Margins held."]
    second.amend(name, lambda known: Metadata(title="Renamed", kind=known.kind))
    assert first.info(name).metadata.title == "Renamed"
    assert sorted(texts(first.search_keyword("renamed", k=5))) == ["Backlog rose.", "Margins held."]
    first.upsert_many([make_document("Backlog fell.", path="n.md")])
    assert texts(second.search_keyword("backlog", k=5)) == ["Backlog fell."]
    assert second.frequencies([["margins"]]) == (1, [0])
    second.remove([name])
    assert first.search("backlog", k=5) == first.sources() == []
    assert first.index_fingerprint == second.index_fingerprint
    assert first.verify() == second.verify() == []


def test_a_process_has_a_part_of_the_folder_of_its_own(base: Open, tmp_path: Path, make_document) -> None:
    first, second = base("a"), base("a")
    assert [store.root for store in (first, second)] == [tmp_path / "a" / "replicas" / n for n in ("1", "2")]
    first.upsert_many([make_document("One.")])
    first.close()
    third = base("a")
    assert third.root == tmp_path / "a" / "replicas" / "1"
    assert texts(third.search_keyword("one", k=1)) == texts(second.search_keyword("one", k=1)) == ["One."]


def test_processes_that_take_in_at_once_lose_nothing(
    base: Open, shared_place: Shared, chroma_server: str, tmp_path: Path
) -> None:
    store = base("reader")
    (tmp_path / "conftest_words.py").write_text(ITEM)
    writers = [
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                WRITER,
                tmp_path / "w",
                shared_place.url,
                shared_place.schema,
                chroma_server,
                name,
                "20",
            ],
            env=os.environ | {"PYTHONPATH": path_of_tests(tmp_path)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("red", "green", "blue")
    ]
    said = [writer.communicate(timeout=120)[0].split() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    paths = {path for one in said for path in one[1:]}
    assert len(paths) == 3 * 16 + 4
    assert {info.path for info in store.sources() if info.state == "indexed"} == paths
    assert store.verify() == []
    assert sum(store.document(info.document_id).text.startswith("Report 5 of ") for info in store.sources()) == 1


def test_processes_that_are_killed_leave_a_base_that_mends_itself(
    base: Open, shared_place: Shared, chroma_server: str, tmp_path: Path
) -> None:
    (tmp_path / "conftest_words.py").write_text(ITEM)
    store, chance = base("reader"), random.Random(7)
    acknowledged: set[str] = set()
    for run in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, tmp_path / "w", shared_place.url, shared_place.schema, chroma_server, f"w{run}", "400"],
            env=os.environ | {"PYTHONPATH": path_of_tests(tmp_path)},
            stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        for _ in range(chance.randrange(1, 8)):
            acknowledged.add(writer.stdout.readline().strip())
        time.sleep(chance.uniform(0.0, 0.1))  # somewhere in the next one
        writer.kill()
        acknowledged |= {line.strip() for line in writer.stdout if line.endswith("\n")}
        assert writer.wait(30) == -signal.SIGKILL
        writer.stdout.close()
        # The server frees what the dead one held when it sees the connection end.
        until = time.monotonic() + 30
        while store._ledger.waiting() and time.monotonic() < until:
            store.embed_next()
        store.upsert_many([])
        with store.alone():
            store._writer.repair()
        assert store.verify() == []
    there = {info.path for info in store.sources() if info.version}
    assert len(acknowledged) >= 4
    assert acknowledged <= there


def test_a_rebuild_of_one_is_taken_over_by_the_others(base: Open, make_document) -> None:
    first, second = base("a"), base("b")
    first.upsert_many([make_document(f"Note {n} on backlog.", path=f"{n}.md") for n in range(30)])
    failed: list[BaseException] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                assert len(second.search("backlog note", k=5)) == 5
                assert len(second.search_dense("backlog note", k=40)) >= 30
            except BaseException as error:  # noqa: BLE001 - compared below
                failed.append(error)
                return

    asking = threading.Thread(target=ask)
    asking.start()
    for n in range(4):
        first.rebuild()
        second.upsert_many([make_document(f"Late note {n} on backlog.", path=f"late-{n}.md")])
    stop.set()
    asking.join()
    assert failed == []
    assert len(first.search_keyword("late", k=9)) == 4
    assert first.verify() == second.verify() == []
    assert len(first._place.numbers()) == 1  # the collections of the generations before are gone


def test_two_rebuilds_in_two_processes_come_one_after_the_other(base: Open, make_document) -> None:
    first, second = base("a"), base("b")
    first.upsert_many([make_document(f"Note {n}.", path=f"{n}.md") for n in range(10)])
    made: list[int] = []
    threads = [threading.Thread(target=lambda store=store: made.append(store.rebuild())) for store in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [10, 10]
    assert first.verify() == second.verify() == []


def test_a_rebuild_with_another_model_stops_those_that_have_the_old_one(base: Open, make_document) -> None:
    first, second = base("a"), base("b")
    first.upsert_many([make_document("Backlog rose.")])
    first.rebuild(embedder=CountingEmbedder("other", 24))
    with pytest.raises(FingerprintMismatch, match="rebuilt by another process, with other/24") as caught:
        second.search("backlog", k=1)
    assert "Start this process again" in caught.value.what_to_do
    with pytest.raises(FingerprintMismatch):
        second.upsert_many([make_document("More.", path="more.md")])
    third = base("c", embedder=CountingEmbedder("other", 24))
    assert texts(third.search("backlog", k=1)) == texts(first.search("backlog", k=1)) == ["Backlog rose."]
    assert third.verify() == []


@pytest.mark.parametrize("what", ["gone", "spoilt", "of another base", "ahead"])
def test_a_copy_of_the_words_that_is_not_right_is_made_again(base: Open, make_document, tmp_path, what: str) -> None:
    store = base("a")
    store.upsert_many([make_document("Backlog rose.\n\nMargins held.")])
    store.close()
    file = tmp_path / "a" / "replicas" / "1" / "words.sqlite"
    if what == "gone":
        file.unlink()
    elif what == "spoilt":
        file.write_bytes(b"no database" * 1000)
    else:
        from vectorstore._sqlite import Database

        with contextlib.closing(Database(file)) as copy, copy.write() as connection:
            connection.execute("DELETE FROM body")
            connection.execute(
                "UPDATE followed SET base = 'x'"
                if what == "of another base"
                else "UPDATE followed SET change = 1000000"
            )
    again = base("a")
    assert sorted(texts(again.search_keyword("backlog margins", k=5))) == ["Backlog rose.", "Margins held."]
    assert again.verify() == []


def test_what_a_process_left_waiting_another_goes_on_with(base: Open, make_document) -> None:
    first, second = base("a"), base("b")
    first.put_many([make_document("Backlog rose.", path="1.md"), make_document("Margins held.", path="2.md")])
    assert second.embed_next() == []  # it is the first one's
    assert len(second.waiting()) == 2
    first.close()
    assert sorted(one.chunks for one in second.embed_next()) == [1, 1]
    assert second.verify() == second.waiting() == []


def test_texts_that_postgresql_does_not_take_come_back_as_they_were(base: Open, make_document) -> None:
    first, second = base("a"), base("b")
    text = "A NUL \0 and half a pair \ud800 stand here.\n\nMore \U0001f4c8."
    item = make_document(text, path="odd.md", title="T\0\ud800", company="C\0o")
    first.upsert_many([item])
    assert second.document(item.document.document_id).text == text
    assert [chunk.text for chunk in second.chunks(item.document.document_id)] == text.split("\n\n")
    assert second.info(item.document.document_id).metadata.title == "T\0\ud800"
    assert second.count(Filters(company=("C o",))) == second.count(Filters(company=("C\0o",))) == 1
    assert texts(second.search_keyword("stand", k=1)) == [text.split("\n\n")[0]]
    assert second.verify() == []


def test_originals_are_shown_by_every_process(base: Open, embedder: Embedder, tmp_path: Path) -> None:
    pdf = raw_pdf([Sheet("A plan of the works.")])
    (tmp_path / "works.pdf").write_bytes(pdf)
    first, second = (base(name, embedder=embedder, chunker_version=CHUNKER_VERSION) for name in ("a", "b"))
    with Ingestor(first, Settings(workers=1)) as ingestor:
        report = ingestor.ingest([str(tmp_path / "works.pdf")])
    assert (report.added, report.failed) == (1, ())
    name = first.sources()[0].document_id
    assert second.original(name) == pdf
    with Ingestor(second, Settings(workers=1)) as ingestor:
        picture = ingestor.page_picture(name, None, 1)
    assert picture is not None
    assert picture.startswith(b"\x89PNG")
    version = second.document(name).version
    first.remove([name])
    first.prune()
    third = base("c", embedder=embedder, chunker_version=CHUNKER_VERSION)
    assert third.original(name, version) == pdf  # what was in stays readable


def test_answers_are_those_of_one_machine(base: Open, knowledge: Assistant, embedder: Embedder, tmp_path: Path) -> None:
    store = base("a", embedder=embedder, chunker_version=CHUNKER_VERSION)
    with Ingestor(store, Settings(workers=1)) as ingestor:
        assert ingestor.ingest([str(KNOWLEDGE)]).failed == ()
    assert store.index_fingerprint == knowledge.store.index_fingerprint
    shared = Assistant(store, knowledge.settings)
    try:
        for question in (
            "Which companies gain from reshoring?",
            "What share of small caps is unprofitable?",
            "How many small caps were acquired?",
        ):
            ours, theirs = (one.ask(question) for one in (shared, knowledge))
            assert (ours.text, ours.citations) == (theirs.text, theirs.citations)
            assert [(p.chunk_id, p.score) for p in ours.passages] == [(p.chunk_id, p.score) for p in theirs.passages]
    finally:
        shared.release()


def test_a_base_moves_from_a_folder_into_a_shared_one_and_back(
    base: Open, shared_place: Shared, chroma_server: str, tmp_path: Path, make_document
) -> None:
    fake = CountingEmbedder()
    with Store.open(tmp_path / "one", embedder=fake, chunker_version="1") as store:
        store.upsert_many([make_document(f"Note {n} on backlog.", path=f"{n}.md", title=f"T{n}") for n in range(3)])
        store.upsert_many([make_document("Note 1 again.", path="1.md")])
        store.remove([store.sources()[2].document_id])
        store.put_many([make_document("It waits.", path="waits.md")])
        before, versions = store.index_fingerprint, store.versions(store.sources()[1].document_id)
    save(tmp_path / "one", tmp_path / "one.zip")
    made = restore(tmp_path / "one.zip", tmp_path / "new", server=Server(chroma_server), shared=shared_place)
    assert (made.documents, made.versions, made.chunks) == (3, 5, 3)
    with pytest.raises(StoreError, match="holds documents already"):
        restore(tmp_path / "one.zip", tmp_path / "new", server=Server(chroma_server), shared=shared_place)
    assert list((tmp_path / "new").iterdir()) == []
    here = base("new", embedder=fake)
    encoded = len(fake.encoded)
    assert here.index_fingerprint == before
    assert here.versions(here.sources()[1].document_id) == versions
    assert [one.chunks for one in here.embed_next()] == [1]
    assert len(fake.encoded) == encoded + 1  # what waited; nothing else is embedded again
    here.upsert_many([make_document("A new one.", path="new.md")])
    assert here.verify() == []
    numbers = Ledger(shared_place, owned=False)
    assert sorted(numbers.numbers().values()) == list(range(1, 6))
    numbers.close()
    save(tmp_path / "new", tmp_path / "back.zip", shared=shared_place)
    restore(tmp_path / "back.zip", tmp_path / "two")
    with Store.open(tmp_path / "two", embedder=CountingEmbedder(), chunker_version="1") as store:
        assert store.index_fingerprint == here.index_fingerprint
        assert store.verify() == []


def test_a_restart_of_postgresql_is_told_of_and_survived(base: Open, postgres: PostgresServer, make_document) -> None:
    first, second = base("a"), base("b")
    first.upsert_many([make_document("Backlog rose.")])
    postgres.stop()
    try:
        for call in (lambda: second.search("backlog", k=1), lambda: first.upsert_many([make_document("x", path="x")])):
            with pytest.raises(StoreUnavailable, match="is not there"):
                call()
    finally:
        postgres.start()
    assert texts(second.search("backlog", k=1)) == ["Backlog rose."]
    first.upsert_many([make_document("Margins held.", path="2.md")])
    assert texts(second.search_keyword("margins", k=1)) == ["Margins held."]
    # Its number was lost with its connection: what it puts in is still its own.
    first.put_many([make_document("Later.", path="3.md")])
    assert second.embed_next() == []
    assert len(first.embed_next()) == 1
    assert first.verify() == second.verify() == []


def test_a_base_of_a_newer_program_is_refused(base: Open, shared_place: Shared) -> None:
    store = base("a")
    store._ledger.set_meta("shared_schema", "99")
    with pytest.raises(StoreError, match="newer version of this program"):
        base("b")


def test_settings_that_cannot_be_are_refused() -> None:
    chroma = "http://127.0.0.1:8000"
    assert shared_of(Settings()) is None
    for wrong, said in (
        (Settings(ledger="mysql://hidden@x/y", chroma=chroma), "no address of a PostgreSQL database"),
        (Settings(ledger="postgresql://u:hidden@x", chroma=chroma), "no address of a PostgreSQL database"),
        (Settings(ledger="postgresql://u:hidden@x:port/y", chroma=chroma), "no address of a database"),
        (Settings(ledger="postgresql://u:hidden@x/y", chroma=chroma, ledger_schema="a; b"), "no plain name"),
        (Settings(ledger="postgresql://u:hidden@x/y"), "stay in the folder of one of them"),
    ):
        with pytest.raises(StoreError.__mro__[1], match=said) as caught:
            shared_of(wrong)
        assert "hidden" not in str(caught.value)
    found = shared_of(Settings(ledger="postgres://u:hidden@[::1]:5433/base?sslmode=require", chroma=chroma))
    assert found is not None
    assert "hidden" not in f"{found!r} {found.shown}"


def path_of_tests(more: Path) -> str:
    here = Path(__file__).resolve().parent
    return os.pathsep.join((str(more), str(here), str(here.parent)))
