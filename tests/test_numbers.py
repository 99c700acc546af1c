"""Numbers in running text: value in base units, unit, exact place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.numbers import quantities


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("improve to 8% by 2026.", [("8%", 8.0, "%"), ("2026", 2026.0, "year")]),
        ("from 0.67% to 3.10%", [("0.67%", 0.67, "%"), ("3.10%", 3.1, "%")]),
        ("$1,577 million", [("$1,577 million", 1_577_000_000.0, "USD")]),
        ("USD 2 billion", [("USD 2 billion", 2e9, "USD")]),
        ("a loss of $(473) million", [("$(473) million", -473e6, "USD")]),
        ("working capital of (1,561)", [("(1,561)", -1561.0, "")]),
        ("fell 15 percent", [("15 percent", 15.0, "%")]),
        ("a range of 15-20% of weight", [("15", 15.0, "%"), ("20%", 20.0, "%")]),
        ("USD $5-10 billion", [("USD $5", 5e9, "USD"), ("10 billion", 10e9, "USD")]),
        ("16.4 analysts against 5.7", [("16.4", 16.4, ""), ("5.7", 5.7, "")]),
        ("-3.5%", [("-3.5%", -3.5, "%")]),
        ("25 bps and 3.2 percentage points", [("25 bps", 25.0, "bp"), ("3.2 percentage points", 3.2, "pp")]),
        ("3.6x", [("3.6x", 3.6, "x")]),
        ("on May 12, 2025", [("May 12, 2025", 2025.0, "date")]),
        ("since the mid-2010s", []),
        ("its late-2024 peak", [("2024", 2024.0, "year")]),
        ("the 10-K for FY2022 and EX-99.1 of Q3", []),
        ("3M and 7-Eleven", [("7", 7.0, "")]),
        ("the Russell 2000 and the S&P 500 fell 3%", [("3%", 3.0, "%")]),
        ("S&P SmallCap 600, Nasdaq-100, FTSE 100", []),
        ("the S&P 500 at 5,900", [("5,900", 5900.0, "")]),
        ("in the Russell $2 billion", [("$2 billion", 2e9, "USD")]),
        ("9" * 400, []),
    ],
)
def test_quantities_are_read_as_a_person_reads_them(text: str, expected: list[tuple[str, float, str]]) -> None:
    assert [(q.text, pytest.approx(q.value), q.unit) for q in quantities(text)] == expected


@given(st.text(max_size=300))
def test_any_text_is_read_and_places_are_exact(text: str) -> None:
    found = quantities(text)
    assert all(text[q.start : q.end] == q.text for q in found)
    assert [q.start for q in found] == sorted(q.start for q in found)
