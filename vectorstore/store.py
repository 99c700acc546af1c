"""The face of the package: documents in, passages out, checked and repairable.

Under the store folder::

    ledger.sqlite     the truth: documents, versions, chunks, vectors
    chroma/           vector index, can be made again; after a rebuild chroma-2/ and so on; none where a server holds it
    keyword.sqlite    keyword index, can be made again; after a rebuild keyword-2.sqlite and so on
    originals/        the bytes of PDFs, by version
    owner.lock        held by the one process that has the store open; owner.json says which

One process owns a store; inside it any number of threads may search while one writes. A base that several processes share
(docs/scale.md) has its ledger in PostgreSQL and its vectors on a Chroma server; of the folder, each process then has a part
``replicas/N`` of its own, with a copy of the words that follows the ledger.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from vectorstore import _copies, _retention, _verify
from vectorstore._amending import StoredVersion
from vectorstore._files import write_whole
from vectorstore._following_index import Follower, FollowingIndex
from vectorstore._generations import Generations
from vectorstore._indexes import Files, sweep
from vectorstore._items import Upsert, check_vectors, embedded_texts
from vectorstore._items import sha as text_sha
from vectorstore._places import Place, place_of
from vectorstore._rebuild import Rechunk, unstage
from vectorstore._retention import Pruned
from vectorstore._states import Waiting
from vectorstore._writer import Embedded, Progress, Writer
from vectorstore.chroma import REBUILD
from vectorstore.embedding import Embedder, Vectors
from vectorstore.errors import FingerprintMismatch, StoreError
from vectorstore.ledger import Ledger
from vectorstore.lock import OwnerLock, owned, owned_copy
from vectorstore.records import Chunk, Document, Filters, Metadata, Passage, SourceInfo
from vectorstore.server import Server
from vectorstore.shared import Shared
from vectorstore.view import StoreView, no_chunk

__all__ = [
    "Embedded",
    "Progress",
    "Pruned",
    "Rechunk",
    "Store",
    "StoredVersion",
    "Upsert",
    "Waiting",
    "embedded_texts",
    "text_sha",
]

log = logging.getLogger(__name__)


class Store(Generations):
    """An open store. Make one with ``Store.open``; close it, or use it as a context manager."""

    def __init__(
        self,
        root: Path,
        embedder: Embedder,
        lock: OwnerLock,
        ledger: Ledger,
        place: Place,
        words: FollowingIndex | None,
    ) -> None:
        super().__init__()
        self.root = root
        self.embedder = embedder
        self._lock = lock
        self._ledger = ledger
        self._place = place
        self._writing, self._rebuilding = ledger.lock("alone"), ledger.lock("rebuild")
        self._words = words
        self._follower: Follower | None = None
        self._closed = False
        self._writer = Writer(ledger, lambda: self.embedder, self._indexes, self._writing, self._original)

    @classmethod
    def open(
        cls,
        root: str | Path,
        *,
        embedder: Embedder,
        chunker_version: str | None = None,
        repair: bool = False,
        server: Server | None = None,
        shared: Shared | None = None,
    ) -> Store:
        """Open or make the store in the folder ``root``.

        ``chunker_version`` None accepts whatever the store has. ``repair`` opens a store whose indexes are damaged or
        were made by another model, for ``rebuild``. ``server``: the Chroma server that holds its vectors (default: embedded,
        in the folder). ``shared``: the PostgreSQL that holds its ledger, for this and any number of other processes; the folder
        then has what is this process's own. Raises StoreLocked, FingerprintMismatch, StoreUnavailable, StoreError.
        """
        root = Path(root)
        _make(root)
        root, lock = owned(root) if shared is None else owned_copy(root)
        ledger = place = words = None
        try:
            ledger = Ledger(root / "ledger.sqlite" if shared is None else shared)
            place = place_of(root, ledger, server)
            words = FollowingIndex(root, ledger) if ledger.shared else None
            store = cls(root, embedder, lock, ledger, place, words)
            if words is not None:
                words.follow()  # a new copy takes its time, and nobody is to wait for it
            with store._writing:
                store._start(chunker_version, repair)
            if words is not None:
                store._follower = Follower(words, ledger)
        except BaseException:
            if words is not None:
                words.end()
            if place is not None:
                place.close()
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
            sweep(self.root, keep=None)
            self._place.sweep(None)
            self._remember_makers()
            changed = False
        if changed and not repair:
            raise FingerprintMismatch(
                f"The store {self.root} was made with {made_by} and chunker {chunked_by!r}; "
                f"this is {self.embedder.fingerprint} and chunker {self._chunker!r}.",
                "Run `thesis rebuild` to make its index again with these, or set the embedding back to what it was.",
            )
        self._mismatch = changed
        copied = _copies.copied_open(self._ledger)
        if copied:
            log.warning("The store %s is a copy made while it was written to; it is compared in full.", self.root)
            _copies.check_ledger(self._ledger)
        files = Files.of(self._ledger)
        if self.is_empty() and not self._place.holds(files.vectors):
            files = Files(self._place.first(), files.keyword)
            files.remember(self._ledger)
        sweep(self.root, keep=files)
        if self._rebuilding.acquire_now():  # no other process is making an index
            try:
                self._place.sweep(files.vectors)
                unstage(self._ledger)
            finally:
                self._rebuilding.release()
        try:
            self._open_indexes(files, made_by if changed and made_by else self.embedder.fingerprint)
            if not changed:
                self._writer.repair()
                self._check_counts()
                if copied:
                    _copies.check_indexes(self._ledger, self.verify, REBUILD)
            _copies.remember(self._ledger)
        except StoreError as error:
            self._close_indexes()
            if not repair:
                raise
            log.warning("The index of %s is to be rebuilt: %s", self.root, error.message)

    def close(self) -> None:
        """Release everything; closing twice is no error. A rebuild that is under way ends, and changes nothing."""
        self._closing.set()
        with self._rebuilding.here, self._writing.here:
            if self._closed:
                return
            self._closed = True
            if self._follower is not None:
                self._follower.end()
            self._close_indexes()
            if self._words is not None:
                self._words.end()
            self._place.close()
            _copies.closed(self._ledger)
            self._ledger.close()
            self._lock.release()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def ledger_at(self) -> str:
        """Return where the ledger is kept, without secrets."""
        return self._ledger.place

    def vectors_at(self) -> dict[str, object]:
        """Return where the vector index is kept ({where} and more of a server), without secrets."""
        return self._place.about()

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
        return self.fingerprint_of(Filters())

    def fingerprint_of(self, filters: Filters) -> str:
        """Return the index fingerprint of a base that would hold these documents only."""
        digest = hashlib.sha256(self.embedding_fingerprint.encode())
        for document_id, version in self._ledger.current(filters):
            digest.update(f"\0{document_id}\0{version}".encode())
        return digest.hexdigest()

    # Whose it is

    def view(self, collections: frozenset[str]) -> StoreView:
        """Return the store as a reader sees it who may see these collections only (vectorstore.view)."""
        return StoreView(self, collections)

    def collections(self) -> dict[str, int]:
        """Return every collection that holds or ever held a document, and how many documents are in."""
        return self._ledger.collections()

    def collection_of(self, document_id: str) -> str | None:
        """Return the collection of a document that is or ever was in; None for one that is nowhere."""
        return self._ledger.collection_of(document_id)

    def readable(self, document_id: str) -> bool:
        """Whether this face of the store would open the document: always, where no reader is behind it."""
        return True

    # What is in

    def is_empty(self) -> bool:
        return self._ledger.is_empty()

    def info(self, document_id: str) -> SourceInfo | None:
        """Return what the ledger knows of a document; None for one that was never in, or was removed."""
        return self._ledger.info(document_id)

    def sources(self, filters: Filters | None = None) -> list[SourceInfo]:
        """Return the documents that are in or have failed (an older good version still answers), by path."""
        return self._ledger.infos(filters)

    def document(self, document_id: str, version: str | None = None) -> Document:
        """Return a stored version, by default the current one. Raises NotFound."""
        return self._ledger.document(document_id, version)

    def ever(self, start: str) -> list[str]:
        """Return the ids that start so of all documents that ever were in: the versions of a removed one stay readable."""
        return sorted(name for name in self._ledger.numbers() if name.startswith(start))

    def original(self, document_id: str, version: str | None = None) -> bytes | None:
        """Return the bytes that a version was read from, where they were kept (PDF). Raises NotFound."""
        path = self.original_file(self._ledger.document(document_id, version).version)
        return path.read_bytes() if path is not None else None

    def original_file(self, version: str) -> Path | None:
        """Return the file that keeps the bytes of a version (PDF); None where there is none."""
        path = self._original(version)
        if not path.is_file() and self._ledger.shared and (body := self._ledger.original(version)) is not None:
            write_whole(path, body)
        return path if path.is_file() else None

    def chunks(self, document_id: str) -> list[Chunk]:
        """Return the current chunks of a document, in order."""
        return self._ledger.chunks(document_id)

    def chunk_at(self, document_id: str, offset: int) -> Chunk | None:
        """Return the current chunk that holds ``offset``, else the first; None where there is none."""
        return self._ledger.chunk_at(document_id, offset)

    def chunk(self, chunk_id: str) -> Chunk:
        """Return one chunk. Raises NotFound."""
        chunk = self._ledger.chunks_by_id([chunk_id]).get(chunk_id)
        if chunk is None:
            raise no_chunk(chunk_id)
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
        return self._search(lambda searcher: searcher.dense(query, k, filters))

    def search_keyword(self, query: str, *, k: int, filters: Filters = Filters()) -> list[Passage]:  # noqa: B008
        """Return up to ``k`` passages that hold any of the query's words, by BM25 (the score)."""
        return self._search(lambda searcher: searcher.keyword(query, k, filters))

    def search(self, query: str, *, k: int, filters: Filters = Filters()) -> list[Passage]:  # noqa: B008
        """Return up to ``k`` passages by reciprocal rank fusion of both searches."""
        return self._search(lambda searcher: searcher.fused(query, k, filters))

    def frequencies(
        self, groups: Sequence[Sequence[str]], *, within: frozenset[str] | None = None
    ) -> tuple[int, list[int]]:
        """Return the number of chunks, and for each group of phrases how many body chunks hold one of them.

        ``within``: counted in these collections only.
        """
        return self._search(lambda searcher: searcher.frequencies(groups, within))

    # Changes

    def upsert(self, document: Document, chunks: Sequence[Chunk], *, original: bytes | None = None) -> None:
        """Make ``document`` the current version with exactly these chunks, all or nothing."""
        self.upsert_many([Upsert(document, chunks, original)])

    def upsert_many(self, items: Sequence[Upsert], progress: Progress | None = None) -> None:
        """Put many documents in and make the vectors of all that wait; each is all or nothing.

        What fails before its words are in stays out; what fails after that answers by its words and waits. Raises StoreError.
        """
        self.put_many(items)
        done, total = 0, sum(one.chunks for one in self._ledger.waiting())
        failed: dict[str, StoreError] = {}

        def batch(count: int, _: int) -> None:
            if progress:
                progress(min(total, done + count), total)

        while batch_done := self._writer.embed_next(batch, skip=failed):
            done += sum(one.chunks for one in batch_done)
            failed |= {one.document_id: one.error for one in batch_done if one.error is not None}
        for item in items:
            if (error := failed.get(item.document.document_id)) is not None:
                raise error

    def put_many(self, items: Sequence[Upsert]) -> None:
        """Put documents in so that words find them at once; their vectors are made by ``embed_next``.

        Each is all or nothing, and those before a failure stay in. Raises StoreError.
        """
        self._writer.put(items)

    def embed_next(
        self,
        progress: Progress | None = None,
        *,
        skip: Collection[str] = (),
        stop: Callable[[], bool] = lambda: False,
    ) -> list[Embedded]:
        """Make the vectors of the next documents that wait, about 512 chunks; [] where none is left, or on ``stop``.

        For any one thread, beside all others: words and older vectors answer meanwhile. A document at fault fails alone, is
        told of, and goes on waiting; ``skip`` leaves it out. Raises StoreFull, StoreUnavailable.
        """
        return self._writer.embed_next(progress, skip=skip, stop=stop)

    def keep_vectors(self, fingerprint: str, shas: Sequence[str], vectors: Vectors) -> None:
        """Keep the vectors (n, d) that another process made of texts, by their ``text_sha``: ``embed_next`` finds them there.

        Raises StoreError where they are no unit vectors of this store's model, which ``fingerprint`` names.
        """
        if fingerprint != self.embedder.fingerprint:
            raise StoreError(
                f"Vectors were made with {fingerprint}; the store has {self.embedder.fingerprint}.",
                "Give each machine the same version of the program and the same model.",
            )
        check_vectors(vectors, len(shas), self.embedder.dimension)
        self._ledger.keep_vectors(fingerprint, shas, vectors)

    def tend(self) -> int:
        """Of a base that processes share: take over what those that are gone left in the middle.

        Returns how many documents wait for this process to make their vectors, without those that failed. Raises StoreError.
        """
        if not self._ledger.shared:
            return 0
        self._ledger.living()
        if self._ledger.marked():
            with self._writing:  # whoever is at work on them is done then
                self._writer.repair()
        self._ledger.take_over()
        infos = (self._ledger.info(one.document_id) for one in self._ledger.waiting(mine=True))
        return sum(info is not None and info.error is None for info in infos)

    def waiting(self) -> list[Waiting]:
        """Return the documents that words find and vectors do not yet, in the order they came."""
        return self._ledger.waiting()

    def seen(self, sources: Sequence[tuple[str, str, str]]) -> None:
        """Note (document_id, path, collection) that are about to be read; what answers stays as it is."""
        self._ledger.seen(sources)

    def unread(self, document_ids: Sequence[str]) -> set[str]:
        """Return which of them have no version that answers."""
        return self._ledger.unread(document_ids)

    def same(self, document_id: str) -> None:
        """Note that a document that was seen is what is in already."""
        self._ledger.same(document_id)

    def record_failure(self, *, document_id: str, path: str, collection: str, error: str) -> None:
        """Note that a source could not be read; a version that was in stays in and answers."""
        with self._writing:
            self._ledger.fail(document_id, path, collection, error)

    def remove(self, document_ids: Sequence[str]) -> int:
        """Take documents out of every search; their stored versions stay. Returns how many were in."""
        return self._writer.remove(document_ids)

    def alone(self) -> AbstractContextManager[object]:
        """No other thread changes a document inside the block, which is to be short."""
        return self._writing

    def amend(self, document_id: str, change: Callable[[Metadata], Metadata]) -> bool:
        """Give a document that is in other metadata; identity, version, text and offsets stay. Returns whether it changed.

        Filters, dates and words follow at once. Where the header of its chunks changes, it waits for new vectors
        (``embed_next``), and the old ones answer meanwhile. Raises NotFound, StoreError.
        """
        return self._writer.amend(document_id, change)

    def versions(self, document_id: str) -> list[StoredVersion]:
        """Return every version that was ever in, oldest first; [] for a document that never was."""
        return self._ledger.versions(document_id)

    # Checks and repair

    def verify(self) -> list[str]:
        """Compare ledger, vector index, keyword index and source text; return each problem in plain words."""
        with self._writing:
            vectors, keyword = (self._open.vectors, self._open.keyword) if self._open else (None, None)
            return _verify.problems(self._ledger, vectors, keyword, self.embedder.fingerprint)

    def prune(self, retention_days: int = 0) -> Pruned:
        """Forget what is kept without need: versions that have not been current for ``retention_days`` (0: none is
        forgotten), with their originals, and vectors that no chunk has. Waits for a rebuild.
        """
        with self._rebuilding, self._writing:
            self._indexes()
            return _retention.prune(self._ledger, self.root / "originals", self.embedder.fingerprint, retention_days)

    def _remember_makers(self) -> None:
        self._ledger.set_meta("embedder", self.embedder.fingerprint)
        self._ledger.set_meta("chunker", self._chunker)

    def _original(self, version: str) -> Path:
        return self.root / "originals" / f"{version}.pdf"


def _make(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"The store folder {root} cannot be made: {error}.", "Name another with --store.") from error
