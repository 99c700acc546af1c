"""The keyword index of a base that several processes share: each has a copy of its own, and follows the ledger before it searches.

A copy is a file of this process alone. It knows the number of the change up to which it has followed, so that a process that
starts again takes in only what is new, and one whose file was lost makes it anew. See docs/scale.md for why it is not
PostgreSQL's own full-text search.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from vectorstore._indexes import discard_keyword
from vectorstore._scoped import Scope
from vectorstore.errors import StoreError
from vectorstore.keyword import LAYOUT, KeywordIndex
from vectorstore.ledger import Ledger
from vectorstore.records import Chunk, Metadata

log = logging.getLogger(__name__)

NAME = "words.sqlite"
_TOGETHER = 64  # documents in one transaction of the copy
_OFTEN_S = 1.0


class FollowingIndex(KeywordIndex):
    """What ``replace`` is told of stands in the ledger already; every process, this one too, takes it from there."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        path = folder / NAME
        self._ledger = ledger
        self._following = threading.RLock()
        self._opened(path)
        base = ledger.base()
        known, change = self._known()
        if self.layout() != LAYOUT or (known, True) != (base, change <= ledger.revision):
            if known:
                log.warning("The copy of the words in %s is of another base, or state; it is made again.", path)
            self.end()
            discard_keyword(path)
            self._opened(path)
            change = 0
            with self._guard(), self._database.write() as connection:
                connection.execute("INSERT INTO followed VALUES (?, 0)", (base,))
        self._change = change

    def _opened(self, path: Path) -> None:
        try:
            super().__init__(path)
        except StoreError as error:
            # Nothing is lost with it.
            log.warning("%s It is made again.", error.message)
            discard_keyword(path)
            super().__init__(path)
        with self._guard(), self._database.write() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS followed (base TEXT NOT NULL, change INTEGER NOT NULL)")

    def _known(self) -> tuple[str, int]:
        with self._guard(), self._database.read() as connection:
            row = connection.execute("SELECT base, change FROM followed").fetchone()
        return (str(row[0]), int(row[1])) if row else ("", 0)

    def follow(self) -> None:
        """Take in what changed in the ledger, as this thread sees it. Raises StoreUnavailable, StoreError."""
        with self._ledger.snapshot():
            if self._ledger.revision <= self._change:
                return
            with self._following:
                change, behind = self._ledger.words_since(self._change)
                for start in range(0, len(behind), _TOGETHER):
                    self._take(behind[start : start + _TOGETHER])
                if behind:
                    with self._guard(), self._database.write() as connection:
                        connection.execute("UPDATE followed SET change = ?", (change,))
                self._change = max(self._change, change)

    def _take(self, changed: Sequence[tuple[int, str]]) -> None:
        heads = self._ledger.heads_of([name for _, name in changed])
        with self._guard(), self._database.write():
            for number, name in changed:
                head = heads.get(name)
                chunks = self._ledger.chunks(name) if head else []
                super().replace(number, chunks, head.metadata if head else None)

    def replace(self, number: int, chunks: Sequence[Chunk], metadata: Metadata | None) -> None:
        """Nothing: ``follow`` does it."""

    def search(
        self,
        name: str,
        query: str,
        k: int,
        documents: Sequence[int] | None = None,
        roles: Sequence[str] = (),
        *,
        chunks: int | None = None,
    ) -> list[tuple[str, float]]:
        self.follow()
        return super().search(name, query, k, documents, roles, chunks=chunks)

    def search_within(
        self, name: str, query: str, k: int, scope: Scope, documents: Sequence[int], roles: Sequence[str] = ()
    ) -> list[tuple[str, float]]:
        self.follow()
        return super().search_within(name, query, k, scope, documents, roles)

    def frequency(self, phrases: Sequence[str]) -> int:
        self.follow()
        return super().frequency(phrases)

    def frequencies_within(self, groups: Sequence[Sequence[str]], scope: Scope) -> tuple[int, list[int]]:
        self.follow()
        return super().frequencies_within(groups, scope)

    def count(self) -> int:
        self.follow()
        return super().count()

    def entries(self) -> Iterator[tuple[str, int, str, str]]:
        self.follow()
        return super().entries()

    def close(self) -> None:
        """Nothing: it stays when the vectors are exchanged. ``end`` closes it."""

    def end(self) -> None:
        """Close the file."""
        super().close()


class Follower:
    """A thread that follows once a second, so that a search seldom finds much to take in first, and lets others know of this process."""

    def __init__(self, index: FollowingIndex, ledger: Ledger) -> None:
        self._index, self._ledger = index, ledger
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="thesis-follow", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        failed = ""
        while not self._end.wait(_OFTEN_S):
            try:
                self._ledger.living()
                self._index.follow()
                failed = ""
            except StoreError as error:
                # Whoever asks meets it, too, and is told.
                if error.message != failed:
                    log.warning("The words of the base cannot be followed: %s", error)
                failed = error.message
            except Exception:
                log.exception("The words of the base cannot be followed")
                failed = "-"

    def end(self) -> None:
        self._end.set()
        self._thread.join()
