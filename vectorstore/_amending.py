"""What a document is said to be, changed without its text: the ledger's part of ``Store.amend``, and the list of versions."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from vectorstore import _rows
from vectorstore._states import States
from vectorstore.records import Document, Metadata


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One version of a document: when it came in, when it was replaced or removed, when its text was forgotten (ISO, UTC)."""

    version: str
    stored_at: str
    replaced_at: str | None
    pruned_at: str | None


class Amending(States):
    """The part of the ledger that holds metadata by itself."""

    def amend(self, document: Document, metadata: Metadata, *, embed: bool) -> None:
        """Give the current version ``document`` other metadata; text, chunks, state and time of coming in stay.

        ``embed``: its vectors are to be made again; those that it has answer meanwhile.
        """
        key = (document.document_id, document.version)
        with self._database.write() as connection:
            connection.execute(
                "UPDATE versions SET structure = ? WHERE document_id = ? AND version = ?",
                (json.dumps(_rows.structure(replace(document, metadata=metadata))), *key),
            )
            connection.execute(
                # The revision: a batch that is being embedded under the older header is then not taken for this.
                f"UPDATE documents SET revision = revision + 1, {_rows.METADATA} WHERE document_id = ? AND version = ?",  # noqa: S608
                (*_rows.metadata_values(metadata), *key),
            )
            self.words_changed([document.document_id])
            if embed:
                self.await_vectors(document.document_id)
                connection.execute(
                    "UPDATE documents SET state = 'chunked' WHERE document_id = ? AND state IN ('embedded', 'indexed')",
                    (document.document_id,),
                )

    def versions(self, document_id: str) -> list[StoredVersion]:
        """Return every version that was ever in, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                # rowid: SQLite's own number of a row, a column of that name in PostgreSQL (vectorstore._shared_ledger)
                "SELECT version, stored_at, CASE WHEN version = (SELECT version FROM documents d "
                "WHERE d.document_id = v.document_id) THEN NULL ELSE replaced_at END, pruned_at FROM versions v "
                "WHERE document_id = ? ORDER BY stored_at, rowid",
                (document_id,),
            )
            return [StoredVersion(*row) for row in rows]
