"""The face of the package: documents in, passages out, checked and repairable.

Under the store folder::

    ledger.sqlite     the truth: documents, versions, chunks, vectors
    chroma/           vector index, can be made again
    keyword.sqlite    keyword index, can be made again
    originals/        the bytes of PDFs, by version
    owner.lock        held by the one process that has the store open; owner.json says which

One process owns a store; inside it any number of threads may search while one writes.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from vectorstore import _verify
from vectorstore._files import write_whole
from vectorstore._items import Upsert, check, embedded_texts, flat, groups, sha
from vectorstore._search import Searcher
from vectorstore.chroma import BODY, FURNITURE, REBUILD, VectorIndex, collection_of, discard
from vectorstore.embedding import Embedder
from vectorstore.errors import FingerprintMismatch, NotFound, StoreError
from vectorstore.keyword import KeywordIndex
from vectorstore.ledger import Ledger
from vectorstore.lock import OwnerLock
from vectorstore.records import Chunk, Document, Filters, Passage, SourceInfo

__all__ = ["Progress", "Rechunk", "Store", "Upsert", "embedded_texts"]

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]  # chunks done, chunks in all
Rechunk = Callable[[Document], Sequence[Chunk]]

_ENCODE = 256  # texts embedded between two savings


class Store:
    """An open store. Make one with ``Store.open``; close it, or use it as a context manager."""

    def __init__(self, root: Path, embedder: Embedder, lock: OwnerLock, ledger: Ledger) -> None:
        self.root = root
        self.embedder = embedder
        self._lock = lock
        self._ledger = ledger
        self._writing = threading.RLock()
        self._vectors: VectorIndex | None = None
        self._keyword: KeywordIndex | None = None
        self._searcher: Searcher | None = None
        self._chunker = ""

    @classmethod
    def open(
        cls, root: str | Path, *, embedder: Embedder, chunker_version: str | None = None, repair: bool = False
    ) -> Store:
        """Open or make the store in the folder ``root``.

        ``chunker_version`` None accepts whatever the store has. ``repair`` opens a store whose indexes are damaged or
        were made by another model, for ``rebuild``. Raises StoreLocked, FingerprintMismatch, StoreError.
        """
        root = Path(root)
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"The store folder {root} cannot be made: {error}.", "Name another with --store."
            ) from error
        lock = OwnerLock(root)
        lock.acquire()
        ledger = None
        try:
            ledger = Ledger(root / "ledger.sqlite")
            store = cls(root, embedder, lock, ledger)
            store._start(chunker_version, repair)
        except BaseException:
            if ledger is not None:
                ledger.close()
            lock.release()
            raise
        return store

    def _start(self, chunker: str | None, repair: bool) -> None:
        made_by, chunked_by = self._ledger.get_meta("embedder"), self._ledger.get_meta("chunker")
        self._chunker = (chunked_by or "") if chunker is None else chunker
        changed = made_by != self.embedder.fingerprint or chunked_by != self._chunker
        if changed and self.is_empty():
            # Nothing is in: the store takes on the model that it is opened with.
            self._discard_indexes()
            self._remember_makers()
            changed = False
        if changed and not repair:
            raise FingerprintMismatch(
                f"The store {self.root} was made with {made_by} and chunker {chunked_by!r}; "
                f"this is {self.embedder.fingerprint} and chunker {self._chunker!r}.",
                "Run `thesis rebuild` to make its index again with these, or set the embedding back to what it was.",
            )
        try:
            self._open_indexes(made_by if changed and made_by else self.embedder.fingerprint)
            if not changed:
                self._repair()
                self._check_counts()
        except StoreError as error:
            self._close_indexes()
            if not repair:
                raise
            log.warning("The index of %s is to be rebuilt: %s", self.root, error.message)
        if changed:
            self._searcher = None

    def close(self) -> None:
        """Release everything; closing twice is no error."""
        with self._writing:
            self._close_indexes()
            self._ledger.close()
            self._lock.release()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def chunker_version(self) -> str:
        return self._chunker

    @property
    def embedding_fingerprint(self) -> str:
        """Model, revision, backend, dimension and chunker."""
        return f"{self.embedder.fingerprint}/{self._chunker}"

    @property
    def index_fingerprint(self) -> str:
        """The hash of the embedding fingerprint and of every (document_id, version) that is in."""
        digest = hashlib.sha256(self.embedding_fingerprint.encode())
        for document_id, version in self._ledger.current():
            digest.update(f"\0{document_id}\0{version}".encode())
        return digest.hexdigest()

    # What is in

    def is_empty(self) -> bool:
        return not self._ledger.current()

    def info(self, document_id: str) -> SourceInfo | None:
        """Return what the ledger knows of a document; None for one that was never in, or was removed."""
        return self._ledger.info(document_id)

    def sources(self, filters: Filters | None = None) -> list[SourceInfo]:
        """Return the documents that are in or have failed (an older good version still answers), by path."""
        return self._ledger.infos(filters)

    def document(self, document_id: str, version: str | None = None) -> Document:
        """Return a stored version, by default the current one. Raises NotFound."""
        return self._ledger.document(document_id, version)

    def original(self, document_id: str, version: str | None = None) -> bytes | None:
        """Return the bytes that a version was read from, where they were kept (PDF). Raises NotFound."""
        path = self._original(self._ledger.document(document_id, version).version)
        return path.read_bytes() if path.is_file() else None

    def chunks(self, document_id: str) -> list[Chunk]:
        """Return the current chunks of a document, in order."""
        return self._ledger.chunks(document_id)

    def chunk(self, chunk_id: str) -> Chunk:
        """Return one chunk. Raises NotFound."""
        chunk = self._ledger.chunks_by_id([chunk_id]).get(chunk_id)
        if chunk is None:
            raise NotFound(f"There is no chunk {chunk_id}.", "Its document may have been changed or removed.")
        return chunk

    def count(self, filters: Filters | None = None) -> int:
        """Return how many documents may answer under ``filters``."""
        return len(self._ledger.matching(filters or Filters()))

    def undated(self, filters: Filters | None = None) -> int:
        """Return how many documents are left out only for having no date under ``as_of``."""
        if filters is None or filters.as_of is None:
            return 0
        return len(self._ledger.matching(filters, dated=False))

    # Search

    def search_dense(self, query: str, *, k: int, filters: Filters = Filters()) -> list[Passage]:  # noqa: B008 - frozen
        """Return up to ``k`` passages by cosine similarity (the score), best first; fewer only where fewer match."""
        return self._search().dense(query, k, filters)

    def search_keyword(self, query: str, *, k: int, filters: Filters = Filters()) -> list[Passage]:  # noqa: B008
        """Return up to ``k`` passages that hold any of the query's words, by BM25 (the score)."""
        return self._search().keyword(query, k, filters)

    def search(self, query: str, *, k: int, filters: Filters = Filters()) -> list[Passage]:  # noqa: B008
        """Return up to ``k`` passages by reciprocal rank fusion of both searches."""
        return self._search().fused(query, k, filters)

    def frequencies(self, groups: Sequence[Sequence[str]]) -> tuple[int, list[int]]:
        """Return the number of chunks, and for each group of phrases how many body chunks hold one of them."""
        _, keyword = self._indexes()
        return keyword.count(), [keyword.frequency(phrases) for phrases in groups]

    def _search(self) -> Searcher:
        searcher = self._searcher
        if searcher is None:
            raise StoreError(f"The index of {self.root} is missing or being rebuilt.", REBUILD)
        return searcher

    # Changes

    def upsert(self, document: Document, chunks: Sequence[Chunk], *, original: bytes | None = None) -> None:
        """Make ``document`` the current version with exactly these chunks, all or nothing."""
        self.upsert_many([Upsert(document, chunks, original)])

    def upsert_many(self, items: Sequence[Upsert], progress: Progress | None = None) -> None:
        """Put many documents in; each is all or nothing, and those before a failure stay in.

        Distinct texts are embedded once; what was embedded is kept even if the call fails. Raises StoreError.
        """
        for item in items:
            check(item)
        with self._writing:
            vectors, keyword = self._indexes()
            self._repair()
            texts = [embedded_texts(self.embedder, item.document.metadata, item.chunks) for item in items]
            shas = [[sha(text) for text in part] for part in texts]
            self._embed(dict(zip(flat(shas), flat(texts), strict=True)), sum(map(len, texts)), progress)
            for item in items:
                if item.original is not None:
                    write_whole(self._original(item.document.version), item.original)
            for group in groups(list(zip(items, shas, strict=True))):
                names = [item.document.document_id for item, _ in group]
                try:
                    self._commit(group, vectors, keyword)
                except BaseException:
                    with contextlib.suppress(StoreError):  # the mark stays: the next change or start tries again
                        self._repair()
                    raise
                self._ledger.settle(names)

    def _commit(self, group: Sequence[tuple[Upsert, list[str]]], vectors: VectorIndex, keyword: KeywordIndex) -> None:
        """Vectors first, then the ledger (the moment of change), then what is no longer wanted."""
        self._ledger.mark(item.document.document_id for item, _ in group)
        for item, shas in group:
            vectors.add(item.chunks, self._ledger.vectors_for(self.embedder.fingerprint, shas))
        before = {item.document.document_id: self._ledger.chunks(item.document.document_id) for item, _ in group}
        with self._ledger.transaction():
            for item, shas in group:
                self._ledger.put(item.document, item.chunks, shas)
        for item, _ in group:
            document = item.document
            keyword.replace(self._ledger.number(document), item.chunks, document.metadata)
            for name in (BODY, FURNITURE):
                new = {chunk.chunk_id for chunk in item.chunks if collection_of(chunk.role) == name}
                old = [c.chunk_id for c in before[document.document_id] if collection_of(c.role) == name]
                vectors.remove(name, [chunk_id for chunk_id in old if chunk_id not in new])

    def record_failure(self, *, document_id: str, path: str, collection: str, error: str) -> None:
        """Note that a source could not be read; a version that was in stays in and answers."""
        with self._writing:
            self._ledger.fail(document_id, path, collection, error)

    def remove(self, document_ids: Sequence[str]) -> int:
        """Take documents out of every search; their stored versions stay. Returns how many were in."""
        with self._writing:
            self._indexes()
            self._repair()
            known = [name for name in dict.fromkeys(document_ids) if self._ledger.info(name) is not None]
            with self._ledger.transaction():
                self._ledger.mark(known)
                removed = sum(self._ledger.take_out(name) for name in known)
            self._repair()
            return removed

    def _repair(self) -> None:
        """Bring the indexes in line with the ledger for every marked document."""
        marked = self._ledger.marked()
        if not marked:
            return
        vectors, keyword = self._indexes()
        numbers, heads = self._ledger.numbers(), self._ledger.heads_of(marked)
        for name in marked:
            head = heads.get(name)
            chunks = self._ledger.chunks(name)
            there = vectors.ids_of(name)
            for collection, ids in there.items():
                wanted = {chunk.chunk_id for chunk in chunks if collection_of(chunk.role) == collection}
                vectors.remove(collection, sorted(ids - wanted))
            if chunks and head is not None:
                ids_, _, matrix = self._ledger.vectors(self.embedder.fingerprint, name)
                if len(ids_) != len(chunks):
                    raise StoreError(f"Vectors of {head.path} are missing.", REBUILD)
                vectors.add(chunks, matrix)
            if name in numbers:
                keyword.replace(numbers[name], chunks, head.metadata if head else None)
            self._ledger.settle([name])

    def _embed(self, texts: dict[str, str], total: int, progress: Progress | None) -> None:
        """Embed what the cache lacks; ``texts`` by their sha."""
        missing = sorted(self._ledger.missing(self.embedder.fingerprint, texts), key=lambda sha: len(texts[sha]))
        done = total - len(missing)
        if progress:
            progress(done, total)
        for start in range(0, len(missing), _ENCODE):
            part = missing[start : start + _ENCODE]
            self._ledger.keep_vectors(self.embedder.fingerprint, part, self.embedder.encode([texts[s] for s in part]))
            done += len(part)
            if progress:
                progress(done, total)

    # Checks and repair

    def verify(self) -> list[str]:
        """Compare ledger, vector index, keyword index and source text; return each problem in plain words."""
        with self._writing:
            return _verify.problems(self._ledger, self._vectors, self._keyword, self.embedder.fingerprint)

    def rebuild(self, progress: Progress | None = None, *, rechunk: Rechunk | None = None) -> int:
        """Make both indexes again from the ledger; returns the number of chunks.

        Vectors come from the ledger, and from the embedder where it has none for this model. A store that another
        chunker made needs ``rechunk``, which gives a document's new chunks. A rebuild that was stopped is started again.
        """
        with self._writing:
            if rechunk is None and (self._ledger.get_meta("chunker") or "") != self._chunker:
                raise StoreError(
                    f"The chunks of {self.root} were made by chunker {self._ledger.get_meta('chunker')!r}, "
                    f"this is {self._chunker!r}; they must be made again from the text.",
                    "Run `thesis rebuild`, or ingest the documents again.",
                )
            self._ledger.set_meta("indexes", "building")
            self._close_indexes()
            heads = self._ledger.heads()
            total, done = self._ledger.count_chunks(), 0
            self._discard_indexes()
            self._open_indexes(self.embedder.fingerprint, ready=False)
            vectors, keyword = self._indexes()
            for head in heads:
                chunks: Sequence[Chunk] = self._ledger.chunks(head.document_id)
                if rechunk is not None:
                    document = self._ledger.document(head.document_id)
                    total -= len(chunks)
                    chunks = rechunk(document)
                    total += len(chunks)
                    check(Upsert(document, chunks))
                texts = embedded_texts(self.embedder, head.metadata, chunks)
                shas = [sha(text) for text in texts]
                self._embed(dict(zip(shas, texts, strict=True)), len(texts), None)
                if rechunk is not None:
                    self._ledger.put(document, chunks, shas)
                else:
                    self._ledger.set_embedded_shas({c.chunk_id: s for c, s in zip(chunks, shas, strict=True)})
                vectors.add(chunks, self._ledger.vectors_for(self.embedder.fingerprint, shas))
                keyword.replace(head.number, chunks, head.metadata)
                done += len(chunks)
                if progress:
                    progress(done, total)
            with self._ledger.transaction():
                self._remember_makers()
                self._ledger.settle(self._ledger.marked())
                self._ledger.drop_unused_vectors(self.embedder.fingerprint)
                self._ledger.set_meta("indexes", "ready")
            self._searcher = Searcher(self._ledger, vectors, keyword, self.embedder)
            return done

    def _remember_makers(self) -> None:
        self._ledger.set_meta("embedder", self.embedder.fingerprint)
        self._ledger.set_meta("chunker", self._chunker)

    # Index files

    def _open_indexes(self, fingerprint: str, *, ready: bool = True) -> None:
        if ready and self._ledger.get_meta("indexes") == "building":
            raise StoreError(f"A rebuild of {self.root} was stopped half-way.", REBUILD)
        self._vectors = VectorIndex(self.root / "chroma", fingerprint)
        self._keyword = KeywordIndex(self.root / "keyword.sqlite")
        if ready:
            if self._vectors.fingerprints() != {fingerprint}:
                raise StoreError(f"The vector index of {self.root} was made by another model.", REBUILD)
            self._searcher = Searcher(self._ledger, self._vectors, self._keyword, self.embedder)

    def _close_indexes(self) -> None:
        self._searcher = None
        for index in (self._vectors, self._keyword):
            if index is not None:
                index.close()
        self._vectors = self._keyword = None

    def _discard_indexes(self) -> None:
        discard(self.root / "chroma")
        for suffix in ("", "-wal", "-shm"):
            discard(self.root / f"keyword.sqlite{suffix}")

    def _check_counts(self) -> None:
        """A lost index folder looks like an empty one: the counts tell."""
        vectors, keyword = self._indexes()
        counts = {"ledger": self._ledger.count_chunks(), "vectors": vectors.count(), "keyword": keyword.count()}
        if len(set(counts.values())) > 1:
            raise StoreError(
                f"The indexes of {self.root} disagree: the ledger has {counts['ledger']} chunks, "
                f"the vector index {counts['vectors']}, the keyword index {counts['keyword']}.",
                REBUILD,
            )

    def _indexes(self) -> tuple[VectorIndex, KeywordIndex]:
        if self._vectors is None or self._keyword is None:
            raise StoreError(f"The index of {self.root} is missing or damaged.", REBUILD)
        return self._vectors, self._keyword

    def _original(self, version: str) -> Path:
        return self.root / "originals" / f"{version}.pdf"
