"""Text, Markdown and Word files, and files that are not what their name says."""

from __future__ import annotations

import io
import tracemalloc
import zipfile

import docx
import pytest

from ingest.readers import Reading, Source, read
from vectorstore.errors import ReadError
from vectorstore.text import sentences


def load(data: bytes | str, name: str) -> Reading:
    return read(Source(f"/notes/{name}", data.encode() if isinstance(data, str) else data, name))


# Text


def test_text_is_kept_but_for_line_ends_and_control_characters() -> None:
    reading = load("\ufeffOne\r\ntwo\rthree\x00\x07\n\tfour\xa0\n", "a.txt")
    assert reading.text == "One\ntwo\nthree\n\tfour\xa0\n"
    assert reading.media_type == "text/plain"
    assert reading.pages == ()


def test_short_lines_between_blank_lines_are_headings_of_the_text_below() -> None:
    text = (
        "Ada Example\n\nAn Outlook For Small Caps\n\nPrices fell this year. They may rise.\n\n"
        "Why Now\n\nRates fall.\n\nThis one ends in a stop.\n"
    )
    reading = load(text, "a.txt")
    assert [(s.title, reading.text[s.start : s.end]) for s in reading.sections] == [
        ("An Outlook For Small Caps", text[text.index("An Out") : text.index("Why Now")]),
        ("Why Now", text[text.index("Why Now") :]),
    ]


def test_form_feeds_make_pages() -> None:
    reading = load("Page one.\fPage two.\f", "a.txt")
    assert [(p.number, reading.text[p.start : p.end]) for p in reading.pages] == [(1, "Page one."), (2, "Page two.")]


def test_a_report_in_text_has_its_items_as_sections_without_its_contents() -> None:
    text = (
        "PART I\nItem 1. Business 3\nItem 1A. Risk Factors 9\n\nPART I\n\nItem 1. Business\nWe make pumps.\n"
        "The risks are described in a later part of this report, under the heading of\nItem 1A. Risk Factors\n"
        "which see.\n\nItem 1A. Risk Factors\nPrices may fall.\n\nPART II\n\n"
        "Item 7. Management's Discussion and Analysis of\nFinancial Condition\nSales rose.\n"
        "Note 2 — Debt\nWe owe little.\n"
    )
    reading = load(text, "a.txt")
    assert [(s.title, s.level) for s in reading.sections] == [
        ("PART I", 1),
        ("Item 1. Business", 2),
        ("Item 1A. Risk Factors", 2),
        ("PART II", 1),
        ("Item 7. Management's Discussion and Analysis of Financial Condition", 2),
        ("Note 2 — Debt", 4),
    ]
    risk = reading.sections[2]
    assert text[risk.start : risk.end].strip() == "Item 1A. Risk Factors\nPrices may fall."


def test_numbered_notes_are_found_after_their_title_only() -> None:
    text = (
        "Item 8. Financial Statements\n1. Not A Note\nConsolidated Balance Sheets\nCash 1 2\n"
        "Notes to Consolidated Financial Statements\n1. Organization\nWe sell pumps.\n3. Out Of Order\n2. Debt\nNone.\n"
        "Balances on the consolidated balance sheets\nItem 9. Changes\n3. Not A Note\n"
    )
    assert [(s.title, s.level) for s in load(text, "a.txt").sections] == [
        ("Item 8. Financial Statements", 2),
        ("Consolidated Balance Sheets", 3),
        ("Notes to Consolidated Financial Statements", 3),
        ("1. Organization", 4),
        ("2. Debt", 4),
        ("Item 9. Changes", 2),
    ]


# Encodings


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_encodings(encoding: str) -> None:
    text = "The café’s margin rose “a lot” — by 3 points.\n"
    assert load(text.encode(encoding), "a.txt").text == text


def test_one_bad_byte_does_not_turn_utf8_into_windows_1252() -> None:
    text = "Ärger über Öl – “viel” " * 40
    data = text.encode()
    assert load(data[:300] + b"\xff" + data[300:], "a.txt").text.count("Ärger") >= 39
    cut = load(data + "é".encode()[:1], "a.txt").text
    assert cut == text


# Markdown


def test_front_matter_is_read_and_stays_in_the_text() -> None:
    text = (
        '---\ntitle: Rates and debt\nDate: 2025-05-12\npublisher: Sample notes\nauthors: [Ada, Bob]\nafter: "A: b"\n'
        "draft: true\nempty:\n---\n# Rates\n\nText **here**.\n"
    )
    reading = load(text, "note.md")
    assert reading.text == text
    assert dict(reading.front_matter) == {
        "title": "Rates and debt",
        "date": "2025-05-12",
        "publisher": "Sample notes",
        "authors": "Ada; Bob",
        "after": "A: b",
        "draft": "true",
        "empty": "",
    }
    assert reading.text[reading.front_matter_end :].startswith("# Rates")
    assert reading.media_type == "text/markdown"


