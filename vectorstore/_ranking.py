"""FTS5's own BM25 over large tables, without visiting every chunk that holds a common word.

``bm25()`` costs about 2 µs for each chunk that holds any word of the question, and most words stand in a large share of the
chunks. Here the posting lists of the telling words are read whole, kept until the next change and summed with numpy; the
words too common for that are looked up in the text of the best candidates only. Within a few documents all of their text is
read. What a score is made of is the same (fts5_aux.c: k1 = 1.2, b = 0.75), but for the counts of common words, which are
estimated in large tables from an eighth of the documents. What this misses: docs/performance.md.
"""

# ruff: noqa: S608 - every name put into a statement is a constant of this package
from __future__ import annotations

import json
import math
import re
import sqlite3
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vectorstore._stems import Stems, Terms

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]
Numbers = NDArray[np.float64]

SHIFT = 20  # a row's id is its document's number and its place among at most 2**20 chunks
_PLACES = (1 << SHIFT) - 1
HEADER_WEIGHT, BODY_WEIGHT = 1.5, 1.0
# From this many chunks in a table on: below, FTS5 scores all that match.
LARGE = 100_000
# Chunks whose text is read where a filter leaves no more.
SCANNED = 2_000
_POSTINGS = 600_000  # chunks in the posting lists that a query reads, where there is a choice
_SIZED, _READ = 3_000, 300  # candidates whose length is looked up; whose text is read for the words left out
_BLOCKS, _SHARE = 8, 8  # runs of documents that counts are estimated from, which make up this part of the base
_SURE = 1_000  # from this many found in the sample on its share is taken for that of the base
_KEPT_BYTES = 128 << 20
_KEPT_COUNTS = 20_000
_K1, _B = 1.2, 0.75
_KEY_TERMS = 2  # "d17 rbody": FTS5 counts them to a chunk's length
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Posting:
    """The chunks that hold a term, in order, and how often each does (a heading counts 1.5); their documents, and the
    place after the last of each."""

    rows: Rows
    often: Floats
    documents: Rows
    sizes: Rows

    @classmethod
    def of(cls, rows: Rows, often: Floats) -> Posting:
        numbers = rows >> SHIFT
        ends = np.flatnonzero(np.diff(numbers, append=-1))
        return cls(rows, often, numbers[ends], (rows[ends] & _PLACES) + 1)

    @property
    def nbytes(self) -> int:
        return sum(part.nbytes for part in (self.rows, self.often, self.documents, self.sizes))


class Kept:
    """What was read from one state of the index; forgotten when it changes."""

    def __init__(self, revision: int) -> None:
        self.revision = revision
        self.lock = threading.Lock()
        self.postings: OrderedDict[tuple[str, str], Posting] = OrderedDict()
        self.bytes = 0
        self.counts: dict[tuple[str, str], int] = {}
        self.tables: dict[str, Table] = {}
        # Of _scoped: the places of all chunks by table, what a scope sees of them, and its counts.
        self.layouts: dict[str, Any] = {}
        self.seen: dict[tuple[str, Any], Any] = {}
        self.scoped: dict[tuple[Any, str, str], int] = {}


@dataclass(frozen=True, slots=True)
class Table:
    """How large a table is: chunks, their mean length in terms, the runs of the sample and how many chunks they hold."""

    chunks: int
    mean: float
    blocks: str
    sample: int


