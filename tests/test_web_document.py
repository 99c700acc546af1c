"""A document's own page: spans of its address marked, an index beside it, pages with their pictures, and nothing active."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from test_web_reading import bare
from web_fakes import HOSTILE_TEXT, HOSTILE_TITLE, make_document, sample_documents
from web_parsed import KNOWN_TAGS, Parsed, assert_inert

from assistant.web.document_page import MOST_SECTIONS, document_page
from assistant.web.spans import MOST, Asked, asked
from vectorstore.records import Document, Metadata, Page, Section

THREE = make_document("a.pdf", "one two three", metadata=Metadata(), pages=(Page(1, 0, 4, "iv"), Page(2, 4, 13)))


def shown(document: Document, *spans: str, start: str | None = None, end: str | None = None) -> Parsed:
    return Parsed(document_page(document, asked(start, end, spans), nonce="n"))


def long_document(pages: int) -> Document:
    """A filing with a heading, prose and a row on each page."""
    parts = [f"Item {n}. Business of part {n}\nWords of page {n} that say little. " * 3 + f"\nSales of line {n}x 1,{n:03} 2,{n:03}\n" for n in range(1, pages + 1)]  # fmt: skip
    starts = [sum(map(len, parts[:n])) for n in range(pages)]
    return make_document(
        "long.pdf", "".join(parts), metadata=Metadata(title="Long filing"), media_type="application/pdf",
        pages=tuple(Page(n + 1, a, a + len(parts[n])) for n, a in enumerate(starts)),
    )  # fmt: skip


def test_a_span_over_a_page_break_is_marked_on_both_pages() -> None:
    parsed = shown(THREE, start="2", end="7")
    assert parsed.marked == ["e ", "two"]
    assert [attrs.get("id") for attrs in parsed.all("mark")] == ["cited", None]
    assert "Page 1 (printed iv)" in parsed.text
    assert "Page 2" in parsed.text


@pytest.mark.parametrize(
    ("start", "end"), [("5", "5"), ("9", "3"), ("0", "999"), ("-1", "4"), ("3", None), (None, "4"), ("x", "4"), ("", ""), ("1" * 11, "2" * 12)],
)  # fmt: skip
def test_a_span_that_is_none_is_said(start: str | None, end: str | None) -> None:
    parsed = shown(make_document("a.md", "one two three", metadata=Metadata()), start=start, end=end)
    assert parsed.marked == []
    assert "does not have" in parsed.text
    assert "one two three" in parsed.text


def test_several_spans_are_marked_numbered_and_lead_to_each_other() -> None:
    parsed = shown(THREE, "0-3", "8-13", start="4", end="7")
    assert parsed.marked == ["one", "two", "three"]
    assert [(attrs["id"], attrs.get("class")) for attrs in parsed.all("mark")] == [("span-1", "t-weak"), ("cited", None), ("span-3", "t-weak")]  # fmt: skip
    leads = [attrs["href"] for attrs in parsed.all("a") if "cited words" in str(attrs.get("aria-label"))]
    assert leads == ["#span-3", "#cited", "#span-1", "#span-3", "#cited", "#span-1"]
    assert "2/3" in parsed.text
    index = parsed.text[parsed.text.index("Cited here") :]
    assert index.index("1. p. 1, “one”") < index.index("2. p. 2, “two”") < index.index("3. p. 2, “three”")


def test_one_span_has_nothing_to_walk_to() -> None:
    parsed = shown(THREE, start="4", end="7")
    assert "1/1" not in parsed.text
    assert not [attrs for attrs in parsed.all("a") if "cited words" in str(attrs.get("aria-label"))]


def test_addresses_are_read_strictly() -> None:
    assert asked("1", "4", ["5-9", "5-9", "1-4"]) == Asked((1, 4), ((5, 9),))
    assert asked(None, None, ["5-9"]).within(20) == Asked((5, 9))
    assert asked(None, None, ["5-99"]).within(20) == Asked(wrong=True)
    assert asked("1", "4", ["9-5", "a-b", "", "1-2-3", "٣-٤"]) == Asked((1, 4), (), wrong=True)
    many = asked("1", "4", [f"{n}-{n + 1}" for n in range(10, 60)])
    assert (len(many.others), many.wrong) == (MOST, True)
    assert asked(None, None, []) == Asked()


def test_a_page_with_spans_has_its_picture_and_others_a_link_to_theirs() -> None:
    document = long_document(4)
    start = document.text.index("Sales of line 3x")
    parsed = shown(document, f"{start + 20}-{start + 25}", start=str(start), end=str(start + 5))
    (picture,) = parsed.all("img")
    source = f"{document.document_id}/page/3.png?version={document.version}&start={start}&end={start + 5}"
    assert str(picture["src"]).startswith(source)
    assert f"span={start + 20}-{start + 25}" in str(picture["src"])
    links = [str(attrs["href"]) for attrs in parsed.all("a") if "/page/" in str(attrs["href"])]
    assert {link.split("/page/")[1].split(".png")[0] for link in links} == {"1", "2", "3", "4"}
    assert not shown(document).all("img")


def test_the_index_leads_to_pages_and_headings_that_are_there() -> None:
    document = long_document(30)
    heads = [m.start() for m in re.finditer(r"^Item \d+\. Business of part \d+$", document.text, re.M)]
    sections = tuple(Section(at, at + 40, document.text[at : document.text.index("\n", at)], 1) for at in heads)
    parsed = Parsed(document_page(replace(document, sections=sections), nonce="n"))
    ids = {str(attrs["id"]) for _, attrs in parsed.elements if attrs.get("id")}
    leads = {str(attrs["href"])[1:] for attrs in parsed.all("a") if str(attrs["href"]).startswith("#")}
    assert leads <= ids
    assert {f"p-{n}" for n in range(1, 31)} <= leads
    assert len([one for one in leads if one.startswith("s-")]) == 30
    assert len(parsed.all("h3")) == 30
    assert bare(parsed.text).count(bare(document.text[:120])) == 1


def test_an_index_that_would_be_endless_keeps_to_the_upper_headings() -> None:
    text = "\n".join(f"Heading {n}" for n in range(200))
    at = [m.start() for m in re.finditer("Heading", text)]
    sections = tuple(Section(a, a + 5, f"Heading {n}", 1 if n % 50 == 0 else 2) for n, a in enumerate(at))
    document = make_document("h.md", text, metadata=Metadata())
    parsed = Parsed(document_page(replace(document, sections=sections), nonce="n"))  # fmt: skip
    assert len([1 for attrs in parsed.all("a") if str(attrs["href"]).startswith("#s-")]) == 4
    assert MOST_SECTIONS < 200


def test_all_of_a_long_document_is_there_in_parts_that_are_laid_out_when_seen() -> None:
    document = long_document(300)
    html = document_page(document, asked("40", "60", []), nonce="n")
    parsed = Parsed(html)
    body = bare(parsed.text)
    for n in (1, 150, 300):
        assert bare(f"Words of page {n} that say little.") in body
    parts = [str(attrs["class"]) for attrs in parsed.all("section")]
    assert len(parts) == 300
    assert parts.count("part page cited") == 1
    assert "content-visibility: auto" in html
    text = make_document("t.txt", "\n\n".join(f"Paragraph {n} " + "of some length " * 20 for n in range(200)), metadata=Metadata())  # fmt: skip
    plain = Parsed(document_page(text, nonce="n"))
    assert len(plain.all("section")) > 5
    assert bare(text.text) in bare(plain.text)


def test_what_is_known_of_a_document_stands_at_its_head() -> None:
    meta = Metadata(
        title="Annual report", publisher="Quay", authors=("A. Writer", "B. Other"), published="2024-02-28", kind="filing", company="Quay Inc.",
        ticker="QUAY", form="10-K", fiscal_period="FY2023", period_end="2023-12-31", url="https://quay.test/10k",
    )  # fmt: skip
    html = document_page(make_document("q.html", "Text.", metadata=meta), nonce="n")
    text = Parsed(html).text
    for said in ("Published28 Feb 2024", "Kindfiling, 10-K", "AuthorsA. Writer, B. Other", "CompanyQuay Inc. (QUAY)", "PeriodFY2023, ended 31 Dec 2023"):  # fmt: skip
        assert said in text
    assert '<a href="https://quay.test/10k" target="_blank" rel="noopener noreferrer">' in html
    assert "Publishedundated" in Parsed(document_page(make_document("q.md", "Text.", metadata=Metadata()), nonce="n")).text  # fmt: skip


def test_hostile_words_stay_words_wherever_they_stand() -> None:
    meta = Metadata(title=HOSTILE_TITLE, publisher=HOSTILE_TITLE, url="javascript:alert(1)", authors=(HOSTILE_TITLE,))
    text = f"{HOSTILE_TITLE}\n{HOSTILE_TEXT}\n<script>alert(1)</script> | 10 | 20\n"
    made = make_document("x.html", text, metadata=meta)
    sections = (Section(0, len(text), HOSTILE_TITLE, 1),)
    document = replace(made, sections=sections)
    parsed = assert_inert(document_page(document, asked("0", "20", ["30-60", "90-120"]), nonce="n"), scripts=2)
    assert {tag for tag, _ in parsed.elements} <= KNOWN_TAGS
    assert HOSTILE_TEXT in parsed.text
    assert "javascript:alert(1)" in parsed.text
    assert not parsed.all("img")


def test_no_style_stands_at_an_element_which_the_page_s_policy_would_not_run() -> None:
    parsed = Parsed(document_page(sample_documents()[1], asked("3", "9", ["12-18"]), nonce="n"))
    assert not [attrs for _, attrs in parsed.elements if "style" in attrs]
