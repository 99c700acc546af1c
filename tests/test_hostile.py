"""Files made to do harm, through the real readers: each reads, or is refused by name, in little time and memory.

What would be slow beyond measure (a pattern that backtracks, a loop in a loop) would run into the test run's time limit.
"""

from __future__ import annotations

import tracemalloc
import zipfile

import pytest

from ingest import chunking, cleaning, metadata
from ingest.readers import Reading, Source, read
from tests import hostile_files as hostile
from tests.hostile_files import PARAGRAPH, WORDS
from vectorstore.errors import ReadError
from vectorstore.records import Document


def load(data: bytes, name: str) -> Reading:
    return read(Source(f"/x/{name}", data, name))


def whole(data: bytes, name: str) -> Document:
    """Take a file through all that a worker does with it."""
    reading = load(data, name)
    regions = cleaning.tag(reading)
    found = metadata.extract(reading, regions, name=name)
    document = Document(
        "d", "v", "/x", "c", reading.text, found, pages=reading.pages, sections=reading.sections, regions=regions
    )
    chunks = chunking.chunk(document, lambda texts: [2 + len(t) // 3 for t in texts])
    assert all(document.text[c.start : c.end] == c.text for c in chunks)
    found_texts = (found.title, found.company, found.publisher, *found.authors, *found.extra, *found.extra.values())
    for text in (document.text, *filter(None, found_texts)):
        text.encode()
        assert "\x1b" not in text
    return document


def refused(data: bytes, name: str) -> str:
    with pytest.raises(ReadError) as caught:
        load(data, name)
    assert caught.value.message.startswith(name)
    assert caught.value.what_to_do
    return caught.value.message


# Word


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (lambda: hostile.word(PARAGRAPH * 300_000), "unpacks to 1"),
        (lambda: hostile.overlapping_word(60), "unpacks to 5"),
        (lambda: hostile.lying_word(hostile.word_xml("<w:p/>" * 200_000), 5000), "unpacks to more than it says"),
        (lambda: hostile.lying_word(hostile.word_xml("<w:p/>" * 200_000), 100), "unpacks to more than it says"),
        (lambda: hostile.word_with({}, zipfile.ZIP_BZIP2), "packed in a way that Word does not use"),
        (lambda: hostile.word_with({}, zipfile.ZIP_LZMA), "packed in a way that Word does not use"),
        (lambda: hostile.word_with({f"word/m{k}": b"x" for k in range(10_001)}), "has 10006 parts"),
    ],
    ids=["dense", "overlapping", "lie with a checksum", "lie", "bzip2", "lzma", "entries"],
)
def test_zip_bombs_are_refused_before_they_unpack(data: object, message: str) -> None:
    made = data()  # type: ignore[operator]
    tracemalloc.start()
    try:
        assert message in refused(made, "a.docx")
        assert tracemalloc.get_traced_memory()[1] < 16_000_000
    finally:
        tracemalloc.stop()


ENTITIES = '<!DOCTYPE w [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize(
    ("parts", "part"),
    [
        ({"word/document.xml": hostile.word_xml("&b;", ENTITIES)}, "word/document.xml"),
        ({"word/document.xml": hostile.word_xml("&c;", f"<!--{'x' * 200_000}-->{ENTITIES}")}, "word/document.xml"),
        ({"word/document.xml": hostile.word_xml("&c;", ENTITIES).decode().encode("utf-16-be")}, "word/document.xml"),
        ({"docProps/core.xml": f"{ENTITIES}<a>&b;</a>".encode()}, "docProps/core.xml"),
        ({"word/STRANGE.XML": f" {ENTITIES}<a>&b;</a>".encode()}, "word/STRANGE.XML"),
        ({"word/none": f"\ufeff{ENTITIES}<a>&b;</a>".encode()}, "word/none"),
    ],
)
def test_entities_are_refused_wherever_they_stand(parts: dict[str, bytes], part: str) -> None:
    assert refused(hostile.word_with(parts), "a.docx") == f"a.docx declares XML entities in {part}."