class Ranking:
    """What is kept of one keyword index between queries; any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept = Kept(-1)
        self._stems = Stems()

    def close(self) -> None:
        self._stems.close()

    def view(self, connection: sqlite3.Connection, name: str, revision: int) -> View:
        """Return table ``name`` as ``connection`` sees it.

        ``revision``: the number of changes before the connection's snapshot was taken; so what is kept is never older than
        the revision it stands under, at most newer.
        """
        with self._lock:
            if self._kept.revision < revision:
                self._kept = Kept(revision)
            kept = self._kept if self._kept.revision == revision else Kept(revision)
        return View(connection, name, kept, self._stems)


class View:
    """One table of the index in one snapshot."""

    def __init__(self, connection: sqlite3.Connection, name: str, kept: Kept, stems: Stems) -> None:
        self._connection, self._name, self._kept, self._stems = connection, name, kept, stems

    @property
    def parts(self) -> tuple[sqlite3.Connection, str, Kept, Stems]:
        return self._connection, self._name, self._kept, self._stems

    # Counts

    @property
    def table(self) -> Table:
        """How large the table is."""
        found = self._kept.tables.get(self._name)
        if found is None:
            found = self._kept.tables[self._name] = _table(self._connection, self._name)
        return found

    def count(self, match: str) -> int:
        """Return how many chunks match: exact in tables below ``LARGE`` chunks and for what is rare, else estimated."""
        held, key = self._kept.counts, (self._name, match)
        found = held.get(key)
        if found is None:
            found = self._counted(match)
            if len(held) >= _KEPT_COUNTS:
                held.clear()
            held[key] = found
        return found

    def _counted(self, match: str) -> int:
        name, table = self._name, self.table
        if table.sample:
            query = (
                f"SELECT sum((SELECT count(*) FROM {name} WHERE {name} MATCH ? AND rowid >= json_extract(b.value, '$[0]') "
                "AND rowid < json_extract(b.value, '$[1]'))) FROM json_each(?) b"
            )
            hits = int(self._connection.execute(query, (match, table.blocks)).fetchone()[0])
            if hits >= _SURE:
                return round(hits * table.chunks / table.sample)
        query = f"SELECT count(*) FROM {name} WHERE {name} MATCH ?"
        return int(self._connection.execute(query, (match,)).fetchone()[0])

    # Search

    def within(self, words: Sequence[str], k: int, documents: Sequence[int]) -> list[tuple[str, float]] | None:
        """Return the best ``k`` (chunk id, score) of a few documents; None for words that are no single term."""
        asked = self._asked(words)
        if asked is None:
            return None
        name, mean, find = self._name, self.table.mean, self._finder(asked)
        found: list[tuple[float, int, str]] = []
        query = f"SELECT rowid, heading, content, chunk_id FROM {name} WHERE rowid >= ? AND rowid < ?"
        for number in documents:
            for row, heading, content, chunk_id in self._connection.execute(
                query, (number << SHIFT, (number + 1) << SHIFT)
            ):
                often, length = find(heading, content)
                if often:
                    found.append((sum(asked[t].score(f, length / mean) for t, f in often.items()), row, chunk_id))
        found.sort(key=lambda item: (-item[0], item[1]))
        return [(chunk_id, score) for score, _, chunk_id in found[:k]]

    def search(self, words: Sequence[str], k: int, documents: Sequence[int] | None) -> list[tuple[str, float]] | None:
        """Return the best ``k`` (chunk id, score) of ``documents`` (None: all); None where FTS5 has to do it."""
        asked = self._asked(words)
        if not asked:
            return None
        table = self.table
        taken = self._telling(asked)
        postings = [self.posting(term) for term in taken]
        if not all(len(posting.rows) for posting in postings):
            return None  # the index is changing
        # What was read is counted, not estimated.
        asked |= {t: asked[t].among(len(p.rows), table.chunks) for t, p in zip(taken, postings, strict=True)}
        rows, scores = _summed([asked[term] for term in taken], postings, documents)
        rest = [term for term in asked if term not in taken]
        if rest and len(rows) < k:
            return None
        if not len(rows):
            return []
        # Equal counts leave it to the lengths, and one word has many equals.
        depth = max(_SIZED if len(asked) > 1 else 4 * _SIZED, 3 * k)
        if len(rows) > depth:
            best = np.sort(np.argpartition(-scores, depth)[:depth])
            rows = rows[best]
        lengths = _lengths(self._connection, self._name, rows) / table.mean
        exact = np.zeros(len(rows))
        for term, posting in zip(taken, postings, strict=True):
            place = np.searchsorted(posting.rows, rows)
            place[place == len(posting.rows)] = 0
            there = posting.rows[place] == rows
            exact += np.where(there, asked[term].score(posting.often[place], lengths), 0.0)
        depth = min(len(rows), max(_READ, k) if rest else k)
        best = np.lexsort((rows, -exact))[:depth]
        values = {int(rows[i]): float(exact[i]) for i in best}
        heads = _texts(self._connection, self._name, list(values))
        if rest:
            find = self._finder({term: asked[term] for term in rest})
            for row, (_, heading, content) in heads.items():
                often, length = find(heading, content)
                values[row] += sum(asked[t].score(f, length / table.mean) for t, f in often.items())
        order = sorted(heads, key=lambda row: (-values[row], row))
        return [(heads[row][0], values[row]) for row in order[:k]]

    def _asked(self, words: Sequence[str]) -> dict[str, Weight] | None:
        """Return the terms of the words with their weights; a term that several words have counts as often."""
        chunks = self.table.chunks
        found: dict[str, Weight] = {}
        for word in words:
            terms = self._stems.of(word)
            if len(terms) != 1:
                return None
            if terms[0] in found:
                found[terms[0]] = found[terms[0]].again()
                continue
            held = self.count(f'{{heading content}} : "{word}"')
            if held:
                found[terms[0]] = Weight.of(held, chunks)
        return found

    def _telling(self, asked: Mapping[str, Weight]) -> list[str]:
        """Return the rarest terms, as many as may be read."""
        taken, total = list[str](), 0
        for term in sorted(asked, key=lambda term: (asked[term].held, term)):
            total += asked[term].held
            if taken and total > _POSTINGS:
                break
            taken.append(term)
        return taken

    def posting(self, term: str) -> Posting:
        """Return the chunks that hold a term, kept for the next question."""
        kept, key = self._kept, (self._name, term)
        with kept.lock:
            found = kept.postings.get(key)
            if found is not None:
                kept.postings.move_to_end(key)
                return found
        found = _read_posting(self._connection, self._name, term)
        with kept.lock:
            if key not in kept.postings:
                kept.postings[key] = found
                kept.bytes += found.nbytes
            while kept.bytes > _KEPT_BYTES and len(kept.postings) > 1:
                _, old = kept.postings.popitem(last=False)
                kept.bytes -= old.nbytes
        return found

    def _finder(self, asked: Mapping[str, Weight]) -> Callable[[str, str], tuple[dict[str, float], int]]:
        """Return what finds the terms in a heading and a text: how often each is there, and the length in terms."""
        table = Terms(asked, self._stems)
        heads: dict[str, tuple[list[str], int]] = {}

        def find(heading: str, content: str) -> tuple[dict[str, float], int]:
            if heading not in heads:
                words = _WORD.findall(heading)
                heads[heading] = ([t for w in words if (t := table[w])], len(words))
            above, size = heads[heading]
            words = _WORD.findall(content)
            held = Counter(map(table.__getitem__, words))
            del held[""]
            often = {term: BODY_WEIGHT * times for term, times in held.items()}
            for term in above:
                often[term] = often.get(term, 0.0) + HEADER_WEIGHT
            return often, size + len(words) + _KEY_TERMS

        return find


@dataclass(frozen=True, slots=True)
class Weight:
    """A term of a query: how many chunks hold it, its inverse document frequency, how many words of the query have it."""

    held: int
    rarity: float
    times: int = 1

    @classmethod
    def of(cls, held: int, chunks: int, times: int = 1) -> Weight:
        held = min(held, chunks)
        return cls(held, max(math.log((chunks - held + 0.5) / (held + 0.5)), 1e-6), times)

    def again(self) -> Weight:
        return replace(self, times=self.times + 1)

    def among(self, held: int, chunks: int) -> Weight:
        return Weight.of(held, chunks, self.times)

    def score(self, often: Any, length: Any) -> Any:
        """Return the term's part of BM25; ``length`` in mean lengths."""
        return self.times * self.rarity * often * (_K1 + 1) / (often + _K1 * (1 - _B + _B * length))


