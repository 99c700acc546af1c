"""From a question to passages: vectors, words, and their fusion. Reads only; safe in any number of threads."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vectorstore._rows import Match
from vectorstore._scoped import Scope
from vectorstore.chroma import BODY, FURNITURE, VectorIndex, collection_of
from vectorstore.embedding import Embedder
from vectorstore.errors import StoreUnavailable
from vectorstore.keyword import KeywordIndex
from vectorstore.ledger import Ledger
from vectorstore.records import Filters, Passage

log = logging.getLogger(__name__)

Vectors = NDArray[np.float32]
Scored = tuple[str, float]
DocumentVectors = tuple[list[str], NDArray[np.str_], Vectors]

# Up to here every candidate is scored exactly (about 2 ms); beyond, Chroma's graph is asked for ever more neighbours.
EXACT_LIMIT = 20_000
# For a reader who may see some collections only, as long as the vectors stay in memory.
EXACT_WITHIN = 150_000
_MOST_NEIGHBOURS = 2_000
_MATRIX_BYTES = 256 << 20
# Reciprocal rank fusion: Cormack, Clarke and Buettcher, SIGIR 2009, whose constant is 60.
RRF_CONSTANT = 60
_FUSION_DEPTH = 50
_ATTEMPTS = 10


def narrows(filters: Filters) -> bool:
    """Whether ``filters`` leave any document out (roles choose chunks, not documents)."""
    named = (getattr(filters, name) for name in Filters.__slots__ if name != "roles")
    return any(value not in ((), None) for value in named)


class Searcher:
    """Search over one state of the indexes."""

    def __init__(self, ledger: Ledger, vectors: VectorIndex, keyword: KeywordIndex, embedder: Embedder) -> None:
        self._ledger, self._vectors, self._keyword, self._embedder = ledger, vectors, keyword, embedder
        self._matrices = _Matrices()
        # One question is searched under several filters.
        self._vector = lru_cache(maxsize=128)(lambda query: self._embedder.encode([query])[0])

    def dense(self, query: str, k: int, filters: Filters) -> list[Passage]:
        """Return up to ``k`` passages by cosine similarity: fewer only where fewer match."""
        if k < 1:
            return []
        vector = self._vector(query)
        with self._ledger.snapshot():
            if not narrows(filters):
                return self._through_index(vector, k, None, filters)
            matched = self._ledger.matching(filters)
            # Which neighbours a graph finds hangs on all that is in it, also on what a reader may not see.
            limit = EXACT_LIMIT if filters.within is None else EXACT_WITHIN
            if sum(match.chunks for match in matched) <= limit:
                return self._exact(vector, k, matched, filters.roles)
            return self._through_index(vector, k, matched, filters)

    def keyword(self, query: str, k: int, filters: Filters) -> list[Passage]:
        """Return up to ``k`` passages by BM25."""
        if k < 1:
            return []
        for _ in range(_ATTEMPTS):
            with self._ledger.snapshot():
                found = self._words(query, k, filters)
                passages = self._passages(found, filters.roles)
            if len(passages) == len(found):
                break
            # A document was being replaced: its rows and the ledger are one again in a moment.
            time.sleep(0.005)
        return passages

    def _words(self, query: str, k: int, filters: Filters) -> list[Scored]:
        if filters.within is not None:
            return self._words_within(query, k, filters, self._ledger.scope(filters.within))
        documents, chunks = None, None
        if narrows(filters):
            matched = self._ledger.matching(filters)
            documents = [match.number for match in matched]
            chunks = sum(match.chunks for match in matched)
        found: list[Scored] = []
        for name in _collections(filters.roles):
            roles = () if name == BODY else tuple(role for role in filters.roles if role != "body")
            found += self._keyword.search(name, query, k, documents, roles, chunks=chunks)
        return _best(found, k)

    def _words_within(self, query: str, k: int, filters: Filters, scope: Scope) -> list[Scored]:
        documents = [match.number for match in self._ledger.matching(filters)]
        found: list[Scored] = []
        for name in _collections(filters.roles):
            roles = () if name == BODY else tuple(role for role in filters.roles if role != "body")
            found += self._keyword.search_within(name, query, k, scope, documents, roles)
        return _best(found, k)

    def frequencies(self, groups: Sequence[Sequence[str]], within: frozenset[str] | None) -> tuple[int, list[int]]:
        """Return the number of chunks, and for each group of phrases how many body chunks hold one of them."""
        if within is None:
            return self._keyword.count(), [self._keyword.frequency(phrases) for phrases in groups]
        return self._keyword.frequencies_within(groups, self._ledger.scope(within))

    def fused(self, query: str, k: int, filters: Filters) -> list[Passage]:
        """Return up to ``k`` passages by reciprocal rank fusion of both; the score is the sum of 1/(60 + rank)."""
        if k < 1:
            return []
        depth = max(_FUSION_DEPTH, 3 * k)
        passages: dict[str, Passage] = {}
        scores: dict[str, float] = {}
        for ranking in (self.dense(query, depth, filters), self.keyword(query, depth, filters)):
            for rank, passage in enumerate(ranking, start=1):
                name = passage.chunk.chunk_id
                passages[name] = passage
                scores[name] = scores.get(name, 0.0) + 1.0 / (RRF_CONSTANT + rank)
        return [_scored(passages[name], score) for name, score in _best(scores.items(), k)]

    def _exact(self, vector: Vectors, k: int, matched: Sequence[Match], roles: Sequence[str]) -> list[Passage]:
        names: list[str] = []
        parts: list[Vectors] = []
        for match in matched:
            held = self._matrices.get(match, lambda name: self._ledger.vectors(self._embedder.fingerprint, name))
            if held.ids:
                similar = held.matrix @ vector
                if roles:
                    similar[held.others(tuple(roles))] = -np.inf
                names += held.ids
                parts.append(similar)
        scores = np.concatenate(parts) if parts else np.zeros(0, np.float32)
        if len(scores) > k:
            # With all that equal the last: which of them are in must not hang on the order of partition.
            near = np.flatnonzero(scores >= np.partition(scores, len(scores) - k)[len(scores) - k])
        else:
            near = np.arange(len(scores))
        found = [(names[i], float(scores[i])) for i in near if np.isfinite(scores[i])]
        return self._passages(_best(found, k), roles)

    def _through_index(
        self, vector: Vectors, k: int, matched: Sequence[Match] | None, filters: Filters
    ) -> list[Passage]:
        """Ask the index; where its server is not there, a base that is not too large is scored in full from the ledger.

        Then the answer is the same, later. Of a larger base nothing is said rather than less than it holds.
        """
        try:
            return self._approximate(vector, k, matched, filters)
        except StoreUnavailable as error:
            if matched is None:
                matched = self._ledger.matching(filters)
            if sum(match.chunks for match in matched) > EXACT_WITHIN:
                raise
            log.warning("%s Meanwhile the vectors of the ledger answer.", error.message)
            return self._exact(vector, k, matched, filters.roles)

    def _approximate(self, vector: Vectors, k: int, matched: Sequence[Match] | None, filters: Filters) -> list[Passage]:
        allowed = None if matched is None else {match.document_id for match in matched}
        most = self._vectors.most
        # A few more than asked for, so that which of equal vectors are in does not hang on the graph.
        fetch = min(k + 16 if allowed is None else 4 * k, most)
        while True:
            parts = [self._vectors.nearest(name, vector, fetch) for name in _collections(filters.roles)]
            # Below the last hit of a list that was cut short, that list may have more.
            cut_short = [part for part in parts if len(part) >= fetch]
            sure = max((part[-1][1] for part in cut_short), default=-np.inf)
            found = [hit for part in parts for hit in part if hit[1] >= sure]
            passages = self._passages(_best(found, len(found)), filters.roles, allowed)
            if len(passages) >= k:
                return passages[:k]
            if not cut_short or fetch >= min(_MOST_NEIGHBOURS, most):
                break
            fetch = min(4 * fetch, most)
        # A graph need not reach every point: what it leaves short is scored in full.
        if matched is None:
            matched = self._ledger.matching(filters)
        return self._exact(vector, k, matched, filters.roles)

    def _passages(
        self, scored: Sequence[Scored], roles: Sequence[str], documents: set[str] | None = None
    ) -> list[Passage]:
        """Look the hits up in the ledger, which decides what is in: an index may be a moment ahead or behind."""
        chunks = self._ledger.chunks_by_id([name for name, _ in scored])
        heads = self._ledger.heads_of(list({chunk.document_id for chunk in chunks.values()}))
        passages = []
        for name, score in scored:
            chunk = chunks.get(name)
            head = heads.get(chunk.document_id) if chunk else None
            if chunk is None or head is None or chunk.version != head.version:
                continue
            if (roles and chunk.role not in roles) or (documents is not None and chunk.document_id not in documents):
                continue
            passages.append(Passage(chunk, head.metadata, head.path, head.collection, score))
        return passages


class _Held:
    """The vectors of one document, a row for each of ``ids``."""

    def __init__(self, ids: list[str], roles: NDArray[np.str_], matrix: Vectors) -> None:
        self.ids, self.matrix = ids, matrix
        self._roles = roles
        self._others: dict[tuple[str, ...], NDArray[np.int64]] = {}

    def others(self, roles: tuple[str, ...]) -> NDArray[np.int64]:
        """Return the rows of other roles."""
        found = self._others.get(roles)
        if found is None:  # comparing the words takes longer than the product
            found = self._others[roles] = np.flatnonzero(~np.isin(self._roles, roles))
        return found


class _Matrices:
    """The vectors of the documents last asked for, at most 256 MiB of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, int], _Held] = OrderedDict()
        self._bytes = 0

    def get(self, match: Match, load: Callable[[str], DocumentVectors]) -> _Held:
        key = (match.document_id, match.revision)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        value = _Held(*load(match.document_id))
        with self._lock:
            if key not in self._kept:
                self._kept[key] = value
                self._bytes += value.matrix.nbytes
            while self._bytes > _MATRIX_BYTES and len(self._kept) > 1:
                _, old = self._kept.popitem(last=False)
                self._bytes -= old.matrix.nbytes
        return value


def _collections(roles: Sequence[str]) -> tuple[str, ...]:
    if not roles:
        return (BODY, FURNITURE)
    return tuple(sorted({collection_of(role) for role in roles}))


def _best(scored: Iterable[Scored], k: int) -> list[Scored]:
    """Return the ``k`` best; equal scores stand in the order of their ids, so that a run can be repeated."""
    return sorted(scored, key=lambda item: (-item[1], item[0]))[:k]


def _scored(passage: Passage, score: float) -> Passage:
    return Passage(passage.chunk, passage.metadata, passage.path, passage.collection, score)
