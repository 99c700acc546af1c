"""Sources that state different numbers or directions for the same thing and period are both shown, with house and date."""

from __future__ import annotations

from typing import Any

import pytest

from assistant import Assistant

QUESTION = "What was the default rate of short-line railways in 2024?"


def note(house: str, date: str, body: str) -> str:
    return f"---\ntitle: Rail credit by {house}\npublisher: {house}\ndate: {date}\nkind: note\n---\n\n# Rail credit by {house}\n\n{body}\n"


def two(make_base: Any, one: str, other: str) -> Assistant:
    made: Assistant = make_base(
        {
            "a.md": note("Northwind Research", "2025-02-03", one),
            "b.md": note("Harbour Street Capital", "2025-04-09", other),
        }
    )
    return made


def test_two_numbers_for_one_thing_are_both_shown_with_house_and_date(make_base: Any) -> None:
    base = two(make_base, "The default rate of short-line railways was 3.1% in 2024.", "In 2024 the default rate of short-line railways was 4.4%.")  # fmt: skip
    answer = base.ask(QUESTION)
    assert answer.status == "answered"
    assert "**Sources disagree: Northwind Research, 2025-02-03**" in answer.text
    assert "**Sources disagree: Harbour Street Capital, 2025-04-09**" in answer.text
    assert {c.publisher for c in answer.citations} == {"Northwind Research", "Harbour Street Capital"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # within rounding
        ("The default rate of short-line railways was 3.1% in 2024.", "In 2024 the default rate of short-line railways was 3.08%."),
        ("The default rate of short-line railways was about 3% in 2024.", "In 2024 the default rate of short-line railways was 3.1%."),
        # another period, qualifier, subject, unit; a choice of numbers
        ("The default rate of short-line railways was 3.1% in 2024.", "In 2023 the default rate of short-line railways was 4.4%."),
        ("The default rate of short-line railways was 3.1% in 2024.", "In 2024 the expected default rate of short-line railways was 4.4%."),
        ("The default rate of short-line railways was 3.1% in 2024.", "In 2024 the default rate of short-line railways in Canada was 4.4%."),
        ("The default rate of short-line railways was 3.1% in 2024.", "In 2024 the default rate of short-line railways was 2x its mean."),
        ("The default rate of short-line railways was 3.1% in 2024.", "In 2024 the default rate of short-line railways went from 2.2% to 4.4%."),
    ],
)  # fmt: skip
def test_what_may_be_something_else_is_no_disagreement(make_base: Any, one: str, other: str) -> None:
    answer = two(make_base, one, other).ask(QUESTION)
    assert answer.status == "answered"
    assert "disagree" not in answer.text


def test_opposite_directions_are_both_shown(make_base: Any) -> None:
    base = two(make_base, "Cargo tonnage at canal locks rose in 2024.", "In 2024 cargo tonnage at canal locks fell.")
    answer = base.ask("How did cargo tonnage at canal locks develop in 2024?")
    assert answer.text.count("Sources disagree") == 2


def test_a_move_of_something_else_is_no_opposite_direction(make_base: Any) -> None:
    base = two(
        make_base,
        "Cargo tonnage at canal locks rose in 2024.",
        "In 2024 cargo tonnage at canal locks stayed flat while the price of diesel for all the barges fell.",
    )
    assert "disagree" not in base.ask("How did cargo tonnage at canal locks develop in 2024?").text