def _summed(
    weights: Sequence[Weight], postings: Sequence[Posting], documents: Sequence[int] | None
) -> tuple[Rows, Floats]:
    """Return the chunks in any of the lists, and their scores as if all were of mean length."""
    # Each document gets as many places of one array as its last chunk found needs.
    last = 1 + max(int(posting.documents[-1]) for posting in postings)
    sizes = np.zeros(last, np.int64)
    for posting in postings:
        sizes[posting.documents] = np.maximum(sizes[posting.documents], posting.sizes)
    begins = np.cumsum(sizes) - sizes
    scores = np.zeros(int(sizes.sum()), np.float32)
    for weight, posting in zip(weights, postings, strict=True):
        numbers = posting.rows >> SHIFT
        scores[begins[numbers] + (posting.rows & _PLACES)] += weight.score(posting.often, 1.0)
    if documents is not None:
        allowed = np.zeros(last, np.bool_)
        allowed[[n for n in documents if n < last]] = True
        scores[~np.repeat(allowed, sizes)] = 0
    found = np.flatnonzero(scores)
    numbers = np.repeat(np.arange(last), sizes)[found]
    return (numbers << SHIFT) + found - begins[numbers], scores[found]


def _read_posting(connection: sqlite3.Connection, name: str, term: str) -> Posting:
    # One long text costs a fraction of as many rows.
    query = (
        "SELECT group_concat(CASE col WHEN 'content' THEN doc WHEN 'heading' THEN -doc END) "
        f"FROM {name}_terms WHERE term = ?"
    )
    listed = connection.execute(query, (term,)).fetchone()[0]
    if not listed:
        return Posting.of(np.zeros(0, np.int64), np.zeros(0, np.float32))
    each = np.fromstring(listed, np.int64, sep=",")
    rows = np.abs(each)
    begins = np.flatnonzero(np.diff(rows, prepend=-1))
    weights = np.where(each > 0, np.float32(BODY_WEIGHT), np.float32(HEADER_WEIGHT))
    return Posting.of(rows[begins], np.add.reduceat(weights, begins))


