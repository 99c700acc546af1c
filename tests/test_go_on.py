"""What an earlier process left undone goes on when the chat starts: beside it, and out of the way of whoever comes."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from store_fakes import CountingEmbedder

import app
from ingest import CHUNKER_VERSION, Ingestor, pipeline
from ingest.progress import Failed, Progress
from ingest.sources import Item, identity
from vectorstore.errors import StoreError
from vectorstore.ledger import Ledger
from vectorstore.records import document_id
from vectorstore.settings import Settings
from vectorstore.store import Store, Upsert

SETTINGS = Settings(workers=1, file_timeout_s=60, knowledge="")
WAIT_S = 60.0


class Gated(CountingEmbedder):
    """Says when it computes, and computes on when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.at_work, self.free = threading.Event(), threading.Event()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.at_work.set()
        assert self.free.wait(WAIT_S)
        return super().encode(texts)


def open_store(root: Path, embedder: CountingEmbedder | None = None) -> Store:
    return Store.open(root, embedder=embedder or CountingEmbedder(), chunker_version=CHUNKER_VERSION)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for i in range(3):
        (folder / f"n{i}.md").write_text(f"# Note {i}\n\nFerry demand rose {i + 2} percent in April 2024.\n")
    return folder


def items(folder: Path) -> list[Item]:
    return [Item(identity(p), p.name, p, p.stat().st_size) for p in sorted(folder.iterdir())]


def words_only(store: Store, folder: Path) -> None:
    assert pipeline.ingest_items(store, items(folder), settings=SETTINGS, embed=False).added == 3
    assert {info.state for info in store.sources()} == {"chunked"}
    assert len(store.search_keyword("ferry demand", k=5)) == 3


def states(store: Store) -> list[str]:
    return [info.state for info in store.sources()]


def test_documents_that_wait_for_their_vectors_get_them(store: Store, notes: Path) -> None:
    words_only(store, notes)
    told: list[Progress] = []
    with Ingestor(store, SETTINGS) as ingestor:
        assert ingestor.go_on(told.append) == ()
        assert (states(store), store.waiting(), store.verify()) == (["indexed"] * 3, [], [])
        assert [(p.files_done, p.files_total, p.chunks) for p in told] == [(1, 3, 1), (2, 3, 2), (3, 3, 3)]
        assert ingestor.go_on(told.append) == ()  # nothing is left
    assert len(told) == 3


def test_sample_notes_that_were_cut_short_go_on_and_what_was_taken_out_stays_out(store: Store, notes: Path) -> None:
    first, second, third = items(notes)
    assert pipeline.ingest_items(store, [first, second], settings=SETTINGS).added == 2
    ids = [document_id(SETTINGS.collection, item.path) for item in (first, second, third)]
    store.remove(ids[:1])
    store.seen([(ids[2], third.path, SETTINGS.collection)])
    with Ingestor(store, replace(SETTINGS, knowledge=str(notes))) as ingestor:
        assert ingestor.go_on() == ()
    assert {info.document_id: info.state for info in store.sources()} == {ids[1]: "indexed", ids[2]: "indexed"}
    assert store.verify() == []


def test_an_empty_base_takes_in_the_sample_notes_and_says_which_fail(store: Store, notes: Path) -> None:
    (notes / "bad.pdf").write_bytes(b"%PDF-1.4\nnothing of one")
    with Ingestor(store, replace(SETTINGS, knowledge=str(notes))) as ingestor:
        (failed,) = ingestor.go_on()
    assert Path(failed.path).name == "bad.pdf"
    assert sorted(states(store)) == ["failed", "indexed", "indexed", "indexed"]


def test_a_document_that_cannot_be_embedded_is_told_of_and_the_others_get_their_vectors(
    tmp_path: Path, notes: Path
) -> None:
    class Stumbling(CountingEmbedder):
        def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
            if any("rose 3 percent" in text for text in texts):
                raise RuntimeError("no such token")
            return super().encode(texts)

    with open_store(tmp_path / "own", Stumbling()) as store, Ingestor(store, SETTINGS) as ingestor:
        words_only(store, notes)
        (failed,) = ingestor.go_on()
        assert (Path(failed.path).name, "no such token" in failed.error) == ("n1.md", True)
        assert sorted(states(store)) == ["failed", "indexed", "indexed"]


