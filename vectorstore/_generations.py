"""The indexes of an open store: the generation that answers, and its exchange for the next one."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from vectorstore import _copies
from vectorstore._following_index import FollowingIndex
from vectorstore._indexes import Files, Indexes, delete, sweep
from vectorstore._places import Place
from vectorstore._rebuild import Green, Progress, Rechunk, fill_keyword, fill_vectors
from vectorstore._search import Searcher
from vectorstore._sql import Lock
from vectorstore.chroma import REBUILD, VectorIndex
from vectorstore.embedding import Embedder
from vectorstore.errors import FingerprintMismatch, StoreError
from vectorstore.keyword import LAYOUT, KeywordIndex
from vectorstore.ledger import Ledger

log = logging.getLogger(__name__)

T = TypeVar("T")

_ATTEMPTS = 200  # searches that meet an exchange of the indexes


class Generations:
    """The part of a store that opens, asks and exchanges its indexes."""

    root: Path
    embedder: Embedder
    _ledger: Ledger
    _place: Place
    _writing: Lock  # while the indexes change
    _rebuilding: Lock  # taken before _writing
    _words: FollowingIndex | None  # this process's own, where others work on the base, too

    def __init__(self) -> None:
        self._closing = threading.Event()
        self._exchanging = threading.RLock()
        self._open: Indexes | None = None
        self._coming: Indexes | None = None  # what a commit under way may make the generation that answers
        self._mismatch = False  # the indexes were made by another model or chunker: nothing may be asked or put in
        self._chunker = ""

    # Asking

    def _search(self, ask: Callable[[Searcher], T]) -> T:
        return self._ask(lambda indexes: ask(indexes.searcher))

    def _ask(self, ask: Callable[[Indexes], T]) -> T:
        """Ask the indexes that answer; where a rebuild exchanges them meanwhile, ask the new ones again."""
        for _ in range(_ATTEMPTS):
            # In this order: what is coming is taken for the open one before it is forgotten.
            coming, present = self._coming, None if self._mismatch else self._open
            files = Files.of(self._ledger)
            indexes = coming if coming is not None and coming.files == files else present
            if indexes is None:
                break
            if indexes.files != files:
                self._keep_up()
            with indexes.held() as free:
                if free:
                    try:
                        found = ask(indexes)
                    except Exception:
                        if Files.of(self._ledger) == indexes.files:
                            raise
                    else:
                        # Chunks and vectors were read from the ledger too: they belong to these indexes if these still answer.
                        if Files.of(self._ledger) == indexes.files:
                            return found
            time.sleep(0.005)
        raise StoreError(f"The index of {self.root} is missing or being rebuilt.", REBUILD)

    # Exchange

    def rebuild(
        self, progress: Progress | None = None, *, rechunk: Rechunk | None = None, embedder: Embedder | None = None
    ) -> int:
        """Make both indexes again from the ledger; returns the number of chunks.

        What is there answers, and takes documents in and out, until the new indexes are whole; then they are exchanged in one
        step. A rebuild that fails, is cancelled or dies changes nothing. Vectors come from the ledger, and from the embedder
        where it has none for this model. A store that another chunker made needs ``rechunk``, which gives a document's new
        chunks; ``embedder`` is a model that takes the place of the present one at the exchange. A second rebuild waits for
        the first. Raises StoreError.
        """
        with self._rebuilding:
            embedder = embedder or self.embedder
            self._go_on()
            if rechunk is None and (self._ledger.get_meta("chunker") or "") != self._chunker:
                raise StoreError(
                    f"The chunks of {self.root} were made by chunker {self._ledger.get_meta('chunker')!r}, "
                    f"this is {self._chunker!r}; they must be made again from the text.",
                    "Run `thesis rebuild`, or ingest the documents again.",
                )
            blue = Files.of(self._ledger)
            green = Green(
                self.root, blue, self._place, self._keyword, self._ledger, embedder, self._chunker, rechunk, self._go_on
            )
            try:
                green.catch_up(progress)
                with self._writing:  # what came in or went out meanwhile
                    green.catch_up(progress)
                    self._coming = green.indexes
                    green.switch()
                    self._take_over(green, blue, embedder)
            except BaseException:
                if Files.of(self._ledger) == blue:
                    self._coming = None
                    green.discard()
                elif self._open is not green.indexes:
                    self._take_over(green, blue, embedder)
                raise
            return green.chunks

    def _take_over(self, green: Green, blue: Files, embedder: Embedder) -> None:
        """Let ``green`` answer, as the ledger says already; the old files go when the last search has left them."""
        old, self._open = self._open, green.indexes
        self.embedder, self._mismatch = embedder, False
        self._coming = None
        if old is not None and old.files != green.indexes.files:
            old.retire(lambda: delete(self.root, old.files, self._place))
        else:
            delete(self.root, blue, self._place)
        self._ledger.drop_unused_vectors(embedder.fingerprint)
        _copies.remember(self._ledger)

    def _go_on(self) -> None:
        if self._closing.is_set():
            raise StoreError(
                f"The store {self.root} was closed during a rebuild.", "What answered before still does; run it again."
            )

    # Files

    def _open_indexes(self, files: Files, fingerprint: str) -> None:
        if self._ledger.get_meta("indexes") == "building":  # by an older program, which rebuilt in place
            raise StoreError(f"A rebuild of {self.root} was stopped half-way.", REBUILD)
        if not self._place.holds(files.vectors):
            raise self._place.elsewhere(files.vectors)
        if not self._mismatch and _copies.ended_badly(self._ledger) and not _copies.copied_open(self._ledger):
            files = self._after_a_crash(files, fingerprint)
        self._open = Indexes(files, self._place, self._keyword, self._ledger, self.embedder, fingerprint)
        if self._open.vectors.fingerprints() != {fingerprint}:
            raise StoreError(f"The vector index of {self.root} was made by another model.", REBUILD)
        if not self._mismatch and self._open.keyword.layout() != LAYOUT:
            self._remake_keyword(files, fingerprint)

    def _keyword(self, files: Files) -> KeywordIndex:
        return self._words or KeywordIndex(self.root / files.keyword)

    def _keep_up(self) -> None:
        """Take over what another process has exchanged by a rebuild. Raises FingerprintMismatch where this one cannot."""
        with self._exchanging:
            present = self._open
            if present is None or not self._ledger.shared:
                return
            with self._ledger.snapshot():
                files = Files.of(self._ledger)
                makers = self._ledger.metas("embedder", "chunker")
            made_by, chunked_by = makers.get("embedder"), makers.get("chunker")
            if (made_by, chunked_by) != (self.embedder.fingerprint, self._chunker):
                raise FingerprintMismatch(
                    f"The base was rebuilt by another process, with {made_by} and chunker {chunked_by!r}; "
                    f"this is {self.embedder.fingerprint} and chunker {self._chunker!r}.",
                    "Start this process again, with the same settings and version as the one that rebuilt it.",
                )
            if files != present.files:
                log.info("Another process has rebuilt the index; %s answers now.", files.vectors)
                self._open = Indexes(
                    files, self._place, self._keyword, self._ledger, self.embedder, self.embedder.fingerprint
                )
                present.retire(_nothing)

    def _remake_keyword(self, files: Files, fingerprint: str) -> None:
        """The vectors stay: words alone take two seconds of work for 24,000 chunks."""
        log.warning("The keyword index of %s is of another version of this program and is made again.", self.root)
        new = Files(files.vectors, files.following(self.root, self._place).keyword)
        keyword = KeywordIndex(self.root / new.keyword)
        try:
            fill_keyword(self._ledger, keyword)
        finally:
            keyword.close()
        with self._ledger.transaction():
            new.remember(self._ledger)
        self._close_indexes()
        sweep(self.root, keep=new)
        self._open = Indexes(new, self._place, self._keyword, self._ledger, self.embedder, fingerprint)

    def _after_a_crash(self, files: Files, fingerprint: str) -> Files:
        """Return ``files``, or those with the vector index made again from the ledger.

        Chroma writes its graph over the old one every thousand vectors; a program that dies in that leaves none that loads.
        """
        wrong = self._place.damaged(files.vectors, fingerprint)
        if not wrong:
            return files
        log.warning("A crash broke the vector index of %s; it is made again from the ledger.", self.root)
        log.info("What the broken index said: %s", wrong)
        new = Files(files.following(self.root, self._place).vectors, files.keyword)
        try:
            vectors = self._place.open(new.vectors, fingerprint)
            try:
                fill_vectors(self._ledger, vectors, fingerprint)
            finally:
                vectors.close()
        except BaseException:
            sweep(self.root, keep=files)
            raise
        with self._ledger.transaction():
            new.remember(self._ledger)
        sweep(self.root, keep=new)
        return new

    def _close_indexes(self) -> None:
        if self._open is not None:
            self._open.close()
        self._open = None

    def _check_counts(self) -> None:
        """A lost index folder looks like an empty one: the counts tell."""
        vectors, keyword = self._indexes()
        chunks, made = self._ledger.count_chunks(), vectors.stored()
        waiting = sum(one.chunks for one in self._ledger.waiting())  # of these any part may be in
        if not chunks - waiting <= made <= chunks:
            made = vectors.count()
        if keyword.count() != chunks or not chunks - waiting <= made <= chunks:
            raise StoreError(
                f"The indexes of {self.root} disagree: the ledger has {chunks} chunks ({waiting} wait for their vectors), "
                f"the vector index {made}, the keyword index {keyword.count()}.",
                REBUILD,
            )

    def _indexes(self) -> tuple[VectorIndex, KeywordIndex]:
        if self._open is None or self._mismatch:
            raise StoreError(f"The index of {self.root} is missing, damaged or of another model.", REBUILD)
        self._keep_up()
        return self._open.vectors, self._open.keyword


def _nothing() -> None:
    """The process that exchanged it deletes what was."""
