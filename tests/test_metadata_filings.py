"""Filings: company, form, period and dates from the cover and the signature page, in the layouts that covers have."""

from __future__ import annotations

import pytest
from metadata_samples import cover, found, reading, signature

from ingest.metadata import extract
from ingest.readers import Reading, Source, read

pytestmark = pytest.mark.filterwarnings("error")


def test_an_annual_report() -> None:
    text = cover() + signature("March 3, 2022")
    metadata = found(text)
    assert (metadata.kind, metadata.form, metadata.company, metadata.ticker) == (
        "filing",
        "10-K",
        "Acme Robotics, Inc.",
        "ACRB",
    )
    assert (metadata.fiscal_period, metadata.period_end) == ("FY2021", "2021-12-31")
    assert metadata.published == "2022-03-03"
    assert metadata.title == "Acme Robotics, Inc. 10-K FY2021"
    assert metadata.authors == ()
    assert metadata.report_date is None


def test_each_value_points_at_what_it_was_read_from() -> None:
    text = cover() + signature("March 3, 2022")
    metadata = found(text)
    read_from = {o.field: text[o.start : o.end] for o in metadata.origins}
    assert read_from["company"] == "ACME ROBOTICS, INC."
    assert read_from["form"] == read_from["kind"] == "FORM 10-K"
    assert read_from["ticker"] == "ACRB"
    assert read_from["period_end"] == "For the fiscal year ended December 31, 2021"
    assert read_from["published"] == "March 3, 2022"
    assert {o.source for o in metadata.origins} == {"text"}


@pytest.mark.parametrize(
    ("line", "form"),
    [
        ("FORM 10-K/A\n(Amendment No. 1)", "10-K/A"),
        ("FORM 10-K\n(Amendment No. 2)", "10-K/A"),
        ("FORM 10-K405", "10-K405"),
        ("Form 10–K", "10-K"),
        ("FORM\n10-K", "10-K"),
        ("FORM 10-KSB", "10-KSB"),
        ("FORM 20-F", "20-F"),
        ("FORM 40-F", "40-F"),
    ],
)
def test_annual_forms(line: str, form: str) -> None:
    metadata = found(cover(form=line) + signature("March 3, 2022"))
    assert metadata.form == form
    assert metadata.fiscal_period == "FY2021"
    assert metadata.extra.get("supersedes") == ("10-K" if form.endswith("/A") else None)


def test_a_transition_report_has_a_period_end_and_no_year() -> None:
    metadata = found(cover(period="", transition="July 1, 2020 to December 31, 2020") + signature("March 3, 2021"))
    assert (metadata.form, metadata.period_end, metadata.fiscal_period) == ("10-KT", "2020-12-31", None)


@pytest.mark.parametrize(
    ("end", "said", "label"),
    [
        ("January 29, 2022", "Fiscal 2021 refers to the 52 weeks ended January 29, 2022.", "FY2021"),
        (
            "January 29, 2022",
            "The fiscal years ended January 29, 2022 and January 30, 2021 are called fiscal 2021 and fiscal 2020.",
            "FY2021",
        ),
        (
            "January 31, 2020",
            "Our fiscal year ended January 31, 2020 (“fiscal 2020”) was good; fiscal 2019 was not.",
            "FY2020",
        ),
        ("January 29, 2022", "2021 represents the 52 weeks ended January 29, 2022.", "FY2021"),
        ("January 29, 2022", "In fiscal 2021 sales rose. " * 6 + "In fiscal 2022 we plan more.", "FY2021"),
        ("January 30, 2022", "In fiscal 2022 sales rose. " * 6 + "In fiscal 2021 they did not.", "FY2022"),
        ("January 29, 2022", "", "FY2022"),
        ("January 1, 2023", "", "FY2022"),
        ("May 31, 2023", "Fiscal 2022 was the year before.", "FY2023"),
    ],
)
def test_a_fiscal_year_is_called_as_the_text_calls_it(end: str, said: str, label: str) -> None:
    metadata = found(cover(period=f"For the fiscal year ended {end}", after=said) + signature("August 1, 2023"))
    assert metadata.fiscal_period == label


