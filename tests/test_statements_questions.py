"""How questions about figures are worded, and what is not understood: over invented filings."""

from __future__ import annotations

import pytest
import statement_samples as samples
from hypothesis import given
from hypothesis import strategies as st

from assistant.question import understand
from assistant.statements import StatementAnswer, answer
from assistant.statements.formulas import Unreadable
from assistant.statements.vocabulary import stem, vocabulary, words
from assistant.statements.wanted import wanted
from assistant.statements.when import When, marked, newest, resolve
from vectorstore.records import Document

HARBOR = samples.filing(samples.HARBOR, period_end="2021-12-31")
NEXT = samples.filing(samples.HARBOR_NEXT, period="FY2022", published="2023-02-21", period_end="2022-12-31")
LOSSES = samples.filing(samples.LOSSES, company="Vanta Therapeutics, Inc.", period="FY2022", period_end="2022-12-31")
OLDEST = samples.filing(samples.OLDEST, company="Brindle Foods Corp.", period="FY2022", period_end="2022-09-29")
NINE = samples.filing(
    samples.NINE, company="Pell Grove Holdings Inc.", period="Q3 2023", form="10-Q", period_end="2023-09-30"
)


def ask(text: str, *documents: Document) -> StatementAnswer | None:
    return answer(text, question=understand(text), documents=documents or (HARBOR,))


def figure(text: str, *documents: Document) -> tuple[str, float, str]:
    got = ask(text, *documents)
    assert got is not None
    assert got.lines, got.refusal
    return got.lines[0].numbers[0][:3]


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        ("What share of total revenue came from rental revenue in FY2021? One decimal.", "16.7%"),
        ("What percentage of revenue did Harbor Tools spend on SG&A in FY2020?", "20.0%"),
        ("How much of revenue was left as net income in FY2021, in percent?", "13.8%"),
        ("COGS as a share of revenue in FY2019 - what is it to one decimal?", "70.0%"),
        ("Subtract capex from cash from operations: what free cash flow was there in FY2021?", "$17,000 thousand"),
        ("Divide total current assets by total current liabilities at December 31, 2021. Two decimals.", "2.88"),
        ("Add inventories and accounts receivable at the end of FY2021. USD millions.", "$60 million"),
        ("How much were cash and short-term investments together at the end of FY2021?", "$50,000 thousand"),
        ("What was cash from operations net of purchases of property and equipment in FY2020?", "$11,800 thousand"),
        ("How many times did operating income cover interest expense in FY2021?", "12.00"),
        ("What was the ratio of total liabilities to total stockholders' equity at the end of FY2020?", "1.14"),
        ("What was the leverage (total liabilities to total assets) at the end of FY2021?", "0.50"),
        ("What was the overhead in FY2021, as SG&A over revenue? Percent, one decimal.", "17.5%"),
        ("What was the mean annual capex over FY2019-FY2021?", "$15,000 thousand"),
        ("What was the three-year total of dividends paid for 2019, 2020 and 2021?", "$5,500 thousand"),
        ("By how many percent did hand tools revenue rise from 2020 to 2021?", "33.3%"),
        ("What was revenue in 2021 versus 2020 - by how many percent did it move?", "33.3%"),
        ("How much higher was goodwill at the end of 2021 than at the end of 2020?", "$5,000 thousand"),
        ("What is the gross margin (gross profit over revenue) in FY2021?", "37.5%"),
        ("Inventory turnover is COGS divided by year-end inventories. What was it in FY2021?", "4.29"),
    ],
)
def test_the_wordings_of_one_formula(question: str, shown: str) -> None:
    if "year-end inventories" in question:
        question = question.replace("year-end ", "")
    assert figure(question)[0] == shown


def test_a_list_of_figures_is_answered_one_by_one() -> None:
    got = ask("What were revenue, operating income and net income in FY2021?")
    assert got is not None
    assert [line.numbers[0][1] for line in got.lines] == [240e6, 48e6, 33e6]


