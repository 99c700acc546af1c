"""A backup is one committed state in one file; a restore gives all of it or nothing, whatever the file is."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_fakes import CountingEmbedder

from vectorstore._schema import SCHEMA
from vectorstore.backup import FORMAT, save
from vectorstore.errors import NotFound, StoreEmpty, StoreError, StoreLocked
from vectorstore.lock import OwnerLock
from vectorstore.restore import restore
from vectorstore.store import Store, Upsert

MakeDocument = Callable[..., Upsert]
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 40


def opened(root: Path) -> Store:
    return Store.open(root, embedder=CountingEmbedder(), chunker_version="1")


def with_original(item: Upsert, data: bytes) -> Upsert:
    """Give a document the identity of a PDF's bytes."""
    version = hashlib.sha256(data).hexdigest()
    document = replace(item.document, version=version, media_type="application/pdf")
    from vectorstore.records import chunk_id

    chunks = [
        replace(c, version=version, chunk_id=chunk_id(c.document_id, version, c.start, c.end)) for c in item.chunks
    ]
    return Upsert(document, chunks, data)


@pytest.fixture
def root(tmp_path: Path, make_document: MakeDocument) -> Path:
    """A store with a document of two versions, a PDF and a removed document."""
    folder = tmp_path / "store"
    with opened(folder) as store:
        store.upsert_many(
            [make_document("First words.\n\nMore of it.", path="a.txt"), make_document("Gone.", path="b.txt")]
        )
        store.upsert_many([make_document("Second words.", path="a.txt", title="A note")])
        store.upsert_many([with_original(make_document("Of a filing.", path="c.pdf"), PDF)])
        store.remove([info.document_id for info in store.sources() if info.path == "b.txt"])
    return folder


def held(folder: Path) -> dict[str, object]:
    """All that a store tells of its documents."""
    with opened(folder) as store:
        assert store.verify() == []
        return {
            "sources": store.sources(),
            "fingerprint": store.index_fingerprint,
            "chunks": [store.chunks(info.document_id) for info in store.sources()],
            "originals": [store.original(info.document_id) for info in store.sources()],
            "versions": [
                store.document(*row) for row in sql(folder, "SELECT document_id, version FROM versions ORDER BY 1, 2")
            ],
            "search": [search("first second words of it", k=9) for search in (store.search, store.search_dense)],
        }


def sql(folder: Path, statement: str) -> list[tuple[str, ...]]:
    connection = sqlite3.connect(folder / "ledger.sqlite")
    rows = connection.execute(statement).fetchall()
    connection.close()
    return rows


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_store_comes_back_as_it_was(root: Path, tmp_path: Path) -> None:
    before = held(root)
    saved = save(root, tmp_path / "there" / "b.zip")
    assert (saved.documents, saved.versions, saved.chunks, saved.originals) == (2, 4, 2, 1)
    assert saved.bytes == saved.path.stat().st_size
    assert names(tmp_path / "there") == {"b.zip"}
    steps: list[tuple[int, int]] = []
    made = restore(saved.path, tmp_path / "new", lambda done, total: steps.append((done, total)))
    assert (made.documents, made.versions, made.chunks) == (2, 4, 2)
    assert steps[-1] == (2, 2)
    assert held(tmp_path / "new") == before
    assert not {name for name in names(tmp_path) if name.startswith(".")}