@pytest.mark.parametrize(
    "relation",
    [
        f'Id="r9" Type="{hostile.OFFICE}/image" Target="http://127.0.0.1:9/x" TargetMode="External"',
        f'Id="r9" Type="{hostile.OFFICE}/attachedTemplate" Target="file:///etc/hostname" TargetMode="External"',
        'Id="r9" Type="http://x/y" Target="document.xml"',
    ],
)
def test_relations_that_point_outside_or_back_are_not_followed(relation: str) -> None:
    data = hostile.word_with({"word/_rels/document.xml.rels": hostile.relations(relation)})
    assert load(data, "a.docx").text == WORDS


@pytest.mark.parametrize("target", ["file:///etc/hostname", "../../../../etc/hostname"])
def test_a_part_outside_the_file_is_no_part(target: str) -> None:
    relation = f'Id="r9" Type="{hostile.OFFICE}/styles" Target="{target}"'
    assert "is a damaged Word file" in refused(
        hostile.word_with({"word/_rels/document.xml.rels": hostile.relations(relation)}), "a.docx"
    )


def test_names_in_the_archive_are_never_paths() -> None:
    assert load(hostile.word_with({"../../../../tmp/evil.txt": b"x", "/etc/evil": b"y"}), "a.docx").text == WORDS


def cell(body: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{body}</w:tc>"


def test_a_cell_over_a_thousand_million_columns_is_one_cell() -> None:
    huge = cell(PARAGRAPH, '<w:gridSpan w:val="1000000000"/>')
    row = f'<w:tr><w:trPr><w:gridBefore w:val="999999999"/></w:trPr>{huge}{cell("<w:p/>")}</w:tr>'
    assert load(hostile.word(f"<w:tbl>{row * 3}</w:tbl>"), "a.docx").text == "\n".join([WORDS] * 3)
    negative = cell(PARAGRAPH, '<w:gridSpan w:val="-5"/>')
    assert load(hostile.word(f"<w:tbl><w:tr>{negative}</w:tr></w:tbl>"), "a.docx").text == WORDS


def test_a_label_merged_over_rows_stands_in_each_and_a_long_text_once() -> None:
    def table(label: str) -> str:
        first = cell(f"<w:p><w:r><w:t>{label}</w:t></w:r></w:p>", '<w:vMerge w:val="restart"/>')
        rows = [first + cell(PARAGRAPH), *[cell("<w:p/>", "<w:vMerge/>") + cell(PARAGRAPH)] * 500]
        return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in rows) + "</w:tbl>"

    assert load(hostile.word(table("Sales")), "a.docx").text == "\n".join([f"Sales | {WORDS}"] * 501)
    long = "word " * 50_000
    text = load(hostile.word(table(long)), "a.docx").text
    assert text.count("word") == 50_000
    assert text.count(WORDS) == 501
    # A merge that goes on from nowhere has its own text.
    assert load(hostile.word(f"<w:tbl><w:tr>{cell(PARAGRAPH, '<w:vMerge/>')}</w:tr></w:tbl>"), "a.docx").text == WORDS


def test_styles_in_a_circle_by_the_thousand_and_with_quotes_end() -> None:
    def style(name: str, base: str) -> str:
        return f'<w:style w:type="paragraph" w:styleId="{name}"><w:name w:val="{name}"/><w:basedOn w:val="{base}"/></w:style>'

    body = "".join(
        f'<w:p><w:pPr><w:pStyle w:val="{name}"/></w:pPr><w:r><w:t>Text {k}.</w:t></w:r></w:p>'
        for k, name in enumerate(["A", "a&quot;]", "S19999"] * 700)
    )
    styles = style("A", "B") + style("B", "A") + "".join(style(f"S{k}", "A") for k in range(20_000))
    reading = load(hostile.word(body, styles), "a.docx")
    assert reading.text.count("Text") == 2100
    assert reading.sections == ()


def test_tables_in_tables_read_or_are_refused() -> None:
    def nested(depth: int) -> bytes:
        return hostile.word("<w:tbl><w:tr><w:tc>" * depth + PARAGRAPH + "</w:tc></w:tr></w:tbl>" * depth)

    assert load(nested(40), "a.docx").text == WORDS
    assert "is a damaged Word file" in refused(nested(5000), "a.docx")


