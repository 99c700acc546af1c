"""Real filings, calls and articles: read whole, cut exactly. Needs THESIS_CORPUS."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from ingest.chunking import MAX_TOKENS, chunk
from ingest.readers import Reading, Source, read
from ingest.readers.pdf import page_picture
from vectorstore.records import Document, Metadata
from vectorstore.text import sentences

CORPUS = os.environ.get("THESIS_CORPUS")
FILES = sorted(p for p in Path(CORPUS or "/nowhere").rglob("*") if p.is_file() and p.name != "README.md")

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not FILES, reason="THESIS_CORPUS names no folder with documents"),
]


def count_words(texts: Sequence[str]) -> list[int]:
    return [2 + len(text.split()) for text in texts]


@cache
def load(path: Path) -> Reading:
    # The name tells nothing: what a file is must be read from its bytes.
    return read(Source(str(path), path.read_bytes(), "8f2c1d"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_a_real_document_is_read_and_cut_exactly(path: Path) -> None:
    reading = load(path)
    text = reading.text
    assert all(a.end == b.start for a, b in zip(reading.pages, reading.pages[1:], strict=False))
    if reading.pages:
        assert reading.pages[0].start == 0
        assert reading.pages[-1].end == len(text)
        assert len(reading.empty_pages) < len(reading.pages) / 20
    assert all(text[s.start : s.end].strip() for s in reading.sections)
    whole = Document("d", "v", str(path), "c", text, Metadata(), pages=reading.pages, sections=reading.sections)
    chunks = chunk(whole, count_words)
    assert all(text[c.start : c.end] == c.text for c in chunks)
    assert "".join("".join(c.text for c in chunks).split()) == "".join(text.split())
    assert max(count_words([c.text for c in chunks])) <= MAX_TOKENS
    assert all(reading.pages[c.page - 1].end >= c.end for c in chunks if c.page)
    first = text[:20_000]
    assert all(first[a:b] == first[a:b].strip() != "" for a, b in sentences(first))


@pytest.mark.parametrize(
    ("name", "page", "row"),
    [
        ("NIKE_2019_10K.pdf", 52, "Revenues $ 39,117 $ 36,397 $ 34,350"),
        ("NETFLIX_2017_10K.pdf", 43, "Net income $ 558,929 $ 186,678 $ 122,641"),
        ("PEPSICO_2022_10K.pdf", 70, "Total $ 86,392 $ 79,474 $ 70,372 $ 11,512 $ 11,162 $ 10,080"),
        # On this page PDFium gives each letter a line of its own.
        ("CORNING_2022_10K.pdf", 82, "Short-term leases (Note 6) 111 94"),
    ],
)
def test_statement_rows_keep_label_and_values(name: str, page: int, row: str) -> None:
    path = next((p for p in FILES if p.name == name), None)
    if path is None:
        pytest.skip(f"the corpus has no {name}")
    reading = load(path)
    where = reading.pages[page - 1]
    assert row in reading.text[where.start : where.end].split("\n")
    start = reading.text.index(row, where.start)
    picture = page_picture(path.read_bytes(), page, [(start, start + len(row))], page_start=where.start)
    assert picture.startswith(b"\x89PNG")
    assert picture != page_picture(path.read_bytes(), page, [], page_start=where.start)
