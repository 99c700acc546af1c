"""What to say of a text that is not there: never was, is out, or was forgotten when its time was over."""

from __future__ import annotations

import json

from vectorstore import _rows
from vectorstore._sql import Connection
from vectorstore.errors import NotFound, unknown


def not_there(connection: Connection, document_id: str, version: str | None) -> NotFound:
    """Return the error for a document or version that has no text, with all that is known of it."""
    document = connection.execute(
        "SELECT path, state, changed_at FROM documents WHERE document_id = ?", (document_id,)
    ).fetchone()
    versions = connection.execute(
        "SELECT version, stored_at, replaced_at, pruned_at, structure FROM versions WHERE document_id = ? "
        "ORDER BY stored_at, version",
        (document_id,),
    ).fetchall()
    if document is None or not versions:
        return unknown(document_id)
    path, state, changed = document
    kept = [row[0] for row in versions if row[3] is None]
    shown = f"`thesis show {document_id} --version {kept[-1]}` shows the last text that is kept." if kept else ""
    if version is None:
        return NotFound(
            f"The document {document_id} ({path}) is not in: it was {state} on {changed[:10]}.",
            shown or "Ingest its file again.",
        )
    found = next((row for row in versions if row[0] == version), None)
    if found is None:
        return NotFound(
            f"There is no document {document_id} in version {version}.", shown or "`thesis sources` lists what is in."
        )
    _, stored, replaced, pruned, structure = found
    metadata = _rows.read_metadata(json.loads(structure)["metadata"])
    facts = [
        f"title {metadata.title!r}" if metadata.title else "",
        f"published {metadata.published}" if metadata.published else "",
        f"stored {stored[:10]}",
        f"current until {replaced[:10]}" if replaced else "",
        f"sha256 {version}",
    ]
    return NotFound(
        f"The text of this version of {path} is no longer kept: its retention ended on {pruned[:10]} "
        f"({', '.join(fact for fact in facts if fact)}).",
        "Ingest a file with these bytes again, or restore a backup that is older.",
    )
