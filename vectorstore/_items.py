"""What goes into a store, checked and prepared. Pure, but for the embedder's token counts."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vectorstore.embedding import Embedder
from vectorstore.errors import StoreError
from vectorstore.records import Chunk, Document, Metadata, sha256

log = logging.getLogger(__name__)

_GROUP = 512  # chunks committed together


@dataclass(frozen=True, slots=True)
class Upsert:
    """One document with its chunks; ``original``: its bytes, kept for page pictures."""

    document: Document
    chunks: Sequence[Chunk]
    original: bytes | None = None


def header(metadata: Metadata) -> str:
    """Return the line put before a chunk when it is embedded: company, form and fiscal period, else the title."""
    parts = [metadata.company, metadata.form, metadata.fiscal_period]
    return ", ".join(part for part in parts if part) if metadata.company else (metadata.title or "")


def embedded_texts(embedder: Embedder, metadata: Metadata, chunks: Sequence[Chunk]) -> list[str]:
    """Return what is embedded for each chunk: the header and its text; no header where the model could not read both.

    Furniture (a role other than "body") has no header: it is searched by its own words alone, and a running head that
    stands in many documents is one text, embedded once. A chunk that is too long by itself is logged: the model reads
    its beginning only.
    """
    head, limit = header(metadata), embedder.max_tokens
    texts = [f"{head}\n{chunk.text}" if head and chunk.role == "body" else chunk.text for chunk in chunks]
    counts = embedder.count_tokens(texts) if texts else []
    over = [i for i, count in enumerate(counts) if count > limit]
    for i in over:
        texts[i] = chunks[i].text
    bare = embedder.count_tokens([texts[i] for i in over]) if over else []
    if cut := sum(count > limit for count in bare):
        log.warning(
            "%d chunks of %s are beyond the %d tokens that %s reads.",
            cut,
            head or "a text",
            limit,
            embedder.fingerprint,
        )
    return texts


def check(item: Upsert) -> None:
    """A chunk that is not what its document says would be cited wrongly: refuse it here."""
    document, seen = item.document, set[str]()
    for chunk in item.chunks:
        wrong = (
            "belongs to another document"
            if (chunk.document_id, chunk.version) != (document.document_id, document.version)
            else "is not the text at its offsets"
            if document.text[chunk.start : chunk.end] != chunk.text
            else "is there twice"
            if chunk.chunk_id in seen
            else ""
        )
        if wrong:
            raise StoreError(
                f"A chunk of {document.path} ({chunk.start} to {chunk.end}) {wrong}.",
                "This is an error in the program.",
            )
        seen.add(chunk.chunk_id)


def groups(items: Sequence[Upsert]) -> Iterator[list[Upsert]]:
    """Cut into groups of about 512 chunks, a document at most once in each (the last one wins)."""
    group: list[Upsert] = []
    names, size = set[str](), 0
    for item in items:
        if group and (size >= _GROUP or item.document.document_id in names):
            yield group
            group, names, size = [], set(), 0
        group.append(item)
        names.add(item.document.document_id)
        size += len(item.chunks)
    if group:
        yield group


def flat(parts: Sequence[Sequence[str]]) -> list[str]:
    return [value for part in parts for value in part]


def sha(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass"))
