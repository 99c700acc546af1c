"""The states of documents in the ledger, and the two lists that make a stopped change whole again.

::

    seen      an ingest has it before it; nothing is stored yet, or an older version answers
    read      its text is in the ledger
    chunked   its chunks are in the ledger and the keyword index: words find it
    embedded  its vectors are in the ledger
    indexed   its vectors are in the vector index: the whole search finds it
    failed    the last attempt failed; an older version, if there is one, answers
    removed   taken out; its versions stay readable

``marks``: documents whose place in an index may differ from the ledger, to be put right before anything else is done.
``waiting``: documents whose vectors are still to be made or to reach the vector index, in the order they came. A list of
its own, because a document that waits may be seen again, or fail, before its vectors are made.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from vectorstore import _rows
from vectorstore._following import Following
from vectorstore._sql import among
from vectorstore.records import Document, sha256

_AMONG = among("document_id")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A document without all its vectors; ``revision`` changes with its chunks."""

    document_id: str
    revision: int
    chunks: int


class States(Following):
    """The part of the ledger that says how far a document has come."""

    # Marks

    def mark(self, document_ids: Iterable[str]) -> None:
        with self._database.write() as connection:
            connection.executemany("INSERT INTO marks VALUES (?) ON CONFLICT DO NOTHING", ((i,) for i in document_ids))
            self._changing()

    def settle(self, document_ids: Iterable[str]) -> None:
        with self._database.write() as connection:
            connection.executemany("DELETE FROM marks WHERE document_id = ?", ((i,) for i in document_ids))

    def marked(self) -> list[str]:
        with self._database.read() as connection:
            return [row[0] for row in connection.execute("SELECT document_id FROM marks ORDER BY document_id")]

    def _changing(self) -> None:
        """Say that the store is not at rest until it is closed."""
        with self._database.write() as connection:
            connection.execute(_rows.SET_META, ("changing", "yes"))

    # How far

    def seen(self, sources: Sequence[tuple[str, str, str]]) -> None:
        """Note (document_id, path, collection) that an ingest has before it; what answers stays as it is."""
        if not sources:
            return
        now = _rows.now()
        with self._database.write() as connection:
            connection.executemany(
                "INSERT INTO documents (document_id, path, collection, state, changed_at, collection_key) "
                "VALUES (?, ?, ?, 'seen', ?, ?) ON CONFLICT (document_id) DO UPDATE SET state = 'seen', error = NULL, "
                "changed_at = CASE WHEN documents.version IS NULL THEN excluded.changed_at ELSE documents.changed_at END",
                [(name, path, collection, now, _rows.key(collection)) for name, path, collection in sources],
            )

    def unread(self, document_ids: Sequence[str]) -> set[str]:
        """Return which of them have no version that answers."""
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT document_id FROM documents WHERE version IS NOT NULL AND {_AMONG}",  # noqa: S608 - a constant
                (json.dumps(list(document_ids)),),
            )
            return set(document_ids) - {row[0] for row in rows}

    def same(self, document_id: str) -> None:
        """Note that a document that was seen again is what is in already."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE documents SET error = NULL, "
                "state = CASE WHEN document_id IN (SELECT document_id FROM waiting) THEN 'chunked' ELSE 'indexed' END "
                "WHERE document_id = ? AND version IS NOT NULL AND state IN ('seen', 'read')",
                (document_id,),
            )

    def read(self, documents: Sequence[Document]) -> None:
        """Keep the texts, state "read", and mark the documents: their chunks are about to change."""
        now = _rows.now()
        with self._database.write() as connection:
            self.mark(document.document_id for document in documents)
            for document in documents:
                connection.execute(
                    "INSERT INTO documents (document_id, path, collection, state, changed_at, collection_key) "
                    "VALUES (?, ?, ?, 'read', ?, ?) ON CONFLICT (document_id) DO UPDATE SET state = 'read'",
                    (document.document_id, document.path, document.collection, now, _rows.key(document.collection)),
                )
                self.keep_text(document, now, change=False)

    def keep_text(self, document: Document, now: str, *, change: bool = True) -> None:
        """Keep a version's text; ``change`` False leaves one that is there as it is: its chunks are still the old ones."""
        text = _rows.as_bytes(document.text)
        digest = sha256(text)
        key = (document.document_id, document.version)
        with self._database.write() as connection:
            there = connection.execute(
                "SELECT text_sha, pruned_at FROM versions WHERE document_id = ? AND version = ?", key
            ).fetchone()
            if there is None:
                connection.execute(
                    "INSERT INTO versions (document_id, version, stored_at, text, text_sha, structure, replaced_at) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (*key, now, zlib.compress(text), digest, json.dumps(_rows.structure(document)), now),
                )
            elif change and there != (digest, None):
                connection.execute(
                    "UPDATE versions SET text = ?, text_sha = ?, pruned_at = NULL WHERE document_id = ? AND version = ?",
                    (zlib.compress(text), digest, *key),
                )

    def await_vectors(self, document_id: str) -> None:
        """Put a document at the end of those that wait for their vectors."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM waiting WHERE document_id = ?", (document_id,))
            if self._process is None:
                connection.execute("INSERT INTO waiting (document_id) VALUES (?)", (document_id,))
            else:
                row = (document_id, self._process.number)
                connection.execute("INSERT INTO waiting (document_id, process) VALUES (?, ?)", row)

    def waiting(self, *, chunks: int | None = None, skip: Collection[str] = (), mine: bool = False) -> list[Waiting]:
        """Return what waits, first come first; with ``chunks`` no more than make about so many, one at least.

        ``mine``: of this process only, where there are others.
        """
        found: list[Waiting] = []
        count = 0
        condition, values = ("WHERE process = ?", [self._process.number]) if mine and self._process else ("", [])
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT document_id, revision, chunks FROM waiting JOIN documents USING (document_id) "  # noqa: S608
                f"{condition} ORDER BY place",
                values,
            )
            for row in (Waiting(*values) for values in rows):
                if row.document_id in skip:
                    continue
                if chunks is not None and found and count + row.chunks > chunks:
                    break
                found.append(row)
                count += row.chunks
        return found

    def still_waiting(self, document_ids: Sequence[str]) -> set[Waiting]:
        """Return those of the documents that wait: a few are asked for beside thousands that wait."""
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT document_id, revision, chunks FROM waiting JOIN documents USING (document_id) WHERE {_AMONG}",  # noqa: S608
                (json.dumps(list(document_ids)),),
            )
            return {Waiting(*row) for row in rows}

    def embedded(self, shas: Mapping[str, Mapping[str, str]]) -> None:
        """Note what was embedded, by document and chunk id; the vectors are in, state "embedded"."""
        with self._database.write() as connection:
            self._changing()
            for document_id, by_chunk in shas.items():
                connection.executemany(
                    "UPDATE chunks SET embedded_sha = ? WHERE chunk_id = ?", ((s, c) for c, s in by_chunk.items())
                )
                connection.execute(
                    "UPDATE documents SET state = 'embedded' WHERE document_id = ? AND state = 'chunked'",
                    (document_id,),
                )

    def indexed(self, document_ids: Iterable[str]) -> None:
        """Note that the vector index has all vectors of the documents, state "indexed" unless something newer is under way."""
        with self._database.write() as connection:
            for name in document_ids:
                connection.execute("DELETE FROM waiting WHERE document_id = ?", (name,))
                # The vectors of a document are held in memory by its revision.
                connection.execute(
                    "UPDATE documents SET revision = revision + 1, "
                    "state = CASE WHEN state IN ('chunked', 'embedded') THEN 'indexed' ELSE state END WHERE document_id = ?",
                    (name,),
                )
