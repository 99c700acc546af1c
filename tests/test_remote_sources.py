"""Documents in an object store: a real S3 server on loopback, over HTTP, through the driver that users have."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from moto.server import ThreadedMotoServer
from pdfmaker import make_pdf

import app
from ingest import pipeline, remote
from ingest.chunking import CHUNKER_VERSION
from ingest.ingestor import Ingestor
from ingest.progress import IngestReport
from ingest.sources import find
from vectorstore.embedding import Embedder
from vectorstore.errors import FetchError, ReadError, SettingsError
from vectorstore.settings import Settings
from vectorstore.store import Store

ROOT = Path(__file__).resolve().parent.parent
NOTES = {
    "notes/rail.md": b"# Rail\n\nFreight rates of short-line railways rose 12 percent over the spring quarter.",
    "notes/2024/port.txt": b"Container volumes of the northern ports fell by 8 percent in May.",
    "notes/2024/a::b #1.txt": b"Transformer lead times fell to 47 weeks.",
    "notes/README": b"The desk of transport keeps these notes.",
    "notes/deck.pdf": make_pdf("Margins of the mill improved to 14 percent."),
    "notes/.git/config": b"hidden",
    "notes/~$rail.docx": b"lock",
    "notes/prices.xlsx": b"PK",
    "notes/blob": b"\0\1",
    "notes/mark/": b"",
    "notes2/other.md": b"Not below the prefix notes.",
}
TAKEN = ["2024/a::b #1.txt", "2024/port.txt", "README", "deck.pdf", "rail.md"]


class Bucket:
    """One bucket of the server."""

    def __init__(self, system: Any) -> None:
        self.system = system

    def put(self, key: str, data: bytes) -> None:
        self.system.pipe_file(f"desk/{key}", data)

    def remove(self, *keys: str) -> None:
        for key in keys:
            self.system.rm_file(f"desk/{key}")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    given = {
        "AWS_ACCESS_KEY_ID": "desk",
        "AWS_SECRET_ACCESS_KEY": "not-to-be-shown",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_ENDPOINT_URL": endpoint,
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    _forget()


def _forget() -> None:
    """The driver keeps its connections, which took the credentials of another test."""
    fsspec.get_filesystem_class("s3").clear_instance_cache()


@pytest.fixture
def bucket(environment: None) -> Iterator[Bucket]:
    system = fsspec.filesystem("s3", skip_instance_cache=True)
    system.mkdir("desk")
    made = Bucket(system)
    for key, data in NOTES.items():
        made.put(key, data)
    yield made
    system.rm("desk", recursive=True)


@pytest.fixture
def settings(tmp_path: Path, model_cache: Path) -> Settings:
    return Settings(store=str(tmp_path / "store"), cache=str(model_cache), workers=2, knowledge="")


@pytest.fixture
def store(settings: Settings, embedder: Embedder) -> Iterator[Store]:
    with Store.open(settings.store, embedder=embedder, chunker_version=CHUNKER_VERSION) as opened:
        yield opened


def counts(report: IngestReport) -> tuple[int, int, int, int, int]:
    return report.added, report.updated, report.unchanged, report.removed, len(report.failed)


def test_a_prefix_is_read_like_a_folder_and_again_without_doing_anything(
    bucket: Bucket, store: Store, settings: Settings
) -> None:
    report = pipeline.ingest(store, ["s3://desk/notes/"], settings=settings)
    assert counts(report) == (5, 0, 0, 0, 0)
    assert sorted(info.path for info in store.sources()) == [f"s3://desk/notes/{key}" for key in TAKEN]
    assert {s.path.removeprefix("s3://desk/notes/"): s.reason for s in report.skipped} == {
        ".git": "hidden",
        "~$rail.docx": "hidden",
        "prices.xlsx": "unsupported type .xlsx",
        "blob": "no text",
    }
    found = store.document(store.search_keyword("short-line railways", k=1)[0].chunk.document_id)
    assert (found.path, found.text.encode()) == ("s3://desk/notes/rail.md", NOTES["notes/rail.md"])
    (deck,) = [info for info in store.sources() if info.path.endswith("deck.pdf")]
    assert store.original(deck.document_id) == NOTES["notes/deck.pdf"]

    before = store.index_fingerprint
    assert counts(pipeline.ingest(store, ["s3a://desk/notes"], settings=settings)) == (0, 0, 5, 0, 0)
    assert counts(pipeline.ingest(store, ["s3://desk/notes/rail.md"], settings=settings)) == (0, 0, 1, 0, 0)
    assert store.index_fingerprint == before
    bucket.put("notes/rail.md", b"Freight rates rose 15 percent.")
    assert counts(pipeline.ingest(store, ["s3://desk/notes"], settings=settings)) == (0, 1, 4, 0, 0)
    assert store.verify() == []


def test_sync_removes_what_is_gone_and_nothing_where_that_is_not_certain(
    bucket: Bucket, store: Store, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "local.md").write_text("A note beside the bucket.")
    pipeline.ingest(store, ["s3://desk/notes", "s3://desk/notes2", str(tmp_path / "local.md")], settings=settings)
    bucket.remove("notes/rail.md")
    bucket.put("notes/README", b"\0\1")  # it is there, and no document any more: nothing says that it is gone

    def sync(*paths: str) -> IngestReport:
        return pipeline.ingest(store, paths, settings=settings, sync=True)

    assert counts(sync("s3://desk/notes")) == (0, 0, 3, 1, 0)
    assert len(store.sources()) == 6
    with monkeypatch.context() as patch:
        patch.setattr(remote, "listing", _failing)
        report = sync("s3://desk/notes")
    assert counts(report) == (0, 0, 0, 0, 2)
    assert [f.error.split(";")[0].split(",")[0] for f in report.failed] == [
        "The listing broke off.",
        "The folder is not readable",
    ]
    bucket.remove(*(f"notes/{key}" for key in TAKEN if key != "rail.md"))
    report = sync("s3://desk/notes")  # what is left below it is no document
    assert counts(report) == (0, 0, 0, 0, 1)
    assert "The folder is empty, so its 4 documents stay" in report.failed[0].error
    bucket.remove(*(key for key in NOTES if key.startswith("notes2/")))
    report = sync("s3://desk/notes2")
    assert counts(report) == (0, 0, 0, 0, 2)
    assert ["does not exist" in report.failed[0].error, "The folder is missing" in report.failed[1].error] == [
        True,
        True,
    ]
    assert len(store.sources()) == 6


def _failing(url: str) -> None:
    raise FetchError("The listing broke off.", "")


def test_documents_are_named_read_again_and_removed_by_their_address(
    bucket: Bucket, store: Store, settings: Settings
) -> None:
    with Ingestor(store, settings) as ingestor:
        ingestor.ingest(["s3://desk/notes"])
        bucket.put("notes/rail.md", b"Freight rates rose 15 percent.")
        report = ingestor.reingest("s3://desk/notes/rail.md")
        assert counts(report) == (0, 1, 0, 0, 0)
        assert ingestor.remove(["s3://desk/notes/2024"]) == 2
        assert ingestor.remove(["s3://desk/notes/"]) == 3
    assert store.sources() == []


def test_a_file_beyond_the_limit_fails_also_where_it_has_grown(
    bucket: Bucket, store: Store, settings: Settings
) -> None:
    small = Settings(store=settings.store, cache=settings.cache, file_limit_mb=1, workers=1)
    bucket.put("notes/long.txt", b"word " * 250_000)
    report = pipeline.ingest(store, ["s3://desk/notes"], settings=small)
    assert [(f.path, f.error.partition(". ")[0]) for f in report.failed] == [
        ("s3://desk/notes/long.txt", "long.txt is larger than the limit of 1 MB")
    ]
    assert report.added == 5
    for size in (0, 10):  # as it was listed
        with pytest.raises(ReadError, match="larger than the limit"):
            remote.read("s3://desk/notes/long.txt", "long.txt", size, small)
    bucket.put("notes/none.txt", b"")
    assert remote.read("s3://desk/notes/none.txt", "none.txt", 0, small) == b""


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("s3://nobody-has-this/x", "s3://nobody-has-this/x does not exist"),
        ("s3://desk/none", "s3://desk/none does not exist"),
        ("s3://", "names no bucket"),
        ("s3:///notes", "names no bucket"),
        ("s3://desk/../x", "a part “.” or “..”"),
        ("s3://desk/a\x1bb", "a sign that is no text"),
        ("simplecache::s3://desk/notes", "a chain of drivers"),
        ("zip://a.md::s3://desk/notes.zip", "a chain of drivers"),
        ("file:///etc/passwd", "file:// is not read"),
        ("local:///etc/passwd", "local:// is not read"),
        ("memory://x", "memory:// is not read"),
        ("reference://x", "reference:// is not read"),
        ("nothing://x", "No driver knows nothing://"),
    ],
)
def test_an_address_that_is_not_read_is_a_failure_that_says_why(bucket: Bucket, address: str, words: str) -> None:
    found = find([address])
    assert (found.items, len(found.failed)) == ([], 1)
    assert words in found.failed[0].error


@pytest.mark.parametrize(
    "address", ["s3://key:s3cret@desk/notes", "sftp://kim:s3cret@host/x", "s3://desk/x?sig=s3cret"]
)
def test_an_address_with_a_secret_is_refused_and_not_shown(address: str) -> None:
    (failed,) = find([address]).failed
    assert "s3cret" not in failed.path + failed.error
    assert "Leave it out" in failed.error


def test_missing_credentials_and_a_server_that_is_not_there_are_said(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    with monkeypatch.context() as patch:
        patch.delenv("AWS_ACCESS_KEY_ID")
        patch.delenv("AWS_SECRET_ACCESS_KEY")
        _forget()
        found = find(["s3://desk/notes"])
    assert found.unread == ["s3://desk/notes"]
    assert "Unable to locate credentials" in found.failed[0].error
    assert "Check AWS_ACCESS_KEY_ID" in found.failed[0].error
    assert "not-to-be-shown" not in found.failed[0].error


def test_a_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3")
    with pytest.raises(SettingsError) as caught:
        find(["s3://desk/notes"])
    assert "pip install 'thesis-assistant[s3]'" in caught.value.what_to_do


def test_the_command_takes_an_address(
    bucket: Bucket, settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THESIS_CACHE", settings.cache)
    assert app.main(["ingest", "s3://desk/notes", "--store", settings.store, "--sync", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["added"], report["failed"]) == (5, [])


def test_only_the_command_line_names_paths_and_an_upload_never_is_one(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    callers = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "assistant").rglob("*.py"))
        if ".ingest(" in path.read_text(encoding="utf-8")
    ]
    assert callers == ["assistant/commands.py"]
    file = tmp_path / "note.md"
    file.write_text("A note that was uploaded.")
    with Ingestor(store, settings) as ingestor:
        report = ingestor.ingest_uploads([("s3://desk/notes/rail.md", file), ("s3:", file)])
    assert [one.path for one in report.files] == ["upload:/rail.md", "upload:/s3:"]
    assert {info.path for info in store.sources()} == {"upload:/rail.md", "upload:/s3:"}