# PDF


@pytest.mark.parametrize(
    "data",
    [
        hostile.page_pdf().replace(b"/Count 1", b"/Count 2000000000"),
        hostile.page_pdf().replace(b"/Count 1", b"/Count -5"),
        hostile.page_pdf(box=b"[0 0 1e30 1e30]"),
        hostile.page_pdf(box=b"[99999999999999999999999 -9 5 (x)]"),
        hostile.page_pdf(box=b"[0 0 0 0]"),
        hostile.page_pdf(b"q " * 200_000 + hostile.DRAWN),
        hostile.page_pdf(b"BI /W 100000 /H 100000 /CS /RGB /BPC 8 ID x EI " + hostile.DRAWN),
        hostile.page_pdf(page=b"/X " + b"[" * 50_000 + b"]" * 50_000),
        hostile.page_pdf(catalog=b"/X " + b"<</A " * 20_000 + b"1" + b">>" * 20_000),
        hostile.page_pdf(more=dict.fromkeys(range(6, 100000), b"null")),
        hostile.page_pdf().replace(b"stream\nBT", b"stream\nBT ").replace(b"/Length 5", b"/Length 9999999"),
        hostile.page_pdf(
            catalog=b"/OpenAction << /S /JavaScript /JS (while\\(1\\){}) >> /AA << /WC << /S /Launch /F (/bin/sh) >> >>",
            page=b"/AA << /O << /S /Launch /F (sh) >> >> /Annots [<< /Type /Annot /Subtype /Link /Rect [0 0 600 700] "
            b"/A << /S /URI /URI (http://127.0.0.1:9/) >> >>]",
        ),
        hostile.page_pdf(
            catalog=b"/Names << /EmbeddedFiles << /Names [(a) << /F (../../x) /EF << /F 6 0 R >> >>] >> >>",
            more={6: hostile.stream(b"x" * 1000, b"/Type /EmbeddedFile")},
        ),
        hostile.page_pdf(catalog=b"/Names << /Dests 6 0 R >> /Outlines 7 0 R",
                         more={6: b"<< /Kids [6 0 R 6 0 R] >>", 7: b"<< /First 8 0 R >>", 8: b"<< /Title (A) /Dest (d) /Parent 7 0 R >>"}),
        hostile.page_pdf(catalog=b"/PageLabels 6 0 R", more={6: b"<< /Kids [6 0 R] >>"}),
        hostile.page_pdf(catalog=b"/PageLabels << /Nums [0 << /S /r /St 2000000000 >>] >>"),
        hostile.page_pdf(catalog=b"/PageLabels << /Nums [0 << /S /A /St 2000000000 >>] >>"),
        hostile.page_pdf(more={6: b"<< /Title 6 0 R /Author 7 0 R >>", 7: b"7 0 R"}, trailer=b"/Info 6 0 R"),
        hostile.page_pdf(more={6: b"<< /Title (\x1b[2J\x07" + b"A" * 2_000_000 + b") >>"}, trailer=b"/Info 6 0 R"),
        hostile.page_pdf(more={6: b"<< /Title <FEFFD80000410042> >>"}, trailer=b"/Info 6 0 R"),
        hostile.outline_pdf(8_000, deep=False),
        hostile.outline_pdf(5000, deep=True),
        hostile.deep_tree_pdf(300),
        hostile.page_pdf() + b"\nstartxref\n9\n%%EOF\n" * 20_000,
    ],
    ids=[
        "count", "negative count", "huge page", "page of nonsense", "empty page", "open states", "inline picture", "deep list",
        "deep dictionary", "objects", "length", "actions", "attachment", "names in a circle", "labels in a circle", "roman label",
        "letter label", "title in a circle", "title of 2 MB", "title of half a character", "outline", "deep outline", "page tree",
        "ends",
    ],
)  # fmt: skip
def test_a_pdf_with_traps_reads_as_its_page(data: bytes) -> None:
    document = whole(data, "a.pdf")
    assert document.text.strip() == WORDS
    assert len(document.pages) == 1
    assert all(len(page.label or "") <= 40 for page in document.pages)
    assert len(document.metadata.title or "") <= 2000


