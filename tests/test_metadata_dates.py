"""Dates and periods as documents write them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.metadata.dates import find_dates, parse_date
from ingest.metadata.periods import quarters


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("May 12, 2025", "2025-05-12"),
        ("May 12 2025", "2025-05-12"),
        ("Sept. 3rd, 2021", "2021-09-03"),
        ("12 May 2025", "2025-05-12"),
        ("25-Jan-2024", "2024-01-25"),
        ("the 24th day of February, 2021", "2021-02-24"),
        ("twelfth day of February, 2021", "2021-02-12"),
        ("twenty-first day of March, 2003", "2003-03-21"),
        ("2025-07-09", "2025-07-09"),
        ("2025/7/9", "2025-07-09"),
        ("7/9/2025", "2025-07-09"),  # month first, as in the US
        ("25/12/2025", "2025-12-25"),  # which is impossible here
        ("9.7.2025", "2025-07-09"),  # day first with dots
        ("February\n24,\n2017", "2017-02-24"),
        ("February\xa024,\xa02017", "2017-02-24"),
    ],
)
def test_a_date_is_read_in_each_way_of_writing_it(written: str, iso: str) -> None:
    text = f"Signed on {written} in Dayton."
    found = find_dates(text)
    assert [d.iso for d in found] == [iso]
    assert text[found[0].start : found[0].end] in written


@pytest.mark.parametrize(
    "text",
    [
        "July 23rd, 202",
        "May 2025",
        "February 30, 2021",
        "13/13/2021",
        "1,234/56/2021",
        "version 10.12.20211",
        "on Monday",
        "3/28/97",
    ],
)
def test_what_lacks_a_day_or_a_year_is_no_date(text: str) -> None:
    assert find_dates(text) == []


def test_short_years_are_read_only_where_asked_for() -> None:
    assert [d.iso for d in find_dates("Date: 3/28/97 and 1-5-03", short_years=True)] == ["1997-03-28", "2003-01-05"]


def test_a_weekday_confirms_or_contradicts_its_date() -> None:
    assert [d.weekday_agrees for d in find_dates("Wednesday, November 4th, 2020")] == [True]
    assert [d.weekday_agrees for d in find_dates("Monday, November 4th, 2020")] == [False]
    assert [d.weekday_agrees for d in find_dates("November 4th, 2020")] == [None]


def test_parse_date_takes_one_date_and_nothing_else() -> None:
    assert parse_date(" 2024-05-01T08:30:00Z ") == "2024-05-01"
    assert parse_date("2024-05-01 08:30") == "2024-05-01"
    assert parse_date("May 1, 2024.") == "2024-05-01"
    assert parse_date("before May 1, 2024") is None
    assert parse_date("May 1, 2024 to May 2, 2024") is None
    assert parse_date("") is None


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2099, 12, 31)), st.integers(0, 4))
def test_every_day_is_found_at_its_place_in_every_form(day: date, form: int) -> None:
    month = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ][day.month - 1]
    written = (
        f"{month} {day.day}, {day.year}",
        f"{day.day} {month} {day.year}",
        day.isoformat(),
        f"{day.month}/{day.day}/{day.year}",
        f"{month[:3]}. {day.day}, {day.year}",
    )[form]
    text = f"Published {written}; see below."
    (found,) = find_dates(text)
    assert found.iso == day.isoformat()
    assert text[found.start : found.end] == written


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("Q3 2020", ["Q3 2020"]),
        ("Q3 FY2024", ["Q3 2024"]),
        ("Q2'24", ["Q2 2024"]),
        ("3Q 2021", ["Q3 2021"]),
        ("third quarter 2020", ["Q3 2020"]),
        ("third-quarter, 2020", ["Q3 2020"]),
        ("third quarter of fiscal year 2020", ["Q3 2020"]),
        ("fourth quarter and full year 2022", ["Q4 2022"]),
        ("fourth quarter and fiscal year 2022 results", ["Q4 2022"]),
        ("fiscal 2024 first quarter", ["Q1 2024"]),
        ("2020 fiscal fourth quarter", ["Q4 2020"]),
        ("the second quarter of 2021 against the first quarter of 2021", ["Q2 2021", "Q1 2021"]),
        ("a quarter of 2,020 shops", []),
        ("the fourth quarter was slow", []),
    ],
)
def test_quarters_as_they_are_called(text: str, labels: list[str]) -> None:
    assert [q.label for q in quarters(text)] == labels
