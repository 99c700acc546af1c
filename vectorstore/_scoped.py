"""BM25 within some documents as if the index held no others: what a reader may not see moves no score, no count, no place.

Document frequencies, the number of chunks and their mean length are those of the scope. Every posting list of the query is read
whole (and kept until the next change, for all scopes), so that nothing is estimated from what lies outside.
"""

# ruff: noqa: S608 - every name put into a statement is a constant of this package
from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vectorstore._ranking import SHIFT, View, Weight

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_PLACES = (1 << SHIFT) - 1
_KEPT_COUNTS = 20_000
_KEPT_SCOPES = 64


class Scope:
    """The documents that a reader may see, by their numbers. Equal ones are one key of what is kept."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self.numbers = tuple(sorted(numbers))
        self._hash = hash(self.numbers)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Scope) and self.numbers == other.numbers)

    @cached_property
    def listed(self) -> str:
        """The numbers as a JSON list."""
        return json.dumps(self.numbers)


@dataclass(frozen=True, slots=True)
class Layout:
    """One place for each chunk of a table, in the order of rows: document ``n`` begins at ``begins[n]``.

    ``lengths`` is how many terms a chunk has, 0 at a place that no chunk of this table has; ``documents``: whose place it is.
    """

    begins: Rows
    documents: NDArray[np.int32]
    lengths: NDArray[np.float32]

    @classmethod
    def read(cls, connection: sqlite3.Connection, name: str) -> Layout:
        found = connection.execute(f"SELECT id, sz FROM {name}_docsize ORDER BY id").fetchall()
        rows = np.array([row[0] for row in found], np.int64)
        numbers = rows >> SHIFT
        count = int(numbers[-1]) + 1 if len(rows) else 0
        sizes = np.zeros(count + 1, np.int64)
        np.maximum.at(sizes, numbers, (rows & _PLACES) + 1)
        begins = np.cumsum(sizes) - sizes
        lengths = np.zeros(int(sizes.sum()), np.float32)
        lengths[begins[numbers] + (rows & _PLACES)] = _sums([row[1] for row in found])
        return cls(begins, np.repeat(np.arange(count + 1, dtype=np.int32), sizes), lengths)

    def places(self, rows: Rows) -> tuple[Rows, Mask]:
        """Return the place of each row, and which rows have one: those of a document that changed since have none."""
        numbers = np.minimum(rows >> SHIFT, len(self.begins) - 2)
        places = self.begins[numbers] + (rows & _PLACES)
        known = (numbers == rows >> SHIFT) & (places < self.begins[numbers + 1])
        return places[known], known

    def row(self, place: int) -> int:
        number = int(self.documents[place])
        return (number << SHIFT) + place - int(self.begins[number])

    def mask(self, documents: Sequence[int]) -> Mask:
        """Return which places belong to ``documents``."""
        allowed = np.zeros(len(self.begins), np.bool_)
        numbers = np.asarray(documents, np.int64)
        allowed[numbers[numbers < len(self.begins)]] = True
        return np.asarray(allowed[self.documents])


@dataclass(frozen=True, slots=True)
class Seen:
    """What a scope has of a table: its places, how many chunks, and their mean length in terms."""

    mask: Mask
    chunks: int
    mean: float

    @classmethod
    def of(cls, layout: Layout, scope: Scope) -> Seen:
        mask = layout.mask(scope.numbers) & (layout.lengths > 0)
        chunks = int(np.count_nonzero(mask))
        return cls(mask, chunks, float(layout.lengths[mask].sum(dtype=np.float64)) / max(chunks, 1))


class Scoped:
    """One table of the keyword index, in one snapshot, as a reader sees it who may see a scope only."""

    def __init__(self, view: View, scope: Scope) -> None:
        self._view, self._scope = view, scope
        self._connection, self._name, self._kept, self._stems = view.parts

    @cached_property
    def _layout(self) -> Layout:
        found = self._kept.layouts.get(self._name)
        if found is None:
            found = self._kept.layouts[self._name] = Layout.read(self._connection, self._name)
        layout: Layout = found
        return layout

    @cached_property
    def _seen(self) -> Seen:
        key, held = (self._name, self._scope), self._kept.seen
        found = held.get(key)
        if found is None:
            if len(held) >= _KEPT_SCOPES:
                held.clear()
            found = held[key] = Seen.of(self._layout, self._scope)
        seen: Seen = found
        return seen

    @property
    def size(self) -> int:
        """How many chunks of the scope stand in the table."""
        return self._seen.chunks

    def count(self, match: str) -> int:
        """Return how many chunks of the scope match an FTS5 expression."""
        held, key = self._kept.scoped, (self._scope, self._name, match)
        found = held.get(key)
        if found is None:
            query = (
                f"SELECT count(*) FROM {self._name} WHERE {self._name} MATCH ? "
                f"AND (rowid >> {SHIFT}) IN (SELECT value FROM json_each(?))"
            )
            found = int(self._connection.execute(query, (match, self._scope.listed)).fetchone()[0])
            if len(held) >= _KEPT_COUNTS:
                held.clear()
            held[key] = found
        return found

    def search(
        self, words: Sequence[str], k: int, documents: Sequence[int], role_terms: Sequence[str] = ()
    ) -> list[tuple[str, float]]:
        """Return the best ``k`` (chunk id, BM25 score) of those ``documents`` that are of the scope; equal scores by row.

        ``role_terms``: the key terms of the roles that may answer, () for all.
        """
        layout, seen = self._layout, self._seen
        if not seen.chunks:
            return []
        # Words of one stem count as often as they are; a word that the tokenizer cuts is looked for by its parts.
        times = Counter(term for word in words for term in self._stems.of(word))
        scores = np.zeros(len(layout.lengths))
        for term, often in sorted(times.items()):
            posting = self._view.posting(term)
            places, known = layout.places(posting.rows)
            here = seen.mask[places]
            places, held = places[here], posting.often[known][here].astype(np.float64)
            if len(places):
                weight = Weight.of(len(places), seen.chunks, often)
                scores[places] += weight.score(held, layout.lengths[places] / seen.mean)
        scores[~layout.mask(documents)] = 0
        if role_terms:
            scores[~self._of_roles(role_terms)] = 0
        found = np.flatnonzero(scores)
        if len(found) > k:
            # With all that equal the last: which of them stay must not hang on numpy's choice.
            least = np.partition(scores[found], len(found) - k)[len(found) - k]
            found = found[scores[found] >= least]
        best = found[np.lexsort((found, -scores[found]))][:k]
        rows = {layout.row(int(place)): float(scores[place]) for place in best}
        query = f"SELECT rowid, chunk_id FROM {self._name} WHERE rowid IN (SELECT value FROM json_each(?))"
        names = dict(self._connection.execute(query, (json.dumps(list(rows)),)).fetchall())
        return [(names[row], score) for row, score in rows.items() if row in names]

    def _of_roles(self, role_terms: Sequence[str]) -> Mask:
        query = f"SELECT rowid FROM {self._name} WHERE {self._name} MATCH ? ORDER BY rowid"
        found = self._connection.execute(query, (f"key : ({' OR '.join(role_terms)})",)).fetchall()
        mask = np.zeros(len(self._layout.lengths), np.bool_)
        mask[self._layout.places(np.array([row[0] for row in found], np.int64))[0]] = True
        return mask


def _sums(blobs: Sequence[bytes]) -> NDArray[np.float32]:
    """Return the sum of the SQLite varints (below 2**56) in each of ``blobs``."""
    if not blobs:
        return np.zeros(0, np.float32)
    data = np.frombuffer(b"".join(blobs), np.uint8)
    ends = np.flatnonzero(data < 0x80)
    after = ends[np.searchsorted(ends, np.arange(len(data)))] - np.arange(len(data))
    values = (data & 0x7F).astype(np.int64) << (7 * after)
    sizes = np.array([len(blob) for blob in blobs])
    return np.add.reduceat(values, np.cumsum(sizes) - sizes).astype(np.float32)
