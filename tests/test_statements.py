"""Questions for line items and ratios, answered from the rows of invented filings."""

from __future__ import annotations

import pytest
import statement_samples as samples
from hypothesis import given
from hypothesis import strategies as st

from assistant.question import understand
from assistant.statements import StatementAnswer, StatementLine, answer
from assistant.statements.clause import expression
from assistant.statements.formulas import Node, Unreadable, formula, leaves
from assistant.statements.items import items, metrics
from assistant.statements.tagging import tags
from assistant.statements.vocabulary import vocabulary
from assistant.statements.wanted import wanted
from vectorstore.records import Document

HARBOR = samples.filing(samples.HARBOR)
NEXT = samples.filing(samples.HARBOR_NEXT, period="FY2022", published="2023-02-21")
RETAILER = samples.filing(samples.RETAILER, company="Quill Stores", period="FY2022")
QUARTER = samples.filing(samples.QUARTER, company="Dell Ridge", period="Q2 2022", form="10-Q")
REPORT = samples.filing(samples.REPORT, company="Thorn plc", form="")
TINY = samples.filing(samples.TINY, company="Pine Grove")
UNSURE = samples.filing(samples.UNSURE, company="Unsure Co")


def ask(text: str, *documents: Document) -> StatementAnswer | None:
    return answer(text, question=understand(text), documents=documents or (HARBOR,))


def parse(text: str) -> Node:
    listed = tags(text, vocabulary(), {})
    unknown = next((t for t in listed if t.kind == "?"), None)
    if unknown is not None:
        raise Unreadable(unknown.word)
    return expression(listed, ())


def lines(text: str, *documents: Document) -> tuple[StatementLine, ...]:
    got = ask(text, *documents)
    assert got is not None
    assert not got.refusal, got.refusal
    return got.lines


def figure(text: str, *documents: Document) -> tuple[str, float, str]:
    return lines(text, *documents)[0].numbers[0][:3]


def quotes(line: StatementLine, *documents: Document) -> list[str]:
    held = {(d.document_id, d.version): d.text for d in (documents or (HARBOR,))}
    return [held[d, v][a:b] for d, v, a, b in line.spans]


@pytest.mark.parametrize(
    ("question", "shown", "value"),
    [
        ("What were total current assets at the end of FY2021?", "$115,000 thousand", 115e6),
        ("What is the year end FY2020 net PPNE? Answer in USD millions.", "$50 million", 50e6),
        ("What is the FY2021 capital expenditure amount (in USD millions)?", "$22 million", 22e6),
        ("How much was paid out in cash dividends in FY2020, in USD billions?", "$0.003 billion", 2.5e6),
        ("What was COGS in FY2020?", "$117,000 thousand", 117e6),
        ("What is the FY2021 inventory?", "$35,000 thousand", 35e6),
        ("What was cash flow from operations in fiscal 2019?", "$15,750 thousand", 15.75e6),
        ("How much was interest expense in FY2021?", "$4,000 thousand", 4e6),
        ("What was the provision for income taxes in FY2021?", "$11,000 thousand", 11e6),
        ("What was rental revenue in FY2021?", "$40,000 thousand", 40e6),
        ("What was the gain on sale of warehouse in FY2019?", "−$1,000 thousand", -1e6),
        ("How much was the impairment of goodwill in FY2020?", "$3,000 thousand", 3e6),
        ("What is the FY2021 D&A from the cash flow statement?", "$12,000 thousand", 12e6),
    ],
)
def test_a_line_item_is_read_from_its_row_and_column(question: str, shown: str, value: float) -> None:
    got = figure(question)
    assert got[0] == shown
    assert got[1:] == (value, "USD")


def test_the_row_and_the_header_are_cited_word_by_word() -> None:
    (line,) = lines("What is the FY2021 capital expenditure amount (in USD millions)?")
    assert line.text == (
        "Capital expenditure of Harbor Tools, Inc. in FY2021: $22 million "
        "(row “Purchases of property and equipment”, printed as $22,000 thousand)."
    )
    row, header = quotes(line)
    assert row == "Purchases of property and equipment (22,000) (12,000) (11,000)"
    assert header.startswith("CONSOLIDATED STATEMENTS OF CASH FLOWS\n(In thousands)")


