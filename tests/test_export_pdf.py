"""Papers as PDF, read back: all words are there and inside the page, plots are lines, nothing in the file is active."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import pypdf
import pypdfium2
import pytest
from export_samples import GAP, MADE, TURNED_SHOWN, answer, hostile, source
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, StreamObject
from web_fakes import HOSTILE_TEXT

from assistant.export import markdown, page, pdf
from assistant.export.answers import STOPPED, Turn, answer_paper, conversation_paper
from assistant.export.blocks import Bullets, Heading, Note, Paper, Paragraph, Part, Plot, Ref, Table, words
from assistant.export.flow import PAGE_HEIGHT, PAGE_WIDTH
from assistant.export.layout import lay
from assistant.export.pdf import Measured

SPACE = re.compile(r"\s+")
ACTIVE = {
    "/Annots", "/A", "/AA", "/JS", "/JavaScript", "/URI", "/Launch", "/EmbeddedFiles", "/AcroForm", "/RichMedia", "/XFA",
}  # fmt: skip


def squeezed(text: str) -> str:
    """Return ``text`` without white space: where a line ends is the layout's matter."""
    return SPACE.sub("", text)


def read(data: bytes) -> tuple[str, int]:
    """Return all words of a PDF, squeezed, and its number of pages."""
    pages = pypdf.PdfReader(io.BytesIO(data)).pages
    return squeezed("".join(one.extract_text() for one in pages)), len(pages)


def boxes(data: bytes) -> Iterator[tuple[float, float, float, float]]:
    """Yield left, bottom, right, top of every sign that can be seen, in points."""
    document = pypdfium2.PdfDocument(data)
    try:
        for one in document:
            text = one.get_textpage()
            for n in range(text.count_chars()):
                if not text.get_text_range(n, 1).isspace():
                    yield text.get_charbox(n)
            text.close()
            one.close()
    finally:
        document.close()


def inside(data: bytes) -> bool:
    return all(x0 >= 10 and x1 <= PAGE_WIDTH - 10 and y0 >= 10 and y1 <= PAGE_HEIGHT - 10 for x0, y0, x1, y1 in boxes(data))  # fmt: skip


def keys(value: Any, seen: set[int] | None = None) -> Iterator[str]:
    """Yield every name that is a key anywhere in a file."""
    seen = set() if seen is None else seen
    if isinstance(value, IndirectObject):
        if value.idnum in seen:
            return
        seen.add(value.idnum)
        value = value.get_object()
    if isinstance(value, DictionaryObject | StreamObject):
        for key, held in value.items():
            yield str(key)
            yield from keys(held, seen)
    elif isinstance(value, ArrayObject):
        for held in value:
            yield from keys(held, seen)


def test_an_answer_reads_back_with_its_sources_tables_and_times() -> None:
    data = pdf.write(answer_paper(answer(), MADE), MADE)
    said, _ = read(data)
    for text in (
        "How wide is the gap?", "Made 5 Oct 2026, 14:03 UTC", "As of 30 Sep 2026", "Without a language model",
        f"{GAP}1,2", "Margins held through the year. [not supported by the cited source (“held” is not said)]2",
        "Not confirmed by the sources", "T1 drawdown", "stale", "retrieved 1 Oct 2026 (4 days old), from a saved pull.", "−8.1%19 Sep 202616 days old",
        "last / peak - 1", "last close$230day 19 Sep 2026", "Two closes were left out.", "T2 hedging", "Status: not switched on.", "No source. Set sources.",
        f"1.Filing S1, SEC, 2024-02-28, p. 3: “{GAP}” (filings/S1.pdf)", "1 undated document was left out.",
    ):  # fmt: skip
        assert squeezed(text) in said
    assert inside(data)
    reader = pypdf.PdfReader(io.BytesIO(data))
    assert reader.metadata is not None
    assert (reader.metadata.title, reader.metadata.creation_date) == ("How wide is the gap?", MADE)
    assert [float(side) for side in reader.pages[0].mediabox[2:]] == [PAGE_WIDTH, PAGE_HEIGHT]


