"""How records stand in the ledger's tables, and back. Pure."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from vectorstore import _sql, names
from vectorstore.records import Chunk, Document, Filters, Metadata, Origin, Page, Region, Section, SourceInfo

TABLES = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS documents (
    number INTEGER PRIMARY KEY, document_id TEXT NOT NULL UNIQUE, path TEXT NOT NULL, collection TEXT NOT NULL,
    version TEXT, state TEXT NOT NULL CHECK (state IN (
        'seen', 'read', 'chunked', 'embedded', 'indexed', 'failed', 'removed')), error TEXT,
    revision INTEGER NOT NULL DEFAULT 0, changed_at TEXT NOT NULL,
    media_type TEXT NOT NULL DEFAULT '', metadata TEXT NOT NULL DEFAULT '{}',
    warnings TEXT NOT NULL DEFAULT '[]', pages INTEGER NOT NULL DEFAULT 0, characters INTEGER NOT NULL DEFAULT 0,
    chunks INTEGER NOT NULL DEFAULT 0,
    company TEXT, published TEXT, kind_key TEXT, publisher_key TEXT, ticker_key TEXT, form_key TEXT,
    collection_key TEXT, fiscal_period_key TEXT,
    FOREIGN KEY (document_id, version) REFERENCES versions (document_id, version) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE IF NOT EXISTS versions (
    document_id TEXT NOT NULL REFERENCES documents (document_id) DEFERRABLE INITIALLY DEFERRED, version TEXT NOT NULL,
    stored_at TEXT NOT NULL, text BLOB NOT NULL, text_sha TEXT NOT NULL, structure TEXT NOT NULL,
    replaced_at TEXT, pruned_at TEXT,
    PRIMARY KEY (document_id, version));
CREATE TABLE IF NOT EXISTS chunks (
    chunk_id TEXT PRIMARY KEY, document_id TEXT NOT NULL, version TEXT NOT NULL, place INTEGER NOT NULL,
    start INTEGER NOT NULL, end INTEGER NOT NULL, text BLOB NOT NULL, page INTEGER, section TEXT NOT NULL,
    role TEXT NOT NULL, text_sha TEXT NOT NULL, embedded_sha TEXT NOT NULL,
    FOREIGN KEY (document_id, version) REFERENCES versions (document_id, version));
CREATE INDEX IF NOT EXISTS chunks_of_document ON chunks (document_id, place);
CREATE TABLE IF NOT EXISTS embeddings (
    embedder TEXT NOT NULL, sha TEXT NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (embedder, sha));
CREATE TABLE IF NOT EXISTS marks (document_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS waiting (place INTEGER PRIMARY KEY AUTOINCREMENT, document_id TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS staged_documents (document_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS staged_chunks (
    chunk_id TEXT PRIMARY KEY, document_id TEXT NOT NULL, version TEXT NOT NULL, place INTEGER NOT NULL,
    start INTEGER NOT NULL, end INTEGER NOT NULL, text BLOB NOT NULL, page INTEGER, section TEXT NOT NULL,
    role TEXT NOT NULL, text_sha TEXT NOT NULL, embedded_sha TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS staged_chunks_of_document ON staged_chunks (document_id);
"""
CHUNK = 'chunk_id, document_id, version, start, "end", text, page, section, role'
SET_META = "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"


@dataclass(frozen=True, slots=True)
class Head:
    """A document as search needs it: its number in the indexes and what a passage carries."""

    number: int
    document_id: str
    version: str
    path: str
    collection: str
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class Match:
    """A document that a filter lets through; ``revision`` changes with its chunks, ``chunks`` is how many it has."""

    number: int
    document_id: str
    revision: int
    chunks: int


