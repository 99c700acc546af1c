"""A base of any size for ``make bench-search``: synthetic filings made of real chunks, and the three parts of a store
that hold them.

A document takes a run of consecutive chunks of a real document and moves it to an invented company and a fiscal year.
Words: the real company's name becomes the new one's; one word in twelve is drawn anew from all words of the source (so
by their frequency), one in sixty from the new company's own invented words; digits outside of years change. Vectors: the
chunk's real one plus 0.35 of the difference of two others', which keeps the spectrum of the real ones and leaves a cosine
of about 0.92; unlike random vectors they have neighbourhoods, so that recall means something. Everything follows from the
document's number: a base grows without changing what is in it.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vectorstore._items import embedded_texts
from vectorstore.chroma import VectorIndex
from vectorstore.embedding import Embedder
from vectorstore.keyword import KeywordIndex
from vectorstore.ledger import Ledger
from vectorstore.records import Chunk, Document, Metadata, document_id, sha256

Vectors = NDArray[np.float32]

YEARS = (2020, 2021, 2022)
# (form, kind, chunks) of what a company files in a year: 470 chunks, 1,410 a company.
FILED = (
    ("10-K", "filing", 250), ("10-Q", "filing", 80), ("10-Q", "filing", 80),
    ("8-K", "filing", 15), ("8-K", "filing", 15), (None, "transcript", 15), (None, "article", 15),
)  # fmt: skip
_DOCUMENTS = len(YEARS) * len(FILED)
PER_COMPANY = len(YEARS) * sum(length for _, _, length in FILED)  # chunks
_SYLLABLES = "ba bri cal cor dan del dor el fen gar hal ix jor kel lan lum mar mon nor ol pel quil ras sel tor ul var vex wen yor zan".split()  # noqa: SIM905
_TRADES = [
    "Robotics",
    "Logistics",
    "Biosciences",
    "Foods",
    "Energy",
    "Materials",
    "Networks",
    "Devices",
    "Retail",
    "Water",
    "Systems",
    "Aerospace",
]
_NOISE, _ANY_WORD, _OWN_WORD = 0.35, 12, 60
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Source:
    """Real chunks in order, which document each is of, and their vectors (n, d)."""

    chunks: Sequence[Chunk]
    companies: Sequence[str]
    vectors: Vectors

    @cached_property
    def words(self) -> list[str]:
        return [word for chunk in self.chunks for word in chunk.text.split(" ")]


def source(documents: Sequence[tuple[Document, Sequence[Chunk]]], embedder: Embedder) -> Source:
    """Embed real chunks as the store does."""
    chunks = [c for _, part in documents for c in part]
    companies = [d.metadata.company or "" for d, part in documents for _ in part]
    texts = [text for d, part in documents for text in embedded_texts(embedder, d.metadata, part)]
    vectors = np.concatenate([embedder.encode(texts[i : i + 256]) for i in range(0, len(texts), 256)])
    return Source(chunks, companies, vectors)


def source_of(ledger: Ledger, embedder: str) -> Source:
    """Take chunks and vectors from a store that is not open."""
    chunks, companies, vectors = list[Chunk](), list[str](), list[Vectors]()
    for head in ledger.heads():
        part = ledger.chunks(head.document_id)
        chunks += part
        companies += [head.metadata.company or ""] * len(part)
        vectors.append(ledger.vectors(embedder, head.document_id)[2])
    return Source(chunks, companies, np.concatenate(vectors))


def _invented(number: int, salt: str) -> str:
    made = random.Random(f"{salt}{number}")
    return "".join(made.choice(_SYLLABLES) for _ in range(3)).capitalize() + _SYLLABLES[number % len(_SYLLABLES)]


def company(number: int) -> str:
    return f"{_invented(number, 'company')} {_TRADES[number % len(_TRADES)]}, Inc."


@dataclass(frozen=True)
class Plan:
    """A synthetic document before its text: which source chunks it takes."""

    number: int
    document_id: str
    metadata: Metadata
    rows: NDArray[np.intp]

    def chunk_ids(self) -> list[str]:
        return [sha256(f"{self.document_id}/{place}".encode())[:24] for place in range(len(self.rows))]


def plans(base: Source, chunks: int) -> Iterator[Plan]:
    """Yield documents until they have ``chunks`` chunks in all."""
    total = 0
    for number in itertools.count():
        if total >= chunks:
            return
        firm, rest = divmod(number, _DOCUMENTS)
        place, (form, kind, length) = YEARS[rest // len(FILED)], FILED[rest % len(FILED)]
        made = np.random.default_rng((7, number))
        rows = (int(made.integers(len(base.chunks))) + np.arange(length)) % len(base.chunks)
        total += len(rows)
        name = company(firm)
        metadata = Metadata(
            title=f"{name} {form or kind} {place} {rest % len(FILED)}", company=name, form=form, kind=kind,
            fiscal_period=f"FY{place}", published=f"{place + 1}-02-{1 + number % 28:02}",
        )  # fmt: skip
        yield Plan(number, document_id("bench", f"bench/{number}"), metadata, rows)


def vectors(base: Source, plan: Plan) -> Vectors:
    """Return (n, d) unit vectors."""
    made = np.random.default_rng((11, plan.number))
    other = made.integers(len(base.chunks), size=(2, len(plan.rows)))
    moved = base.vectors[plan.rows] + _NOISE * (base.vectors[other[0]] - base.vectors[other[1]])
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), np.float32)


def document(base: Source, plan: Plan) -> tuple[Document, list[Chunk]]:
    """Write the text and cut it."""
    made = random.Random(plan.number)
    firm = plan.number // _DOCUMENTS
    own = [_invented(firm * 50 + i, "own") for i in range(12)]
    short = (plan.metadata.company or "").split()[0]
    parts, chunks, position, version = list[str](), list[Chunk](), 0, sha256(plan.document_id.encode())
    for row, name in zip(plan.rows, plan.chunk_ids(), strict=True):
        old = base.chunks[row]
        text = _moved(old.text, base.companies[row].split(" ")[0].strip(","), short, own, base.words, made)
        end = position + len(text)
        chunks.append(
            replace(
                old, chunk_id=name, document_id=plan.document_id, version=version, start=position, end=end, text=text
            )
        )
        parts.append(text)
        position = end + 1
    whole = Document(
        plan.document_id, version, f"bench/{plan.number}", "bench", "\n".join(parts), plan.metadata, pages=(), sections=(),
        regions=(),
    )  # fmt: skip
    return whole, chunks


def _moved(text: str, old: str, new: str, own: Sequence[str], words: Sequence[str], made: random.Random) -> str:
    digits = str.maketrans("0123456789", "".join(made.sample("0123456789", 10)))
    text = _NUMBER.sub(lambda m: m[0] if len(m[0]) == 4 and m[0][:2] in ("19", "20") else m[0].translate(digits), text)
    if old:
        text = text.replace(old, new).replace(old.upper(), new.upper())
    out = text.split(" ")
    for _ in range(len(out) // _ANY_WORD):
        out[made.randrange(len(out))] = words[made.randrange(len(words))]
    for _ in range(made.randrange(2 * len(out) // _OWN_WORD + 1)):
        out[made.randrange(len(out))] = own[made.randrange(len(own))]
    return " ".join(out)


def fill_vectors(index: VectorIndex, base: Source, chunks: int) -> None:
    """Bring the vector index to ``chunks`` chunks; what is in (a prefix of the base) is left alone."""
    there, seen = index.count(), 0
    for plan in plans(base, chunks):
        seen += len(plan.rows)
        if seen <= there:
            continue
        made = [
            replace(
                base.chunks[row], chunk_id=name, document_id=plan.document_id, version=sha256(plan.document_id.encode())
            )
            for row, name in zip(plan.rows, plan.chunk_ids(), strict=True)
        ]
        index.add(made, vectors(base, plan))


def fill_ledger(ledger: Ledger, embedder: str, base: Source, chunks: int) -> None:
    """Likewise the ledger, with texts and vectors."""
    there, seen = ledger.count_chunks(), 0
    for batch in _by(20, plans(base, chunks)):
        before, seen = seen, seen + sum(len(plan.rows) for plan in batch)
        if seen <= there:
            continue
        with ledger.transaction():
            for plan in batch:
                if before + len(plan.rows) <= there:
                    before += len(plan.rows)
                    continue
                whole, parts = document(base, plan)
                shas = [sha256(c.chunk_id.encode()) for c in parts]
                ledger.keep_vectors(embedder, shas, vectors(base, plan))
                ledger.put(whole, parts, shas)


def _by(size: int, items: Iterator[Plan]) -> Iterator[list[Plan]]:
    while batch := list(itertools.islice(items, size)):
        yield batch


def fill_keyword(keyword: KeywordIndex, ledger: Ledger) -> None:
    """Likewise the keyword index, from the ledger."""
    there, seen = keyword.count(), 0
    for head in ledger.heads():
        parts = ledger.chunks(head.document_id)
        seen += len(parts)
        if seen > there:
            keyword.replace(head.number, parts, head.metadata)
