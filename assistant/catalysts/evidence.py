"""What each document says of each catalyst, read once for each version and kept.

Kept under (document, version, catalyst, what the stance depends on, who read it): only what changed is read again. A row is a function of
the document's text and the catalyst's words alone, so it may be shown to whoever may read the document.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from assistant.catalysts.candidates import Candidate, candidates
from assistant.catalysts.database import Part
from assistant.catalysts.schema import Catalyst
from assistant.catalysts.shapes import Side
from assistant.evidence import Encode
from vectorstore.database import AnyDatabase, Connection, among
from vectorstore.records import Chunk, Document, sha256

Vector = NDArray[np.float32]
_Key = tuple[str, str]  # document, catalyst
SUREST = 0.85  # score from which a stance counts: below it more than one of five is wrong (docs/stance.md)
LEAST = 0.6  # from which a sentence is kept, to be shown as less sure
WITHOUT = "read without the language model"  # how a reason begins where a model was to read and did not
_PARTLY = "/partly"  # after the reader, where a model is to be asked again
MOST_KEPT = 24  # sentences of one document for one catalyst: those whose stance is surest

PART = Part(
    "evidence",
    1,
    """
-- one row a document and catalyst that was read, also where nothing was found
CREATE TABLE evidence_read (
    document_id TEXT NOT NULL, catalyst TEXT NOT NULL, version TEXT NOT NULL, definition TEXT NOT NULL, read_by TEXT NOT NULL,
    left_out INTEGER NOT NULL,
    PRIMARY KEY (document_id, catalyst)) WITHOUT ROWID;
-- quote: UTF-8, vector: float16, of unit length
CREATE TABLE evidence (
    id INTEGER PRIMARY KEY,
    document_id TEXT NOT NULL, catalyst TEXT NOT NULL, evidence_id TEXT NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL,
    page INTEGER, side TEXT NOT NULL, score REAL NOT NULL, reasons TEXT NOT NULL, quote BLOB NOT NULL, vector BLOB NOT NULL);
CREATE UNIQUE INDEX evidence_place ON evidence(catalyst, document_id, start)
""",
)


class Stance(Protocol):
    """What a classifier says of a sentence (assistant.catalysts.stance)."""

    @property
    def label(self) -> str: ...
    @property
    def score(self) -> float: ...
    @property
    def reasons(self) -> Sequence[str]: ...


# (sentences, catalyst, encode) -> the stance of each
Classify = Callable[[Sequence[str], Catalyst, Encode], Sequence[Stance]]


@dataclass(frozen=True, slots=True)
class Found:
    """A sentence that speaks for or against a catalyst: ``document.text[start:end] == quote``. ``vector``: of unit length.

    Only what is ``sure`` counts as a claim.
    """

    evidence_id: str
    document_id: str
    start: int
    end: int
    page: int | None
    side: Side
    score: float
    reasons: tuple[str, ...]
    quote: str
    vector: Vector

    @property
    def sure(self) -> bool:
        return self.score >= SUREST


@dataclass(frozen=True, slots=True)
class Read:
    """What one document says of one catalyst; ``left_out``: further sentences with a stance that are not kept.

    ``partly``: a part of what reads could not be asked; the rest stands until it can.
    """

    document_id: str
    version: str
    catalyst: str
    definition: str
    found: tuple[Found, ...] = ()
    left_out: int = 0
    partly: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """What one reading changed among the claims that are sure. ``same_terms``: neither the catalyst's words nor the reader changed, so it is news."""

    read: Read
    new: tuple[Found, ...]
    gone: tuple[Found, ...]
    same_terms: bool


def identity(catalyst: str, document_id: str, quote: str) -> str:
    """Return the id of a piece of evidence: the same words in the same document, whichever version, are the same."""
    return sha256(f"{catalyst}\0{document_id}\0{' '.join(quote.split())}".encode("utf-8", "surrogatepass"))[:16]