def test_front_matter_is_found_without_the_extension_and_with_windows_line_ends() -> None:
    reading = load("---\r\ntitle: T\r\n---\r\nBody.\r\n", "noname")
    assert reading.front_matter["title"] == "T"
    assert reading.text[reading.front_matter_end :] == "Body.\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("---\ntitle: x\ndate: a: b\n---\n", "line 3 of the front matter is not valid YAML"),
        ("---\ntitle: [x\n---\n", "of the front matter is not valid YAML"),
        ("---\ntitle: x\n\n# Heading\n", "the front matter that starts in line 1 has no end"),
        ("---\na: 1\nb: &x [1]\nc: *x\n---\n", "line 3 of the front matter uses a YAML anchor"),
        ("---\ntitle: !!python/object:os.system {}\n---\n", "line 2 of the front matter is not valid YAML"),
        ("---\ndate: 2024-13-45\n---\n", "of the front matter is not valid YAML"),
    ],
)
def test_malformed_front_matter_names_the_file_and_the_line(text: str, message: str) -> None:
    with pytest.raises(ReadError) as caught:
        load(text, "note.md")
    assert caught.value.message.startswith("note.md: ")
    assert message in caught.value.message
    assert caught.value.what_to_do


def test_a_rule_at_the_top_is_no_front_matter() -> None:
    reading = load("---\n\nJust text.\n\n---\n\nMore.\n", "note.md")
    assert dict(reading.front_matter) == {}
    assert reading.front_matter_end == 0


def test_markdown_headings_nest_and_code_is_no_heading() -> None:
    text = "# One *two*\na\n## [Link](http://x) ##\nb\n```\n# not\n```\nSetext\n===\nc\n\nUnder\n---\nd\n"
    reading = load(text, "note.md")
    assert [(s.title, s.level, text[s.start : s.end].split("\n")[0]) for s in reading.sections] == [
        ("One two", 1, "# One *two*"),
        ("Link", 2, "## [Link](http://x) ##"),
        ("Setext", 1, "Setext"),
        ("Under", 2, "Under"),
    ]
    assert reading.sections[0].end == text.index("Setext")


# Word


def word_file() -> bytes:
    document = docx.Document()
    document.core_properties.title = "Memo"
    document.core_properties.author = "Ada Example"
    document.sections[0].header.paragraphs[0].text = "CONFIDENTIAL HEADER"
    document.add_heading("Thesis", 1)
    document.add_paragraph("Small caps are cheap.")
    table = document.add_table(rows=2, cols=3)
    for row, values in zip(table.rows, (("Item", "2024", "2023"), ("Sales", "$ 5", "")), strict=True):
        for cell, value in zip(row.cells, values, strict=True):
            cell.text = value
    document.add_heading("Risks", 2)
    document.add_paragraph("Rates.", style="List Bullet")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def test_word_paragraphs_and_tables_in_order() -> None:
    reading = load(word_file(), "memo.docx")
    assert reading.text == ("Thesis\n\nSmall caps are cheap.\n\nItem | 2024 | 2023\nSales | $ 5\n\nRisks\n\n• Rates.")
    assert [(s.title, s.level, s.start) for s in reading.sections] == [
        ("Thesis", 1, 0),
        ("Risks", 2, reading.text.index("Risks")),
    ]
    assert reading.embedded["title"] == "Memo"
    assert reading.embedded["author"] == "Ada Example"
    assert "HEADER" not in reading.text


def test_a_merged_cell_is_listed_once() -> None:
    document = docx.Document()
    table = document.add_table(rows=1, cols=3)
    table.cell(0, 0).merge(table.cell(0, 1)).text = "Both"
    table.cell(0, 2).text = "Third"
    out = io.BytesIO()
    document.save(out)
    assert load(out.getvalue(), "a.docx").text == "Both | Third"


