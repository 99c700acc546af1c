"""Statements of invented filings: found, and read row by row, whatever their layout."""

from __future__ import annotations

import re
from collections import Counter

import pytest
import statement_samples as samples
from hypothesis import given
from hypothesis import strategies as st

from assistant.statements.header import columns, unit
from assistant.statements.rows import parse, plain
from assistant.statements.tables import Kind, Statement, statements
from vectorstore.records import Document


def one(document: Document, kind: Kind) -> Statement:
    return next(s for s in statements(document) if s.kind == kind)


def values(statement: Statement, label: str) -> list[float]:
    return [c.value for row in statement.rows if row.plain == label for c in row.cells]


@pytest.mark.parametrize(
    ("line", "label", "cells"),
    [
        ("Net sales $ 1,250 $ 980", "Net sales", [1250, 980]),
        ("Other income (expense), net (45) 12.5", "Other income (expense), net", [-45, 12.5]),
        ("Loss per share $ (0.09) $(1.10)", "Loss per share", [-0.09, -1.10]),
        ("Restructuring — 31", "Restructuring", [0, 31]),
        ("Debt (Note 11) — —", "Debt (Note 11)", [0, 0]),
        ("Sales | $ 293,618 | $303,457", "Sales", [293618, 303457]),
        ("Trade receivables - $46 and $41 2,133 1,836", "Trade receivables - $46 and", [41, 2133, 1836]),
        ("Interest on 5% notes -12 3", "Interest on 5% notes", [-12, 3]),
        ("Current assets:", "Current assets:", []),
        ("(see note 11) and others", "(see note 11) and others", []),
    ],
)
def test_a_line_is_its_label_and_the_values_at_its_end(line: str, label: str, cells: list[float]) -> None:
    (row,) = parse(line, 0, len(line))
    assert row.label == label
    assert [c.value for c in row.cells] == cells
    assert all(line[c.start : c.end] == c.text for c in row.cells)


def test_rows_run_together_are_cut_behind_the_last_value() -> None:
    line = "Gain on sale — (373) — Interest expense, net 56 21 17"
    first, second = parse(line, 0, len(line), 3)
    assert (first.label, [c.value for c in first.cells]) == ("Gain on sale", [0, -373, 0])
    assert (second.label, [c.value for c in second.cells]) == ("Interest expense, net", [56, 21, 17])
    line = "Net cash provided 1,441 1,426 1,383 INVESTING Capital expenditures (17) (18) (16)"
    assert [row.label for row in parse(line, 0, len(line), 3)] == [
        "Net cash provided",
        "INVESTING Capital expenditures",
    ]


@given(st.lists(st.integers(-9_999_999, 9_999_999), min_size=1, max_size=5), st.sampled_from(["", "$ ", "$"]))
def test_printed_values_are_read_back(numbers: list[int], sign: str) -> None:
    shown = [f"{sign}({-n:,})" if n < 0 else f"{sign}{n:,}" for n in numbers]
    line = "Some label " + " ".join(shown)
    (row,) = parse(line, 0, len(line))
    assert row.label == "Some label"
    assert [c.value for c in row.cells] == numbers


@given(st.text(alphabet="ab 19,.()$—-|%\n\f", max_size=120))
def test_any_text_is_read_with_exact_offsets(text: str) -> None:
    for match in re.finditer(r"[^\n\f]*\S[^\n\f]*", text):
        for row in parse(text, match.start(), match.end(), 2):
            assert match.start() <= row.start <= row.end <= match.end()
            assert all(text[c.start : c.end] == c.text for c in row.cells)


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("Accounts receivable, net of allowance of $7", "accounts receivable"),
        ("Net cash (used in) provided by operating activities", "net cash provided by operating activities"),
        ("Net Cash (Used for)/Provided by Investing Activities", "net cash provided by investing activities"),
        ("Property, plant and equipment — net", "property plant and equipment net"),
        ("Total stockholders’ equity", "total stockholders equity"),
        ("Inventories, net (Note 6)", "inventories net"),
    ],
)
def test_labels_compare_without_brackets_and_notes(label: str, expected: str) -> None:
    assert plain(label) == expected


