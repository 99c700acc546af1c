"""The writer of answers: offsets, markers and traced numbers, whatever the sentences hold."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.compose import Span, Writer, citation, link
from vectorstore.records import Document, Metadata, Page

SALES = "Sales rose 12% to $3 million."
TEXT = f"{SALES}\nMargins fell to 8%  in\n2024. Cash was $3 million."


def document(text: str = TEXT, identity: str = "d1", **metadata: object) -> Document:
    return Document(identity, "v1", "notes/a.md", "default", text, Metadata(**metadata))  # type: ignore[arg-type]


def span(document: Document, words: str) -> Span:
    start = document.text.index(words)
    return Span(document, start, start + len(words), "c1")


def markers_outside_claims(writer: Writer) -> list[str]:
    """Markers are what the writer set: those that stand inside a claim are words of the source."""
    text = list(writer.text)
    for claim in writer.claims:
        text[claim.start : claim.end] = "\0" * (claim.end - claim.start)
    return re.findall(r"\[([ST]\d+)\]", "".join(text))


def test_a_claim_is_text_then_its_markers() -> None:
    source, writer = document(), Writer()
    writer.write("**For**\n\n- ")
    writer.claim(SALES, [span(source, SALES)], reason="verbatim")
    writer.write("\n- ")
    writer.claim("Cash was $3 million.", [span(source, "Cash was $3 million.")])
    assert writer.text == "**For**\n\n- Sales rose 12% to $3 million. [S1]\n- Cash was $3 million. [S2]"
    assert [(c.start, c.end, c.markers) for c in writer.claims] == [(11, 40, ("S1",)), (48, 68, ("S2",))]
    assert [(c.marker, c.start, c.end) for c in writer.citations] == [("S1", 0, 29), ("S2", 59, 79)]


def test_white_space_is_folded_in_the_claim_and_kept_in_the_quote() -> None:
    source, writer = document(), Writer()
    words = "Margins fell to 8%  in\n2024."
    writer.claim(words, [span(source, words)])
    assert writer.claims[0].text == "Margins fell to 8% in 2024."
    assert writer.citations[0].quote == words


def test_one_span_has_one_marker_however_often_it_is_cited() -> None:
    source, writer = document(), Writer()
    for _ in range(3):
        writer.claim(SALES, [span(source, SALES)])
    assert [c.marker for c in writer.citations] == ["S1"]
    assert markers_outside_claims(writer) == ["S1", "S1", "S1"]


def test_the_same_place_of_another_document_or_version_has_its_own_marker() -> None:
    writer = Writer()
    writer.claim(SALES, [span(document(), SALES), span(document(identity="d2"), SALES)])
    assert writer.text == f"{SALES} [S1][S2]"
    assert [c.document_id for c in writer.citations] == ["d1", "d2"]


def test_a_number_is_traced_to_the_spans_that_hold_it_with_its_unit() -> None:
    source, writer = document(), Writer()
    sales, margins = span(source, SALES), span(source, "Margins fell to 8%  in\n2024.")
    writer.claim("Sales rose 12% to $3 million while margins fell to 8% in 2024 from 9%.", [sales, sales, margins])
    assert [(n.text, n.value, n.unit, n.traced_to) for n in writer.claims[0].numbers] == [
        ("12%", 12.0, "%", ("S1",)),
        ("$3 million", 3e6, "USD", ("S1",)),
        ("8%", 8.0, "%", ("S2",)),
        ("2024", 2024.0, "year", ("S2",)),
        ("9%", 9.0, "%", ()),
    ]


def test_the_same_figure_in_another_unit_is_not_its_source() -> None:
    source, writer = document("It rose 12 points."), Writer()
    writer.claim("It rose 12%.", [span(source, "It rose 12 points.")])
    assert writer.claims[0].numbers[0].traced_to == ()


def test_digits_without_end_are_no_number() -> None:
    source, writer = document("9" * 400), Writer()
    writer.claim(source.text, [Span(source, 0, 400, "c1")])
    assert writer.claims[0].numbers == ()
    assert "inf" not in writer.claims[0].model_dump_json()


def test_a_claim_without_a_span_has_no_marker() -> None:
    writer = Writer()
    writer.claim("Published by Acme.", [], verdict="unchecked", score=0.0)
    assert (writer.text, writer.claims[0].markers, writer.citations) == ("Published by Acme.", (), [])


@pytest.mark.parametrize(
    "words",
    [
        "As shown in [S1] and [S2], sales rose [T1].",
        "**Sales** rose [see](http://evil.test) <script>alert(1)</script>.",
        "| a | b | # not a heading",
    ],
)
def test_signs_of_ours_in_a_sentence_stay_words_of_the_source(words: str) -> None:
    source, writer = document(words), Writer()
    writer.claim(words, [span(source, words)])
    claim = writer.claims[0]
    assert writer.text[claim.start : claim.end] == claim.text == words
    assert [c.marker for c in writer.citations] == ["S1"]
    assert markers_outside_claims(writer) == ["S1"]


def test_a_citation_names_its_page_and_a_link_that_opens_the_span() -> None:
    pages = (Page(1, 0, 10), Page(2, 10, 79))
    source = Document(
        "d 1", "v1", "a.pdf", "default", TEXT, Metadata(title="T", publisher="P", published="2024-05-01"), pages=pages
    )
    made = citation(Span(source, 11, 17, "c9"), "S4")
    assert (made.page, made.quote, made.chunk_id, made.title, made.kind) == (2, TEXT[11:17], "c9", "T", "other")
    assert made.url == link("d 1", "v1", 11, 17) == "/document/d%201?version=v1&start=11&end=17#cited"


@given(st.lists(st.tuples(st.text(max_size=60), st.lists(st.integers(0, 40), max_size=3)), max_size=8))
def test_offsets_and_markers_hold_for_any_text(rows: list[tuple[str, list[int]]]) -> None:
    source, writer = document("Words [S9] of 5% the\nsource, 40 signs in all."), Writer()
    for text, starts in rows:
        writer.write("\n- ")
        writer.claim(text, [Span(source, start, start + 4, "c1") for start in starts])
    for claim in writer.claims:
        assert writer.text[claim.start : claim.end] == claim.text
        assert all(set(n.traced_to) <= set(claim.markers) for n in claim.numbers)
    known = [c.marker for c in writer.citations]
    assert known == [f"S{i + 1}" for i in range(len(known))]
    assert set(markers_outside_claims(writer)) == set(known) == {m for c in writer.claims for m in c.markers}
    assert all(source.text[c.start : c.end] == c.quote for c in writer.citations)