@pytest.mark.parametrize(
    "data",
    [
        hostile.page_pdf().replace(b"/Kids [4 0 R]", b"/Kids [2 0 R]"),
        hostile.deep_tree_pdf(3000),
        hostile.page_pdf(more={5: b"5 0 R"}),
        hostile.page_pdf(b"\x81q" * 1_000_000 + b"\x80", entries=b"/Filter /RunLengthDecode"),
        hostile.page_pdf(
            trailer=b"/Encrypt << /Filter /Standard /V 5 /R 6 /Length 256 /O (x) /U (y) /P -1 >> /ID [(a)(b)]"
        ),
        b"%PDF-1.4\n" * 100_000,
        b"%PDF-1.4\n" + b"1 0 obj\n<<>>\nendobj\n" * 20_000,
        b"%PDF-1.7\n" + bytes(range(256)) * 2000,
    ],
    ids=[
        "tree in a circle",
        "tree",
        "object in a circle",
        "runs",
        "encryption",
        "headers",
        "doubles",
        "noise",
    ],
)
def test_a_pdf_without_an_end_or_a_page_is_refused(data: bytes) -> None:
    refused(data, "a.pdf")


def test_a_drawing_that_calls_itself_ends() -> None:
    assert WORDS in load(hostile.form_pdf(1, 1), "a.pdf").text


def test_thousands_of_pages_take_no_longer_each() -> None:
    document = whole(hostile.pages_pdf(3000), "a.pdf")
    assert len(document.pages) == 3000
    assert document.text.count(WORDS) == 3000


# HTML


def page(body: str, head: str = "") -> bytes:
    return f"<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>".encode()


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<table><tr><td colspan=1000000000 rowspan=1000000000>a</td><td>b</td></tr></table>", "a | b"),
        ("<table><tr><td>" * 300 + "deep", "deep"),
        ("<span>" * 100_000 + "deep", "deep"),
        (f'<p class="{"a " * 1_000_000}">Words</p>', "Words"),
        (f'<p style="{"display : " * 200_000}">Words</p>', "Words"),
        (f'<p style="font-size:0{" " * 300_000}x">Words</p>', "Words"),
        ("<p " + " ".join(f"a{k}=1" for k in range(8_000)) + ">Words</p>", "Words"),
        ("<!-- a -->" * 50_000 + "Words", "Words"),
        ("<p>a\0b\x1b[2J\x07c</p>", "ab[2Jc"),
        ("<p>a&#0;&#xD800;&#x1b;b</p>", "ab"),
    ],
    ids=[
        "spans",
        "tables",
        "inline",
        "class",
        "style",
        "font size",
        "attributes",
        "comments",
        "controls",
        "references",
    ],
)
def test_mark_up_with_traps_reads(body: str, text: str) -> None:
    assert whole(page(body), "a.html").text.replace("\ufffd", "") == text


@pytest.mark.parametrize("tag", ["div", "blockquote", "ul><li"])
def test_fifty_megabytes_of_nested_tags_are_refused(tag: str) -> None:
    count = 10_000_000 // (len(tag) + 2) // (1 if tag == "div" else 10) * 5
    assert "nests its elements too deeply" in refused(page(f"<{tag}>" * count + "deep"), "a.html")


def test_a_table_of_many_rows_around_others_is_read_once() -> None:
    inner = "<table>" + "<tr><td>1</td><td>2</td></tr>" * 3000 + "</table>"
    nested = "<table><tr><td>x</td></tr><tr><td>" * 300 + inner + "</td></tr></table>" * 300
    assert whole(page(nested), "a.html").text.count("1 | 2") == 3000


def test_hidden_text_inside_hidden_text_is_counted_once() -> None:
    deep = "<div hidden>" * 500 + "unseen" + "</div>" * 500
    reading = load(page(f"<table><tr><td>seen</td><td>{deep}</td></tr></table>"), "a.html")
    assert reading.text == "seen"
    assert reading.warnings == ("6 characters of hidden text in 1 places were left out.",)


