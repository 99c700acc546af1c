"""Ingest end to end: real readers in real worker processes, real SQLite and Chroma; only the vectors are scripted."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ingest import pipeline, pool, reading
from ingest.chunking import CHUNKER_VERSION
from ingest.ingestor import Ingestor
from ingest.progress import IngestReport, Progress, ProgressLine
from ingest.sources import find
from vectorstore.errors import NotFound, ReadError, SettingsError, StoreError, StoreFull
from vectorstore.records import Filters, document_id
from vectorstore.settings import Settings
from vectorstore.store import Store, Upsert

SETTINGS = Settings(workers=2, file_timeout_s=60, knowledge="")
NOTE = """# {title}

Freight rates for regional carriers rose {n} percent over the spring quarter. Order books of short-line
railways filled up again, and the backlog reached {n} million dollars.

Management expects the backlog to turn into revenue within two years.
"""


class WordEmbedder:
    """Vectors from the words' hashes: the same text the same vector, no model."""

    fingerprint = "words/16"
    dimension = 16
    max_tokens = 256

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in re.findall(r"\w+", text.lower()):
                row[hashlib.sha256(word.encode()).digest()[0] % self.dimension] += 1
            row[0] += 1e-3
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(re.findall(r"\w+|[^\w\s]", text)) + 2 for text in texts]


def open_store(root: Path) -> Store:
    return Store.open(root, embedder=WordEmbedder(), chunker_version=CHUNKER_VERSION)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    (folder / "deep").mkdir(parents=True)
    (folder / "rail.md").write_text(NOTE.format(title="Short lines", n=12))
    (folder / "port.txt").write_text(NOTE.format(title="Ports", n=31))
    (folder / "deep" / "page.html").write_text(
        "<html><head><title>Grid</title></head><body><h1>Grid</h1><p>Transformer lead times fell to 47 weeks.</p></body></html>"
    )
    return folder


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PARSE", "pipeline_faults:parse")


def run(store: Store, *paths: Path | str, settings: Settings = SETTINGS, **more: object) -> IngestReport:
    return pipeline.ingest(store, [str(p) for p in paths], settings=settings, **more)  # type: ignore[arg-type]


def counts(report: IngestReport) -> tuple[int, int, int, int]:
    return report.added, report.updated, report.unchanged, report.removed


def paths_in(store: Store) -> set[str]:
    return {info.path for info in store.sources() if info.version}


def make_pdf(*pages: str) -> bytes:
    """Return a PDF with one line of Helvetica a page ("" for a page without text)."""
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for i, text in enumerate(pages):
        drawing = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET" if text else ""
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> "
            f"/Contents {5 + 2 * i} 0 R >>"
        )
        objects.append(f"<< /Length {len(drawing)} >>\nstream\n{drawing}\nendstream")
    out = io.BytesIO(b"%PDF-1.4\n")
    out.seek(0, io.SEEK_END)
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(out.tell())
        out.write(f"{number} 0 obj\n{body}\nendobj\n".encode())
    xref = out.tell()
    out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode())
    out.write("".join(f"{place:010} 00000 n \n" for place in places).encode())
    out.write(f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{xref}\n%%EOF\n".encode())
    return out.getvalue()


def encrypted(data: bytes) -> bytes:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    writer.encrypt("known to nobody here", algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


# Idempotence


def test_a_second_run_changes_nothing_starts_no_process_and_says_so(
    store: Store, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(store, notes)
    assert counts(first) == (3, 0, 0, 0)
    assert first.failed == ()
    assert first.chunks == sum(info.chunks for info in store.sources()) > 0
    assert paths_in(store) == {(notes / p).as_posix() for p in ("rail.md", "port.txt", "deep/page.html")}
    before = store.index_fingerprint

    def no_process(*arguments: object, **more: object) -> None:
        raise AssertionError("an unchanged file was read again")

    monkeypatch.setattr(pool.subprocess, "Popen", no_process)
    second = run(store, notes)
    assert counts(second) == (0, 0, 3, 0)
    assert (second.chunks, store.index_fingerprint) == (0, before)
    assert "nothing has changed" in second.summary()
    assert store.verify() == []


def test_an_edited_file_replaces_its_own_chunks_only(store: Store, notes: Path) -> None:
    run(store, notes)
    rail = document_id("default", (notes / "rail.md").as_posix())
    port = document_id("default", (notes / "port.txt").as_posix())
    kept = store.chunks(port)
    old = {chunk.chunk_id for chunk in store.chunks(rail)}
    (notes / "rail.md").write_text(NOTE.format(title="Short lines", n=99))
    assert counts(run(store, notes)) == (0, 1, 2, 0)
    assert store.chunks(port) == kept
    fresh = store.chunks(rail)
    assert not old & {chunk.chunk_id for chunk in fresh}
    text = store.document(rail).text
    assert "99 million" in text
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in fresh)
    assert not any("12 million" in p.chunk.text for p in store.search_keyword("backlog million", k=50))
    assert store.verify() == []


def test_one_file_under_two_names_in_the_call_is_read_once(store: Store, notes: Path) -> None:
    report = run(store, notes / "rail.md", notes, notes / "deep" / ".." / "rail.md", notes)
    assert counts(report) == (3, 0, 0, 0)
    assert report.failed == ()


def test_equal_bytes_in_two_files_are_two_documents(store: Store, notes: Path) -> None:
    (notes / "copy.md").write_bytes((notes / "rail.md").read_bytes())
    assert run(store, notes).added == 4
    infos = {info.path: info for info in store.sources()}
    one, two = infos[(notes / "rail.md").as_posix()], infos[(notes / "copy.md").as_posix()]
    assert one.version == two.version
    assert one.document_id != two.document_id
    assert one.chunks == two.chunks > 0


def test_a_collection_is_a_place_of_its_own(store: Store, notes: Path) -> None:
    run(store, notes)
    assert counts(run(store, notes / "rail.md", collection="other")) == (1, 0, 0, 0)
    assert len(store.sources(Filters(collection=("other",)))) == 1


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Path]]:
    folder = tmp_path_factory.mktemp("any")
    with open_store(folder / "store") as opened:
        yield opened, folder