def test_amounts_per_share_have_no_scale() -> None:
    assert figure("What was diluted EPS in FY2021?") == ("$0.65 per share", 0.65, "USD")
    assert figure("What were basic earnings per share in FY2019?")[1] == 0.17


@pytest.mark.parametrize(
    ("question", "shown", "derivation"),
    [
        ("What is the current ratio for FY2021?", "2.88", "115,000 ÷ 40,000"),
        ("What is the FY2021 quick ratio?", "1.88", "(40,000 + 10,000 + 25,000) ÷ 40,000"),
        (
            "What is FY2021 days payable outstanding (DPO)? DPO is defined as: 365 * (average accounts payable between FY2020 and "
            "FY2021) / (FY2021 COGS + change in inventory between FY2020 and FY2021). Round your answer to two decimal places.",
            "41.06 days",
            "365 × ((16,000 + 20,000) ÷ 2) ÷ (150,000 + (35,000 − 25,000))",
        ),
        (
            "What is the FY2021 fixed asset turnover ratio? Fixed asset turnover ratio is defined as: FY2021 revenue / "
            "(average PP&E between FY2020 and FY2021). Round your answer to one decimal place.",
            "4.4",
            "240,000 ÷ ((50,000 + 60,000) ÷ 2)",
        ),
        (
            "What is the FY2021 unadjusted EBITDA % margin? Calculate unadjusted EBITDA using unadjusted operating income and D&A "
            "(from cash flow statement).",
            "25.0%",
            "(48,000 + 12,000) ÷ 240,000",
        ),
        (
            "What is the FY2021 unadjusted operating income + depreciation and amortization from the cash flow statement "
            "(unadjusted EBITDA) in USD millions?",
            "$60 million",
            "48,000 + 12,000",
        ),
        (
            "What is the FY2021 net working capital? Define net working capital as total current assets less total current liabilities.",
            "$75,000 thousand",
            "115,000 − 40,000",
        ),
        ("What is the FY2021 free cash flow?", "$17,000 thousand", "39,000 − 22,000"),
        ("What was the effective tax rate in FY2020?", "20.0%", "4,200 ÷ 21,000"),
        ("What was capex as a % of revenue in FY2021?", "9.2%", "22,000 ÷ 240,000"),
        (
            "What is the FY2021 return on assets (ROA)? ROA is defined as: FY2021 net income / (average total assets between "
            "FY2020 and FY2021).",
            "0.19",
            "33,000 ÷ ((150,000 + 200,000) ÷ 2)",
        ),
        ("What was the debt to equity ratio at the end of FY2021?", "0.65", "(5,000 + 60,000) ÷ 100,000"),
        ("What is the FY2021 interest coverage?", "12.00", "48,000 ÷ 4,000"),
    ],
)  # fmt: skip
def test_a_ratio_is_computed_from_cited_rows(question: str, shown: str, derivation: str) -> None:
    line = lines(question)[0]
    assert line.numbers[0][0] == shown
    assert line.numbers[0][3] == derivation
    assert derivation in line.text
    assert len(line.spans) >= 2


def test_a_cycle_defined_by_parts_that_are_defined_after_it() -> None:
    question = (
        "What is the FY2021 cash conversion cycle (CCC)? CCC is defined as: DIO + DSO - DPO. DIO is defined as: 365 * (average inventory "
        "between FY2020 and FY2021) / (FY2021 COGS). DSO is defined as: 365 * (average accounts receivable between FY2020 and FY2021) / "
        "(FY2021 Revenue). DPO is defined as: 365 * (average accounts payable between FY2020 and FY2021) / (FY2021 COGS + change in "
        "inventory between FY2020 and FY2021). Round your answer to two decimal places."
    )
    expected = 365 * 30 / 150 + 365 * 22.5 / 240 - 365 * 18 / 160
    assert figure(question)[0] == f"{expected:.2f} days"


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        ("What is the FY2020 - FY2021 total revenue growth rate? Round to one decimal place.", "33.3%"),
        ("What is the 2 year total revenue CAGR from FY2019 to FY2021?", "30.9%"),
        ("What is the FY2019 - FY2021 3 year average operating income % margin?", "14.2%"),
        ("What is the three year average of COGS as a % of revenue from FY2019 to FY2021?", "65.8%"),
        ("By how much did inventory increase from FY2020 to FY2021?", "$10,000 thousand"),
        ("How much did the effective tax rate change between FY2020 and FY2021?", "5.0 percentage points"),
        ("How much did revenue grow in FY2021?", "33.3%"),
    ],
)
def test_several_years(question: str, shown: str) -> None:
    assert figure(question)[0] == shown


