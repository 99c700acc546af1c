"""PDF: text, pages, outline, encryption, damage, and pictures that highlight what the offsets say."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ingest.readers import Source, read
from ingest.readers._pdfrows import normalise, normalised_positions
from ingest.readers.pdf import page_picture
from tests.pdfmaker import Sheet, make_pdf
from vectorstore.errors import ReadError


def source(data: bytes, name: str = "report.pdf") -> Source:
    return Source(f"/somewhere/{name}", data, name)


def test_pages_hold_their_text_exactly() -> None:
    data = make_pdf(["First page, line one.", "Line two."], ["Second page."], [], ["Fourth page."])
    reading = read(source(data))
    assert reading.media_type == "application/pdf"
    assert [p.number for p in reading.pages] == [1, 2, 3, 4]
    assert [reading.text[p.start : p.end].strip() for p in reading.pages] == [
        "First page, line one.\nLine two.",
        "Second page.",
        "",
        "Fourth page.",
    ]
    assert reading.pages[0].start == 0
    assert reading.pages[-1].end == len(reading.text)
    assert all(a.end == b.start for a, b in zip(reading.pages, reading.pages[1:], strict=False))
    assert reading.empty_pages == (3,)
    assert reading.warnings == ("1 of 4 pages have no text: 3.",)


def test_table_rows_are_lines_with_label_and_all_values_in_order() -> None:
    cells = [
        (72, 700, "Consolidated Balance Sheets"),
        (300, 680, "2024"),
        (400, 680, "2023"),
        (72, 660, "Cash and equivalents"),
        (300, 660, "$ 1,234"),
        (400, 660, "$ 987"),
        (72, 646, "Total assets"),
        (300, 646, "(5,678)"),
        (400, 646, "4,321"),
    ]
    reading = read(source(make_pdf(Sheet(placed=cells))))
    assert reading.text.split("\n") == [
        "Consolidated Balance Sheets",
        "2024 2023",
        "Cash and equivalents $ 1,234 $ 987",
        "Total assets (5,678) 4,321",
    ]


def test_rows_drawn_column_by_column_are_put_together_again() -> None:
    rows = [("Revenue", "500", "450"), ("Cost of sales", "300", "280"), ("Gross profit", "200", "170")]
    rows += [(f"Line item {n}", f"{n},100", f"{n},200") for n in range(1, 8)]
    cells = [(72 + 150 * column, 700 - 14 * n, row[column]) for column in range(3) for n, row in enumerate(rows)]
    reading = read(source(make_pdf(Sheet(placed=cells))))
    assert reading.text.split("\n") == [" ".join(row) for row in rows]


def test_letters_placed_one_by_one_are_words_again() -> None:
    # All these letters are 0.556 em wide in Helvetica; they are drawn column by column.
    lines = [f"{word} 10{n}" for n, word in enumerate(["bond", "debug", "gauge", "hedge", "opaque", "queen"] * 4)]
    width = 0.556 * 11
    letters = [
        (72 + width * column, 700 - 14 * n, line[column])
        for column in range(max(map(len, lines)))
        for n, line in enumerate(lines)
        if column < len(line) and line[column] != " "
    ]
    data = make_pdf(Sheet(placed=letters))
    reading = read(source(data))
    assert reading.text.split("\n") == lines
    plain = page_picture(data, 1, [], page_start=0, scale=1.0)
    start = reading.text.index("opaque")
    left, top, right, bottom = coloured(page_picture(data, 1, [(start, start + 6)], page_start=0, scale=1.0), plain)
    assert abs(left - 72) < 3
    assert abs(right - (72 + 6 * width)) < 3
    assert 792 - 700 + 4 * 14 - 14 < top < bottom < 792 - 700 + 4 * 14 + 6


def test_two_columns_of_prose_are_not_mixed() -> None:
    left = [f"The left column tells of matter number {n} at length" for n in range(12)]
    right = [f"while the right one has {n}.5 as its own subject here" for n in range(12)]
    cells = [(40, 700 - 14 * n, line) for n, line in enumerate(left)]
    cells += [(330, 700 - 14 * n, line) for n, line in enumerate(right)]
    reading = read(source(make_pdf(Sheet(placed=cells, size=9))))
    assert reading.text.split("\n") == left + right


def test_pypdf_reads_what_pdfium_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    import pypdfium2

    data = make_pdf(["Row one 1 2"], ["Second."])

    def broken(_: bytes) -> None:
        raise pypdfium2.PdfiumError("Data format error")

    monkeypatch.setattr(pypdfium2, "PdfDocument", broken)
    reading = read(source(data))
    assert [reading.text[p.start : p.end].strip() for p in reading.pages] == ["Row one 1 2", "Second."]
    assert reading.warnings == (
        "report.pdf was read by pypdf, since PDFium could not open it; its pages cannot be shown as pictures.",
    )
    with pytest.raises(ReadError, match="cannot be drawn"):
        page_picture(data, 1, [], page_start=0)


def test_outline_gives_nested_sections_at_the_titles_place() -> None:
    data = make_pdf(
        ["Intro words.", "Risk Factors", "Prices may fall."],
        ["Debt", "Rates may rise.", "Outlook", "Steady."],
        outline=[("Risk  Factors", 1, 1), ("Debt", 2, 2), ("Outlook", 2, 1)],
    )
    reading = read(source(data))
    assert [(s.title, s.level) for s in reading.sections] == [("Risk Factors", 1), ("Debt", 2), ("Outlook", 1)]
    risk, debt, outlook = reading.sections
    assert reading.text[risk.start :].startswith("Risk Factors")
    assert reading.text[debt.start :].startswith("Debt")
    assert risk.end == outlook.start
    assert debt.end == outlook.start
    assert outlook.end == len(reading.text)


def test_an_outline_that_runs_in_a_circle_ends() -> None:
    data = make_pdf(["One."], outline=[("First", 1, 1), ("Second", 1, 1)])
    # The second entry's /Next points back at the first.
    import pypdf
    from pypdf.generic import NameObject

    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    first = writer.root_object["/Outlines"].get_object()["/First"]
    first.get_object()["/Next"].get_object()[NameObject("/Next")] = first.indirect_reference or first
    out = io.BytesIO()
    writer.write(out)
    reading = read(source(out.getvalue()))
    assert reading.text == "One."
    assert {s.title for s in reading.sections} <= {"First", "Second"}


def test_labels_and_metadata() -> None:
    data = make_pdf(
        ["Preface."],
        ["Body."],
        ["Notes."],
        labels=[(1, "/r", ""), (2, "/D", ""), (3, "/D", "F-")],
        metadata={"Title": "Annual letter", "Author": "Ada Example", "CreationDate": "D:20240305101500Z"},
    )
    reading = read(source(data))
    assert [p.label for p in reading.pages] == ["i", "1", "F-1"]
    assert reading.embedded["title"] == "Annual letter"
    assert reading.embedded["author"] == "Ada Example"
    assert reading.embedded["created"] == "2024-03-05"


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256"])
def test_encrypted_with_an_empty_password_opens(algorithm: str) -> None:
    data = make_pdf(
        ["Hidden in plain sight."], user_password="", algorithm=algorithm, outline=[("Hidden in plain sight", 1, 1)]
    )
    reading = read(source(data))
    assert reading.text == "Hidden in plain sight."
    assert [s.title for s in reading.sections] == ["Hidden in plain sight"]
    assert page_picture(data, 1, [(0, 6)], page_start=0).startswith(b"\x89PNG")


def test_a_password_is_asked_to_be_removed() -> None:
    with pytest.raises(ReadError) as caught:
        read(source(make_pdf(["Secret."], user_password="abc")))
    assert caught.value.message == "report.pdf is protected by a password."
    assert caught.value.what_to_do == "Remove the password and try again."


def test_no_text_layer_is_an_error_that_says_so() -> None:
    with pytest.raises(ReadError, match=r"report\.pdf has no text layer on any of its 2 pages\. Run OCR"):
        read(source(make_pdf([], [])))


def test_truncated_and_headless_files_fail_by_name() -> None:
    whole = make_pdf(["Some text."], ["More text."])
    for data in (whole[:200], b"%PDF-1.7\n", b"%PDF-1.4\n" + b"\xff" * 5000):
        with pytest.raises(ReadError) as caught:
            read(source(data))
        assert caught.value.message.startswith("report.pdf ")
        assert caught.value.what_to_do


def test_a_lost_cross_reference_table_is_repaired() -> None:
    whole = make_pdf(["Still readable."])
    table, trailer = whole.index(b"xref"), whole.index(b"trailer")
    assert read(source(whole[:table] + whole[trailer:])).text == "Still readable."


def test_a_pdf_under_another_name_is_read_with_a_warning() -> None:
    reading = read(source(make_pdf(["Words."]), "notes.txt"))
    assert reading.media_type == "application/pdf"
    assert reading.warnings == ("notes.txt is named .txt but is a PDF document; it was read as what it is.",)


@given(st.text(alphabet=st.sampled_from(list("ab \r\n\t\xa0\xad\ufffe\u200b\u2009é\x02€😀"))))
def test_normalised_text_maps_back_to_the_characters_it_came_from(raw: str) -> None:
    text, positions = normalise(raw), normalised_positions(raw)
    assert len(text) == len(positions)
    assert positions == sorted(set(positions))
    for character, position in zip(text, positions, strict=True):
        came_from = raw[position]
        assert (
            character == came_from
            or (character, came_from) == ("-", "\ufffe")
            or (character == " " and came_from.isspace())
        )
    assert "\r" not in text
    assert "\xad" not in text


def test_a_hyphen_at_a_line_end_is_kept_and_lone_line_feeds_are_spaces() -> None:
    assert normalise("long\ufffeterm debt \r\nof  the\nFirm\r\n") == "long-term debt\nof the Firm\n"


def coloured(png: bytes, plain: bytes) -> tuple[int, int, int, int]:
    """Return (left, top, right, bottom) in pixels of where two pictures differ."""
    from PIL import ImageChops

    box = ImageChops.difference(
        Image.open(io.BytesIO(png)).convert("RGB"), Image.open(io.BytesIO(plain)).convert("RGB")
    ).getbbox()
    assert box is not None
    return box


def test_the_picture_highlights_the_span_and_nothing_else() -> None:
    data = make_pdf(["Cover."], ["Alpha beta gamma.", "Delta epsilon zeta."])
    reading = read(source(data))
    page = reading.pages[1]
    start = reading.text.index("epsilon")
    plain = page_picture(data, 2, [], page_start=page.start, scale=2.0)
    marked = page_picture(data, 2, [(start, start + 7)], page_start=page.start, scale=2.0)
    assert Image.open(io.BytesIO(plain)).size == (1224, 1584)
    left, top, right, bottom = coloured(marked, plain)
    # The second line's baseline is at 706 points of 792; in Helvetica 11 "Delta " is 28.7 points wide and "epsilon" 34.8.
    assert abs(left - 2 * (72 + 28.7)) < 4
    assert abs(right - 2 * (72 + 28.7 + 34.8)) < 4
    assert 2 * (792 - 706 - 14) < top < bottom < 2 * (792 - 706 + 6)


def test_a_span_over_two_lines_has_two_boxes_and_parts_on_other_pages_are_left_out() -> None:
    data = make_pdf(["Alpha beta gamma.", "Delta epsilon zeta."], ["Next page."])
    reading = read(source(data))
    plain = page_picture(data, 1, [], page_start=0)
    whole = page_picture(data, 1, [(reading.text.index("gamma"), len(reading.text))], page_start=0)
    _, top, _, bottom = coloured(whole, plain)
    assert bottom - top > 1.5 * 20
    second = reading.pages[1].start
    assert page_picture(data, 1, [(second, second + 4)], page_start=0) == plain


def test_a_page_that_does_not_exist_is_an_error() -> None:
    data = make_pdf(["Only."])
    for page in (0, 2):
        with pytest.raises(ReadError, match="no page"):
            page_picture(data, page, [], page_start=0)
    with pytest.raises(ReadError):
        page_picture(b"no pdf at all", 1, [], page_start=0)
