"""Chunks: exact offsets, nothing lost, no limit passed, no page or region crossed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.chunking import MAX_TOKENS, chunk
from ingest.readers import Source, read
from tests.pdfmaker import make_pdf
from vectorstore.records import Chunk, Document, Metadata, Page, Region, Section, chunk_id
from vectorstore.text import is_table_row


def words(texts: Sequence[str]) -> list[int]:
    """Count as a word-piece tokenizer does: words in pieces of up to 4 letters, signs alone, two special tokens."""
    return [2 + sum(-(-len(w) // 4) for w in re.findall(r"\w+", t)) + len(re.findall(r"[^\w\s]", t)) for t in texts]


def characters(texts: Sequence[str]) -> list[int]:
    """Count each character: a tokenizer that is far from what the limits were made for."""
    return [2 + len(t) for t in texts]


def document(
    text: str, pages: Sequence[Page] = (), sections: Sequence[Section] = (), regions: Sequence[Region] = ()
) -> Document:
    return Document(
        "d", "v", "/x", "c", text, Metadata(), pages=tuple(pages), sections=tuple(sections), regions=tuple(regions)
    )


def check(whole: Document, chunks: Sequence[Chunk], count=words) -> None:  # type: ignore[no-untyped-def]
    text = whole.text
    at = 0
    for c in chunks:
        assert text[c.start : c.end] == c.text
        assert c.text == c.text.strip() != ""
        assert c.start >= at
        assert text[at : c.start].strip() == ""
        assert c.chunk_id == chunk_id("d", "v", c.start, c.end)
        for page in whole.pages:
            assert not (c.start < page.end < c.end)
            if page.start <= c.start < page.end:
                assert c.page == page.number
        for region in whole.regions:
            if c.start < region.end and region.start < c.end:
                assert region.start <= c.start
                assert c.end <= region.end
                assert c.role == region.tag
        if not any(r.start <= c.start < r.end for r in whole.regions):
            assert c.role == "body"
        at = c.end
    assert text[at:].strip() == ""
    assert all(n <= MAX_TOKENS for n in count([c.text for c in chunks]))
    assert len({c.chunk_id for c in chunks}) == len(chunks)


SENTENCE = "Small firms earned more than the market had expected of them in the third quarter of the year. "


def test_a_short_text_is_one_chunk() -> None:
    whole = document("  Hello there.\n")
    (only,) = chunk(whole, words)
    assert (only.start, only.end, only.text, only.page, only.section, only.role) == (
        2,
        14,
        "Hello there.",
        None,
        "",
        "body",
    )


@pytest.mark.parametrize("text", ["", " \n\n ", "\f"])
def test_a_text_without_words_has_no_chunks(text: str) -> None:
    assert chunk(document(text), words) == ()


def test_prose_is_cut_between_sentences_near_the_target() -> None:
    whole = document(SENTENCE * 60)
    chunks = chunk(whole, words)
    check(whole, chunks)
    assert all(c.text.startswith("Small") and c.text.endswith(".") for c in chunks)
    assert all(500 <= len(c.text) <= 1000 for c in chunks[:-1])


def test_paragraphs_are_kept_together() -> None:
    paragraphs = [(SENTENCE * 3).strip() for _ in range(9)]
    whole = document("\n\n".join(paragraphs))
    chunks = chunk(whole, words)
    check(whole, chunks)
    assert all(paragraph in paragraphs for c in chunks for paragraph in c.text.split("\n\n"))


def test_a_chunk_knows_its_page_and_stays_on_it() -> None:
    first, second = SENTENCE * 15, SENTENCE * 3
    text = first + second
    whole = document(text, pages=[Page(1, 0, len(first)), Page(2, len(first), len(text))])
    chunks = chunk(whole, words)
    check(whole, chunks)
    assert {c.page for c in chunks} == {1, 2}
    assert chunks[-1].text == second.strip()


def test_furniture_is_a_chunk_of_its_own_with_its_role() -> None:
    text = f"Cookies, please. {SENTENCE}Not advice."
    start = text.index("Not")
    whole = document(text, regions=[Region(0, 16, "cookie"), Region(start, len(text), "disclaimer")])
    chunks = chunk(whole, words)
    check(whole, chunks)
    assert [(c.role, c.text) for c in chunks] == [
        ("cookie", "Cookies, please."),
        ("body", SENTENCE.strip()),
        ("disclaimer", "Not advice."),
    ]


def test_a_new_section_starts_a_chunk_and_gives_its_path() -> None:
    parts = ["Outlook\n\n" + SENTENCE * 5, "\n\nRates\n\n" + SENTENCE * 5, "\n\nRisks\n\n" + SENTENCE * 5]
    text = "".join(parts)
    rates, risks = text.index("Rates"), text.index("Risks")
    sections = [
        Section(0, risks, "Outlook", 1),
        Section(rates, risks, "Rates", 2),
        Section(risks, len(text), "Risks", 1),
    ]
    whole = document(text, sections=sections)
    chunks = chunk(whole, words)
    check(whole, chunks)
    assert [(c.section, c.text.split("\n")[0]) for c in chunks] == [
        ("Outlook", "Outlook"),
        ("Outlook > Rates", "Rates"),
        ("Risks", "Risks"),
    ]


def test_a_heading_is_never_the_end_of_a_chunk() -> None:
    text = "\n\n".join(f"Heading number {n}\n\n" + SENTENCE * (3 + n % 5) for n in range(12))
    whole = document(text)
    chunks = chunk(whole, words)
    check(whole, chunks)
    assert len(chunks) > 5
    assert not any(re.search(r"Heading number \d+$", c.text) for c in chunks)


def test_table_rows_are_not_broken() -> None:
    rows = [f"Line item of the statement number {n} $ {n},{n % 10}00 $ {n + 1},000 (1{n})" for n in range(1, 80)]
    text = "Balance sheet\n" + "\n".join(rows)
    whole = document(text)
    chunks = chunk(whole, words)
    check(whole, chunks)
    assert len(chunks) > 3
    lines = [line for c in chunks for line in c.text.split("\n")]
    assert lines == ["Balance sheet", *rows]
    assert all(is_table_row(row) for row in rows)


def test_a_page_number_at_the_end_joins_the_chunk_before_it() -> None:
    whole = document(SENTENCE * 10 + "\n41")
    chunks = chunk(whole, words)
    check(whole, chunks)
    assert chunks[-1].text.endswith("41")
    assert len(chunks[-1].text) > 100


@pytest.mark.parametrize("count", [words, characters])
def test_a_word_without_end_is_cut(count) -> None:  # type: ignore[no-untyped-def]
    whole = document("x" * 300_000 + " " + "é\u0301" * 700)
    chunks = chunk(whole, count)
    check(whole, chunks, count)
    assert len(chunks) > 5
    assert not any(c.text.startswith("\u0301") for c in chunks)


def test_sections_outside_every_page_and_text_do_no_harm() -> None:
    whole = document("Only words.", sections=[Section(0, 5, "A", 1), Section(5, 99, "B", 1), Section(50, 60, "C", 2)])
    chunks = chunk(whole, words)
    check(whole, chunks)
    assert [c.section for c in chunks] == ["A"]


PIECES = st.sampled_from(
    [
        SENTENCE,
        "Short one. ",
        "Heading Here\n\n",
        "\n\n",
        "\n",
        " ",
        "Revenue $ 1,234 $ 5,678\n",
        "a | b | 12\n",
        "• Item of a list\n",
        "東京証券取引所は上昇した。",
        "😀🚀 ",
        "z" * 1300,
        "f\u0327" * 40 + " ",
        "\u2028",
        "\f",
        "… ",
    ]
)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = "".join(draw(st.lists(PIECES, max_size=40)))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=5)))
    bounds = [0, *cuts, len(text)]
    pages = [Page(n, a, b) for n, (a, b) in enumerate(pairwise(bounds), start=1)] if draw(st.booleans()) else []
    marks = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
    regions = [Region(a, b, "disclaimer") for a, b in list(pairwise(marks))[::2]]
    starts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=5)))
    sections = [Section(a, len(text), f"S{a}", level) for level, a in enumerate(starts, start=1) if a < len(text)]
    return document(text, pages, sections, regions)


@settings(deadline=None)
@given(documents(), st.sampled_from([words, characters]))
def test_every_document_is_cut_exactly_and_nothing_is_lost(whole: Document, count) -> None:  # type: ignore[no-untyped-def]
    chunks = chunk(whole, count)
    check(whole, chunks, count)
    assert chunk(whole, count) == chunks


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=3000))
def test_any_text_is_cut_exactly(text: str) -> None:
    whole = document(text)
    check(whole, chunk(whole, words))


def test_from_a_pdf_to_chunks_with_their_pages() -> None:
    lines = [
        "Sales of pumps rose in the year because small towns renewed their",
        "water works after the storms of spring.",
    ]
    reading = read(Source("/r.pdf", make_pdf(lines, ["Balance sheet", "Cash 1,200 1,100"]), "r.pdf"))
    whole = document(reading.text, reading.pages, reading.sections, reading.navigation)
    chunks = chunk(whole, words)
    check(whole, chunks)
    assert [(c.page, c.text) for c in chunks] == [(1, "\n".join(lines)), (2, "Balance sheet\nCash 1,200 1,100")]