def read(
    document: Document,
    chunks: Sequence[Chunk],
    catalysts: Sequence[Catalyst],
    classify: Classify,
    encode: Encode,
    most: int = MOST_KEPT,
) -> list[Read]:
    """Return what a document says of each of ``catalysts``, in their order. ``chunks``: those of this version."""
    current = [chunk for chunk in chunks if chunk.version == document.version]
    found = candidates(document, current, catalysts)
    words = list(dict.fromkeys(one.text for listed in found for one in listed))
    vectors = dict(zip(words, encode(words), strict=True)) if words else {}
    return [
        _judged(document, catalyst, listed, vectors, classify, encode, most)
        for catalyst, listed in zip(catalysts, found, strict=True)
    ]


def _judged(
    document: Document,
    catalyst: Catalyst,
    listed: Sequence[Candidate],
    vectors: Mapping[str, Vector],
    classify: Classify,
    encode: Encode,
    most: int,
) -> Read:
    stances = classify([one.text for one in listed], catalyst, encode) if listed else []
    kept: dict[str, Found] = {}
    for one, stance in zip(listed, stances, strict=True):
        if stance.label not in ("for", "against") or stance.score < LEAST:
            continue
        quote = document.text[one.start : one.end]
        name = identity(catalyst.id, document.document_id, quote)
        kept.setdefault(
            name,
            Found(
                name,
                document.document_id,
                one.start,
                one.end,
                document.page_at(one.start),
                "for" if stance.label == "for" else "against",
                round(float(stance.score), 4),
                tuple(stance.reasons),
                quote,
                vectors[one.text],
            ),
        )
    surest = sorted(kept.values(), key=lambda f: (-f.score, f.start))[:most]
    return Read(
        document.document_id,
        document.version,
        catalyst.id,
        catalyst.text_key,
        tuple(sorted(surest, key=lambda f: f.start)),
        len(kept) - len(surest),
    )