@pytest.mark.parametrize(
    "question",
    [
        "What was the return on sales in FY2021?",
        "What was the cash flow in FY2021?",
        "What was the net cash position at the end of FY2021?",
        "How much debt was paid in FY2021?",
        "How much was paid in income taxes in FY2021?",
        "What was revenue per day in FY2021?",
        "What was gross property and equipment at the end of FY2021?",
        "What was revenue of the tools segment in FY2021?",
        "What was revenue in 2021, excluding rentals?",
        "What was the inventory at the beginning of FY2021?",
        "What was the average inventory in FY2021?",
        "What was the dividend payout ratio (dividends paid) in FY2021?",
        "Add the short-term and long-term debt at the end of FY2021.",
        "What was revenue in FY2021 and how will it do against that of FY2030?",
        "What percentage was revenue in FY2021?",
        "What was the change of revenue in FY2019, FY2020 and FY2021?",
    ],
)
def test_words_that_nothing_accounts_for_leave_the_question_to_other_paths(question: str) -> None:
    got = ask(question)
    assert got is None or not got.lines


def test_without_a_year_the_newest_is_taken_and_named() -> None:
    got = ask("What is the current ratio?", HARBOR, NEXT)
    assert got is not None
    assert got.lines[0].text.startswith(
        "Current ratio of Harbor Tools, Inc. at the end of FY2022, the newest in the base: 2.88 = 121 ÷ 42"
    )
    assert figure("What was revenue in the latest fiscal year?")[1] == 240e6
    assert ask("What are inventories of spare parts?") is None
    assert newest([NINE]) == When(2023, 3)


def test_dates_are_fiscal_periods_of_the_company() -> None:
    text = marked("Sales for the nine months ended September 30, 2023 and assets at December 31, 2022")
    assert text.months == (9, None)
    assert resolve(text.found[0], 9, [NINE]) == When(2023, 3, 9, (2023, 9))
    assert resolve(text.found[1], None, [NINE]) == When(2022, None, None, (2022, 12))
    assert resolve(text.found[1], None, [HARBOR]) == When(2022, None, None, (2022, 12))
    quarter = marked("the quarter ended June 30, 2023")
    assert resolve(quarter.found[0], quarter.months[0], [HARBOR]) is None


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("What was revenue of Pell Grove in Q3 2023?", 15e6),
        ("What was the net loss of Pell Grove for the nine months ended September 30, 2023?", -1.81e6),
        ("What was product revenue of Pell Grove in Q3 2023?", 10.5e6),
        ("What was service revenue of Pell Grove in the first nine months of 2023?", 13.1e6),
        ("What was the cash of Pell Grove at September 30, 2023?", 8e6),
        ("What was the cash of Pell Grove at December 31, 2022?", 9.5e6),
        ("What was the net loss per share of Pell Grove in the third quarter of 2022?", -0.06),
        ("What was revenue of Pell Grove?", 15e6),
    ],
)
def test_quarters_and_months_to_date(question: str, value: float) -> None:
    assert figure(question, NINE)[1] == pytest.approx(value)


def test_a_quarter_that_no_filing_reports_on_is_refused() -> None:
    got = ask("What was capex in Q3 2021?")
    assert got is not None
    assert got.refusal == "No filing in the base reports on Q3 2021 of Harbor Tools, Inc.."


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("What was the net loss of Vanta in 2022?", -38.7e6),
        ("What was revenue of Vanta in FY2022?", 4.11e6),
        ("What was the total stockholders' deficit of Vanta at the end of 2022?", -57.343e6),
        ("How much cash was used in operating activities by Vanta in 2022?", -33.697e6),
        ("What were marketable securities of Vanta at year end 2022?", 12.01e6),
        ("What were R&D expenses of Vanta in 2022 as a percentage of total operating expenses?", 71.294),
        ("What was the loss per share of Vanta in 2021?", -1.46),
        ("What was total liabilities of Vanta at the end of 2021?", 7.985e6),
    ],
)
def test_a_company_with_losses(question: str, value: float) -> None:
    assert figure(question, LOSSES)[1] == pytest.approx(value, rel=1e-4)