def test_plots_are_lines_of_the_series_and_no_pictures() -> None:
    curve = Plot("Curve", "percent", bars=(("AAA", 4.0), ("BBB", 2.0)))
    laid = lay(Paper("P", (Part((curve,)),)), Measured())
    first, second = (mark for mark in laid.pages[0] if type(mark).__name__ == "Box")
    assert first.width == pytest.approx(2 * second.width)
    data = pdf.write(answer_paper(answer(), MADE), MADE)
    reader = pypdf.PdfReader(io.BytesIO(data))
    drawn = "".join(one.get_contents().get_data().decode("latin-1") for one in reader.pages)  # type: ignore[union-attr]
    # The curve of three points: from its highest through its lowest in a quarter of the time.
    three = re.findall(r"([\d.]+) ([\d.]+) m\n([\d.]+) ([\d.]+) l\n([\d.]+) ([\d.]+) l\n S", drawn)
    x0, y0, x1, y1, x2, y2 = map(float, three[1])  # the first is the axis
    assert (x1 - x0) / (x2 - x0) == pytest.approx(0.25, abs=0.01)
    assert (y0 - y1) / (y2 - y1) == pytest.approx(2.0, abs=0.01)
    assert "/XObject" not in set(keys(reader.trailer))


def test_forty_turns_with_thirty_sources_each_are_all_there_and_on_the_page() -> None:
    turns = []
    for n in range(40):
        quotes = [f"Quote {n}.{k} of the {k}th source says that orders rose by {k} percent." for k in range(30)]
        text = "\n".join(f"- Sentence {n}.{k} of the answer. [S{k}]" for k in range(30))
        sources = tuple(source(f"S{k}", quote) for k, quote in enumerate(quotes))
        turns.append(Turn(f"Question {n} of forty?", answer(f"Question {n} of forty?", text=text, claims=(), citations=sources, tool_results=())))  # fmt: skip
    turns.append(Turn("The last one?", None, STOPPED))
    data = pdf.write(conversation_paper("Orders", turns, MADE), MADE)
    said, count = read(data)
    missing = [n for n in range(40) if squeezed(f"Question {n} of forty?") not in said]
    missing += [n * k for n in range(40) for k in range(30) if f"Quote{n}.{k}ofthe{k}thsource" not in said]
    missing += [n * k for n in range(40) for k in range(30) if f"Sentence{n}.{k}oftheanswer." not in said]
    assert missing == []
    assert squeezed(STOPPED) in said
    assert f"{count}/{count}" in said
    reader = pypdf.PdfReader(io.BytesIO(data))
    assert [item.title for item in reader.outline][:2] == ["Question 0 of forty?", "Question 1 of forty?"]  # type: ignore[union-attr]
    for one in (0, count // 2, count - 1):  # all pages are set by the same rules
        single = pypdf.PdfWriter()
        single.add_page(reader.pages[one])
        out = io.BytesIO()
        single.write(out)
        assert inside(out.getvalue())
    lowest = max(mark.y for laid in lay(conversation_paper("Orders", turns, MADE), Measured()).pages for mark in laid if hasattr(mark, "y"))  # fmt: skip
    assert lowest <= PAGE_HEIGHT - 30


def test_hostile_words_are_words_and_nothing_in_the_file_is_active() -> None:
    data = pdf.write(conversation_paper("", [Turn("q", hostile()), Turn(HOSTILE_TEXT, None, HOSTILE_TEXT)], MADE), MADE)
    said, _ = read(data)
    assert said.count(squeezed(HOSTILE_TEXT)) >= 4
    assert squeezed(TURNED_SHOWN) in said
    assert squeezed("Read as: {nb} of {nb}") in said
    assert inside(data)
    reader = pypdf.PdfReader(io.BytesIO(data))
    found = set(keys(reader.trailer))
    assert {"/Pages", "/Font", "/Contents"} <= found
    assert found & ACTIVE == set()
    assert isinstance(reader.trailer["/Root"]["/OpenAction"], ArrayObject)  # where to begin to read, and no action


def test_a_quote_of_100000_characters_breaks_over_pages() -> None:
    long = " ".join(f"word{n}" for n in range(14_000))
    unbroken = "x" * 100_000
    data = pdf.write(answer_paper(answer(citations=(source("S1", long), source("S2", unbroken))), MADE), MADE)
    said, count = read(data)
    assert count > 30
    for n in (0, 7_000, 13_999):
        assert f"word{n}word{n + 1}" in said or f"word{n}”" in said
    assert said.count("x") >= 100_000
    assert inside(data)


def test_tables_break_over_pages_and_stay_on_them() -> None:
    wide = Table(
        rows=tuple(tuple(words(f"c{n}.{k}") for k in range(20)) for n in range(60)),
        head=tuple(words(f"Head{k}") for k in range(20)),
        caption="Wide",
    )
    tall = Table(rows=((words("left " * 3000), words("y" * 5000)), (words("end of the table"),)), head=(words("A"), words("B")))  # fmt: skip
    data = pdf.write(Paper("Tables", (Part((wide, tall)),)), MADE)
    said, count = read(data)
    assert count > 4
    assert all(f"c{n}.{k}" in said for n in range(60) for k in range(20))
    assert said.count("left") == 3000
    assert said.count("y") >= 5000
    assert "endofthetable" in said
    assert said.count("Head19") >= 2  # the head stands on each page
    assert inside(data)


def test_scripts_that_the_font_has_are_shown_and_others_are_said() -> None:
    shown = "Ελληνικά Кириллица Հայերեն ქართული Tiếng Việt ∑ ≤ € ½"
    data = pdf.write(Paper(shown, (Part((Paragraph(words(f"{shown} 中文")),)),)), MADE)
    said, _ = read(data)
    assert said.count(squeezed(shown)) >= 2
    assert "\ufffd\ufffd" in said
    assert squeezed("2 kinds of characters that the font of this file lacks are shown as") in said
    plain, _ = read(pdf.write(Paper(shown, (Part((Paragraph(words(shown)),)),)), MADE))
    assert "lacks" not in plain


def test_hebrew_stands_from_right_to_left_with_its_numbers_as_they_are() -> None:
    text = "הפער 26% (2024)"
    (row,) = [mark for mark in lay(Paper("P", (Part((Paragraph(words(text)),)),)), Measured()).pages[0] if getattr(mark, "size", 0) == 10.0]  # fmt: skip
    assert row.text == "(2024) 26% רעפה"
    assert row.x > PAGE_WIDTH / 2  # set flush right


def test_a_heading_stands_with_what_it_heads() -> None:
    parts = tuple(
        Part((Heading(words(f"Part {n}")), Paragraph(words("First words. " + "and more words " * (20 + 7 * (n % 9))))))
        for n in range(40)
    )
    laid = lay(Paper("Report", parts), Measured())
    assert len(laid.outline) == 40
    for marks in laid.pages:
        texts = [mark for mark in marks if type(mark).__name__ == "Text" and mark.y < PAGE_HEIGHT - 40]
        assert not texts[-1].bold


@settings(max_examples=20, deadline=None)
@given(st.text(alphabet=st.characters(codec=None), max_size=200))
def test_any_text_at_all_is_written_in_all_three_forms(text: str) -> None:
    part = Part(
        (Heading(words(text)), Paragraph((*words(text), Ref("S1"), Ref(text))), Bullets((words(text),)), Table(((words(text),),), caption=text)),
        (Note("S1", text, (text,), text, text, text, text),),
    )  # fmt: skip
    paper = Paper(text, (part,), (text,))
    assert pdf.write(paper, MADE).startswith(b"%PDF")
    for written in (markdown.write(paper), page.write(paper)):
        assert "\0" not in written
        assert not re.search("[\u202a-\u202e\u2066-\u2069\ud800-\udfff]", written)
        written.encode("utf-8")