def test_headings_in_headings_are_not_read_again_for_each() -> None:
    reading = load(page("<h1>" * 1500 + "word " * 100_000), "a.html")
    assert reading.text.count("word") == 100_000
    assert len(reading.embedded["title"]) <= 2000


@pytest.mark.parametrize(
    "block",
    [
        "[" * 100_000 + "]" * 100_000,
        '{"a": ' + "9" * 50_000 + "}",
        '{"@type": "Article", "author": ' + "[" * 900 + '{"name": "A"}' + "]" * 900 + "}",
        '{"@type": "Article", "headline": "\\ud800\\u001b[2J\\u0000", "datePublished": "' + "2024-05-03 " * 500 + '"}',
    ],
    ids=["deep", "number", "authors", "halves and controls"],
)
def test_facts_of_a_page_that_are_none_are_left_out(block: str) -> None:
    document = whole(page("<p>Words stand here.</p>", f'<script type="application/ld+json">{block}</script>'), "a.html")
    assert document.text == "Words stand here."
    assert document.metadata.published is None
    assert document.metadata.title in (None, "[2J")


def test_thousands_of_authors_are_fifty() -> None:
    head = "".join(f'<meta name=author content="Ann{k} Lee">' for k in range(20_000))
    assert len(load(page("<p>x</p>", head), "a.html").embedded["author"].split("; ")) <= 50


@pytest.mark.parametrize(
    "charset", ["utf-16", "rot13", "zlib", "idna", "punycode", "undefined", "unicode_escape", "base64", "x" * 40]
)
def test_a_declared_encoding_that_is_none_does_not_count(charset: str) -> None:
    data = page("<p>Süß is the word</p>", f"<meta charset={charset}>").decode()
    assert load(data.encode(), "a.html").text == "Süß is the word"
    assert load(data.encode("latin-1"), "a.html").text == "Süß is the word"


def test_envelopes_by_the_thousand_read() -> None:
    envelope = "<DOCUMENT>\n<TYPE>8-K\n<TEXT>\nWords stand here.\n</TEXT>\n</DOCUMENT>\n"
    assert load(f"<SEC-DOCUMENT>\n{envelope * 2000}".encode(), "a.txt").text.count("Words") == 2000
    refused(b"<SEC-DOCUMENT>\n" + b"<DOCUMENT>\n" * 30_000, "a.txt")


# Markdown and text


@pytest.mark.parametrize(
    ("front", "message"),
    [
        ("a: &1 [x, x]\nb: [*1, *1]\n", "line 2 of the front matter uses a YAML anchor"),
        ("".join(f"a{k}: &{k} [{', '.join([f'*{k - 1}'] * 10) if k else 'x'}]\n" for k in range(12)), "line 2 of the front"),
        ("a: 1\nb: *c\n", "line 3 of the front matter uses a YAML anchor"),
        ('a: !!python/object/apply:os.system ["true"]\n', "line 2 of the front matter is not valid YAML"),
        (f"a: {'[' * 5000}{']' * 5000}\n", "not valid YAML"),
        ("? " * 5000 + "a\n", "not valid YAML"),
        (f"a: {'9' * 20_000}\n", "not valid YAML"),
        (f"a: {'1:' * 9000}1\n", "not valid YAML"),
        ("a: !!timestamp x\n", "not valid YAML"),
        ("a: !!int x\n", "not valid YAML"),
        ("? [a, b]\n: c\n", "not valid YAML"),
        ("date: 2024-02-30\n", "not valid YAML"),
        ("a: !!bool x\n", "not valid YAML"),
        ("a: b\n" * 14_000, "over 64 KB"),
    ],
    ids=[
        "numbered anchors", "bomb", "alias", "object", "deep list", "deep keys", "number", "base 60", "time", "integer", "key", "truth", "date",
        "size",
    ],
)  # fmt: skip
def test_front_matter_with_traps_is_refused_with_its_place(front: str, message: str) -> None:
    assert message in refused(f"---\n{front}---\nText of it.\n".encode(), "a.md")