def test_yes_and_no_come_with_the_figures() -> None:
    assert lines("Does the company have positive working capital in FY2021?")[0].text.startswith(
        "Yes: Working capital of Harbor Tools, Inc. at the end of FY2021: $75,000 thousand"
    )
    grown = lines("Has the company increased its debt on the balance sheet between FY2020 and FY2021?")[0]
    assert grown.text.startswith("Yes: Total debt of Harbor Tools, Inc. increased by $15,000 thousand")
    assert lines("Did free cash flow decrease in FY2021?")[0].text.startswith(
        "No: Free cash flow of Harbor Tools, Inc. increased"
    )


def test_which_activity_brought_in_the_most() -> None:
    (line,) = lines(
        "Among operations, investing and financing activities, which brought in the most cash flow in FY2021?"
    )
    assert line.text.startswith(
        "In FY2021 operating activities brought in the most cash for Harbor Tools, Inc.: $39,000 thousand"
    )
    assert [n[1] for n in line.numbers] == [39e6, -7e6, -22e6]


def test_another_definition_in_use_is_shown_beside() -> None:
    first, second = lines("What is the FY2021 quick ratio?")
    assert first.numbers[0][0] == "1.88"
    assert second.numbers[0][0] == "2.00"
    assert "(total current assets − inventories) ÷ total current liabilities" in second.text


def test_what_has_no_row_is_taken_as_nil_only_where_that_is_said() -> None:
    (line,) = lines("What is the FY2020 quick ratio?", TINY)
    assert line.numbers[0][3] == "(98,400 + 0 + 51,900) ÷ 102,500"
    assert "no row for short-term investments, taken as nil" in line.text
    assert "no scale is stated, read as whole units" in line.text


def test_a_figure_restated_later_is_shown_with_both_dates() -> None:
    first, second = lines("What was accounts receivable in FY2021?", NEXT, HARBOR)
    assert first.numbers[0][1] == 25e6
    assert second.text == (
        "The FY2022 10-K, published 2023-02-21, shows $24 million for FY2021: the figure was restated (row “Accounts receivable, net”); "
        "the figure above is from the FY2021 10-K, published 2022-02-20."
    )
    assert len(lines("What was accounts payable in FY2021?", NEXT, HARBOR)) == 1


def test_an_amendment_replaces_what_it_amends() -> None:
    text = samples.HARBOR.replace("Inventories 35,000 25,000", "Inventories 34,000 25,000").replace(
        "Other current assets 5,000 5,000", "Other current assets 6,000 5,000"
    )
    amended = samples.filing(text, form="10-K/A", published="2022-06-01")
    assert figure("What was inventory in FY2021?", amended, HARBOR)[1] == 34e6
    assert figure("What was inventory in FY2021?", HARBOR, amended)[1] == 34e6


def test_a_fiscal_year_that_ends_in_the_next_calendar_year() -> None:
    assert figure("What were net earnings in FY2022?", RETAILER)[1] == 75e6
    assert figure("What was the gross margin in FY2021?", RETAILER)[0] == "35.0%"
    assert figure("What was revenue growth in FY2022?", RETAILER)[0] == "10.0%"


def test_a_column_headed_with_a_year_is_never_moved_to_another() -> None:
    other = samples.filing(samples.HARBOR, period="FY2022")
    assert ask("What was inventory in FY2022?", other) is None
    assert figure("What was inventory in FY2021?", other)[1] == 35e6


def test_a_quarter_is_not_its_half_year() -> None:
    assert figure("What was net income in Q2 2022?", QUARTER)[1] == 45e6
    assert figure("What were total assets at the end of Q2 2022?", QUARTER)[1] == 500e6
    got = ask("What was cash flow from operations in Q2 2022?", QUARTER)
    assert got is not None
    assert "no column for the quarter alone" in got.refusal
    assert got.spans
    assert ask("What was net income in FY2022?", QUARTER) is None