@pytest.mark.parametrize(
    ("end", "said", "label"),
    [
        (
            "September 30, 2022",
            "Three Months Ended September 30, 2022\nNine Months Ended September 30, 2022\nnine months ended September 30, 2022",
            "Q3 2022",
        ),
        (
            "June 30, 2022",
            "Six Months Ended June 30, 2022. We expect less in the second quarter of 2023.\nsix months ended June 30, 2022",
            "Q2 2022",
        ),
        (
            "March 31, 2021",
            "Three months ended March 31, 2021. " * 20 + "for the three and nine months ended March 31, 2021",
            "Q1 2021",
        ),
        (
            "August 31, 2022",
            "Three months ended August 31, 2022. The first quarter of fiscal 2023 beat the first quarter of fiscal 2022, and fiscal 2023, fiscal 2022, fiscal 2023.",
            "Q1 2023",
        ),
        (
            "October 28, 2023",
            "39 weeks ended October 28, 2023. 39 weeks ended October 28, 2023. The third quarter of fiscal 2023. "
            + "Fiscal 2023. " * 5,
            "Q3 2023",
        ),
    ],
)
def test_a_quarter_is_called_as_the_text_calls_it(end: str, said: str, label: str) -> None:
    metadata = found(
        cover(form="FORM 10-Q", period=f"For the quarterly period ended {end}", after=said)
        + signature("November 20, 2023")
    )
    assert (metadata.form, metadata.fiscal_period) == ("10-Q", label)


@pytest.mark.parametrize(
    ("period", "reported"),
    [
        ("Date of Report (Date of earliest event reported): February 6, 2024", "2024-02-06"),
        ("February 6, 2024\nDate of Report (date of earliest event reported)", "2024-02-06"),
        ("Date of Report (Date of earliest event reported): February 6, 2024 (February 2, 2024)", "2024-02-02"),
        ("February 6, 2024", "2024-02-06"),
    ],
)
def test_a_current_report_has_a_report_date_and_no_period(period: str, reported: str) -> None:
    metadata = found(cover(form="FORM 8-K\nCURRENT REPORT", period=period) + signature("February 7, 2024"))
    assert (metadata.form, metadata.report_date, metadata.published) == ("8-K", reported, "2024-02-07")
    assert metadata.fiscal_period is None
    assert metadata.period_end is None
    assert metadata.company == "Acme Robotics, Inc."


def test_a_registration_statement_states_its_filing_date() -> None:
    text = (
        "As filed with the Securities and Exchange Commission on March 3, 2021\nRegistration No. 333-253456\n"
        "UNITED STATES\nSECURITIES AND EXCHANGE COMMISSION\nWashington, D.C. 20549\nFORM S-1\nREGISTRATION STATEMENT\nUNDER\n"
        "THE SECURITIES ACT OF 1933\nBright Foundry, Inc.\n(Exact name of registrant as specified in its charter)\nDelaware 3499 12-3456789\n"
    )
    metadata = found(text + signature("February 1, 2021"))
    assert (metadata.form, metadata.company, metadata.published) == ("S-1", "Bright Foundry, Inc.", "2021-03-03")


@pytest.mark.parametrize(
    ("ticked", "form"),
    [
        ("Definitive Proxy Statement", "DEF 14A"),
        ("Preliminary Proxy Statement", "PRE 14A"),
        ("Definitive Additional Materials", "DEFA14A"),
    ],
)
def test_a_proxy_statement_by_its_ticked_box(ticked: str, form: str) -> None:
    boxes = "\n".join(
        f"{'☒' if b == ticked else '☐'} {b}"
        for b in ("Preliminary Proxy Statement", "Definitive Proxy Statement", "Definitive Additional Materials")
    )
    text = (
        "UNITED STATES\nSECURITIES AND EXCHANGE COMMISSION\nWashington, D.C. 20549\nSCHEDULE 14A\n"
        f"Proxy Statement Pursuant to Section 14(a) of the Securities Exchange Act of 1934\nCheck the appropriate box:\n{boxes}\n"
        "ACME ROBOTICS, INC.\n(Name of Registrant as Specified In Its Charter)\n\nBy Order of the Board of Directors,\nDana Whitfield\nApril 5, 2022\n"
    )
    metadata = found(text)
    assert (metadata.form, metadata.company, metadata.published) == (form, "Acme Robotics, Inc.", "2022-04-05")