def test_escapes_in_front_matter_are_no_half_characters_and_steer_no_terminal() -> None:
    document = whole(b'---\ntitle: "a\\ud800b\\e[2Jc\\0"\n"k\\ud800": "v\\a"\n---\nText of a note.\n', "a.md")
    assert document.metadata.title == "ab[2Jc"
    assert document.metadata.extra["k"] == "v"


RUNS = [
    "[", "![", "[a](", "**a_", "```\n", ">", "# a\n", "a\n===\n", "---\n", "| a | b |\n", " ", "\t", "\n", "a\f", ".", ". ", "- ", "(", ") ",
    "1", "1,", "$", "%", "A", "a\u0301", "A.B.", "Aa Bb, ", "the ", "of ", "not ", "Q1 ", "Q1 2020 ", "fiscal 2020 ", "January ", "January 1, 2020 ",
    "1/1/", "2020-01-01 ", "Item 1. Foo\n", "Inc. ", "© Aa ", "© 2020 ", "published by Aa ", "Source: ", "http://a ", "a@b.", "(123) 456-",
    "Sincerely,\nAnn Lee\n", "Ann Lee is a ", ".... 1\n", "1.1 a\n", "has duly caused ", "Signature\n", "page 1 of ", "securities and exchange commission ",
    "securities and exchange commission form 10-K ", "exact name of registrant ", "three months ended January 30 ", "today announced ",
    "Operator: ", "Speaker 1: a\n", "welcome to ", "Related articles\n- a\n", "(NYSE: A", "under the symbol ", "<!--", "<li>", "&amp;", "• ",
]  # fmt: skip
TOPS = {
    "note": "# Why gauges matter\nBy Ann Lee | May 3, 2024\n\n",
    "filing": "UNITED STATES\nSECURITIES AND EXCHANGE COMMISSION\nWashington, D.C. 20549\nFORM 10-Q\nFor the quarterly period ended "
    "September 30, 2022\nCommission file number 1-1234\nACME CORP\n(Exact name of registrant as specified in its charter)\n",
    "call": "Acme Corp (NYSE: ACM) Q3 2022 Earnings Conference Call Transcript\nOctober 3, 2022\nOperator: Welcome to the Acme call.\n"
    "Speaker 1: Hello.\nSpeaker 2: Hi.\nSpeaker 3: Well.\n",
    "release": "FOR IMMEDIATE RELEASE\nAcme Corp Reports Third Quarter Results\nNEW YORK, October 3, 2022 /Wire/ -- Acme Corp (NYSE: ACM) "
    "today announced results.\n",
}


@pytest.mark.parametrize("top", TOPS)
def test_no_pattern_is_slow_on_one_thing_said_again_and_again(top: str) -> None:
    for run in RUNS:
        text = TOPS[top] + (run * (6_000 // len(run))) + "\nThe end of it all.\n"
        assert whole(text.encode(), "a.txt").text


@pytest.mark.parametrize(
    "data",
    [
        b"Words stand here. " * 3 + b"\xed\xa0\x80",
        b"Words \xc0\x80 \xf8\x88\x80\x80\x80 here." * 20,
        b"\xff\xfe" + "Words stand here. ".encode("utf-16-le") + b"\x00\xd8" * 9,
        "Words stand here. ".encode("utf-16-be") * 20,
        "Words \u202e\u2066 stand \u200b here. ".encode() * 20,
        b"Words \x1b]0;title\x07 stand here. " + b"More of them. " * 100,
        b"+ADw-script+AD4- words",
    ],
    ids=["half characters", "overlong", "half at the end", "no mark", "directions", "escapes", "utf-7"],
)
def test_text_in_odd_encodings_reads_without_what_steers_a_terminal(data: bytes) -> None:
    document = whole(data, "a.txt")
    assert "ords" in document.text
    assert not any(0xD800 <= ord(c) < 0xE000 or (ord(c) < 32 and c not in "\n\t\f") for c in document.text)


def test_one_line_without_end_is_cut() -> None:
    assert len(whole(b"A" * 300_000, "a.txt").text) == 300_000
    assert len(whole(b"word " * 60_000, "a.txt").text) >= 299_999
