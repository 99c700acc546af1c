"""What goes into a store and out of it: words first, vectors behind.

``put`` makes a document answer by its words: text and chunks into the ledger (the moment of change), then the keyword index, and
the vectors of what it replaces go. ``embed_next`` makes the vectors of what waits, a batch at a time, keeps them in the
ledger, and puts them into the vector index; it holds up no ``put``, and may be stopped and started at any point. What died
half-way is put right from the ledger: by its mark, or because it still waits.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from vectorstore._faults import fault
from vectorstore._files import write_whole
from vectorstore._items import Upsert, check, embedded_texts, flat, groups, header, sha
from vectorstore._sql import Lock
from vectorstore._states import Waiting
from vectorstore.chroma import BODY, FURNITURE, REBUILD, VectorIndex, collection_of
from vectorstore.embedding import Embedder
from vectorstore.errors import StoreError, StoreFull, StoreUnavailable, ThesisError
from vectorstore.keyword import KeywordIndex
from vectorstore.ledger import Ledger
from vectorstore.records import Metadata

Progress = Callable[[int, int], None]  # chunks done, chunks in all
Open = Callable[[], tuple[VectorIndex, KeywordIndex]]

_ENCODE = 256  # texts embedded between two savings
_BATCH = 512  # chunks embedded together: enough to fill the model's batches, little enough to lose


@dataclass(frozen=True, slots=True)
class Embedded:
    """A document whose vectors are in, or the reason why they are not; it then stays in by its words."""

    document_id: str
    chunks: int
    error: StoreError | None = None


class Writer:
    """The changes of one open store. ``writing`` is held while an index changes, never while texts are embedded."""

    def __init__(
        self,
        ledger: Ledger,
        embedder: Callable[[], Embedder],
        indexes: Open,
        writing: Lock,
        original: Callable[[str], Path],
    ) -> None:
        self._ledger = ledger
        self._embedder = embedder
        self._indexes = indexes
        self._writing = writing
        self._original = original
        self._embedding = threading.RLock()  # taken before ``writing``

    # Words first

    def put(self, items: Sequence[Upsert]) -> None:
        """Make each document the current version with exactly its chunks, all or nothing; those before a failure stay in."""
        for item in items:
            check(item)
        self._ledger.living()  # or what it puts in would be another's to go on with
        with self._writing:
            vectors, keyword = self._indexes()
            self.repair()
            for item in items:
                self._keep_original(item)
            for group in groups(items):
                names = [item.document.document_id for item in group]
                try:
                    self._commit(group, vectors, keyword)
                except BaseException:
                    with contextlib.suppress(StoreError):  # the mark stays: the next change or start tries again
                        self.repair()
                    raise
                self._ledger.settle(names)

    def _keep_original(self, item: Upsert) -> None:
        if item.original is None:
            return
        path = self._original(item.document.version)
        try:
            write_whole(path, item.original)
        except OSError as error:
            raise fault(f"The folder {path.parent}", error, "Check that it can be written to.") from error
        if self._ledger.shared:
            self._ledger.keep_original(item.document.version, item.original)

    def _commit(self, group: Sequence[Upsert], vectors: VectorIndex, keyword: KeywordIndex) -> None:
        self._ledger.read([item.document for item in group])
        before = {item.document.document_id: self._ledger.chunks(item.document.document_id) for item in group}
        with self._ledger.transaction():
            for item in group:
                self._ledger.put(item.document, item.chunks)
        for item in group:
            document = item.document
            keyword.replace(self._ledger.number(document), item.chunks, document.metadata)
            for name in (BODY, FURNITURE):
                new = {chunk.chunk_id for chunk in item.chunks if collection_of(chunk.role) == name}
                old = [c.chunk_id for c in before[document.document_id] if collection_of(c.role) == name]
                vectors.remove(name, [chunk_id for chunk_id in old if chunk_id not in new])

    def amend(self, document_id: str, change: Callable[[Metadata], Metadata]) -> bool:
        """Change the metadata of a document that is in; text and chunks stay. Returns whether anything was changed.

        Filters and words follow at once; vectors are made behind where what stands above each text is another. Raises NotFound.
        """
        with self._writing:
            _, keyword = self._indexes()
            self.repair()
            document = self._ledger.document(document_id)
            metadata = change(document.metadata)
            if metadata == document.metadata:
                return False
            chunks = self._ledger.chunks(document_id)
            try:
                with self._ledger.transaction():
                    self._ledger.mark([document_id])
                    self._ledger.amend(document, metadata, embed=header(metadata) != header(document.metadata))
                keyword.replace(self._ledger.number(document), chunks, metadata)
            except BaseException:
                with contextlib.suppress(StoreError):  # the mark stays: the next change or start tries again
                    self.repair()
                raise
            self._ledger.settle([document_id])
            return True

    def remove(self, document_ids: Sequence[str]) -> int:
        """Take documents out of both indexes; return how many were in."""
        with self._writing:
            self._indexes()
            self.repair()
            known = [name for name in dict.fromkeys(document_ids) if self._ledger.info(name) is not None]
            with self._ledger.transaction():
                self._ledger.mark(known)
                removed = sum(self._ledger.take_out(name) for name in known)
            self.repair()
            return removed

    def repair(self) -> None:
        """Bring the indexes in line with the ledger for every marked document."""
        marked = self._ledger.marked()
        if not marked:
            return
        vectors, keyword = self._indexes()
        numbers, heads = self._ledger.numbers(), self._ledger.heads_of(marked)
        waiting = {one.document_id for one in self._ledger.still_waiting(marked)}
        for name in marked:
            head = heads.get(name)
            chunks = self._ledger.chunks(name)
            for collection, ids in vectors.ids_of(name).items():
                wanted = {chunk.chunk_id for chunk in chunks if collection_of(chunk.role) == collection}
                vectors.remove(collection, sorted(ids - wanted))
            if chunks and head is not None and name not in waiting:
                ids_, _, matrix = self._ledger.vectors(self._embedder().fingerprint, name)
                if len(ids_) != len(chunks):
                    raise StoreError(f"Vectors of {head.path} are missing.", REBUILD)
                vectors.add(chunks, matrix)
            if name in numbers:
                keyword.replace(numbers[name], chunks, head.metadata if head else None)
            self._ledger.settle([name])

    # Vectors behind

    def embed_next(
        self,
        progress: Progress | None = None,
        *,
        skip: Collection[str] = (),
        stop: Callable[[], bool] = lambda: False,
    ) -> list[Embedded]:
        """Make the vectors of the next documents that wait, about 512 chunks of them; [] where none is left, or on ``stop``.

        A document at fault fails alone, is told of, and goes on waiting (``skip`` leaves it out).
        Raises StoreFull, StoreUnavailable.
        """
        with self._embedding:
            done: list[Embedded] = []
            while not done:
                self._ledger.take_over()
                batch = self._ledger.waiting(chunks=_BATCH, skip=skip, mine=True)
                if not batch or stop():
                    break
                try:
                    done = self._embed_batch(batch, progress, stop)
                except StoreFull:
                    raise
                except StoreUnavailable as error:
                    waiting = len(self._ledger.waiting())
                    raise StoreUnavailable(
                        f"{error.message} {waiting} documents wait for their vectors; words find them already.",
                        error.what_to_do,
                    ) from error
                except (StoreError, ValueError):
                    for one in batch:
                        done += self._embed_one(one, stop)
            return done

    def _embed_one(self, one: Waiting, stop: Callable[[], bool]) -> list[Embedded]:
        try:
            return self._embed_batch([one], None, stop)
        except (StoreFull, StoreUnavailable):
            raise
        except (StoreError, ValueError) as caught:
            error = caught if isinstance(caught, StoreError) else fault("Embedding", caught, REBUILD)
            info = self._ledger.info(one.document_id)
            if info is not None:
                self._ledger.fail(one.document_id, info.path, info.collection, str(error))
            return [Embedded(one.document_id, one.chunks, error)]

    def _embed_batch(
        self, batch: Sequence[Waiting], progress: Progress | None, stop: Callable[[], bool]
    ) -> list[Embedded]:
        embedder = self._embedder()
        with self._ledger.snapshot():
            heads = self._ledger.heads_of([one.document_id for one in batch])
            chunks = {name: self._ledger.chunks(name) for name in heads}
        texts = {name: embedded_texts(embedder, head.metadata, chunks[name]) for name, head in heads.items()}
        shas = {name: [sha(text) for text in part] for name, part in texts.items()}
        distinct = dict(zip(flat(list(shas.values())), flat(list(texts.values())), strict=True))
        if not self.embed(distinct, sum(map(len, texts.values())), progress, stop=stop):
            return []
        with self._writing:
            vectors, _ = self._indexes()
            missing = self._ledger.missing(embedder.fingerprint, distinct)
            waiting = self._ledger.still_waiting([one.document_id for one in batch])
            # What was replaced, removed or rebuilt meanwhile is no longer this; it is met again if it still waits.
            ready = [o for o in batch if o in waiting and missing.isdisjoint(shas.get(o.document_id, missing))]
            names = [one.document_id for one in ready]
            self._ledger.embedded({n: dict(zip((c.chunk_id for c in chunks[n]), shas[n], strict=True)) for n in names})
            for name in names:
                vectors.add(chunks[name], self._ledger.vectors_for(embedder.fingerprint, shas[name]))
            self._ledger.indexed(names)
        return [Embedded(one.document_id, one.chunks) for one in ready]

    def embed(
        self,
        texts: dict[str, str],
        total: int,
        progress: Progress | None,
        *,
        stop: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Embed what the ledger lacks of ``texts`` (by their sha) and keep it there; false if ``stop`` ended it."""
        embedder = self._embedder()
        missing = sorted(self._ledger.missing(embedder.fingerprint, texts), key=lambda sha: len(texts[sha]))
        done = total - len(missing)
        if progress:
            progress(done, total)
        for start in range(0, len(missing), _ENCODE):
            if stop():
                return False
            part = missing[start : start + _ENCODE]
            try:
                vectors = embedder.encode([texts[one] for one in part])
            except ThesisError:
                raise
            except Exception as error:
                raise fault("The embedding model", error, "Run the same again; if it stays, report it.") from error
            self._ledger.keep_vectors(embedder.fingerprint, part, vectors)
            done += len(part)
            if progress:
                progress(done, total)
        return True