@pytest.mark.parametrize(
    ("name", "elsewhere", "shown"),
    [
        ("ACME ROBOTICS, INC.", "", "Acme Robotics, Inc."),
        ("NORDLYS SHIPPING ASA", "", "Nordlys Shipping ASA"),
        ("QRT HEALTH CORPORATION", "", "QRT Health Corporation"),
        ("FIRST BANCORP OF THE VALLEY", "", "First Bancorp of the Valley"),
        ("EWIDGET INC.", "At eWidget Inc. we make widgets; eWidget Inc. leads.", "eWidget Inc."),
        ("AMBER PLC", "Amber plc and its subsidiaries", "Amber plc"),
        ("ZINC, Inc .", "", "ZINC, Inc."),
        ("______________ Brook & Co.", "", "Brook & Co."),
        ("THE OLD MILL &\nGRAIN COMPANY", "", "The Old Mill & Grain Company"),
        ("FORGE,\nINC.", "", "Forge, Inc."),
    ],
)
def test_the_company_is_the_one_on_the_cover_in_its_own_spelling(name: str, elsewhere: str, shown: str) -> None:
    assert found(cover(name=name, after=elsewhere) + signature("March 3, 2022", name="x")).company == shown


def test_a_name_below_its_caption() -> None:
    table = (
        "UNITED STATES\nSECURITIES AND EXCHANGE COMMISSION\nWashington, D.C. 20549\nFORM 10-K\nFor the fiscal year ended December 31, 2020\n"
        "Commission File Number | Exact name of registrant as specified in its charter, State of incorporation | IRS Employer Identification No.\n"
        "1-9999 | TRISTATE POWER CORPORATION | 12-3456789\n(An Ohio corporation)\n"
    )
    assert found(table).company == "Tristate Power Corporation"
    colon = cover(name="").replace(
        "(Exact name of registrant as specified in its charter)",
        "Exact name of registrant as specified in its charter: Bright Foundry, Inc.",
    )
    assert found(colon).company == "Bright Foundry, Inc."


def test_a_name_that_is_a_picture_is_taken_from_the_signature() -> None:
    assert found(cover(name="") + signature("March 3, 2022")).company == "Acme Robotics, Inc."


@pytest.mark.parametrize(
    ("row", "text", "ticker"),
    [
        (
            "Class A Common Stock | ACRB | New York Stock Exchange\n2.5% Notes due 2030 ACRB30 New York Stock Exchange",
            "",
            "ACRB",
        ),
        ("Common Stock, $0.01 par value NASDAQ Stock Market", "", None),
        ("COMMON STOCK NEW YORK STOCK EXCHANGE", "", None),
        ("Common Stock NYSE", "Our Common Stock is listed on the exchange and trades under the symbol “ACRB”.", "ACRB"),
    ],
)
def test_the_ticker_of_the_first_class_listed(row: str, text: str, ticker: str | None) -> None:
    assert found(cover(row=row, after=text)).ticker == ticker


def test_published_is_the_date_of_the_registrants_signature() -> None:
    exhibit = "Employment Agreement dated July 1, 2022\nEXHIBIT 23\nApril 9, 2022\nConsent of auditors"
    text = (
        cover(after="Agreement dated as of January 5, 2019")
        + "Report of auditors\nFebruary 27, 2022\n"
        + signature("March 3, 2022", rest=exhibit)
    )
    assert found(text).published == "2022-03-03"


