"""Stored text as paragraphs and tables: nothing lost, spans marked where they are, rows of statements in columns."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_fakes import NOTE_TEXT, make_document
from web_parsed import Parsed

from assistant.web.excerpt import Other, excerpt, excerpt_html
from assistant.web.reading import Mark, apart, blocks, body, cut
from vectorstore.records import Metadata, Page
from vectorstore.text import units

STATEMENT = (
    "Consolidated statements of income\nHarbor Tools Inc.\n(dollars in millions)\nYears ended December 31, 2023 2022\nRevenue\n"
    + "".join(f"Line {n} of business $ {n},000 $ {n + 1},000\n" for n in range(10, 60))
    + "Total revenue 85,500 (1,250)\nDividends paid (10,805) —\nSee the notes.\n"
)


def rows(html: str) -> list[list[str]]:
    """The cells of every table row, in words."""
    found = re.findall(r"<tr[^>]*>(.*?)</tr>", html, re.S)
    return [[" ".join(Parsed(cell).text.split()) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.S)] for row in found]  # fmt: skip


def read(text: str, *marks: Mark) -> str:
    return body(text, 0, blocks(text), apart(marks))


def bare(text: str) -> str:
    return re.sub(r"[\s|]+", "", text)


@given(st.text(alphabet="ab1 2,.\n\n|$()%—-•A", max_size=200), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 40)), max_size=4))  # fmt: skip
def test_no_sign_of_a_text_is_lost_and_marks_hold_their_words(text: str, spans: list[tuple[int, int]]) -> None:
    marks = apart([Mark(a, min(a + n, len(text)), strong=i == 0) for i, (a, n) in enumerate(spans) if a < min(a + n, len(text))])  # fmt: skip
    parsed = Parsed(body(text, 0, blocks(text), marks))
    assert bare(parsed.text) == bare(text)
    assert bare("".join(parsed.marked)) == bare("".join(text[m.start : m.end] for m in marks))


@given(st.text(alphabet="ab1 2,.\n|$", max_size=120), st.lists(st.integers(0, 120), max_size=5))
def test_blocks_that_are_cut_hold_the_same_text(text: str, at: list[int]) -> None:
    found = cut(blocks(text), sorted(at))
    assert bare("".join(text[b.start : b.end] for b in found)) == bare(text)
    assert all(not b.start < place < b.end for b in found for place in at)


def test_units_are_paragraphs_items_and_rows() -> None:
    text = "Heading\n\nA first line that is wrapped because it is long enough for it,\nand goes on here.\n\n• An item\nSales 10 20\n"
    assert [(text[a:b].replace("\n", "/"), row) for a, b, row in units(text)] == [
        ("Heading", False),
        ("A first line that is wrapped because it is long enough for it,/and goes on here.", False),
        ("An item", False),
        ("Sales 10 20", True),
    ]
    assert "• An item</p>" in read(text)


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ("Revenue | $1,200 | 900", ["Revenue", "$1,200", "900"]),
        ("143,032 | 128,837", ["", "143,032", "128,837"]),
        ("Total net sales $ 65,984 $ 67,044 $ 65,398", ["Total net sales", "$ 65,984", "$ 67,044", "$ 65,398"]),
        ("Severance (a) (100) (36) (27)", ["Severance (a)", "(100)", "(36)", "(27)"]),
        ("Services 12 % (3)% — 8%", ["Services", "12 %", "(3)%", "—", "8%"]),
        ("Years ended December 31, 2022 2021", ["Years ended December 31,", "2022", "2021"]),
        ("Cash at the end (Note 1) $ 4,111 $ 4,161", ["Cash at the end (Note 1)", "$ 4,111", "$ 4,161"]),
        ("1,200 900 35", ["", "1,200", "900", "35"]),
    ],
)
def test_a_row_becomes_a_label_and_its_cells(line: str, cells: list[str]) -> None:
    assert rows(read(line)) == [cells]


def test_rows_of_a_table_stand_flush_right_below_each_other() -> None:
    html = read(
        "2023 2022\nNet sales\nTools 10 20\nServices 5 —\n\nA sentence that ends the table, and is long enough to be no heading of it at all."
    )
    assert rows(html) == [["", "2023", "2022"], ["Net sales"], ["Tools", "10", "20"], ["Services", "5", "—"]]
    assert html.count('<td class="t-n">') == 6
    assert '<tr class="t-years">' in html
    assert html.endswith("<p class=\"t-apart\">A sentence that ends the table, and is long enough to be no heading of it at all.</p>")  # fmt: skip


def test_a_strong_mark_keeps_its_span_and_weak_ones_give_way() -> None:
    marks = apart([Mark(0, 10, strong=False, anchor="a"), Mark(4, 8), Mark(6, 14, strong=False)])
    assert [(m.start, m.end, m.strong) for m in marks] == [(0, 4, False), (4, 8, True), (8, 14, False)]
    html = read("one two three four", Mark(4, 7), Mark(8, 13, strong=False, anchor="x", lead="<i>2</i>"))
    assert html == '<p>one <mark>two</mark> <i>2</i><mark id="x" class="t-weak">three</mark> four</p>'


def statement(quote: str, *others: str) -> str:
    document = make_document("s.pdf", STATEMENT, metadata=Metadata(), pages=(Page(1, 0, len(STATEMENT)),))
    start = STATEMENT.index(quote)
    beside = [Other(f"S{n + 2}", STATEMENT.index(one), STATEMENT.index(one) + len(one)) for n, one in enumerate(others)]
    shown = excerpt(document, start, start + len(quote), quote, others=beside)
    return excerpt_html(shown, [(other.key, f"[{other.key}]") for other in shown.others])


def test_a_row_far_below_its_head_is_shown_with_it_in_one_table() -> None:
    html = statement("Dividends paid (10,805) —", "Years ended December 31, 2023 2022")
    table = rows(html)
    assert table[0] == ["[S2]Years ended December 31,", "2023", "2022"]
    assert table[1] == ["⋯"]
    assert table[-1] == ["Dividends paid", "(10,805)", "—"]
    assert len(re.findall("<table", html)) == 1
    parsed = Parsed(html)
    weak = [attrs.get("class") for attrs in parsed.all("mark")]
    assert weak == ["t-weak"] * 3 + [None] * 3
    assert parsed.marked == ["Years ended December 31,", "2023", "2022", "Dividends paid", "(10,805)", "—"]


def test_a_span_inside_the_surroundings_is_marked_where_it_stands() -> None:
    html = statement("Total revenue 85,500 (1,250)", "Dividends paid (10,805) —")
    assert "⋯" not in html
    assert Parsed(html).text.index("Total revenue") < Parsed(html).text.index("[S2]Dividends")


def test_spans_far_away_stay_out_of_the_text_and_in_the_address() -> None:
    text = NOTE_TEXT + "x " * 6000 + "The end of it."
    document = make_document("n.md", text, metadata=Metadata())
    far = text.index("The end")
    shown = excerpt(document, 0, 5, text[:5], others=[Other("S2", far, far + 7), Other("S3", 40, len(text) + 5)])
    assert shown.others == ()
    assert f"span={far}-{far + 7}" in shown.link
    assert "span=40-" not in shown.link
    assert "The end" not in excerpt_html(shown)


@given(st.integers(-50, 2600), st.integers(-50, 2600), st.lists(st.tuples(st.integers(0, 2600), st.integers(1, 60)), max_size=5))  # fmt: skip
def test_an_excerpt_of_any_spans_shows_the_chosen_one_whole(start: int, end: int, spans: list[tuple[int, int]]) -> None:
    document = make_document("s.md", STATEMENT, metadata=Metadata())
    others = [Other(f"S{n}", a, min(a + size, len(STATEMENT))) for n, (a, size) in enumerate(spans) if a < len(STATEMENT)]  # fmt: skip
    shown = excerpt(document, start, end, "", others=others)
    assert shown.before + shown.quote + shown.after in STATEMENT
    parsed = Parsed(excerpt_html(shown))
    strong = "".join(re.findall(r"<mark>(.*?)</mark>", excerpt_html(shown), re.S))
    assert bare(strong) == bare(shown.quote)
    assert bare(shown.before + shown.quote + shown.after) in bare(parsed.text.replace("⋯", ""))