def where(filters: Filters, companies: Iterable[str], *, dated: bool = True) -> tuple[str, list[object]]:
    """Return the SQL condition on ``documents d`` and its values; ``companies``: the names that are in.

    ``dated`` False asks for the documents that match everything but have no date.
    """
    conditions, values = ["1 = 1"], list[object]()

    def among(column: str, wanted: Iterable[str]) -> None:
        conditions.append(_sql.among(column))
        values.append(json.dumps([plain(one) for one in wanted]))

    for name in ("kind", "publisher", "ticker", "collection"):
        if wanted := getattr(filters, name):
            among(f"d.{name}_key", map(names.fold, wanted))
    for name in ("form", "fiscal_period"):
        if wanted := getattr(filters, name):
            among(f"d.{name}_key", map(names.fold_code, wanted))
    if filters.within is not None:
        among("d.collection_key", sorted(plain(names.fold(name)) for name in filters.within))
    if filters.document_id:
        among("d.document_id", filters.document_id)
    if filters.company:
        among("d.company", (n for n in companies if any(names.same_company(asked, n) for asked in filters.company)))
    for name, sign in (("since", ">="), ("until", "<=")):
        if (value := getattr(filters, name)) is not None:
            conditions.append(f"d.published {sign} ?")
            values.append(names.day(name, value))
    if filters.as_of is not None and dated:
        conditions.append("d.published <= ?")
        values.append(names.day("as_of", filters.as_of))
    elif not dated:
        conditions.append("d.published IS NULL")
    return " AND ".join(conditions), values


def document(document_id: str, version: str, path: str, collection: str, text: bytes, structure: str) -> Document:
    data = json.loads(structure)
    return Document(
        document_id=document_id,
        version=version,
        path=path,
        collection=collection,
        text=as_text(zlib.decompress(text)),
        metadata=read_metadata(data["metadata"]),
        media_type=data["media_type"],
        pages=tuple(Page(*page) for page in data["pages"]),
        sections=tuple(Section(*section) for section in data["sections"]),
        regions=tuple(Region(*region) for region in data["regions"]),
        warnings=tuple(data["warnings"]),
    )


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def as_bytes(text: str) -> bytes:
    # surrogatepass: a lone surrogate from a damaged source must come back as it was, or offsets would move.
    return text.encode("utf-8", "surrogatepass")


def as_text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def plain(text: str) -> str:
    """Make ``text`` fit for a text column: SQLite's has no lone surrogates, PostgreSQL's no NUL either."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")


def chunk(row: Sequence[Any]) -> Chunk:
    name, document, version, start, end, text, page, section, role = row
    return Chunk(name, document, version, start, end, as_text(text), page, section, role)


def head(row: Sequence[Any]) -> Head:
    number, document, version, path, collection, metadata = row
    return Head(number, document, version, path, collection, read_metadata(json.loads(metadata)))


def info(row: Sequence[Any]) -> SourceInfo:
    document, version, path, collection, metadata, media_type, state, pages, characters, chunks, at, error, warnings = (
        row
    )
    return SourceInfo(
        document_id=document,
        version=version,
        path=path,
        collection=collection,
        metadata=read_metadata(json.loads(metadata)),
        media_type=media_type,
        state=state,
        pages=pages,
        characters=characters,
        chunks=chunks,
        ingested_at=at,
        error=error,
        warnings=tuple(json.loads(warnings)),
    )


def key(text: str | None) -> str | None:
    return None if text is None else plain(names.fold(text))


def code(text: str | None) -> str | None:
    return None if text is None else plain(names.fold_code(text))


def metadata(value: Metadata) -> dict[str, Any]:
    fields = {name: getattr(value, name) for name in Metadata.__slots__}
    return fields | {"extra": dict(value.extra), "origins": [asdict(origin) for origin in value.origins]}


def read_metadata(data: Mapping[str, Any]) -> Metadata:
    if not data:
        return Metadata()
    return Metadata(
        **{
            **data,
            "authors": tuple(data["authors"]),
            "extra": MappingProxyType(dict(data["extra"])),
            "origins": tuple(Origin(**origin) for origin in data["origins"]),
        }
    )


# The columns of ``documents`` that follow from metadata, and their values.
METADATA = (
    "metadata = ?, company = ?, published = ?, kind_key = ?, publisher_key = ?, ticker_key = ?, form_key = ?, "
    "fiscal_period_key = ?"
)


def metadata_values(m: Metadata) -> tuple[str | None, ...]:
    return (
        *(json.dumps(metadata(m)), m.company and plain(m.company), m.published, m.kind),
        *(key(m.publisher), key(m.ticker), code(m.form), code(m.fiscal_period)),
    )


def structure(document: Document) -> dict[str, Any]:
    return {
        "metadata": metadata(document.metadata),
        "media_type": document.media_type,
        "pages": [[p.number, p.start, p.end, p.label] for p in document.pages],
        "sections": [[s.start, s.end, s.title, s.level] for s in document.sections],
        "regions": [[r.start, r.end, r.tag] for r in document.regions],
        "warnings": list(document.warnings),
    }