def zipped(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


def with_part(name: str, data: bytes) -> bytes:
    whole = zipfile.ZipFile(io.BytesIO(word_file()))
    return zipped({part: whole.read(part) for part in whole.namelist()} | {name: data})


LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
    b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>&c;'
    b"</w:t></w:r></w:p></w:body></w:document>"
)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (word_file()[:-200], "is a damaged zip or Word file"),
        (word_file()[:300], "is a damaged zip or Word file"),
        (b"PK\x03\x04" + bytes(range(256)) * 20, "is a damaged zip or Word file"),
        (zipped({"word/document.xml": b"<a/>"}), "is a damaged Word file"),
        (with_part("word/document.xml", b"<w:document"), "is a damaged Word file"),
        (with_part("word/document.xml", LAUGHS), "declares XML entities in word/document.xml"),
        (with_part("word/document.xml", LAUGHS.decode().encode("utf-16")), "declares XML entities"),
        (with_part("word/media/image1.png", bytes(60_000_000)), "unpacks to 60 MB from"),
        (zipped({"xl/workbook.xml": b"<a/>"}), "is an Excel workbook"),
        (zipped({"notes.txt": b"hello"}), "is a zip archive, not a document"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"),
            "password-protected",
        ),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an old binary Office document"),
    ],
)
def test_bad_word_files_fail_by_name(data: bytes, message: str) -> None:
    with pytest.raises(ReadError) as caught:
        load(data, "memo.docx")
    assert caught.value.message.startswith("memo.docx ")
    assert message in caught.value.message
    assert caught.value.what_to_do


# Files that are no documents


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.txt", b"", "a.txt is empty (0 bytes)."),
        ("a.txt", b" \n\t ", "a.txt is empty: it has white space only."),
        ("a.txt", bytes(range(256)) * 40, "a.txt is binary data, not text."),
        ("a.txt", b"text then\0" * 100, "a.txt is binary data, not text."),
        ("a.md", b"\x89PNG\r\n\x1a\n" + bytes(100), "a.md is a PNG picture."),
        ("a.pdf", b"\xff\xd8\xff\xe0" + bytes(100), "a.pdf is a JPEG picture."),
        ("a.pdf", bytes(range(256)) * 40, "a.pdf is no PDF document: its first bytes are not those of one."),
        ("a.html", b"\x1f\x8b\x08" + bytes(100), "a.html is a gzip archive."),
        ("a.doc", b"{\\rtf1 Hello}", "a.doc is an RTF document."),
        ("a.txt", bytes(4096), "a.txt is nothing but zero bytes."),
    ],
)
def test_what_is_no_document_is_refused_by_name(name: str, data: bytes, message: str) -> None:
    with pytest.raises(ReadError) as caught:
        load(data, name)
    assert caught.value.message == message
    assert caught.value.what_to_do


@pytest.mark.parametrize("name", ["zeros.pdf", "zeros.txt", "zeros.docx"])
def test_300_megabytes_of_zeros_fail_with_little_memory(name: str) -> None:
    data = bytes(300_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(ReadError, match="nothing but zero bytes"):
            load(data, name)
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


def test_the_content_decides_over_the_name() -> None:
    html = load("<!DOCTYPE html><html><body><p>Words.</p></body></html>", "a.txt")
    assert (html.media_type, html.text) == ("text/html", "Words.")
    assert html.warnings == ("a.txt is named .txt but is an HTML page; it was read as what it is.",)
    assert load(word_file(), "a.pdf").warnings == (
        "a.pdf is named .pdf but is a Word document; it was read as what it is.",
    )
    plain = load("Plain words.", "a.pdf")
    assert (plain.media_type, plain.text) == ("text/plain", "Plain words.")
    assert plain.warnings == ("a.pdf is named .pdf but is a text file; it was read as what it is.",)


def test_text_that_speaks_of_tags_stays_text() -> None:
    assert load("The <p> tag and a < b are text here.", "a.txt").text == "The <p> tag and a < b are text here."


@pytest.mark.parametrize(
    "text",
    [
        "." * 300_000 + " A",
        "Item 5. Foo " * 30_000,
        "<!-- -->" * 8_000 + "text",
        "# a" + " " * 300_000 + "b",
        "# " + "[" * 300_000,
        "1" * 300_000 + " 2",
        "( " * 150_000,
        "a" + " " * 300_000 + "b.\n" + "\n" * 100_000 + "c",
    ],
    ids=["dots", "items", "comments", "spaces", "brackets", "digits", "parentheses", "blanks"],
)
@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html"])
def test_text_made_to_be_slow_is_read_all_the_same(text: str, name: str) -> None:
    # Quadratic patterns would run into the time limit of the test run.
    reading = load(text, name)
    spans = sentences(reading.text)
    assert reading.text
    assert all(a < b for a, b in spans)


def test_envelopes_in_envelopes_without_end_fail_by_name() -> None:
    with pytest.raises(ReadError, match=r"a\.txt nests its elements too deeply"):
        load("<DOCUMENT>\n" * 20_000, "a.txt")