@pytest.mark.parametrize(
    ("head", "width", "years", "months"),
    [
        ("Year Ended December 31,\n2021 2020 2019", 3, [2021, 2020, 2019], [12, 12, 12]),
        ("(In millions) 2018 2017", 2, [2018, 2017], [None, None]),
        ("June 30,\n2022\nDecember 31,\n2021", 2, [2022, 2021], [None, None]),
        (
            "Three months ended June 30, Six months ended June 30,\n2022 2021 2022 2021",
            4,
            [2022, 2021, 2022, 2021],
            [3, 3, 6, 6],
        ),
        ("12 Weeks Ended\n3/25/2023 3/19/2022", 2, [2023, 2022], [3, 3]),
        (
            "Fiscal years ended May 1, 2021, May 2, 2020 and May 4, 2019\n2021 2020 2019",
            3,
            [2021, 2020, 2019],
            [12, 12, 12],
        ),
        ("Note 2021 2020\n£'000 £'000", 2, [2021, 2020], [None, None]),
        ("Year Ended December 31,", 2, [], []),
        ("2021 2020 2019", 2, [], []),
    ],
)
def test_column_periods(head: str, width: int, years: list[int], months: list[int | None]) -> None:
    found = columns(head, width, Counter({width: 20}))
    assert [c.year for c in found] == years
    assert [c.months for c in found] == months


@pytest.mark.parametrize(
    ("head", "scale", "currency"),
    [
        ("(In thousands, except per share data)", 1e3, "USD"),
        ("(dollars in millions)", 1e6, "USD"),
        ("£'000 £'000", 1e3, "GBP"),
        ("€ million", 1e6, "EUR"),
        ("(RMB in millions)", 1e6, "CNY"),
        ("(000's omitted)", 1e3, "USD"),
    ],
)
def test_units(head: str, scale: float, currency: str) -> None:
    found = unit(head, "Revenue $ 10 $ 12")
    assert found is not None
    assert (found.scale, found.currency, found.stated) == (scale, currency, True)


def test_no_unit_line_is_whole_units_of_the_sign_before_the_values_or_nothing() -> None:
    found = unit("BALANCE SHEETS", "Cash $ 152,310 $ 98,400")
    assert found is not None
    assert (found.scale, found.currency, found.stated) == (1.0, "USD", False)
    assert unit("BALANCE SHEETS", "Cash 152,310 98,400") is None


def test_the_contents_are_no_statement_and_the_parents_own_comes_last() -> None:
    found = statements(samples.filing(samples.HARBOR))
    assert [(s.kind, s.page, s.minor) for s in found] == [
        ("income", 3, False),
        ("cash", 4, False),
        ("balance", 2, False),
        ("balance", 6, True),
    ]


def test_a_wrapped_label_belongs_to_its_row_and_a_heading_does_not() -> None:
    document = samples.filing(samples.HARBOR)
    balance = one(document, "balance")
    row = next(r for r in balance.rows if r.plain.startswith("property and equipment"))
    assert [c.value for c in row.cells] == [60_000, 50_000]
    assert " ".join(document.text[row.start : row.end].split()) == (
        "Property and equipment, net of accumulated depreciation of $41,200 and $38,900 60,000 50,000"
    )
    income = one(document, "income")
    assert next(r.section for r in income.rows if r.plain == "hand tools") == "Revenue"


def test_a_statement_goes_on_over_the_page_and_its_rows_know_their_activity() -> None:
    cash = one(samples.filing(samples.HARBOR), "cash")
    parts = {r.plain: r.part for r in cash.rows}
    assert parts["inventories"] == "operating"
    assert parts["purchases of property and equipment"] == "investing"
    assert parts["proceeds from sale of warehouse"] == "investing"
    assert parts["dividends paid"] == "financing"
    assert parts["supplemental capital expenditures accrued but unpaid"] == "other"


def test_a_balance_sheet_ends_with_its_grand_total() -> None:
    text = samples.HARBOR.replace(
        "See accompanying notes to consolidated financial statements.\n3",
        "The table below shows entities that the company consolidates\nTotal assets 900 800\nOther liabilities 10 20",
        1,
    )
    balance = one(samples.filing(text), "balance")
    assert values(balance, "total assets") == [200_000, 150_000]


def test_a_note_column_is_no_value() -> None:
    document = samples.filing(samples.REPORT, company="Thorn plc", form="")
    assert values(one(document, "income"), "revenue") == [12_500, 11_000]
    assert values(one(document, "balance"), "trade and other payables") == [1_400, 1_500]


def test_a_total_without_a_label_takes_its_headings() -> None:
    text = samples.HARBOR.replace(
        "Inventories 35,000 25,000",
        "Inventories:\nRaw materials 15,000 12,000\nFinished goods 20,000 13,000\n35,000 25,000",
    )
    assert values(one(samples.filing(text), "balance"), "total inventories") == [35_000, 25_000]


def test_a_blank_cell_makes_a_row_incomplete() -> None:
    cash = one(samples.filing(samples.UNSURE), "cash")
    assert [r.complete for r in cash.rows if r.plain == "capital expenditures"] == [False]


def test_prose_has_no_statements() -> None:
    text = "Our consolidated balance sheets are described below.\nWe sold 5 tools in 2021 and 7 in 2020.\n" * 30
    assert statements(samples.filing(text)) == []
