"""A store as one reader sees it: the collections that they may read, and nothing else anywhere.

What is left out is left out before anything is ranked or counted: the collections join the filters, the word statistics are
those of the rest, and a document of another collection is as unknown as one that never was. Two stores that differ only in what
a reader may not see give that reader the same passages, scores, counts, fingerprints and error texts. What remains:
docs/access.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from vectorstore._states import Waiting
from vectorstore.embedding import Embedder
from vectorstore.errors import NotFound, unknown
from vectorstore.names import fold
from vectorstore.records import Chunk, Document, Filters, Passage, SourceInfo

if TYPE_CHECKING:
    from vectorstore.store import Store


class Base(Protocol):
    """What can be read of a base: ``Store`` for all of it, ``StoreView`` for a part. Methods as Store tells them."""

    @property
    def root(self) -> Path: ...
    @property
    def embedder(self) -> Embedder: ...
    @property
    def embedding_fingerprint(self) -> str: ...
    @property
    def index_fingerprint(self) -> str: ...
    @property
    def chunker_version(self) -> str: ...

    def view(self, collections: frozenset[str]) -> StoreView: ...
    def collections(self) -> dict[str, int]: ...
    def readable(self, document_id: str) -> bool: ...
    def is_empty(self) -> bool: ...
    def info(self, document_id: str) -> SourceInfo | None: ...
    def sources(self, filters: Filters | None = None) -> list[SourceInfo]: ...
    def document(self, document_id: str, version: str | None = None) -> Document: ...
    def ever(self, start: str) -> list[str]: ...
    def original(self, document_id: str, version: str | None = None) -> bytes | None: ...
    def chunks(self, document_id: str) -> list[Chunk]: ...
    def chunk_at(self, document_id: str, offset: int) -> Chunk | None: ...
    def chunk(self, chunk_id: str) -> Chunk: ...
    def count(self, filters: Filters | None = None) -> int: ...
    def undated(self, filters: Filters | None = None) -> int: ...
    def waiting(self) -> list[Waiting]: ...
    def search_dense(self, query: str, *, k: int, filters: Filters = ...) -> list[Passage]: ...
    def search_keyword(self, query: str, *, k: int, filters: Filters = ...) -> list[Passage]: ...
    def search(self, query: str, *, k: int, filters: Filters = ...) -> list[Passage]: ...
    def frequencies(self, groups: Sequence[Sequence[str]]) -> tuple[int, list[int]]: ...


class StoreView:
    """The reading half of a Store, over the documents of some collections. It owns nothing: the store is closed by its owner.

    A collection is named without regard to case and runs of spaces, as filters name it.
    """

    def __init__(self, store: Store, collections: frozenset[str]) -> None:
        self._store = store
        self.within = frozenset(map(fold, collections))

    def _narrowed(self, filters: Filters | None) -> Filters:
        filters = filters or Filters()
        asked = self.within if filters.within is None else self.within & frozenset(map(fold, filters.within))
        return replace(filters, within=asked)

    def _need(self, document_id: str) -> None:
        if not self.readable(document_id):
            raise unknown(document_id)

    # The store

    @property
    def root(self) -> Path:
        return self._store.root

    @property
    def embedder(self) -> Embedder:
        return self._store.embedder

    @property
    def embedding_fingerprint(self) -> str:
        return self._store.embedding_fingerprint

    @property
    def chunker_version(self) -> str:
        return self._store.chunker_version

    @property
    def index_fingerprint(self) -> str:
        """The hash of the embedding fingerprint and of every (document_id, version) that may be read."""
        return self._store.fingerprint_of(self._narrowed(None))

    def view(self, collections: frozenset[str]) -> StoreView:
        """Return a view of those ``collections`` that this one has."""
        return StoreView(self._store, self.within & frozenset(map(fold, collections)))

    def collections(self) -> dict[str, int]:
        """Return those of this view that hold or ever held a document, and how many documents are in."""
        return {name: count for name, count in self._store.collections().items() if fold(name) in self.within}

    def readable(self, document_id: str) -> bool:
        """Whether a document is, or was, in a collection of this view."""
        collection = self._store.collection_of(document_id)
        return collection is not None and fold(collection) in self.within

    # What is in

    def is_empty(self) -> bool:
        return not self.count()

    def info(self, document_id: str) -> SourceInfo | None:
        return self._store.info(document_id) if self.readable(document_id) else None

    def sources(self, filters: Filters | None = None) -> list[SourceInfo]:
        return self._store.sources(self._narrowed(filters))

    def document(self, document_id: str, version: str | None = None) -> Document:
        """Return a stored version. Raises NotFound, in the same words for what is nowhere and what may not be read."""
        self._need(document_id)
        return self._store.document(document_id, version)

    def ever(self, start: str) -> list[str]:
        return [name for name in self._store.ever(start) if self.readable(name)]

    def original(self, document_id: str, version: str | None = None) -> bytes | None:
        self._need(document_id)
        return self._store.original(document_id, version)

    def chunks(self, document_id: str) -> list[Chunk]:
        return self._store.chunks(document_id) if self.readable(document_id) else []

    def chunk_at(self, document_id: str, offset: int) -> Chunk | None:
        return self._store.chunk_at(document_id, offset) if self.readable(document_id) else None

    def chunk(self, chunk_id: str) -> Chunk:
        chunk = self._store.chunk(chunk_id)
        if not self.readable(chunk.document_id):
            raise no_chunk(chunk_id)
        return chunk

    def count(self, filters: Filters | None = None) -> int:
        return self._store.count(self._narrowed(filters))

    def undated(self, filters: Filters | None = None) -> int:
        return self._store.undated(self._narrowed(filters))

    def waiting(self) -> list[Waiting]:
        return [one for one in self._store.waiting() if self.readable(one.document_id)]

    # Search

    def search_dense(self, query: str, *, k: int, filters: Filters = Filters()) -> list[Passage]:  # noqa: B008 - frozen
        return self._store.search_dense(query, k=k, filters=self._narrowed(filters))

    def search_keyword(self, query: str, *, k: int, filters: Filters = Filters()) -> list[Passage]:  # noqa: B008
        """Return up to ``k`` passages by BM25 over what may be read: the scores are those of a store without the rest."""
        return self._store.search_keyword(query, k=k, filters=self._narrowed(filters))

    def search(self, query: str, *, k: int, filters: Filters = Filters()) -> list[Passage]:  # noqa: B008
        return self._store.search(query, k=k, filters=self._narrowed(filters))

    def frequencies(self, groups: Sequence[Sequence[str]]) -> tuple[int, list[int]]:
        return self._store.frequencies(groups, within=self.within)


def no_chunk(chunk_id: str) -> NotFound:
    """Return the error for a chunk that is nowhere."""
    return NotFound(f"There is no chunk {chunk_id}.", "Its document may have been changed or removed.")


__all__ = ["Base", "StoreView", "no_chunk"]
