"""Fixtures for all tests: the real embedding model, and documents made of plain paragraphs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vectorstore.embedding import Embedder, make_embedder
from vectorstore.records import Chunk, Document, Metadata, chunk_id, document_id, sha256
from vectorstore.settings import Settings
from vectorstore.store import Upsert

MakeDocument = Callable[..., Upsert]


@pytest.fixture(scope="session")
def model_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder that all tests share: the quantized model is made once a run."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def embedder(model_cache: Path) -> Embedder:
    """The bundled model, as a user gets it."""
    return make_embedder(Settings(cache=str(model_cache)))


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