LINES = st.lists(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1), min_size=1, max_size=4
)


@hypothesis_settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(versions=st.lists(st.dictionaries(st.sampled_from(["a.txt", "b.md", "c.txt"]), LINES), min_size=1, max_size=3))
def test_whatever_the_files_the_base_mirrors_them_and_a_second_run_is_idle(
    shared_store: tuple[Store, Path], versions: list[dict[str, list[str]]]
) -> None:
    store, base = shared_store
    name = hashlib.sha256(repr(versions).encode()).hexdigest()[:12]
    folder = base / name
    folder.mkdir(exist_ok=True)
    (folder / "anchor.txt").write_text("An anchor note that stays through all versions.")
    for files in versions:
        for file in ("a.txt", "b.md", "c.txt"):
            (folder / file).unlink(missing_ok=True)
        for file, lines in files.items():
            (folder / file).write_text("Lead times. " + "\n".join(lines), encoding="utf-8")
        report = run(store, folder, collection=name, sync=True)
        assert report.failed == ()
        wanted = {(folder / file).as_posix() for file in files} | {(folder / "anchor.txt").as_posix()}
        stored = store.sources(Filters(collection=(name,)))
        assert {info.path for info in stored} == wanted
        for info in stored:
            assert info.version == hashlib.sha256(Path(info.path).read_bytes()).hexdigest()
            text = store.document(info.document_id).text
            assert all(text[c.start : c.end] == c.text for c in store.chunks(info.document_id))
        again = run(store, folder, collection=name, sync=True)
        assert counts(again) == (0, 0, len(wanted), 0)


# Sync


