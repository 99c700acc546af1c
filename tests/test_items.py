"""What is embedded for a chunk: its header and its plain text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorstore._items import header, plain
from vectorstore.records import Metadata


@pytest.mark.parametrize(
    ("company", "form", "period", "line"),
    [
        ("JPMorgan Chase & Co.", "10-Q", "Q1 2021", "JPMorgan Chase Q1 2021"),
        ("American Water Works Company, Inc.", "10-K", "FY2021", "American Water Works 2021"),
        ("NIKE, Inc.", "10-K", None, "NIKE 10-K"),
        ("Lands' End, Inc.", None, None, "Lands' End"),
        ("Co.", "10-K", "FY2020", "Co. 2020"),
        ("The Hershey Company", None, "Q3 2020", "The Hershey Q3 2020"),
        ("Costco", None, "FY2020", "Costco 2020"),
    ],
)
def test_the_header_names_company_and_period_in_few_words(
    company: str, form: str | None, period: str | None, line: str
) -> None:
    assert header(Metadata(company=company, form=form, fiscal_period=period)) == line


def test_without_a_company_the_title_is_the_header() -> None:
    assert header(Metadata(title="A note", form="10-K", fiscal_period="FY2020")) == "A note"
    assert header(Metadata()) == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Net sales $ 1,234,567 (1,234)", "Net sales   1234567  1234 "),
        ("fell (12.5%) to $3.4 million", "fell  12.5%  to  3.4 million"),
        ("1,5 and 2,3456 stay", "1,5 and 2,3456 stay"),
        ("Cash — — 12", "Cash     12"),
        ("the notes (see below) rose", "the notes (see below) rose"),
        ("in May 2021, we", "in May 2021, we"),
    ],
)
def test_the_signs_of_figures_are_not_embedded(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(st.text(alphabet="ab $—–(),.%0123456789\n", max_size=60))
def test_no_digit_and_no_letter_is_lost(text: str) -> None:
    def kept(value: str) -> str:
        return "".join(character for character in value if character.isalnum() or character in ".%\n")

    assert kept(plain(text)) == kept(text)
    assert len(plain(text)) <= len(text)