def test_others_have_their_turn_while_it_computes_and_an_ingest_counts_what_is_its_own(
    tmp_path: Path, notes: Path
) -> None:
    embedder = Gated()
    more = tmp_path / "more.md"
    more.write_text("# More\n\nHarbour fees fell 2 percent in May 2024.\n")
    with open_store(tmp_path / "own", embedder) as store, Ingestor(store, SETTINGS) as ingestor:
        words_only(store, notes)
        thread = threading.Thread(target=ingestor.go_on)
        thread.start()
        assert embedder.at_work.wait(WAIT_S)
        assert ingestor.remove([str(notes / "n0.md")]) == 1  # it needs the turn and the lock of the indexes
        in_by_words = threading.Event()
        reports = []

        def tell(moment: Progress) -> None:
            if moment.behind:
                in_by_words.set()

        second = threading.Thread(target=lambda: reports.append(ingestor.ingest([str(more)], progress=tell)))
        second.start()
        assert in_by_words.wait(WAIT_S)
        assert [Path(p.path).name for p in store.search_keyword("harbour fees", k=1)] == ["more.md"]
        embedder.free.set()
        second.join(WAIT_S)
        thread.join(WAIT_S)
        assert [(report.added, report.failed) for report in reports] == [(1, ())]
        assert (states(store), store.waiting(), store.verify()) == (["indexed"] * 3, [], [])


def test_it_ends_when_it_is_told_to_and_the_rest_waits(tmp_path: Path, notes: Path) -> None:
    embedder, stopped = Gated(), threading.Event()
    with open_store(tmp_path / "own", embedder) as store, Ingestor(store, SETTINGS) as ingestor:
        stopped.set()
        with Ingestor(store, replace(SETTINGS, knowledge=str(notes))) as fresh:
            assert fresh.go_on(stop=stopped.is_set) == ()  # while it reads
        assert "indexed" not in states(store)
        assert ingestor.go_on(stop=stopped.is_set) == ()  # before it embeds
        assert embedder.encoded == []
    with open_store(tmp_path / "own") as store, Ingestor(store, replace(SETTINGS, knowledge=str(notes))) as ingestor:
        assert ingestor.go_on() == ()
        assert (states(store), store.verify()) == (["indexed"] * 3, [])


class Undone:
    """Goes on until it is stopped, and then has something to say, or raises it."""

    def __init__(self, end: Callable[[], tuple[Failed, ...]]) -> None:
        self.begun, self.ended = threading.Event(), threading.Event()
        self._end = end

    def go_on(self, progress: Callable[[Progress], None], *, stop: Callable[[], bool]) -> tuple[Failed, ...]:
        self.begun.set()
        while not stop():
            time.sleep(0.01)
        self.ended.set()
        return self._end()


def _locked() -> tuple[Failed, ...]:
    raise StoreError("The disk is gone.", "Put it back.")


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (lambda: (Failed("a.md", "It is damaged."),), "  failed: a.md: It is damaged.\n"),
        (_locked, "  failed: The disk is gone. Put it back.\n"),
        (lambda: (), ""),
    ],
)
def test_the_page_is_served_meanwhile_and_its_end_ends_it(end: Callable[[], tuple[Failed, ...]], said: str) -> None:
    undone, stream = Undone(end), io.StringIO()
    with app._going_on(undone, stream):  # type: ignore[arg-type]
        assert undone.begun.wait(WAIT_S)
        assert not undone.ended.is_set()
    assert undone.ended.is_set()
    assert stream.getvalue() == said


def test_what_another_thread_embedded_meanwhile_counts_as_added(store: Store, notes: Path) -> None:
    def embeds(moment: Progress) -> None:
        while store.embed_next():
            pass

    report = pipeline.ingest_items(store, items(notes), settings=SETTINGS, progress=embeds)
    assert (report.added, report.chunks, store.waiting()) == (3, 3, [])


def test_only_the_batch_is_asked_for_however_many_wait(
    store: Store, make_document: Callable[..., Upsert], monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put_many([make_document(f"Ferry {i} sails.", path=f"n{i}.txt") for i in range(20)])
    real, asked = Ledger.waiting, []

    def waiting(self: Ledger, **bound: object) -> object:
        asked.append(bound.get("chunks"))
        return real(self, **bound)  # type: ignore[arg-type]

    monkeypatch.setattr(Ledger, "waiting", waiting)
    assert len(store.embed_next()) == 20
    assert asked == [512]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_a_file_that_becomes_a_pipe_does_not_stop_the_parent_that_compares_it(store: Store, notes: Path) -> None:
    known = items(notes)
    assert pipeline.ingest_items(store, known, settings=SETTINGS).added == 3
    (notes / "n1.md").unlink()
    os.mkfifo(notes / "n1.md")
    report = pipeline.ingest_items(store, known, settings=SETTINGS)
    assert report.unchanged == 2
    assert [(Path(f.path).name, "device or a pipe" in f.error) for f in report.failed] == [("n1.md", True)]