def test_sync_removes_what_is_gone_and_nothing_else(store: Store, notes: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "notes-2" / "x.txt"
    elsewhere.parent.mkdir()
    elsewhere.write_text(NOTE.format(title="Elsewhere", n=5))
    run(store, notes, elsewhere)
    run(store, notes, collection="other")
    elsewhere.unlink()
    (notes / "rail.md").unlink()
    (notes / "port.txt").rename(notes / "harbour.txt")
    assert counts(run(store, notes)) == (1, 0, 1, 0)  # without --sync nothing goes
    report = run(store, notes, sync=True)
    assert counts(report) == (0, 0, 2, 2)
    assert report.failed == ()
    mine = {info.path for info in store.sources(Filters(collection=("default",)))}
    assert mine == {(notes / p).as_posix() for p in ("harbour.txt", "deep/page.html")} | {elsewhere.as_posix()}
    assert len(store.sources(Filters(collection=("other",)))) == 3
    assert store.verify() == []


@pytest.mark.parametrize("state", ["missing", "empty", "hidden files only"])
def test_a_sync_of_a_folder_that_vanished_removes_nothing_and_says_so(store: Store, notes: Path, state: str) -> None:
    run(store, notes)
    before = paths_in(store)
    notes.rename(notes.parent / "unmounted")
    if state != "missing":
        notes.mkdir()
    if state == "hidden files only":
        (notes / ".keep").touch()
    report = run(store, notes, sync=True)
    assert report.removed == 0
    assert paths_in(store) == before
    said = " ".join(failure.error for failure in report.failed)
    assert "its 3 documents stay" in said
    assert "thesis remove" in said
    assert {failure.path for failure in report.failed} == {str(notes)}
    # What the message offers does remove them.
    assert Ingestor(store, SETTINGS).remove([str(notes)]) == 3
    assert paths_in(store) == set()


def test_a_missing_name_beside_a_sync_is_a_failure_only(store: Store, notes: Path) -> None:
    run(store, notes)
    report = run(store, notes, "nul\0byte", notes / "never", sync=True)
    assert counts(report) == (0, 0, 3, 0)
    assert len(report.failed) == 2


def test_a_part_of_the_folder_that_cannot_be_listed_keeps_its_documents(
    store: Store, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(store, notes)
    (notes / "rail.md").unlink()
    real = os.scandir

    def scandir(path: Path) -> object:
        if Path(path) == notes / "deep":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    (notes / "deep" / "page.html").rename(notes.parent / "away.html")
    report = run(store, notes, sync=True)
    assert report.removed == 0
    assert (notes / "deep" / "page.html").as_posix() in paths_in(store)
    assert any("Permission denied" in f.error and f.path == str(notes / "deep") for f in report.failed)
    monkeypatch.undo()
    assert run(store, notes, sync=True).removed == 2


# One bad file fails alone


def bad_files(folder: Path) -> dict[str, str]:
    """Write the bad files; return a word of the error of each."""
    whole = make_pdf("Quarterly order intake rose.", "Second page.")
    (folder / "empty.txt").touch()
    (folder / "cut.pdf").write_bytes(whole[: len(whole) // 3])
    (folder / "locked.pdf").write_bytes(encrypted(whole))
    (folder / "scan.pdf").write_bytes(make_pdf("", ""))
    (folder / "zero.pdf").write_bytes(bytes(50_000))
    (folder / "binary.txt").write_bytes(bytes(range(256)) * 200)
    (folder / "picture.pdf").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)
    (folder / "broken.docx").write_bytes(b"PK\x03\x04" + b"nothing of a document" * 50)
    with (folder / "huge.txt").open("wb") as stream:
        stream.truncate(300_000_000)
    return {
        "empty.txt": "empty",
        "cut.pdf": "",
        "locked.pdf": "password",
        "scan.pdf": "text layer",
        "zero.pdf": "zero bytes",
        "binary.txt": "binary",
        "picture.pdf": "PNG",
        "broken.docx": "",
        "huge.txt": "200 MB",
    }


def test_each_bad_file_fails_by_name_with_what_to_do_and_the_rest_goes_in(store: Store, notes: Path) -> None:
    expected = bad_files(notes)
    (notes / "wrong.txt").write_bytes(make_pdf("Backlog of the pump maker reached 77 million dollars."))
    report = run(store, notes)
    assert counts(report) == (4, 0, 0, 0)
    errors = {Path(failure.path).name: failure.error for failure in report.failed}
    assert errors.keys() == expected.keys()
    for name, word in expected.items():
        assert name in errors[name] or "process" in errors[name]
        assert word.lower() in errors[name].lower()
        assert errors[name].count(".") >= 2  # what is wrong, and what to do
    assert [w for w in report.warnings if Path(w.path).name == "wrong.txt"]
    assert "77 million" in store.document(document_id("default", (notes / "wrong.txt").as_posix())).text
    states = {Path(info.path).name: info.state for info in store.sources()}
    assert {name for name, state in states.items() if state == "failed"} == expected.keys()
    assert store.verify() == []
    assert json.loads(json.dumps(report.to_json()))["failed"] == [
        {"path": f.path, "error": f.error} for f in report.failed
    ]


def test_a_failed_file_is_tried_again_and_a_good_version_answers_meanwhile(store: Store, notes: Path) -> None:
    rail = notes / "rail.md"
    good = rail.read_bytes()
    run(store, rail)
    rail.write_bytes(b"")
    report = run(store, rail)
    assert (counts(report), len(report.failed)) == ((0, 0, 0, 0), 1)
    assert "12 million" in store.document(document_id("default", rail.as_posix())).text
    assert store.search_keyword("backlog", k=3)
    assert len(run(store, rail).failed) == 1
    rail.write_bytes(good)
    report = run(store, rail)
    assert report.failed == ()
    assert report.added == 0
    (info,) = store.sources()
    assert info.error is None
    assert counts(run(store, rail)) == (0, 0, 1, 0)


def test_named_paths_that_are_no_files_are_failures(store: Store, notes: Path, tmp_path: Path) -> None:
    (notes / "dangling").symlink_to(notes / "nowhere")
    report = run(store, notes / "none.txt", notes / "dangling", "nul\0byte", store.root, "file:///x", notes / "rail.md")
    assert report.added == 1
    errors = [(Path(f.path).name, f.error) for f in report.failed]
    for (name, error), (wanted, words) in zip(
        errors,
        [
            ("none.txt", "does not exist"),
            ("dangling", "leads nowhere"),
            ("nul\0byte", "exist"),
            ("store", "the store itself"),
            ("x", "is a way to another place"),
        ],
        strict=True,
    ):
        assert name == wanted
        assert words in error


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_a_pipe_is_never_opened(store: Store, notes: Path) -> None:
    os.mkfifo(notes / "pipe.txt")
    report = run(store, notes)
    assert report.added == 3
    assert [(s.path, s.reason) for s in report.skipped] == [(str(notes / "pipe.txt"), "a device or a pipe")]
    assert "not a file" in run(store, notes / "pipe.txt").failed[0].error


def test_a_file_that_cannot_be_opened_fails_by_name(store: Store, notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(store, notes)
    (notes / "rail.md").write_text("changed")
    real = reading.open_file

    def refuse(path: Path) -> io.BufferedReader:
        if path.name == "rail.md":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(reading, "open_file", refuse)
    report = run(store, notes)
    assert counts(report) == (0, 0, 2, 0)
    assert [Path(f.path).name for f in report.failed] == ["rail.md"]
    assert "rail.md can't be read (Permission denied)" in report.failed[0].error


def test_pages_without_text_are_counted_and_named_and_the_original_is_kept(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "deck.pdf"
    file.write_bytes(make_pdf("Margins of the mill improved.", "", "Capacity was sold out.", ""))
    report = run(store, file)
    assert report.added == 1
    (warning,) = report.warnings
    assert warning.path == file.as_posix()
    assert re.search(r"2 of 4 pages.*\b2\b.*\b4\b", warning.text)
    (info,) = store.sources()
    assert store.original(info.document_id) == file.read_bytes()
    assert info.pages == 4


# Workers that hang, crash or swell


def test_workers_fail_alone(store: Store, notes: Path, faults: None) -> None:
    for name in ("hang.txt", "exit.txt", "bug.txt", "chatty.txt", "late.pdf"):
        (notes / name).write_text(NOTE.format(title="Trouble", n=3))
    (notes / "late.pdf").write_bytes(make_pdf("Written while it was read."))
    if hasattr(os, "fork"):
        (notes / "segfault.txt").write_text("any")
    if sys.platform == "linux":
        (notes / "memory.txt").write_text("any")
    report = run(store, notes, settings=replace(SETTINGS, file_timeout_s=10))
    assert report.added == 4  # the three notes and the chatty one
    errors = {Path(f.path).name: f.error for f in report.failed}
    assert "took longer than 10 s" in errors.pop("hang.txt")
    assert "exit code 3" in errors.pop("exit.txt")
    assert "KeyError: 'unforeseen'" in errors.pop("bug.txt")
    assert "changed while it was read" in errors.pop("late.pdf")
    assert "Segmentation fault" in errors.pop("segfault.txt", "Segmentation fault")
    assert "more memory" in errors.pop("memory.txt", "more memory")
    assert errors == {}
    assert not _alive(int((notes / "hang.txt.pid").read_text()))
    assert store.verify() == []


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _wait_for(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 60
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def test_a_file_that_takes_long_does_not_hold_back_the_others(store: Store, notes: Path, faults: None) -> None:
    (notes / "hang.txt").write_text("any")
    seen: list[str] = []
    settings = replace(SETTINGS, file_timeout_s=10)
    report = run(store, notes, settings=settings, progress=lambda p: seen.append(p.current))
    assert seen.index("page.html") < seen.index("hang.txt")
    assert (report.added, len(report.failed)) == (3, 1)


def test_an_interrupt_ends_the_workers_and_the_next_run_goes_on(store: Store, notes: Path, faults: None) -> None:
    (notes / "hang.txt").write_text("any")
    pid = notes / "hang.txt.pid"

    def interrupt(progress: Progress) -> None:
        assert _wait_for(pid.exists)
        raise KeyboardInterrupt

    run(store, notes / "rail.md")
    with pytest.raises(KeyboardInterrupt):
        # The unchanged file reports first, while the next ones are being read.
        run(store, notes / "rail.md", notes, progress=interrupt, settings=replace(SETTINGS, file_timeout_s=300))
    assert not _alive(int(pid.read_text()))
    assert store.verify() == []
    (notes / "hang.txt").unlink()
    pid.unlink()
    report = run(store, notes)
    assert (report.failed, report.added + report.unchanged) == ((), 3)


SCRIPT = """
    import sys
    sys.path[:0] = {path!r}
    from pathlib import Path
    from ingest import pipeline, reading
    from test_pipeline import SETTINGS, open_store
    reading.PARSE = {parse!r}
    print("started", flush=True)
    with open_store(Path({store!r})) as store:
        report = pipeline.ingest(store, [{notes!r}], settings=SETTINGS)
    print(report.to_json()["added"], len(report.failed))
"""


def _script(tmp_path: Path, notes: Path, parse: str) -> Path:
    text = SCRIPT.format(path=[str(Path(__file__).parent)], store=str(tmp_path / "own"), notes=str(notes), parse=parse)
    file = tmp_path / "script.py"
    file.write_text(textwrap.dedent(text))
    return file


def test_a_script_without_a_main_guard_can_ingest(tmp_path: Path, notes: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(_script(tmp_path, notes, "ingest.worker:parse"))],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.splitlines() == ["started", "3 0"], done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are asked by POSIX signals")
def test_workers_end_with_their_parent_and_never_hold_the_lock(tmp_path: Path, notes: Path) -> None:
    (notes / "hang.txt").write_text("any")
    parent = subprocess.Popen([sys.executable, str(_script(tmp_path, notes, "pipeline_faults:parse"))])
    try:
        pid = notes / "hang.txt.pid"
        assert _wait_for(lambda: pid.exists() and pid.read_text() != "")
        worker = int(pid.read_text())
        assert _alive(worker)
    finally:
        parent.kill()
        parent.wait()
    with open_store(tmp_path / "own") as store:
        assert _wait_for(lambda: not _alive(worker))
        (notes / "hang.txt").unlink()
        pid.unlink()
        report = run(store, notes)
        assert (report.failed, report.added + report.unchanged) == ((), 3)
        assert store.verify() == []


class Refusing:
    """A store that refuses one document."""

    def __init__(self, store: Store, word: str) -> None:
        self._store = store
        self._word = word

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def put_many(self, items: Sequence[Upsert]) -> None:
        if any(self._word in item.document.path for item in items):
            raise StoreError("The row was refused.", "Look at the disk.")
        self._store.put_many(items)


def test_a_document_that_the_store_refuses_fails_alone(store: Store, notes: Path) -> None:
    report = run(Refusing(store, "port"), notes)  # type: ignore[arg-type]
    assert counts(report) == (2, 0, 0, 0)
    assert [(Path(f.path).name, f.error) for f in report.failed] == [
        ("port.txt", "The row was refused. Look at the disk.")
    ]


# What the user says


def test_meta_wins_stays_said_and_only_news_counts_as_an_update(store: Store, notes: Path) -> None:
    rail = notes / "rail.md"
    run(store, rail)
    meta = {"company": "Prairie Rail", "author": "Kim Lee; Ada Roe", "desk": "transport"}
    assert counts(run(store, rail, meta=meta)) == (0, 1, 0, 0)
    assert counts(run(store, rail, meta=meta)) == (0, 0, 1, 0)
    assert counts(run(store, rail)) == (0, 0, 1, 0)
    assert counts(run(store, rail, meta={"desk": "transport"})) == (0, 0, 1, 0)
    rail.write_text(NOTE.format(title="Short lines again", n=13))
    assert counts(run(store, rail, meta={"author": "Sam Poe", "ticker": "PRRL"})) == (0, 1, 0, 0)
    (info,) = store.sources()
    assert info.metadata.company == "Prairie Rail"
    assert info.metadata.authors == ("Sam Poe",)
    assert info.metadata.ticker == "PRRL"
    assert info.metadata.extra["desk"] == "transport"
    origin = info.metadata.origin("company")
    assert origin is not None
    assert origin.source == "user"


def test_a_wrong_meta_is_the_callers_error_before_anything_is_read(store: Store, notes: Path) -> None:
    for meta in ({"published": "someday"}, {"kind": "poem"}):
        with pytest.raises(SettingsError):
            run(store, notes, meta=meta)
    assert store.sources() == []


# URLs


class Pages(threading.Thread):
    """A web server of one connection at a time, with a table of pages that a test may change."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.pages: dict[str, tuple[int, str, bytes]] = {}
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.base = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def run(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                request = connection.recv(65536).decode("latin-1").split(" ")[1]
                status, kind, body = self.pages.get(request, (404, "text/plain", b"no"))
                head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
                connection.sendall(head.encode() + body)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self.join()


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    pages = Pages()
    pages.start()
    yield pages
    pages.close()


def test_urls_go_in_once_and_fail_by_name(store: Store, notes: Path, web: Pages) -> None:
    html = b"<html><head><title>Pumps</title></head><body><p>Pump orders grew by 14 percent in May.</p></body></html>"
    pdf = make_pdf("Turbine deliveries doubled.")
    web.pages = {"/pumps": (200, "text/html; charset=utf-8", html), "/t.pdf": (200, "application/pdf", pdf)}
    open_settings = replace(SETTINGS, fetch_private_addresses=True, fetch_timeout_s=30)
    urls = [web.base + "/pumps#top", web.base + "/t.pdf", web.base + "/gone"]
    report = run(store, *urls, notes / "rail.md", settings=open_settings)
    assert counts(report) == (3, 0, 0, 0)
    ((path, error),) = [(f.path, f.error) for f in report.failed]
    assert path == web.base + "/gone"
    assert "404" in error
    page = store.document(document_id("default", web.base + "/pumps"))
    assert "14 percent" in page.text
    assert page.metadata.url == web.base + "/pumps"
    assert store.original(document_id("default", web.base + "/t.pdf")) == pdf
    assert counts(run(store, *urls[:2], settings=open_settings)) == (0, 0, 2, 0)
    web.pages["/pumps"] = (200, "text/html", html.replace(b"14", b"15"))
    assert counts(run(store, *urls[:2], notes, settings=open_settings, sync=True)) == (2, 1, 2, 0)
    # By default the same address is refused.
    assert "loopback" in run(store, urls[0]).failed[0].error
    assert Ingestor(store, SETTINGS).remove([urls[0]]) == 1


# The walk


def test_what_a_folder_holds_besides_documents_is_skipped_with_a_reason(tmp_path: Path) -> None:
    store_root = tmp_path / "in" / "store"
    for folder in ("in/.git", "in/store", "in/sub", "out"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("in/.hidden.txt", "in/.git/x.txt", "in/~$open.docx", "in/store/x.txt", "in/table.csv", "in/a.TXT"):
        (tmp_path / file).write_text("some text")
    (tmp_path / "in" / "README").write_text("plain words")
    (tmp_path / "in" / "blob").write_bytes(b"\0\1\2")
    (tmp_path / "in" / "report.2024").write_text("plain words")
    (tmp_path / "in" / "scan.dat").write_bytes(b"%PDF-1.4 ...")
    (tmp_path / "out" / "secret.txt").write_text("not for the base")
    inside = tmp_path / "in"
    (inside / "sub" / "b.txt").write_text("text")
    (inside / "out.txt").symlink_to(tmp_path / "out" / "secret.txt")
    (inside / "outside").symlink_to(tmp_path / "out")
    (inside / "loop").symlink_to(inside)
    (inside / "spin").symlink_to(inside / "spin")
    (inside / "twin.txt").symlink_to(inside / "sub" / "b.txt")
    (inside / "lost.txt").symlink_to(inside / "nowhere.txt")
    (inside / "stored.txt").symlink_to(store_root / "x.txt")
    found = find([str(inside)], store_root=store_root)
    assert [item.path.removeprefix(inside.as_posix() + "/") for item in found.items] == [
        "README",
        "a.TXT",
        "report.2024",
        "scan.dat",
        "sub/b.txt",
    ]
    assert {s.path.removeprefix(str(inside) + os.sep): s.reason for s in found.skipped} == {
        ".git": "hidden",
        ".hidden.txt": "hidden",
        "~$open.docx": "hidden",
        "store": "the store itself",
        "table.csv": "unsupported type .csv",
        "blob": "no text",
        "out.txt": "a link that leads out of the folder",
        "outside": "a link that leads out of the folder",
        "stored.txt": "a link that leads out of the folder",
        "loop": "a link that leads out of the folder",
        "spin": "a link that leads nowhere or in a circle",
        "lost.txt": "a link that leads nowhere or in a circle",
        "twin.txt": "read already",
    }
    assert found.failed == []


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_not_text_fails_alone_and_can_be_printed(store: Store, notes: Path) -> None:
    Path(os.fsdecode(os.fsencode(notes) + b"/caf\xe9.txt")).write_text("words")
    (notes / "line\nbreak\x1b[2J.txt").write_text(NOTE.format(title="Odd", n=1))
    report = run(store, notes)
    assert report.added == 4
    ((path, error),) = [(f.path, f.error) for f in report.failed]
    assert path.endswith("caf\\xe9.txt")
    assert "Rename" in error
    json.dumps(report.to_json()).encode()


# The Ingestor


def test_uploads_are_known_by_their_name(store: Store, tmp_path: Path) -> None:
    ingestor = Ingestor(store, SETTINGS)
    first, second = tmp_path / "tmp1", tmp_path / "tmp2"
    first.write_text(NOTE.format(title="Uploaded", n=8))
    second.write_text(NOTE.format(title="Uploaded", n=9))
    assert counts(ingestor.ingest_uploads([("Q3 note.md", first)])) == (1, 0, 0, 0)
    assert counts(ingestor.ingest_uploads([("C:\\fakepath\\Q3 note.md", first)])) == (0, 0, 1, 0)
    assert counts(ingestor.ingest_uploads([("../../Q3 note.md", second)])) == (0, 1, 0, 0)
    report = ingestor.ingest_uploads([("\u202e..\x00", first), ("gone.txt", tmp_path / "none"), ("b.md", first)])
    assert counts(report) == (1, 0, 0, 0)
    assert [f.error.split(".")[-2].strip() for f in report.failed] == ["Rename the file", "Upload it again"]
    assert paths_in(store) == {"upload:/Q3 note.md", "upload:/b.md"}
    assert "9 million" in store.document(document_id("default", "upload:/Q3 note.md")).text
    assert ingestor.remove(["upload:/b.md"]) == 1


def test_remove_takes_ids_starts_of_ids_paths_and_folders_or_nothing(
    store: Store, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingestor = Ingestor(store, SETTINGS)
    run(store, notes)
    ids = {Path(info.path).name: info.document_id for info in store.sources()}
    monkeypatch.chdir(notes)
    for wrong in (
        "feedfacefeedface",
        ids["rail.md"][:5],
        str(notes / "none.txt"),
        "none.md",
        "",
        "http://nowhere.example/x",
    ):
        with pytest.raises(NotFound):
            ingestor.remove([ids["rail.md"], wrong])
    assert len(paths_in(store)) == 3
    assert ingestor.remove([ids["rail.md"][:9], str(notes / "deep" / ".." / "port.txt"), ids["rail.md"]]) == 2
    assert ingestor.remove([str(notes / "deep")]) == 1
    assert store.sources() == []
    assert counts(run(store, notes)) == (3, 0, 0, 0)


def test_a_page_picture_shows_the_span_and_a_document_without_pages_has_none(
    store: Store, notes: Path, tmp_path: Path
) -> None:
    file = tmp_path / "two.pdf"
    file.write_bytes(make_pdf("Cover of the report.", "Free cash flow reached 21 million dollars."))
    run(store, file, notes / "rail.md")
    infos = {Path(info.path).name: info for info in store.sources()}
    pdf = store.document(infos["two.pdf"].document_id)
    start = pdf.text.index("21 million")
    with Ingestor(store, SETTINGS) as ingestor:
        plain = ingestor.page_picture(pdf.document_id, pdf.version, 2, [])
        marked = ingestor.page_picture(pdf.document_id, None, 2, [(start, start + 10)])
        assert plain is not None
        assert marked is not None
        assert plain.startswith(b"\x89PNG\r\n")
        assert marked.startswith(b"\x89PNG\r\n")
        assert plain != marked
        # A span of another page marks nothing here.
        assert ingestor.page_picture(pdf.document_id, None, 1, [(start, start + 10)]) == ingestor.page_picture(
            pdf.document_id, None, 1, []
        )
        assert ingestor.page_picture(pdf.document_id, None, 3, []) is None
        assert ingestor.page_picture(infos["rail.md"].document_id, None, 1, []) is None
        with pytest.raises(NotFound):
            ingestor.page_picture("0" * 24, None, 1, [])


def test_the_sample_notes_go_into_an_empty_store_once(store: Store, notes: Path) -> None:
    assert Ingestor(store, SETTINGS).ingest_knowledge() is None
    assert Ingestor(store, replace(SETTINGS, knowledge=str(notes / "none"))).ingest_knowledge() is None
    ingestor = Ingestor(store, replace(SETTINGS, knowledge=str(notes)))
    report = ingestor.ingest_knowledge()
    assert report is not None
    assert report.added == 3
    ingestor.remove([str(notes / "rail.md")])
    assert ingestor.ingest_knowledge() is None  # what the user took out stays out
    assert len(store.sources()) == 2


def test_rebuild_cuts_the_stored_text_anew(store: Store, notes: Path) -> None:
    report = run(store, notes)
    before = {info.document_id: store.chunks(info.document_id) for info in store.sources()}
    for file in notes.rglob("*.*"):
        file.unlink()  # the stored text is enough
    seen: list[Progress] = []
    assert Ingestor(store, SETTINGS).rebuild(seen.append) == report.chunks
    assert {info.document_id: store.chunks(info.document_id) for info in store.sources()} == before
    assert [p.chunks for p in seen] == sorted(p.chunks for p in seen)
    assert seen[-1].chunks == report.chunks
    assert store.verify() == []


# Progress


def test_progress_counts_up_to_the_report(store: Store, notes: Path) -> None:
    (notes / "deck.pdf").write_bytes(make_pdf("Margins improved.", "Capacity was sold out."))
    (notes / "empty.txt").touch()
    seen: list[Progress] = []
    report = run(store, notes, progress=seen.append)
    assert [p.files_done for p in seen] == sorted(p.files_done for p in seen)
    assert [p.chunks for p in seen] == sorted(p.chunks for p in seen)
    assert seen[-1].files_done == 5
    assert {p.files_total for p in seen} == {5}
    assert (seen[-1].pages, seen[-1].chunks) == (2, report.chunks)
    assert seen[-1].seconds_left == 0
    assert {p.current for p in seen} == {"rail.md", "port.txt", "page.html", "deck.pdf", "empty.txt"}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_progress_line_is_rewritten_on_a_terminal_and_cannot_be_steered_by_a_name() -> None:
    stream = Terminal()
    line = ProgressLine(stream, every=0)
    line(Progress(3, 10, 120, 400, seconds=8.0, seconds_left=75.0, current="a\x1b[2J\n\u202eb.pdf"))
    shown = stream.getvalue()
    assert shown == "\r3/10 files, 120 pages, 400 chunks, 50/s, 1 min 15 s left: a?[2J??b.pdf"
    line(Progress(10, 10))
    assert stream.getvalue()[len(shown) :].rstrip() == "\r10/10 files, 0 chunks"
    line.close()
    assert stream.getvalue().endswith("\r")
    log = io.StringIO()
    quiet = ProgressLine(log)
    quiet(Progress(1, 2))
    assert log.getvalue() == ""
    chatty = ProgressLine(log, every=0)
    chatty(Progress(1, 2, current="x.txt"))
    chatty.close()
    assert log.getvalue() == "1/2 files, 0 chunks: x.txt\n"


def test_the_report_is_the_json_of_the_command_line() -> None:
    report = IngestReport(added=1, chunks=4, seconds=0.12345)
    assert report.to_json() == {
        "added": 1,
        "updated": 0,
        "unchanged": 0,
        "removed": 0,
        "skipped": [],
        "failed": [],
        "warnings": [],
        "chunks": 4,
        "seconds": 0.123,
    }


def test_a_worker_that_was_closed_says_so() -> None:
    worker = pool.Worker()
    worker.close()
    with pytest.raises(ReadError, match="stopped"):
        worker.call("ingest.worker:parse", seconds=1, what="x.txt")


# Words first, and runs that were cut short


class Slow(WordEmbedder):
    """Embeds nothing until it may."""

    def __init__(self) -> None:
        self.may = threading.Event()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        assert self.may.wait(60)
        return super().encode(texts)


def test_words_find_a_document_before_its_vectors_are_made(tmp_path: Path, notes: Path) -> None:
    slow = Slow()
    found: list[set[str]] = []
    behind: list[int] = []
    with Store.open(tmp_path / "own", embedder=slow, chunker_version=CHUNKER_VERSION) as store:

        def progress(now: Progress) -> None:
            behind.append(now.behind)
            if now.behind == 3 and not slow.may.is_set():
                found.append({Path(p.path).name for p in store.search_keyword("backlog transformer", k=9)})
                assert {info.state for info in store.sources()} == {"chunked"}
                assert now.chunks == 0
                slow.may.set()

        report = run(store, notes, progress=progress)
        assert counts(report) == (3, 0, 0, 0)
        assert found == [{"rail.md", "port.txt", "page.html"}]
        assert behind[-1] == 0
        assert {info.state for info in store.sources()} == {"indexed"}
        assert store.verify() == []


def test_a_run_that_was_cut_short_leaves_each_document_in_its_state_and_the_next_finishes(
    tmp_path: Path, notes: Path, faults: None
) -> None:
    late = notes / "z" / "hang.txt"
    late.parent.mkdir()
    late.write_text("any")
    slow = Slow()

    def cut(now: Progress) -> None:
        if now.behind == 3:
            slow.may.set()  # the texts under way are finished
            raise KeyboardInterrupt

    with Store.open(tmp_path / "own", embedder=slow, chunker_version=CHUNKER_VERSION) as store:
        with pytest.raises(KeyboardInterrupt):
            run(store, notes, progress=cut)
        states = {Path(info.path).name: info.state for info in store.sources()}
        assert states.pop("hang.txt") == "seen"
        assert set(states) == {"rail.md", "port.txt", "page.html"}
        assert store.search_keyword("backlog", k=3) != []
    late.write_text(NOTE.format(title="Awake", n=4))
    late.rename(notes / "awake.txt")
    with open_store(tmp_path / "own") as store:
        report = run(store, notes, sync=True)
        assert counts(report) == (1, 0, 3, 1)
        assert {info.state for info in store.sources()} == {"indexed"}
        assert store.verify() == []


def test_a_changed_file_that_was_seen_and_changed_back_is_what_is_in(store: Store, notes: Path) -> None:
    run(store, notes)
    name = document_id("default", (notes / "rail.md").as_posix())
    store.seen([(name, (notes / "rail.md").as_posix(), "default")])
    assert counts(run(store, notes)) == (0, 0, 3, 0)
    assert {info.state for info in store.sources()} == {"indexed"}


def test_what_was_removed_and_comes_again_does_not_inherit_what_was_said_of_it(store: Store, notes: Path) -> None:
    rail = notes / "rail.md"
    run(store, rail, meta={"company": "Prairie Rail"})
    Ingestor(store, SETTINGS).remove([str(rail)])
    assert counts(run(store, rail)) == (1, 0, 0, 0)
    assert [info.metadata.company for info in store.sources()] != ["Prairie Rail"]


def test_a_full_disk_ends_the_run_with_what_to_do_and_the_next_run_finishes(store: Store, notes: Path) -> None:
    (notes / "long.txt").write_text("\n\n".join(f"Order {n} of {n * 7919} pumps was shipped." for n in range(2000)))
    writer = store._ledger._database._writer
    assert writer is not None
    writer.execute(f"PRAGMA max_page_count = {writer.execute('PRAGMA page_count').fetchone()[0] + 2}")
    with pytest.raises(StoreFull, match="no space left") as caught:
        run(store, notes)
    assert "Free some space" in caught.value.what_to_do
    assert all("wait for" in problem for problem in store.verify())
    writer.execute("PRAGMA max_page_count = 1000000")
    report = run(store, notes)
    assert report.failed == ()
    assert {info.state for info in store.sources()} == {"indexed"}
    assert store.verify() == []


class Filling:
    """A store whose disk is full when vectors are to be kept."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def embed_next(self, *arguments: object, **more: object) -> object:
        raise StoreFull("The ledger cannot grow.", "Free some space.")


def test_what_the_thread_behind_meets_ends_the_run_and_the_words_stay(store: Store, notes: Path) -> None:
    with pytest.raises(StoreFull, match="Free some space"):
        run(Filling(store), notes)  # type: ignore[arg-type]
    report = run(store, notes)
    assert (report.failed, report.added + report.unchanged) == ((), 3)
    assert {info.state for info in store.sources()} == {"indexed"}
    assert not [thread for thread in threading.enumerate() if thread.name == "thesis-embed"]


def test_a_document_that_cannot_be_embedded_is_a_failure_and_answers_by_its_words(tmp_path: Path, notes: Path) -> None:
    class Stumbling(WordEmbedder):
        def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
            if any("railways" in text and "31 million" in text for text in texts):
                raise RuntimeError("no such token")
            return super().encode(texts)

    with Store.open(tmp_path / "own", embedder=Stumbling(), chunker_version=CHUNKER_VERSION) as store:
        report = run(store, notes)
        assert counts(report) == (2, 0, 0, 0)
        assert [(Path(f.path).name, "no such token" in f.error) for f in report.failed] == [("port.txt", True)]
        assert "port.txt" in {Path(p.path).name for p in store.search_keyword("backlog", k=5)}
    with open_store(tmp_path / "own") as store:
        assert run(store, notes).failed == ()
        assert {info.state for info in store.sources()} == {"indexed"}
        assert store.verify() == []