def test_several_registrants_signatures_give_the_latest() -> None:
    second = "Date: March 4, 2022 By: /s/ Li Wei\nLi Wei\nChief Financial Officer\n"
    assert found(cover() + signature("March 3, 2022", rest=second)).published == "2022-03-04"


def test_without_a_date_in_the_registrants_block_its_officers_date_counts() -> None:
    block = signature(
        "",
        rest="Pursuant to the requirements of the Securities Exchange Act of 1934, this report has been signed by the following persons:\n/s/ Li Wei Director 3/1/2022\n",
    )
    assert found(cover() + block).published == "2022-03-01"


@pytest.mark.parametrize("page", ["", "Report of auditors\nMarch 1, 2022\n", signature("November 3, 2021")])
def test_published_is_never_guessed_nor_before_the_period_ends(page: str) -> None:
    assert found(cover() + page).published is None


def test_a_glossy_report_in_front_of_the_cover_changes_nothing() -> None:
    glossy = (
        "Acme Robotics 2021 Annual Report\n\nDear shareholders,\n\n"
        + "We had a good year, and said so on June 1, 2020. " * 1500
    )
    metadata = found(glossy + "\n" + cover() + signature("March 3, 2022"))
    assert (metadata.form, metadata.company, metadata.published) == ("10-K", "Acme Robotics, Inc.", "2022-03-03")


def test_an_annual_report_without_a_cover() -> None:
    statements = "Consolidated Balance Sheets\nConsolidated Statements of Income\nConsolidated Statements of Cash Flows\nConsolidated Balance Sheets\n"
    text = (
        "BRIGHT FOUNDRY, INC.\n2021 ANNUAL REPORT\n\nTo our shareholders:\n\nBright Foundry, Inc. grew.\n"
        + statements
        + "for the years ended December 31, 2021 and 2020\n"
    )
    metadata = found(text)
    assert (metadata.kind, metadata.form, metadata.company) == ("filing", "ARS", "Bright Foundry, Inc.")
    assert (metadata.fiscal_period, metadata.period_end, metadata.published) == ("FY2021", "2021-12-31", None)


def test_the_envelope_of_a_submission_states_the_filing_date() -> None:
    envelope = (
        "<SEC-DOCUMENT>0000000001-22-000001.txt\n<SEC-HEADER>\nACCESSION NUMBER: 0000000001-22-000001\nCONFORMED SUBMISSION TYPE: 10-K\n"
        "FILED AS OF DATE: 20220307\nCOMPANY CONFORMED NAME: ACME ROBOTICS INC\n</SEC-HEADER>\n<DOCUMENT>\n<TYPE>10-K\n<SEQUENCE>1\n<TEXT>\n"
        + cover()
        + signature("March 3, 2022")
        + "</TEXT>\n</DOCUMENT>\n</SEC-DOCUMENT>\n"
    )
    source = read(Source(path="x.txt", data=envelope.encode(), name="x.txt"))
    metadata = extract(source, (), name="x.txt")
    assert metadata.published == "2022-03-07"
    assert metadata.origin("published") is not None
    assert metadata.company == "Acme Robotics, Inc."


def test_a_printers_dates_and_titles_are_not_taken() -> None:
    plain = reading(cover())
    source = Reading(
        plain.text,
        "application/pdf",
        embedded={"title": "0001628280-17-001754", "author": "A Filing Agent", "published": "2017-02-27"},
    )
    metadata = extract(source, (), name="x.pdf")
    assert metadata.published is None
    assert metadata.authors == ()
    assert metadata.title == "Acme Robotics, Inc. 10-K FY2021"


def test_mentions_of_the_commission_are_no_cover() -> None:
    text = (
        "Our view\n\nThe company told the Securities and Exchange Commission on Form 10-K for the fiscal year ended December 31, 2020 that orders grew. "
        * 30
    )
    assert found(text).kind != "filing"