def test_pounds_with_a_note_column() -> None:
    assert figure("What was revenue in FY2021, in millions?", REPORT) == ("£12.5 million", 12.5e6, "GBP")
    assert figure("What is the effective tax rate for FY2021?", REPORT)[0] == "20.0%"
    assert figure("What was total equity at the end of FY2020?", REPORT)[1] == 4.4e6


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        (
            "What was D&A in FY2021?",
            "more than one row may belong to it (“Depreciation”, “Amortization, impairment and other”)",
        ),
        ("What was capex in FY2020?", "does not show a value for each of its 3 columns"),
        ("What were total assets at the end of FY2021?", "the period columns of the balance sheet on page 1"),
        ("What was the free cash flow for FY2021?", "the row “Capital expenditures”"),
    ],
)
def test_what_cannot_be_read_with_certainty_is_refused_with_its_page(question: str, reason: str) -> None:
    got = ask(question, UNSURE)
    assert got is not None
    assert got.lines == ()
    assert reason in got.refusal
    assert "page 1" in got.refusal
    assert all(UNSURE.text[a:b].strip() for _, _, a, b in got.spans)
    assert got.spans


def test_two_sides_that_differ_are_refused() -> None:
    broken = samples.filing(samples.HARBOR.replace("stockholders’ equity $ 200,000", "stockholders’ equity $ 210,000"))
    got = ask("What were total current assets at the end of FY2021?", broken)
    assert got is not None
    assert "do not add up" in got.refusal


def test_a_missing_row_is_named() -> None:
    got = ask("What was research and development expense in FY2021?")
    assert got is not None
    assert "no row of the income statement on page 3 of Harbor Tools, Inc. 10-K FY2021 is called that" in got.refusal


def test_a_definition_that_no_statement_holds_is_refused() -> None:
    got = ask(
        "What is the FY2021 revenue per tool ratio? Define revenue per tool as total revenue divided by tools sold."
    )
    assert got is not None
    assert "tools" in got.refusal


@pytest.mark.parametrize(
    "question",
    [
        "What drove the change of operating margin in FY2021?",
        "Which segment had the highest revenue in FY2021?",
        "What was organic revenue growth in FY2021?",
        "What percent of revenue came from Norway in FY2021?",
        "What was revenue from Norway in FY2021?",
        "What was subscription revenue in FY2021?",
        "How much dividends per share were paid in FY2021?",
        "What is the nature of the restructuring liability as of FY2021?",
        "Who wrote the note on small caps in 2021?",
        "What was inventory in FY2012?",
        "What are the arguments for and against owning Harbor Tools in 2021?",
    ],
)
def test_other_questions_are_left_to_other_paths(question: str) -> None:
    assert ask(question) is None


def test_documents_of_two_companies_are_not_mixed() -> None:
    assert ask("What was inventory in FY2021?", HARBOR, TINY) is None
    assert (
        answer("What was inventory in FY2021?", question=understand("What was inventory in FY2021?"), documents=())
        is None
    )


def test_every_formula_of_the_data_files_can_be_worked_out() -> None:
    named = set(items()) | set(metrics())
    for name in [*metrics(), *(n for n, item in items().items() if item.otherwise)]:
        assert leaves(formula(name))
        assert set(leaves(formula(name))) <= named
    for metric in metrics().values():
        assert set(metric.beside) <= set(metrics())


def test_each_phrase_of_the_data_files_asks_for_its_own_entry() -> None:
    for held in (items(), metrics()):
        for name, entry in held.items():
            for phrase in entry.asked:
                assert leaves(parse(phrase)) == (name,), phrase


def test_a_word_that_is_no_line_item_is_named() -> None:
    with pytest.raises(Unreadable) as caught:
        parse("revenue / widgets")
    assert caught.value.word == "widgets"


@given(st.text(alphabet="FY2021 revenue/()+-*x average between and is defined as: ?.", max_size=90))
def test_no_question_breaks_it(text: str) -> None:
    try:
        wanted(text)
    except Unreadable:
        return
    got = ask(text)
    assert got is None or got.lines or got.refusal
