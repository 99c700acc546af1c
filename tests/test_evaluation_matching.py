"""Does the matcher say what a person would: numbers with unit, scale, sign and rounding; yes and no; overlap."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from assistant.evaluation.amounts import amounts
from assistant.evaluation.matching import answer_match, reference_kind
from assistant.evaluation.support import claim_supported, derived_number, number_found, text_overlap

MILLIONS = "What was the capital expenditure in FY2018? Answer in USD millions."
BILLIONS = "What was the capital expenditure in FY2018 (in USD billions)?"


def match(answer: str, reference: str, question: str = "") -> float | None:
    return answer_match(answer, reference, question).value


@pytest.mark.parametrize(
    "answer",
    [
        "$1,577 million",
        "1.577 billion",
        "1577.0",
        "$1577",
        "USD 1,577 mn",
        "1577M",
        "$1.58B",
        "$1,577,000,000",
        "1,577,000 thousand",
        "1.577 billion dollars",
        "Capital expenditure was $1,577 million in fiscal 2018 [S1].",
        "In FY2018 (year ended December 31, 2018) it spent $1,577 million, 9% more than the $1,447 million of 2017.",
        "Purchases of property, plant and equipment (1,577) (1,373) [S1]",
        "Purchases of property, plant and equipment $ 1,577 $ 1,373",
        "Answer: $1,577 million",
        "Several figures are near, such as $900 million.\n**Answer:** $1,577 million",
    ],
)
@pytest.mark.parametrize(
    ("reference", "question"),
    [("$1577.00", MILLIONS), ("$1.58", BILLIONS), ("1577.0 in USD millions", "What was the capital expenditure?")],
)
def test_one_amount_is_right_in_all_its_notations(answer: str, reference: str, question: str) -> None:
    if (reference == "$1.58" and answer in {"1577.0", "$1577"}) or (question.endswith("ture?") and answer == "$1577"):
        assert match(answer, reference, question) == 0.0  # 1,577 billion; and dollars where nobody asked for millions
    else:
        assert match(answer, reference, question) == 1.0


@pytest.mark.parametrize(
    "answer",
    [
        "$1,577 thousand",
        "$1,577 billion",
        "$15.77 billion",
        "$1,617 million",
        "$1,600 million",
        "1,577%",
        "It cannot be said.",
        "",
        "In 2017 it was $1,373 million and in 2018 $1,577 million.",  # the figure that answers is not the one it leads with
        "Revenue was $32,765 million, net income $5,349 million and capital expenditure $1,577 million.",
    ],
)
def test_a_wrong_amount_is_wrong_in_all_notations(answer: str) -> None:
    assert match(answer, "$1577.00", MILLIONS) == 0.0


@pytest.mark.parametrize(
    ("answer", "reference", "question", "expected"),
    [
        # percent and points
        ("15 percent", "15%", "", 1.0),
        ("15.0%", "15%", "", 1.0),
        ("15.4%", "15%", "", 1.0),  # rounds to the reference
        ("15.6%", "15%", "", 0.0),
        ("0.44%", "0.4%", "", 1.0),
        ("0.46%", "0.4%", "", 0.0),
        ("100 bps", "1 percentage point", "By how many percentage points?", 1.0),
        ("1.4 percentage points", "1 percentage point", "By how many percentage points?", 0.0),
        ("101.5", "101.5%", "Answer in units of percents.", 1.0),
        ("$101.5 million", "101.5%", "", 0.0),
        ("The margin was 10.3%, on sales of $11,303 million.", "10.3%", "", 1.0),
        ("On sales of $11,303 million the margin was 10.3%.", "10.3%", "", 1.0),  # the first percentage
        ("The margin was 9.1% in 2019 and 10.3% on average.", "10.3%", "", 0.0),
        # ratios and calculations that are shown
        ("1.73", "1.73", "", 1.0),
        ("1.73x", "1.73", "", 1.0),
        ("The ratio is 1,001,425 / 577,464 = 1.73", "1.73", "", 1.0),
        ("1.73 (= 1,001,425 / 577,464)", "1.73", "", 1.0),
        ("The ratio is 1,001,425 / 577,464 = 1.37", "1.73", "", 0.0),
        ("63.9 days", "63.86", "What is days payable outstanding? It is 365 * payables / cost.", 1.0),
        ("173%", "1.73", "", 1.0),
        ("2.77", "2.774729", "", 1.0),
        ("2.7", "2.774729", "", 0.0),
        # one printed digit does not say how it was rounded
        ("$5.3 billion", "$5 billion", "", 0.0),
        ("$5.0 billion", "$5 billion", "", 1.0),
        # signs
        ("$(1,561) million", "-$1561M", "What is the working capital?", 1.0),
        ("(1,561)", "-$1561M", "What is the working capital?", 1.0),
        ("-1,561 million", "-$1561M", "What is the working capital?", 1.0),
        ("negative $1,561 million", "-$1561M", "What is the working capital?", 1.0),
        ("$1,561 million", "-$1561M", "What is the working capital?", 0.0),
        ("-$831 million", "$831 million", "What is the working capital?", 0.0),
        ("$831 million", "negative $831 million", "What is the working capital?", 0.0),
        ("a net loss of $473 million", "$473 million", "How large was the net loss?", 1.0),
        ("a net loss of $473 million", "$473 million", "What was the net income?", 0.0),
        ("a $473 million loss", "-$473 million", "What was the net income?", 1.0),
        ("-$0.389 billion", "$0.39", "How much (in USD billions) was paid in dividends?", 1.0),  # an outflow
        ("decreased by $229 million", "Debt decreased by $229 million.", "", 1.0),
        ("increased by $229 million", "Debt decreased by $229 million.", "", 0.0),
        # several numbers: the first as many, in any order
        ("from 20% to 23%", "The rate changed from 20% in FY2021 to 23% in FY 2022.", "How much has it changed?", 1.0),
        ("23%, against 20% in 2021", "The rate changed from 20% in FY2021 to 23%.", "How much has it changed?", 1.0),
        ("23%, after 21%, 20%", "The rate changed from 20% in FY2021 to 23%.", "How much has it changed?", 0.0),
        ("23%", "The rate changed from 20% in FY2021 to 23%.", "How much has it changed?", 0.0),
        # numbers of the question say nothing
        ("Over the 3 segments and $5 billion you name, 12 plants.", "12", "Of its $5 billion and 3 segments, how many plants?", 1.0),
        # years and counts
        ("It was 2019.", "2019", "In which year?", 1.0),
        ("It was 2020.", "2019", "In which year?", 0.0),
        ("12 analysts", "12", "How many analysts follow it?", 1.0),
        ("13 analysts", "12", "How many analysts follow it?", 0.0),
        ("The S&P 500 and 3M have 12 of them (Item 7, page 86, 10-K).", "12", "How many?", 1.0),
        # yes and no
        ("Yes.", "Yes, it did.", "Did it grow?", 1.0),
        ("**No**, it fell.", "Yes, it did.", "Did it grow?", 0.0),
        ("No", "No", "Did it grow?", 1.0),
        ("It grew.", "Yes, it did.", "Did it grow?", None),
        ("Yes and no.", "Yes, it did.", "Did it grow?", None),
        ("Working capital was -$1,561 million [S1].", "No, it was -$1561M in FY 2022.", "Is working capital positive?", 1.0),
        # prose gets no verdict
        ("Corporate.", "Corporate. Its net revenue was -$473 million.", "Which segment was lowest?", None),
    ],
)  # fmt: skip
def test_what_a_person_would_say(answer: str, reference: str, question: str, expected: float | None) -> None:
    assert match(answer, reference, question) == expected


@pytest.mark.parametrize(
    ("reference", "question", "kind"),
    [
        ("$0.40", "", "number"),
        ("They could receive $66.56 per share.", "How much could each shareholder get?", "number"),
        ("$411 million in 2022", "Which costs?", "number"),
        ("Because 3 of 12 plants closed for repairs in spring.", "Why did output fall?", "text"),
        ("No material disputes are reported.", "List the disputes.", "text"),
        ("No material disputes are reported.", "Are there disputes?", "yes_no"),
        ("Shipbuilding and steel", "", "text"),
        ("1, 2, 3 and 4", "", "text"),
    ],
)
def test_how_a_reference_is_compared(reference: str, question: str, kind: str) -> None:
    assert reference_kind(reference, question) == kind


SCALES = {"": 1.0, " thousand": 1e3, " million": 1e6, " billion": 1e9, "k": 1e3, "M": 1e6, "bn": 1e9}


@given(
    digits=st.integers(100, 99999),
    exponent=st.integers(5, 9),
    first=st.sampled_from(sorted(SCALES)),
    second=st.sampled_from(sorted(SCALES)),
    negative=st.booleans(),
)
@example(digits=1577, exponent=6, first=" million", second=" billion", negative=False)
def test_a_value_matches_itself_in_every_scale_and_not_ten_times_itself(
    digits: int, exponent: int, first: str, second: str, negative: bool
) -> None:
    value = digits * 10**exponent

    def say(scale: str, number: int) -> str:
        text = f"{number / SCALES[scale]:.9f}".rstrip("0").rstrip(".")
        return f"{'-' if negative else ''}${text}{scale}"

    assume(value / SCALES[first] >= 0.001)
    assert match(say(second, value), say(first, value)) == 1.0
    assert match(say(second, value * 10), say(first, value)) == 0.0
    assert (
        match(say(second, value).replace("-", "") if negative else "-" + say(second, value), say(first, value)) == 0.0
    )


@given(value=st.floats(1.0, 1e6), off=st.floats(-0.009, 0.009))
def test_one_percent_is_the_tolerance(value: float, off: float) -> None:
    assert match(f"${value * (1 + off):.6f} million", f"${value:.6f} million") == 1.0
    assert match(f"${value * 1.02:.6f} million", f"${value:.6f} million") == 0.0


@given(st.text(max_size=200), st.text(max_size=100), st.text(max_size=100))
def test_any_text_gets_a_verdict_and_a_share(answer: str, reference: str, question: str) -> None:
    assert match(answer, reference, question) in {0.0, 1.0, None}
    overlap = text_overlap(answer, reference)
    assert overlap is None or 0.0 <= overlap <= 1.0
    claim_supported(answer, reference)


def test_what_is_read_as_a_number() -> None:
    text = "[S1] Item 7: 3M (10-K, FY2022, Q3) made $ 5.2bn, (473) and 12.5% in 4 years to May 3, 2023; 25 bps, 1.2x, 1,000."
    found = [(a.value, a.dimension) for a in amounts(text)]
    assert found == [
        (5.2e9, "money"),
        (-473.0, "plain"),
        (12.5, "percent"),
        (4.0, "time"),
        (2023.0, "date"),
        (0.25, "points"),
        (1.2, "ratio"),
        (1000.0, "plain"),
    ]


def test_overlap_is_the_f1_of_content_words() -> None:
    assert text_overlap("Shipbuilding and steel", "steel and shipbuilding") == 1.0
    assert text_overlap("Shipbuilding", "steel and shipbuilding") == pytest.approx(2 / 3)
    assert text_overlap("Nothing here", "steel and shipbuilding") == 0.0
    assert text_overlap("anything", "the of") is None


@pytest.mark.parametrize(
    ("number", "evidence", "found"),
    [
        ("$1.6 billion", "Capital spending (1,577)", True),  # rounds to what is printed
        ("$1,577 million", "Capital spending (1,577)", True),
        ("$1,580 million", "Capital spending (1,577)", False),  # printed to the million, it is another number
        ("$1,587 million", "Capital spending (1,577)", False),
        ("12%", "12 plants and 12.4% of sales", True),
        ("12%", "$12 million", False),
        ("2021", "in 2020", False),
        ("15", "15.2", True),
        ("17", "15.2", False),
    ],
)
def test_numbers_in_evidence(number: str, evidence: str, found: bool) -> None:
    assert number_found(amounts(number)[0], amounts(evidence)) is found


@pytest.mark.parametrize(
    ("claim", "evidence", "supported"),
    [
        ("Sales of small firms rose 15% in May.", "In May, the sales of small firms rose 15%.", True),
        ("Sales of small firms rose 16% in May.", "In May, the sales of small firms rose 15%.", False),
        ("Banks closed branches across Europe in May.", "In May, the sales of small firms rose 15%.", False),
        ("Sales rose.", "", False),
        ("", "In May.", False),
    ],
)
def test_claims_against_evidence(claim: str, evidence: str, supported: bool) -> None:
    assert claim_supported(claim, evidence) is supported


@pytest.mark.parametrize(
    ("printed", "calculation", "right"),
    [
        ("10.6%", "(5,200 - 4,700) / 4,700", True),
        ("10.6%", "(5,200 − 4,700) ÷ 4,700 × 100", True),
        ("0.106", "(5200-4700)/4700", True),  # rounded to the digits printed
        ("12.6%", "(5,200 ÷ 4,100)^(1 ÷ 2) − 1", True),
        ("11.6%", "(5,200 - 4,700) / 4,700", False),
        ("10.6%", "(5,300 - 4,793) / 4,793", False),  # no such rows
        ("10.6%", "(a - b) / b", False),
        ("10.6%", "5,200 / 0", False),
        ("10.6%", "__import__('os')", False),
        ("10.6%", "5,200 ** 4,700", False),
    ],
)
def test_calculations_are_done_again(printed: str, calculation: str, right: bool) -> None:
    rows = amounts("Total revenue 5,200 4,700 4,100")
    assert (derived_number(printed, calculation, rows) is not None) is right
