"""The index files of a store: which ones answer, how they are exchanged under running searches, and what was left over.

A rebuild makes new files beside the old ones (``chroma-2``, ``keyword-2.sqlite``); the ledger names those that answer, so that
one transaction there is the moment of exchange. Any other index file of the folder is a leftover.
"""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vectorstore._places import COLLECTIONS, FOLDER, Place
from vectorstore._search import Searcher
from vectorstore.chroma import discard
from vectorstore.embedding import Embedder
from vectorstore.errors import StoreError
from vectorstore.keyword import KeywordIndex
from vectorstore.ledger import Ledger

log = logging.getLogger(__name__)

_KEYWORD = re.compile(r"keyword(?:-(\d{1,9}))?\.sqlite")
_BESIDE = ("-wal", "-shm", "-journal")  # what SQLite puts next to a file


@dataclass(frozen=True, slots=True)
class Files:
    """The names of a store's index files, below its folder."""

    vectors: str = "chroma"
    keyword: str = "keyword.sqlite"

    @classmethod
    def of(cls, ledger: Ledger) -> Files:
        """Return those that answer. Raises StoreError for names that are none of this program."""
        named = ledger.metas("vector_index", "keyword_index")
        found = cls(named.get("vector_index") or cls().vectors, named.get("keyword_index") or cls().keyword)
        known = FOLDER.fullmatch(found.vectors) or COLLECTIONS.fullmatch(found.vectors)
        if not known or not _KEYWORD.fullmatch(found.keyword):
            raise StoreError(f"The ledger {ledger.path} names index files that cannot be.", "Restore a backup.")
        return found

    def remember(self, ledger: Ledger) -> None:
        ledger.set_meta("vector_index", self.vectors)
        ledger.set_meta("keyword_index", self.keyword)

    def following(self, root: Path, place: Place) -> Files:
        """Return names that nothing in the folder, or in the place of the vectors, has."""
        names = [self.vectors, self.keyword, *(path.name for path in root.iterdir())]
        found = (FOLDER.fullmatch(name) or _KEYWORD.fullmatch(_bare(name)) for name in names)
        number = 1 + max([*(int(match[1] or 1) for match in found if match), *place.numbers()])
        return Files(place.named(number), f"keyword-{number}.sqlite")


def sweep(root: Path, *, keep: Files | None) -> None:
    """Delete every index file that is not of ``keep``; nothing else may be in the making."""
    for path in root.iterdir():
        name = _bare(path.name)
        ours = FOLDER.fullmatch(name) or _KEYWORD.fullmatch(name)
        if ours and (keep is None or name not in (keep.vectors, keep.keyword)):
            _delete(path)


def delete(root: Path, files: Files, place: Place) -> None:
    """Delete one generation."""
    try:
        place.discard(files.vectors)
    except (OSError, StoreError) as error:
        _later(files.vectors, error)
    discard_keyword(root / files.keyword)


def discard_keyword(path: Path) -> None:
    """Delete the file of a keyword index, and what SQLite put next to it."""
    for suffix in ("", *_BESIDE):
        _delete(path.with_name(path.name + suffix))


def _delete(path: Path) -> None:
    try:
        discard(path)
    except OSError as error:
        _later(str(path), error)


def _later(what: str, error: Exception) -> None:
    log.warning("The old index %s cannot be deleted yet: %s; the next start tries again.", what, error)


def _bare(name: str) -> str:
    return next((name.removesuffix(suffix) for suffix in _BESIDE if name.endswith(suffix)), name)


class Indexes:
    """Both indexes of one generation, open. Searches hold them; what was replaced closes when the last one is done."""

    def __init__(
        self,
        files: Files,
        place: Place,
        keyword: Callable[[Files], KeywordIndex],
        ledger: Ledger,
        embedder: Embedder,
        fingerprint: str,
    ) -> None:
        """``keyword`` opens the keyword index; ``fingerprint``: of the model that made the vectors. Raises StoreError."""
        self.files = files
        self.vectors = place.open(files.vectors, fingerprint)
        try:
            self.keyword = keyword(files)
        except BaseException:
            self.vectors.close()
            raise
        self.searcher = Searcher(ledger, self.vectors, self.keyword, embedder)
        self._lock = threading.Lock()
        self._users = 0
        self._after: Callable[[], None] | None = None
        self._closed = False

    @contextlib.contextmanager
    def held(self) -> Iterator[bool]:
        """Keep the files open for the block; false where they are to be closed already."""
        with self._lock:
            free = not self._closed and self._after is None
            self._users += free
        try:
            yield free
        finally:
            if free:
                self._leave()

    def retire(self, after: Callable[[], None]) -> None:
        """Close when no search uses them any more, then call ``after``."""
        with self._lock:
            self._after = after
            idle = not self._users
        if idle:
            self._finish()

    def close(self) -> None:
        """Close now."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self.vectors.close()
        self.keyword.close()

    def _leave(self) -> None:
        with self._lock:
            self._users -= 1
            last = not self._users and self._after is not None
        if last:
            self._finish()

    def _finish(self) -> None:
        self.close()
        with self._lock:
            after, self._after = self._after, _nothing
        if after is not None:
            after()


def _nothing() -> None:
    """What was to be done is done."""
