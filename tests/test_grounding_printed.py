"""Calculations that a claim prints are done again, with their operands looked up in the evidence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.grounding import check
from assistant.grounding.printed import calculations, settle

ROWS = [("S1", "Current assets 1,001\nCurrent liabilities 577"), ("S2", "Operating income 1,196\nDepreciation 636")]


@pytest.mark.parametrize(
    ("text", "value"),
    [("= 1,196 + 636", 1832.0), ("= 9 ÷ 4 − 1", 1.25), ("365 × ((10 + 20) ÷ 2) ÷ 50", 109.5), ("(3 + 1) ^ 2", 16.0), ("= 2 - -3", None), ("(30 / 200).", 0.15)],
)  # fmt: skip
def test_a_calculation_is_read_as_it_is_written(text: str, value: float | None) -> None:
    found = calculations(text)
    assert [round(c.values[0], 9) for c in found] == ([] if value is None else [value])


@pytest.mark.parametrize("text", ["5-7%", "2023-01-04", "12/31/2022", "1 ÷ 0", "(((((((((((((1+2)))))))))))))", "3 + ", "9^9^9^9", "call 555-123-4567"])  # fmt: skip
def test_what_is_no_calculation_is_left_alone(text: str) -> None:
    assert all(c.values[0] == c.values[0] for c in calculations(text))
    assert settle(text, ROWS).numbers == ()


def test_a_right_one_proves_its_figure_and_names_the_owners() -> None:
    settled = settle("EBITDA: $1,832 million = 1,196 + 636, in millions of USD (two rows).", ROWS)
    (number,) = settled.numbers
    assert (number.text, number.value, number.traced_to, number.derivation) == ("$1,832 million", 1.832e9, ("S2",), "1,196 + 636")  # fmt: skip
    assert settled.line.split() == ["EBITDA:", "=", "(two", "rows)."]
    assert len(settled.line) == len("EBITDA: $1,832 million = 1,196 + 636, in millions of USD (two rows).")


def test_a_wrong_one_is_told_and_an_operand_that_no_text_holds_settles_nothing() -> None:
    assert settle("The ratio: 1.74 = 1,001 ÷ 577", ROWS).wrong == ("1,001 ÷ 577 is 1.73484, not 1.74",)
    # A term of the calculation is not its result.
    assert settle("Income: 1,196 = 1,196 + 636", ROWS).wrong == ("1,196 + 636 is 1,832, not 1,196",)
    lacking = "The ratio: 1.73 = 1,001 ÷ 578"
    assert settle(lacking, ROWS).line == lacking


@given(st.text(alphabet="0123456789,.()+-*/^ =%$−÷×x", max_size=400))
def test_any_text_is_taken(text: str) -> None:
    settled = settle(text, ROWS)
    assert len(settled.line) == len(text)


def test_the_check_takes_a_measure_that_is_worked_out_of_rows_and_refuses_a_wrong_one() -> None:
    rows = ["Total current assets 1,001", "Total current liabilities 577"]
    claim = (
        "Working capital ratio of Acme: {} = 1,001 ÷ 577 (rows “Total current assets”, “Total current liabilities”)."
    )
    good = check(claim.format("1.73"), rows, context=["Acme annual report"])
    assert (good.verdict, good.numbers[0].derivation) == ("supported", "1,001 ÷ 577")
    assert check(claim.format("1.37"), rows, context=["Acme annual report"]).verdict == "contradicted"
    assert check(claim.format("1.73"), rows[:1], context=["Acme annual report"]).verdict != "supported"
    assert (
        check(claim.format("1.73").replace("Acme", "Birch"), rows, context=["Acme annual report"]).verdict
        != "supported"
    )