class Evidence:
    """The rows of one store. Safe in any number of threads. ``reader``: who reads (model, rules, chunker): another one reads all again."""

    def __init__(self, database: AnyDatabase, reader: str) -> None:
        self._database, self.reader = database, reader
        self._readers = {reader, reader + _PARTLY}

    def unread(
        self, current: Mapping[str, str], catalysts: Sequence[Catalyst], *, partly: bool = False
    ) -> dict[str, list[Catalyst]]:
        """Return which catalysts each of the documents ``current`` (id -> version) is to be read for, where there are any.

        ``partly``: whether those are meant too that are read in part.
        """
        readers = {self.reader} if partly else self._readers
        with self._database.read() as connection:
            rows = connection.execute("SELECT document_id, catalyst, version, definition, read_by FROM evidence_read")
            held = {(d, c): (v, key, by) for d, c, v, key, by in rows}
        wanted = [(one, one.text_key) for one in catalysts]
        missing = {
            name: [one for one, key in wanted if held.get((name, one.id)) not in {(version, key, by) for by in readers}]
            for name, version in current.items()
        }
        return {name: listed for name, listed in missing.items() if listed}

    def keep(self, reads: Iterable[Read]) -> list[Difference]:
        """Put readings in the place of those before, all in one transaction; return what each changed."""
        listed = {(one.document_id, one.catalyst): one for one in reads}  # one of each: the last
        with self._database.write() as connection:
            before, old = self._before(connection, listed.values())
            connection.executemany("DELETE FROM evidence WHERE document_id = ? AND catalyst = ?", listed)
            connection.executemany(
                "INSERT INTO evidence_read VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (document_id, catalyst) DO UPDATE SET "
                "version = excluded.version, definition = excluded.definition, read_by = excluded.read_by, "
                "left_out = excluded.left_out",
                [
                    (*key, one.version, one.definition, self.reader + _PARTLY * one.partly, one.left_out)
                    for key, one in listed.items()
                ],
            )
            connection.executemany(
                "INSERT INTO evidence (document_id, catalyst, evidence_id, start, stop, page, side, score, reasons, quote, vector) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        *(*key, f.evidence_id, f.start, f.end, f.page, f.side, f.score),
                        *(json.dumps(f.reasons), f.quote.encode("utf-8", "surrogatepass"), _packed(f.vector)),
                    )
                    for key, one in listed.items()
                    for f in one.found
                ],
            )
        return [self._difference(one, before.get(key), old[key]) for key, one in listed.items()]

    def _before(
        self, connection: Connection, reads: Iterable[Read]
    ) -> tuple[dict[_Key, tuple[str, str]], dict[_Key, list[Found]]]:
        """Return what stands of the documents of ``reads``, by document and catalyst: (definition, reader), and what was found surely."""
        documents = json.dumps(sorted({one.document_id for one in reads}))
        rows = connection.execute(
            f"SELECT document_id, catalyst, definition, read_by FROM evidence_read WHERE {among('document_id')}",  # noqa: S608
            (documents,),
        )
        before = {(row[0], row[1]): (row[2], row[3]) for row in rows}
        old: dict[_Key, list[Found]] = defaultdict(list)
        for catalyst, found in self._found(connection, among("document_id"), (documents,)):
            if found.sure:
                old[(found.document_id, catalyst)].append(found)
        return before, old

    def _difference(self, one: Read, before: tuple[str, str] | None, found: Sequence[Found]) -> Difference:
        old, new = {f.evidence_id: f for f in found}, {f.evidence_id: f for f in one.found if f.sure}
        return Difference(
            one,
            tuple(f for name, f in new.items() if name not in old or old[name].side != f.side),
            tuple(f for name, f in old.items() if name not in new),
            before is None or before == (one.definition, self.reader),
        )

    def forget(self, current: Mapping[str, str], catalysts: Sequence[Catalyst]) -> list[Difference]:
        """Drop what documents that are not ``current`` any more, and catalysts that are none, left; return what went."""
        names = {one.id for one in catalysts}
        with self._database.write() as connection:
            out = connection.execute(
                "SELECT document_id, catalyst, version, definition FROM evidence_read "  # noqa: S608 - constants
                f"WHERE NOT ({among('document_id')} AND {among('catalyst')}) ORDER BY document_id, catalyst",
                (json.dumps(sorted(current)), json.dumps(sorted(names))),
            ).fetchall()
            if not out:
                return []
            reads = [Read(document_id, version, one, definition) for document_id, one, version, definition in out]
            _, old = self._before(connection, reads)
            keys = [(one.document_id, one.catalyst) for one in reads]
            connection.executemany("DELETE FROM evidence WHERE document_id = ? AND catalyst = ?", keys)
            connection.executemany("DELETE FROM evidence_read WHERE document_id = ? AND catalyst = ?", keys)
        return [
            Difference(one, (), tuple(old[key]), one.catalyst in names) for key, one in zip(keys, reads, strict=True)
        ]

    def of(self, catalyst: Catalyst, current: Mapping[str, str]) -> tuple[list[Found], int, set[str]]:
        """Return what the documents ``current`` (id -> version) say of a catalyst, how much is left out, and which were read."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT document_id, version, left_out FROM evidence_read WHERE catalyst = ? AND definition = ? AND read_by IN (?, ?)",
                (catalyst.id, catalyst.text_key, *self._readers),
            ).fetchall()
            read = {name: left for name, version, left in rows if current.get(name) == version}
            condition = f"catalyst = ? AND {among('document_id')}"
            found = [one for _, one in self._found(connection, condition, (catalyst.id, json.dumps(sorted(read))))]
        return found, sum(read.values()), set(read)

    @staticmethod
    def _found(connection: Connection, condition: str, values: Sequence[object]) -> Iterator[tuple[str, Found]]:
        """Yield (catalyst, sentence)."""
        rows = connection.execute(
            "SELECT catalyst, evidence_id, document_id, start, stop, page, side, score, reasons, quote, vector FROM evidence "  # noqa: S608
            f"WHERE {condition} ORDER BY document_id, start",
            values,
        )
        for catalyst, *row in rows:
            yield catalyst, _row(row)


def _row(row: Sequence[Any]) -> Found:
    name, document_id, start, end, page, side, score, reasons, quote, vector = row
    return Found(
        name,
        document_id,
        start,
        end,
        page,
        side,
        score,
        tuple(json.loads(reasons)),
        bytes(quote).decode("utf-8", "surrogatepass"),
        np.frombuffer(vector, dtype="<f2").astype(np.float32),
    )


def _packed(vector: Vector) -> bytes:
    return np.asarray(vector, dtype="<f2").tobytes()


__all__ = [
    "LEAST",
    "MOST_KEPT",
    "PART",
    "SUREST",
    "WITHOUT",
    "Classify",
    "Difference",
    "Evidence",
    "Found",
    "Read",
    "Stance",
    "identity",
    "read",
]