def _lengths(connection: sqlite3.Connection, name: str, rows: Rows) -> Numbers:
    """Return how many terms each chunk has."""
    query = f"SELECT id, sz FROM {name}_docsize WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id"
    found = {row: float(sum(varints(size))) for row, size in connection.execute(query, (json.dumps(rows.tolist()),))}
    return np.array([found.get(row, 1.0) for row in rows.tolist()])


def _texts(connection: sqlite3.Connection, name: str, rows: Sequence[int]) -> dict[int, tuple[str, str, str]]:
    """Return (chunk id, heading, text) of each row."""
    query = f"SELECT rowid, chunk_id, heading, content FROM {name} WHERE rowid IN (SELECT value FROM json_each(?))"
    return {row[0]: (row[1], row[2], row[3]) for row in connection.execute(query, (json.dumps(rows),))}


def _table(connection: sqlite3.Connection, name: str) -> Table:
    # Row 1 of the data is FTS5's own count: rows, then terms of each column.
    block = connection.execute(f"SELECT block FROM {name}_data WHERE id = 1").fetchone()
    chunks, *terms = varints(block[0]) if block and block[0] else [0]
    if chunks < LARGE:
        return Table(chunks, sum(terms) / max(chunks, 1), "[]", 0)
    last = connection.execute(f"SELECT max(id) >> {SHIFT} FROM {name}_docsize").fetchone()[0]
    length = max(1, math.ceil(last / (_BLOCKS * _SHARE)))
    blocks = []
    for i in range(_BLOCKS):
        first = round((i + 0.5) * last / _BLOCKS - length / 2) + 1
        blocks.append([first << SHIFT, (first + length) << SHIFT])
    listed = json.dumps(blocks)
    query = (
        f"SELECT sum((SELECT count(*) FROM {name}_docsize WHERE id >= json_extract(b.value, '$[0]') AND id < json_extract(b.value, '$[1]'))) "
        "FROM json_each(?) b"
    )
    sample = int(connection.execute(query, (listed,)).fetchone()[0])
    return Table(chunks, sum(terms) / max(chunks, 1), listed, max(sample, 1))


def varints(data: bytes) -> list[int]:
    """Return the numbers of an SQLite varint sequence (below 2**56)."""
    found, value = list[int](), 0
    for byte in data:
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            found.append(value)
            value = 0
    return found
