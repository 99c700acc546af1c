"""Calls and releases: from a header where there is one, else from what is said."""

from __future__ import annotations

import pytest
from metadata_samples import call, found


def test_a_header_names_company_and_quarter() -> None:
    header = "Acme Robotics Inc earnings call\nFiscal quarter: Q3 2020\nSector: Industrial\n\n"
    text = call("Good morning and welcome.", header=header)
    metadata = found(text)
    assert (metadata.kind, metadata.company, metadata.fiscal_period) == ("transcript", "Acme Robotics Inc", "Q3 2020")
    assert metadata.title == "Acme Robotics Inc earnings call, Q3 2020"
    assert metadata.published is None
    assert metadata.publisher is None
    origin = metadata.origin("fiscal_period")
    assert origin is not None
    assert text[origin.start : origin.end] == "Q3 2020"


@pytest.mark.parametrize(
    ("greeting", "company", "period"),
    [
        (
            "Good morning, and welcome to the Acme Robotics second quarter fiscal 2024 earnings conference call.",
            "Acme Robotics",
            "Q2 2024",
        ),
        ("Welcome to Acme Robotics' Q3 2023 earnings call.", "Acme Robotics", "Q3 2023"),
        (
            "I would like to welcome everyone to Forge Corporation's first quarter 2020 earnings conference call.",
            "Forge Corporation",
            "Q1 2020",
        ),
        (
            "Greetings, and welcome to the Mill Company Third Quarter 2020 Question and Answer session.",
            "Mill Company",
            "Q3 2020",
        ),
        ("Welcome to the second quarter 2022 results teleconference for Brook & Stone.", "Brook & Stone", "Q2 2022"),
        (
            "Welcome to the Sensors and Controls fourth quarter 2021 Earnings Conference Call and webcast.",
            "Sensors and Controls",
            "Q4 2021",
        ),
        (
            "Welcome to BIG Group 2020 fiscal fourth quarter and full year earnings conference call.",
            "BIG Group",
            "Q4 2020",
        ),
        (
            "Welcome to the River Energy Inc, and River Energy Partners conference call for the second quarter 2020.",
            "River Energy Inc",
            "Q2 2020",
        ),
        (
            "Welcome to the Foundry Inc Earnings Conference Call for the third quarter Fiscal 2020.",
            "Foundry Inc",
            "Q3 2020",
        ),
    ],
)
def test_the_greeting_does_where_there_is_no_header(greeting: str, company: str, period: str) -> None:
    metadata = found(call(greeting))
    assert (metadata.company, metadata.fiscal_period) == (company, period)
    assert metadata.title == f"{company} {period} earnings call"


def test_a_year_left_out_of_the_greeting_is_said_a_little_later() -> None:
    metadata = found(
        call(
            "Welcome to the second quarter results teleconference for Brook.",
            "Thank you for joining the discussion of our second quarter, 2020 results.",
        )
    )
    assert (metadata.company, metadata.fiscal_period) == ("Brook", "Q2 2020")


def test_a_company_and_a_quarter_that_nobody_names_stay_open() -> None:
    metadata = found(
        call("Good morning. Thanks for joining our symposium; this conference call is about the consumer.")
    )
    assert (metadata.kind, metadata.company, metadata.fiscal_period, metadata.published) == (
        "transcript",
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("said", "published"),
    [
        ("This call is being recorded today, Wednesday, November 4th, 2020.", "2020-11-04"),
        ("As a reminder, this conference is being recorded on July 23rd, 2020.", "2020-07-23"),
        ("Today is November 4, 2020.", "2020-11-04"),
        ("This call is being recorded today, Monday, November 4th, 2020.", None),  # the weekday says otherwise
        ("As a reminder, this conference is being recorded on July 23rd, 202.", None),
        ("A replay will be available until May 21st, 2020.", None),
        ("We refer you to our annual report for the year ended December 31st, 2019.", None),
        ("See our form 8-K dated June 2, 2020.", None),
    ],
)
def test_a_call_is_dated_only_by_what_is_said_of_the_call(said: str, published: str | None) -> None:
    assert (
        found(call(f"Welcome to the Acme third quarter 2020 earnings conference call. {said}")).published == published
    )


TURNS = "Operator\n\nGood morning.\n\nDana Whitfield\n\nThank you.\n\nOperator\n\nNext.\n\nLi Wei\n\nHello.\n\nOperator\n\nThis ends the conference call.\n"