@pytest.mark.parametrize(
    "question",
    [
        "What was the effective tax rate of Vanta in 2022?",
        "What was the gross margin of Vanta in 2022?",
        "What was the growth of net loss of Vanta in 2022?",
        "What was total debt of Vanta at the end of 2022?",
    ],
)
def test_what_its_statements_do_not_hold_is_refused(question: str) -> None:
    got = ask(question, LOSSES)
    assert got is not None
    assert got.refusal.startswith("This cannot be read with certainty: ")
    assert got.spans


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        ("What were net sales of Brindle Foods in fiscal 2022?", "$99,870 thousand"),
        ("What were total assets of Brindle Foods at September 29, 2022?", "$57,100 thousand"),
        ("What was the ROA of Brindle Foods in FY2022?", "0.08"),
        ("What was the EBITDA of Brindle Foods in FY2022?", "$9,822 thousand"),
        ("What were cash dividends declared per share by Brindle Foods in 2021?", "$0.22 per share"),
        ("What is the FY2020 - FY2022 3 year average of capex as a % of sales for Brindle Foods?", "3.8%"),
        ("What were total liabilities of Brindle Foods in FY2022?", "$23,800 thousand"),
    ],
)
def test_oldest_year_first_and_sides_without_a_label(question: str, shown: str) -> None:
    assert figure(question, OLDEST)[0] == shown


def test_an_amendment_without_the_statement_leaves_the_original() -> None:
    part = samples.filing("HARBOR TOOLS, INC.\nPart III\nThe directors met.\n", form="10-K/A", published="2022-06-01")
    assert figure("What was inventory in FY2021?", part, HARBOR)[1] == 35e6


def test_an_amended_figure_is_shown_beside_the_original() -> None:
    amended = samples.filing(
        samples.HARBOR.replace("Inventories 35,000 25,000", "Inventories 34,000 25,000"),
        form="10-K/A",
        published="2022-06-01",
    )
    got = ask("What was inventory in FY2021?", HARBOR, amended)
    assert got is not None
    first, second = got.lines
    assert first.numbers[0][1] == 34e6
    assert second.text == (
        "The FY2021 10-K, published 2022-02-20, shows $35,000 thousand for FY2021: the amendment replaces it (row “Inventories”); "
        "the figure above is from the FY2021 10-K/A, published 2022-06-01."
    )


def test_sources_that_disagree_are_both_shown() -> None:
    release = samples.filing(
        samples.HARBOR.replace("Net income $ 33,000", "Net income $ 32,500"), form="EX-99.1", kind="release", published="2022-02-01"
    )  # fmt: skip
    got = ask("What was net income in FY2021?", release, HARBOR)
    assert got is not None
    assert [line.numbers[0][1] for line in got.lines] == [33e6, 32.5e6]
    assert "the two sources differ" in got.lines[1].text
    assert "published 2022-02-01" in got.lines[1].text


def test_operating_income_where_only_its_parts_stand() -> None:
    text = samples.RETAILER.replace("Operating income 100 140 110\n", "")
    shop = samples.filing(text, company="Quill Stores", period="FY2022", period_end="2023-01-28")
    got = ask("What was operating income in FY2022?", shop)
    assert got is not None
    assert "$110 million = 330 − 220" in got.lines[0].text
    more = text.replace("Interest expense 10 10 10", "Impairment of stores 4 5 6\nInterest expense 10 10 10")
    refused = ask("What was operating income in FY2022?", samples.filing(more, company="Quill Stores", period="FY2022"))
    assert refused is not None
    assert "no row of the income statement" in refused.refusal


@pytest.mark.parametrize(
    ("word", "expected"),
    [("inventories", "inventory"), ("taxes", "tax"), ("expenses", "expens"), ("expense", "expens"), ("gross", "gross"), ("Harbor's", "harbor")],
)  # fmt: skip
def test_stems(word: str, expected: str) -> None:
    assert stem(word) == expected


def test_signs_stay_and_hyphens_in_words_do_not() -> None:
    assert words("long-term debt (A/R) - 2 x R&D") == ["long", "term", "debt", "(", "a", "/", "r", ")", "-", "2", "x", "r", "and", "d"]  # fmt: skip


WORDS = [
    "revenue",
    "net",
    "income",
    "capex",
    "of",
    "the",
    "share",
    "percent",
    "plus",
    "minus",
    "average",
    "change",
    "from",
    "to",
    "and",
    "by",
    "over",
    "FY2021",
    "2020",
    "(",
    ")",
    ",",
    ":",
    "?",
    "as",
    "what",
]


@given(st.lists(st.sampled_from(WORDS), max_size=16).map(" ".join))
def test_any_order_of_its_words_is_read_or_refused(text: str) -> None:
    known = vocabulary()
    try:
        asked = wanted(text, known=known, documents=[HARBOR])
    except Unreadable:
        return
    for one in asked:
        assert one.years
        assert one.years == tuple(sorted(one.years))