def test_what_a_backup_holds_is_described_in_it(root: Path, tmp_path: Path) -> None:
    path = save(root, tmp_path / "b.zip").path
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        sums = {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
        original = archive.read(f"originals/{hashlib.sha256(PDF).hexdigest()}.pdf")
    del sums["manifest.json"]
    assert {name: entry["sha256"] for name, entry in manifest["files"].items()} == sums
    assert original == PDF
    assert (manifest["format"], manifest["schema"], manifest["embedder"], manifest["chunker"]) == (
        FORMAT,
        SCHEMA,
        "words/16",
        "1",
    )
    assert manifest["counts"] == {"documents": 2, "versions": 4, "chunks": 2, "vectors": 5}


SERVING = """
import sys
sys.path.insert(0, sys.argv[2])
from store_fakes import CountingEmbedder
from vectorstore.records import *
from vectorstore.store import Store
store = Store.open(sys.argv[1], embedder=CountingEmbedder(), chunker_version="1")
print("open", flush=True)
number = 0
while True:
    number += 1
    text, name, version = f"Note {number}.", document_id("default", f"{number}.txt"), f"{number:064x}"
    chunk = Chunk(chunk_id(name, version, 0, len(text)), name, version, 0, len(text), text)
    store.upsert(Document(name, version, f"{number}.txt", "default", text, Metadata()), [chunk])
    print(number, flush=True)
"""


def test_a_backup_of_a_store_that_another_process_writes_to_is_one_state_of_it(tmp_path: Path) -> None:
    root = tmp_path / "store"
    with subprocess.Popen(
        [sys.executable, "-c", SERVING, str(root), str(Path(__file__).parent)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        for number in range(4):
            done = int(child.stdout.readline())
            saved = save(root, tmp_path / f"{number}.zip")
            assert saved.documents >= done
        child.kill()
    for number in range(4):
        made = restore(tmp_path / f"{number}.zip", tmp_path / f"restored{number}")
        with opened(tmp_path / f"restored{number}") as store:
            while store.embed_next():  # of the document that was between its words and its vectors
                pass
            assert store.verify() == []
            assert store.count() == made.documents
            assert sorted(int(info.path[:-4]) for info in store.sources() if info.version) == list(
                range(1, made.documents + 1)
            )


def test_documents_that_wait_for_their_vectors_are_in_and_go_on_waiting(
    root: Path, tmp_path: Path, make_document: MakeDocument
) -> None:
    with opened(root) as store:
        store.put_many([make_document("Words come first.", path="late.txt")])
        save(root, tmp_path / "b.zip")
    restore(tmp_path / "b.zip", tmp_path / "new")
    with opened(tmp_path / "new") as store:
        assert [one.chunks for one in store.waiting()] == [1]
        assert store.search_keyword("words come first", k=1)[0].path == "late.txt"
        store.embed_next()
        assert store.verify() == []


def test_a_backup_overwrites_nothing_and_needs_a_store(root: Path, tmp_path: Path) -> None:
    (tmp_path / "b.zip").write_text("mine")
    with pytest.raises(StoreError, match="exists already"):
        save(root, tmp_path / "b.zip")
    assert (tmp_path / "b.zip").read_text() == "mine"
    with pytest.raises(StoreEmpty):
        save(tmp_path / "none", tmp_path / "c.zip")
    with pytest.raises(StoreError, match="cannot be written"):
        save(root, tmp_path / "b.zip" / "c.zip")
    (root / "ledger.sqlite").write_bytes(b"garbage" * 1000)
    with pytest.raises(StoreError, match=r"ledger\.sqlite cannot be read"):
        save(root, tmp_path / "c.zip")
    assert names(tmp_path) == {"store", "b.zip"}


def test_a_backup_of_a_newer_store_is_left_to_the_newer_program(root: Path, tmp_path: Path) -> None:
    with opened(root) as store:
        store._ledger.set_meta("schema", str(SCHEMA + 1))
    with pytest.raises(StoreError, match="newer version"):
        save(root, tmp_path / "b.zip")


def test_a_full_disk_leaves_no_half_backup(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vectorstore.backup.os.fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        save(root, tmp_path / "b.zip")
    assert names(tmp_path) == {"store"}


# Restoring


def test_a_folder_that_is_not_empty_is_left_alone(root: Path, tmp_path: Path) -> None:
    path = save(root, tmp_path / "b.zip").path
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    for target in (tmp_path / "full", root, tmp_path / "full" / "mine.txt"):
        with pytest.raises(StoreError, match="is not empty"):
            restore(path, target)
    assert (tmp_path / "full" / "mine.txt").read_text() == "mine"
    (tmp_path / "empty").mkdir()
    restore(path, tmp_path / "empty")
    assert held(tmp_path / "empty") == held(root)


def test_a_restore_that_dies_leaves_nothing_and_what_it_left_is_cleaned(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(root, tmp_path / "b.zip").path

    class PowerCut(BaseException):
        pass

    def cut(*args: object) -> None:
        raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr("vectorstore.restore.fill_keyword", cut)
        with pytest.raises(PowerCut):
            restore(path, tmp_path / "new")
        assert names(tmp_path) == {"store", "b.zip"}
        patch.setattr("vectorstore.restore.shutil.rmtree", lambda *a, **k: None)  # killed: nobody tidies up
        with pytest.raises(PowerCut):
            restore(path, tmp_path / "new")
    assert names(tmp_path) == {"store", "b.zip", ".new.restoring"}
    restore(path, tmp_path / "new")
    assert names(tmp_path) == {"store", "b.zip", "new"}
    assert held(tmp_path / "new") == held(root)


def test_two_restores_into_one_folder_do_not_meet(root: Path, tmp_path: Path) -> None:
    path = save(root, tmp_path / "b.zip").path
    (tmp_path / ".new.restoring").mkdir()
    lock = OwnerLock(tmp_path / ".new.restoring")
    lock.acquire()
    with pytest.raises(StoreLocked):
        restore(path, tmp_path / "new")
    lock.release()


def test_no_file_and_other_files(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        restore(tmp_path / "none.zip", tmp_path / "new")
    (tmp_path / "text.zip").write_text("a letter")
    (tmp_path / "empty.zip").write_bytes(b"")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("letter.txt", "a letter")
    for name in ("text", "empty", "other"):
        with pytest.raises(StoreError, match="is no backup") as caught:
            restore(tmp_path / f"{name}.zip", tmp_path / "new")
        assert "thesis backup" in caught.value.what_to_do
    assert not (tmp_path / "new").exists()


Change = Callable[[dict[str, bytes], dict[str, object]], None]


def rewritten(source: Path, target: Path, change: Change, *, link: str = "", double: str = "") -> Path:
    """Write the backup again after ``change`` of its entries and its manifest."""
    with zipfile.ZipFile(source) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if name != "manifest.json"}
        manifest = json.loads(archive.read("manifest.json"))
    change(files, manifest)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            if name == link:
                entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(entry, data)
        if double:
            with pytest.warns(UserWarning, match="Duplicate name"):
                archive.writestr(double, files[double])
        archive.writestr("manifest.json", json.dumps(manifest))
    return target


def told(files: dict[str, bytes], manifest: dict[str, object], name: str, data: bytes) -> None:
    """Put an entry in, with its right size and sum."""
    files[name] = data
    listed = manifest["files"]
    assert isinstance(listed, dict)
    listed[name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def of_ledger(statement: str) -> Change:
    """Change the ledger inside the backup, with right sums."""

    def change(files: dict[str, bytes], manifest: dict[str, object]) -> None:
        connection = sqlite3.connect(":memory:")
        connection.deserialize(files["ledger.sqlite"])
        connection.execute(statement)
        connection.commit()
        told(files, manifest, "ledger.sqlite", connection.serialize())
        connection.close()

    return change


def _set(key: str, value: object) -> Change:
    return lambda files, manifest: manifest.__setitem__(key, value)


SHA = "ab" * 32
HOSTILE: dict[str, tuple[Change, str]] = {
    "a path upwards": (lambda f, m: told(f, m, "../evil.pdf", b"x"), "belongs to no store"),
    "a path upwards below originals": (
        lambda f, m: told(f, m, f"originals/../../{SHA}.pdf", b"x"),
        "belongs to no store",
    ),
    "an absolute path": (lambda f, m: told(f, m, "/tmp/evil", b"x"), "belongs to no store"),
    "a drive": (lambda f, m: told(f, m, "C:\\evil.pdf", b"x"), "belongs to no store"),
    "a folder": (lambda f, m: told(f, m, "originals/", b""), "no plain file"),
    "an entry more": (lambda f, m: f.__setitem__("more.txt", b"x"), "not those of its manifest"),
    "an entry less": (lambda f, m: f.pop("ledger.sqlite"), "not those of its manifest"),
    "no ledger at all": (lambda f, m: (f.pop("ledger.sqlite"), m["files"].pop("ledger.sqlite")), "has no ledger"),  # type: ignore[attr-defined,func-returns-value]
    "another sum": (lambda f, m: m["files"]["ledger.sqlite"].__setitem__("sha256", SHA), "not what was saved"),  # type: ignore[index]
    "another size": (lambda f, m: m["files"]["ledger.sqlite"].__setitem__("bytes", 7), "the manifest says 7"),  # type: ignore[index]
    "a bomb": (lambda f, m: told(f, m, f"originals/{SHA}.pdf", bytes(64 << 20)), "grows from"),
    "another original": (lambda f, m: told(f, m, f"originals/{SHA}.pdf", b"x"), "holds another file"),
    "a newer format": (_set("format", FORMAT + 1), "newer version"),
    "a newer schema": (_set("schema", SCHEMA + 1), "newer version"),
    "a manifest of another kind": (_set("files", ["ledger.sqlite"]), "manifest cannot be read"),
    "no manifest's format": (_set("format", None), "manifest cannot be read"),
    "other counts": (lambda f, m: m["counts"].__setitem__("chunks", 99), "the ledger holds"),  # type: ignore[attr-defined]
    "no database": (lambda f, m: told(f, m, "ledger.sqlite", b"garbage" * 999), "cannot be read"),
    "a ledger of a newer schema": (of_ledger(f"UPDATE meta SET value = '{SCHEMA + 1}' WHERE key = 'schema'"), "newer"),
    "a ledger with a trigger": (
        of_ledger("CREATE TRIGGER evil AFTER INSERT ON chunks BEGIN DELETE FROM versions; END"),
        "its ledger also has 'evil'",
    ),
    "a chunk that is not its text": (of_ledger("UPDATE chunks SET text = x'41' WHERE place = 0"), "is not whole"),
    "a vector less": (of_ledger("UPDATE chunks SET embedded_sha = 'x'"), "missing from the ledger"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_not_what_a_backup_is_gives_nothing(root: Path, tmp_path: Path, name: str) -> None:
    change, words = HOSTILE[name]
    source = save(root, tmp_path / "b.zip").path
    path = rewritten(source, tmp_path / "changed.zip", change)
    before = names(tmp_path)
    with pytest.raises(StoreError, match=re.escape(words)) as caught:
        restore(path, tmp_path / "new")
    assert caught.value.what_to_do
    assert names(tmp_path) == before


def test_links_and_doubles_are_refused(root: Path, tmp_path: Path) -> None:
    source = save(root, tmp_path / "b.zip").path
    link = rewritten(source, tmp_path / "link.zip", lambda f, m: None, link="ledger.sqlite")
    with pytest.raises(StoreError, match="is no plain file"):
        restore(link, tmp_path / "new")
    double = rewritten(source, tmp_path / "double.zip", lambda f, m: None, double="ledger.sqlite")
    with pytest.raises(StoreError, match="twice"):
        restore(double, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_disk_too_small_is_said_before_anything_is_written(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(root, tmp_path / "b.zip").path
    monkeypatch.setattr("vectorstore.restore.shutil.disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))  # type: ignore[attr-defined]
    with pytest.raises(StoreError, match=r"needs about \d+ MB, the disk has 0 MB free"):
        restore(path, tmp_path / "new")
    assert names(tmp_path) == {"store", "b.zip"}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory, make_document: MakeDocument) -> bytes:
    folder = tmp_path_factory.mktemp("sample")
    with opened(folder / "store") as store:
        store.upsert_many([with_original(make_document("Of a filing.", path="c.pdf"), PDF)])
    return save(folder / "store", folder / "b.zip").path.read_bytes()


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_truncated_or_garbled_backup_is_named_or_restores_whole(
    sample: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("garbled")
    place = data.draw(st.integers(0, len(sample) - 1))
    garbled = (
        sample[:place]
        if data.draw(st.booleans())
        else sample[:place] + bytes([sample[place] ^ data.draw(st.integers(1, 255))]) + sample[place + 1 :]
    )
    (folder / "b.zip").write_bytes(garbled)
    error: StoreError | None = None
    try:
        restore(folder / "b.zip", folder / "new")
    except StoreError as caught:
        error = caught
    if error is not None:
        assert str(folder / "b.zip") in error.message
        assert names(folder) == {"b.zip"}
    else:
        # A byte that means nothing (a date, a flag): all that was saved is there.
        with opened(folder / "new") as store:
            assert store.verify() == []
            assert [store.original(info.document_id) for info in store.sources()] == [PDF]
    shutil.rmtree(folder)


def test_threads_may_write_while_the_same_process_saves(
    root: Path, tmp_path: Path, make_document: MakeDocument
) -> None:
    with opened(root) as store:
        stop = threading.Event()

        def write() -> None:
            for number in range(500):
                if stop.is_set():
                    break
                store.upsert_many([make_document(f"Note {number}.", path=f"n{number}.txt")])

        writing = threading.Thread(target=write)
        writing.start()
        saved = [save(root, tmp_path / f"{number}.zip") for number in range(3)]
        stop.set()
        writing.join(60)
    for number, one in enumerate(saved):
        assert restore(one.path, tmp_path / f"new{number}").documents == one.documents
