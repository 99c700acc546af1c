"""What goes into a store, checked and prepared. Pure, but for the embedder's token counts."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from vectorstore.embedding import Embedder, Vectors
from vectorstore.errors import StoreError
from vectorstore.records import Chunk, Document, Metadata, sha256

log = logging.getLogger(__name__)

_GROUP = 512  # chunks committed together
_UNIT = 1e-3  # how far the length of a unit vector may be from 1

_LEGAL = re.compile(
    r"(?:,?\s+(?:&\s+)?(?:Inc|Incorporated|Corp|Corporation|Co|Company|Ltd|Limited|LLC|L\.?P|LLP|PLC|N\.?V|S\.?A|AG|SE))+\.?$",
    re.IGNORECASE,
)
# Signs of printed figures: a tenth of a filing's tokens, and none of its meaning for a vector. Words and digits stay.
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_SIGNS = re.compile(r"[$—–]|\((?=[ $]*\d)|(?<=[\d%]) *\)")


@dataclass(frozen=True, slots=True)
class Upsert:
    """One document with its chunks; ``original``: its bytes, kept for page pictures."""

    document: Document
    chunks: Sequence[Chunk]
    original: bytes | None = None


def header(metadata: Metadata) -> str:
    """Return the line put before a chunk when it is embedded: company and fiscal period (or form), else the title.

    Without what a name or a period says by habit ("Inc.", "FY"): each token here is paid for with every chunk.
    """
    if not metadata.company:
        return metadata.title or ""
    when = (metadata.fiscal_period or "").removeprefix("FY") or metadata.form or ""
    return f"{_LEGAL.sub('', metadata.company) or metadata.company} {when}".strip()


def plain(text: str) -> str:
    """Return ``text`` as it is embedded: without the currency signs, dashes, brackets and commas of its figures."""
    return _SIGNS.sub(" ", _GROUPED.sub("", text))


def embedded_texts(embedder: Embedder, metadata: Metadata, chunks: Sequence[Chunk]) -> list[str]:
    """Return what is embedded for each chunk: the header and its plain text; no header where the model could not read both.

    Furniture (a role other than "body") has no header: it is searched by its own words alone, and a running head that
    stands in many documents is one text, embedded once. A chunk that is too long by itself is logged: the model reads
    its beginning only.
    """
    head, limit = header(metadata), embedder.max_tokens
    bare = [plain(chunk.text) for chunk in chunks]
    texts = [
        f"{head}\n{text}" if head and chunk.role == "body" else text for chunk, text in zip(chunks, bare, strict=True)
    ]
    counts = embedder.count_tokens(texts) if texts else []
    over = [i for i, count in enumerate(counts) if count > limit]
    for i in over:
        texts[i] = bare[i]
    left = embedder.count_tokens([texts[i] for i in over]) if over else []
    if cut := sum(count > limit for count in left):
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


def check_vectors(vectors: Vectors, count: int, dimension: int) -> None:
    """Vectors that came from elsewhere are to be ``count`` unit vectors of the model's size. Raises StoreError."""
    fits = vectors.dtype == np.float32 and vectors.shape == (count, dimension)
    # A sum that is no number fails this too.
    if not fits or not bool(np.all(np.abs(np.linalg.norm(vectors, axis=1) - 1) < _UNIT)):
        raise StoreError(
            f"{count} texts came back as vectors of the form {vectors.shape} that are not the model's.",
            "This is an error in the program.",
        )


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
