"""Fixtures for all tests: the real embedding model, and documents made of plain paragraphs."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from chroma_servers import ChromaServer

from assistant.assistant import Assistant
from ingest.chunking import CHUNKER_VERSION
from ingest.ingestor import Ingestor
from tests.postgres_server import PostgresServer, postgres_server
from vectorstore.embedding import Embedder, make_embedder
from vectorstore.records import Chunk, Document, Metadata, chunk_id, document_id, sha256
from vectorstore.server import server_of
from vectorstore.settings import Settings, load_settings
from vectorstore.shared import Shared, shared_of
from vectorstore.store import Store, Upsert

MakeDocument = Callable[..., Upsert]
# make_base({"note.md": text}, meta={...}) -> an Assistant over a new store
MakeBase = Callable[..., Assistant]
KNOWLEDGE = Path(__file__).resolve().parent.parent / "knowledge"

# No test measures time: beside others on a busy machine each takes as long as it takes.
hypothesis.settings.register_profile("thesis", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("thesis")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: Sequence[object]) -> None:
    """Share the cores: OpenMP and BLAS (torch, numpy) would start a thread a core in each of the processes."""
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // len(specs))))


@pytest.fixture(scope="session")
def model_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder that all tests share: the quantized model is made once a run."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def embedder(model_cache: Path) -> Embedder:
    """The bundled model, as a user gets it."""
    return make_embedder(Settings(cache=str(model_cache)))


@pytest.fixture(scope="session")
def chroma_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Chroma server that the tests of this process share."""
    with ChromaServer(tmp_path_factory.mktemp("chroma-server")) as server:
        yield server.url


# Where a store may be kept: the settings that say so.
PLACES: dict[str, Callable[[pytest.FixtureRequest], dict[str, str]]] = {
    "embedded": lambda request: {},
    "server": lambda request: {"chroma": request.getfixturevalue("chroma_server")},
    "shared": lambda request: {
        "chroma": request.getfixturevalue("chroma_server"),
        "ledger": request.getfixturevalue("postgres").url,
    },
}


@pytest.fixture(scope="module", params=["embedded", "server"])
def place(request: pytest.FixtureRequest) -> Iterator[str]:
    """Every store that the tests of a module open has its ledger in the folder, and its vectors there; yields the name of the place.

    Programs that a test starts find it in the environment, as a user's do.
    """
    yield from _opened_at(request)


@pytest.fixture(scope="module", params=list(PLACES))
def any_place(request: pytest.FixtureRequest) -> Iterator[str]:
    """As ``place``, and also with the ledger in PostgreSQL."""
    yield from _opened_at(request)


def _opened_at(request: pytest.FixtureRequest) -> Iterator[str]:
    given, real = PLACES[request.param](request), Store.open
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(f"THESIS_{name.upper()}", value)
        if given:
            settings = load_settings(overrides=given)

            def opened(root: str | Path, **more: Any) -> Store:
                # Each folder of the tests is a base of its own.
                base = {"ledger_schema": f"t{sha256(str(root).encode())[:16]}"}
                kept = {"server": server_of(settings), "shared": shared_of(replace(settings, **base))}
                return real(root, **(kept | more))

            patch.setattr(Store, "open", opened)
        yield request.param


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A running PostgreSQL of this process's tests. Whoever stops it starts it again."""
    # Its own folder: the user that it runs as must be able to reach it.
    with tempfile.TemporaryDirectory(prefix="thesis-postgres-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o755)
        with postgres_server(Path(made) / "server") as server:
            yield server


@pytest.fixture
def shared_place(postgres: PostgresServer) -> Shared:
    """A place for a new shared base in PostgreSQL."""
    return Shared(postgres.url, f"t{secrets.token_hex(6)}")


@pytest.fixture(params=["sqlite", "postgresql"])
def kept_in(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the test's records, tokens, sessions, saved pulls and board are: in files of the folder, or in tables that servers share.

    It stands in the environment, as for a user; ``shared_place`` is the place.
    """
    if request.param == "postgresql":
        place: Shared = request.getfixturevalue("shared_place")
        for name, value in (("LEDGER", place.url), ("LEDGER_SCHEMA", place.schema), ("CHROMA", "http://127.0.0.1:1")):
            monkeypatch.setenv(f"THESIS_{name}", value)
    return str(request.param)


@pytest.fixture(scope="session")
def make_document() -> MakeDocument:
    """``make_document(text, path="note.txt", collection="default", role="body", **metadata)``: a chunk a paragraph."""

    def make(
        text: str, *, path: str = "note.txt", collection: str = "default", role: str = "body", **metadata: object
    ) -> Upsert:
        name, version = document_id(collection, path), sha256(text.encode("utf-8", "surrogatepass"))
        chunks, start = [], 0
        for paragraph in text.split("\n\n"):
            if paragraph:
                end = start + len(paragraph)
                identity = chunk_id(name, version, start, end)
                chunks.append(Chunk(identity, name, version, start, end, paragraph, role=role))  # type: ignore[arg-type]
            start += len(paragraph) + 2
        document = Document(name, version, path, collection, text, Metadata(**metadata))  # type: ignore[arg-type]
        return Upsert(document, tuple(chunks))

    return make


@pytest.fixture(scope="session")
def knowledge_store(
    tmp_path_factory: pytest.TempPathFactory, embedder: Embedder, model_cache: Path
) -> Callable[[Path], Path]:
    """``knowledge_store(folder)`` copies a store that holds the sample notes, as the pipeline took them in."""
    made = tmp_path_factory.mktemp("knowledge") / "store"
    settings = Settings(store=str(made), cache=str(model_cache), workers=1)
    with (
        Store.open(made, embedder=embedder, chunker_version=CHUNKER_VERSION) as store,
        Ingestor(store, settings) as ingestor,
    ):
        report = ingestor.ingest([str(KNOWLEDGE)])
    assert (report.added, report.failed) == (12, ())

    def copy(folder: Path) -> Path:
        return Path(shutil.copytree(made, folder / "store"))

    return copy


@pytest.fixture(scope="session")
def knowledge(
    tmp_path_factory: pytest.TempPathFactory,
    knowledge_store: Callable[[Path], Path],
    embedder: Embedder,
    model_cache: Path,
) -> Iterator[Assistant]:
    """An Assistant over the sample notes; nothing may be written to its store."""
    root = knowledge_store(tmp_path_factory.mktemp("open"))
    with Store.open(root, embedder=embedder) as store:
        yield Assistant(store, Settings(store=str(root), cache=str(model_cache)))


@pytest.fixture(scope="module")
def make_base(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder, model_cache: Path) -> Iterator[MakeBase]:
    """``make_base({name: text}, meta={...})``: an Assistant over a new store that took the files in."""
    opened: list[Store] = []
    tmp_path = tmp_path_factory.mktemp("bases")

    def make(files: Mapping[str, str], meta: Mapping[str, str] | None = None) -> Assistant:
        root = tmp_path / f"base{len(opened)}"
        folder = tmp_path / f"files{len(opened)}"
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        settings = Settings(store=str(root), cache=str(model_cache), workers=1)
        store = Store.open(root, embedder=embedder, chunker_version=CHUNKER_VERSION)
        opened.append(store)
        with Ingestor(store, settings) as ingestor:
            report = ingestor.ingest([str(folder)], meta=meta)
        assert (report.added, report.failed) == (len(files), ())
        return Assistant(store, settings)

    yield make
    for store in opened:
        store.close()