@pytest.mark.parametrize(
    ("header", "company", "ticker"),
    [
        (
            "Acme Robotics, Inc. (NASDAQ:ACRB) Q2 2024 Earnings Conference Call May 2, 2024 8:30 AM ET\n\nCompany Participants\n\nDana Whitfield - Chief Executive Officer\n\n",
            "Acme Robotics, Inc.",
            "ACRB",
        ),
        ("Acme Robotics, Inc. (ACRB)\nQ2 2024 Earnings Call\n02-May-2024\n\n", "Acme Robotics, Inc.", None),
        (
            "Acme Robotics (ACRB) Q2 2024 Earnings Call Transcript\n\nMay 2, 2024, 8:30 a.m. ET\n\n",
            "Acme Robotics",
            "ACRB",
        ),
    ],
)
def test_headers_of_other_transcribers(header: str, company: str, ticker: str | None) -> None:
    metadata = found(header + TURNS)
    assert (metadata.kind, metadata.company, metadata.fiscal_period) == ("transcript", company, "Q2 2024")
    assert metadata.published == "2024-05-02"
    assert metadata.ticker == ticker
    assert company in (metadata.title or "")


RELEASE = """{head}

DAYTON, Ohio, {date} -- (BUSINESS WIRE) -- Acme Robotics, Inc. (NASDAQ: ACRB) today announced results for its {span} ended September 30, 2023.

Revenue was $12 million.
"""


def test_an_earnings_release() -> None:
    text = RELEASE.format(
        head="Acme Robotics Reports Third Quarter 2023 Results", date="Nov. 7, 2023", span="third quarter"
    )
    metadata = found(text)
    assert (metadata.kind, metadata.form, metadata.company, metadata.ticker) == (
        "release",
        None,
        "Acme Robotics, Inc.",
        "ACRB",
    )
    assert metadata.title == "Acme Robotics Reports Third Quarter 2023 Results"
    assert (metadata.fiscal_period, metadata.period_end, metadata.published) == ("Q3 2023", "2023-09-30", "2023-11-07")


def test_an_exhibit_in_capitals_whose_year_stands_in_the_text() -> None:
    text = (
        "Exhibit 99.1\n\nThe Mill, Inc.\n2 Weir St. Kearney, NE 68845\nphone: 308-555-0100\nFor Immediate Release: November 22, 2024\n"
        "Contact: Dana Whitfield, Chief Financial Officer\n(308) 555-0101\n\nTHE MILL, INC. REPORTS THIRD QUARTER NET INCOME\n\n"
        "KEARNEY, NE -- (BUSINESS WIRE) -- The Mill, Inc. (NYSE: MLL) announced today that net income for the fiscal quarter ended November 2, 2024 was $44 million.\n\n"
        "Net income for the third quarter of fiscal 2024 compares with the third quarter of fiscal 2023.\n"
    )
    metadata = found(text)
    assert (metadata.kind, metadata.form, metadata.company, metadata.ticker) == (
        "release",
        "EX-99.1",
        "The Mill, Inc.",
        "MLL",
    )
    assert metadata.title == "THE MILL, INC. REPORTS THIRD QUARTER NET INCOME"
    assert (metadata.fiscal_period, metadata.period_end, metadata.published) == ("Q3 2024", "2024-11-02", "2024-11-22")


def test_a_year_end_and_a_release_on_something_else() -> None:
    year = found(
        RELEASE.format(
            head="FOR IMMEDIATE RELEASE\n\nAcme Robotics Announces Fourth Quarter and Full Year Fiscal 2023 Results",
            date="November 7, 2023",
            span="fiscal year",
        )
    )
    assert (year.fiscal_period, year.published) == ("Q4 2023", "2023-11-07")
    other = found(
        RELEASE.format(
            head="Acme Robotics Names New Chief Financial Officer", date="November 7, 2023", span="third quarter"
        )
    )
    assert (other.title, other.fiscal_period) == ("Acme Robotics Names New Chief Financial Officer", None)


def test_a_headline_over_two_lines() -> None:
    head = "Acme Robotics Reports Third-Quarter 2023 Results; Raises Full-Year \nOutlook\nReported Third-Quarter 2023 Results\nNet revenue growth 10.2%"
    assert found(RELEASE.format(head=head, date="November 7, 2023", span="third quarter")).title == (
        "Acme Robotics Reports Third-Quarter 2023 Results; Raises Full-Year Outlook"
    )
