"""Invented documents of genres that a base of small caps meets: what each says of itself."""

from __future__ import annotations

import io

import docx
from metadata_samples import PROSE, RANDOM_NAME, cover, found, signature

from ingest.cleaning import tag
from ingest.metadata import extract
from ingest.readers import Source, read

FOREIGN_REPORT = f"""UNITED STATES
SECURITIES AND EXCHANGE COMMISSION
Washington, D.C. 20549
FORM 6-K
REPORT OF FOREIGN PRIVATE ISSUER PURSUANT TO RULE 13a-16 OR 15d-16 UNDER THE SECURITIES EXCHANGE ACT OF 1934
For the month of May 2024
Commission File Number: 001-40321
ILMARINEN BATTERY LTD.
(Translation of registrant's name into English)
12 Harbour Street, Haifa, Israel
(Address of principal executive offices)
Indicate by check mark whether the registrant files annual reports under cover of Form 20-F or Form 40-F.
Form 20-F ☒ Form 40-F ☐
Ilmarinen Battery Ltd. announced its results for the first quarter of 2024.
{signature("May 21, 2024", "ILMARINEN BATTERY LTD.")}"""

ANNUAL_FOREIGN = f"""UNITED STATES SECURITIES AND EXCHANGE COMMISSION
Washington, D.C. 20549
FORM 20-F
☐ REGISTRATION STATEMENT PURSUANT TO SECTION 12(b) OR (g) OF THE SECURITIES EXCHANGE ACT OF 1934
OR
☒ ANNUAL REPORT PURSUANT TO SECTION 13 OR 15(d) OF THE SECURITIES EXCHANGE ACT OF 1934
For the fiscal year ended March 31, 2023
Commission file number 001-38765
KESTREL & VANE SHIPPING PLC
(Exact name of Registrant as specified in its charter)
Not applicable
(Translation of Registrant's name into English)
Securities registered or to be registered pursuant to Section 12(b) of the Act:
Title of each class    Trading Symbol(s)    Name of each exchange on which registered
American Depositary Shares, each representing two ordinary shares    KVSP    New York Stock Exchange
{PROSE}
SIGNATURES
The registrant hereby certifies that it meets all of the requirements for filing on Form 20-F and that it has duly caused and authorized the undersigned to sign this annual report on its behalf.
KESTREL & VANE SHIPPING PLC
Date: 27 July 2023
"""

PROXY = f"""SCHEDULE 14A INFORMATION
Proxy Statement Pursuant to Section 14(a) of the Securities Exchange Act of 1934

Filed by the Registrant [X]
Check the appropriate box:
[ ] Preliminary Proxy Statement
[X] Definitive Proxy Statement

QUILLFEATHER FOODS, INC.
(Name of Registrant as Specified In Its Charter)

{PROSE}

By Order of the Board of Directors,
April 12, 2024
"""

BROKER = f"""EQUITY RESEARCH | UNITED STATES
Halloran & Pike Securities

Company Update
September 19, 2023

Dunmore Castings Inc. (DNMC)
Foundry utilisation has turned; raising to Buy

Rating: Buy (from Hold)
Price target: $27.00 (from $19.00)

Analysts
Marguerite Osei, CFA
(212) 555-0134
Tobias Renn
trenn@halloranpike.example

Key points
{PROSE}

This report was prepared by Halloran & Pike Securities for institutional investors.
"""

NEWSLETTER = f"""Deep Drawdown Diaries

Why nobody owns Gannet Ferries

A sleepy ferry line with a fat dividend and a hidden property portfolio

By Rowena Aske

Mar 03, 2024

Share

{PROSE}

Thanks for reading Deep Drawdown Diaries! Subscribe for free to receive new posts.

© 2024 Rowena Aske
"""

RELEASE = f"""Ostrava Lithium Signs Offtake Agreement With Danube Cells

TORONTO, Jan. 18, 2023 /PRNewswire/ - Ostrava Lithium Corp. (TSXV: OLI) (OTCQB: OLIIF) is pleased to announce that it has signed an agreement for 4,000 tonnes a year.

{PROSE}

SOURCE Ostrava Lithium Corp.
"""


def test_a_report_of_a_foreign_issuer_bears_its_translated_name() -> None:
    report = found(FOREIGN_REPORT)
    assert (report.kind, report.form, report.company) == ("filing", "6-K", "Ilmarinen Battery Ltd.")
    assert (report.published, report.fiscal_period) == ("2024-05-21", None)


def test_an_annual_report_of_a_foreign_issuer_keeps_its_own_name() -> None:
    report = found(ANNUAL_FOREIGN)
    assert (report.form, report.company, report.ticker) == ("20-F", "Kestrel & Vane Shipping plc", "KVSP")
    assert (report.fiscal_period, report.period_end, report.published) == ("FY2023", "2023-03-31", "2023-07-27")


def test_an_old_proxy_statement_opens_with_its_schedule() -> None:
    proxy = found(PROXY)
    assert (proxy.kind, proxy.form, proxy.company) == ("filing", "DEF 14A", "Quillfeather Foods, Inc.")
    assert proxy.published == "2024-04-12"


def test_a_quarter_without_columns_to_date_is_called_as_the_text_calls_it() -> None:
    text = (
        cover(form="FORM 10-Q", period="For the quarterly period ended January 31, 2024")
        + "\nThe third quarter of fiscal 2024 ended January 31, 2024; our fiscal year ends on April 30.\n"
        + PROSE
        + signature("March 6, 2024")
    )
    assert found(text).fiscal_period == "Q3 2024"


def test_a_first_quarter_is_one_where_the_text_names_it_beside_others() -> None:
    text = (
        cover(form="FORM 10-Q", period="For the quarterly period ended March 31, 2022")
        + "\nIn the three months ended March 31, 2022, the first quarter of 2022, sales rose from the fourth quarter of 2021. "
        + "They had risen in the fourth quarter of 2021 too.\n"
        + signature("May 6, 2022")
    )
    assert found(text).fiscal_period == "Q1 2022"


def test_a_table_of_classes_gives_the_ticker_without_its_legal_heading() -> None:
    text = cover(form="FORM 10-Q", period="For the quarterly period ended July 29, 2023").replace(
        "Securities registered pursuant to Section 12(b) of the Act:\n", ""
    )
    assert found(text).ticker == "ACRB"


def test_a_release_listed_twice() -> None:
    release = found(RELEASE)
    assert (release.kind, release.company, release.ticker) == ("release", "Ostrava Lithium Corp.", "OLI")
    assert (release.published, release.fiscal_period) == ("2023-01-18", None)
    assert release.title == "Ostrava Lithium Signs Offtake Agreement With Danube Cells"


def test_a_broker_s_note_is_a_note_on_its_company_by_its_analysts() -> None:
    note = found(BROKER)
    assert note.title == "Foundry utilisation has turned; raising to Buy"
    assert (note.kind, note.publisher, note.published) == ("note", "Halloran & Pike Securities", "2023-09-19")
    assert note.authors == ("Marguerite Osei", "Tobias Renn")
    assert (note.company, note.ticker) == ("Dunmore Castings Inc.", "DNMC")


def test_who_is_named_as_a_contact_is_no_author() -> None:
    assert found(f"Ropeworks in brief\n\nFor information\nIda Brandt\n(212) 555-0134\n\n{PROSE}\n").authors == ()


def test_a_newsletter_is_the_publisher_and_its_subtitle_no_title() -> None:
    article = found(NEWSLETTER)
    assert (article.title, article.publisher) == ("Why nobody owns Gannet Ferries", "Deep Drawdown Diaries")
    assert (article.authors, article.published, article.kind) == (("Rowena Aske",), "2024-03-03", "article")


def test_a_short_heading_of_a_markdown_document_is_its_title() -> None:
    assert (
        found("# Deep note\n\nVeldhoven Bolt Works booked orders of 12 million dollars.\n", ".md").title == "Deep note"
    )


def test_a_masthead_over_another_heading_is_no_title() -> None:
    text = f"# Weekly Digest\n\n## Why gauges matter now\n\nBy Ann Lee\nMarch 3, 2024\n\n{PROSE}\n"
    assert found(text, ".md").title == "Why gauges matter now"


def test_the_heading_of_a_word_document_is_its_title() -> None:
    document = docx.Document()
    document.add_heading("Tundra Rail note", 1)
    document.add_paragraph("Tundra Rail carried 1,204 wagons in May 2024.")
    data = io.BytesIO()
    document.save(data)
    source = read(Source(path=RANDOM_NAME, data=data.getvalue(), name=RANDOM_NAME))
    assert extract(source, tag(source), name=RANDOM_NAME).title == "Tundra Rail note"


def test_a_sentence_is_no_title_where_a_line_heads_the_text() -> None:
    text = (
        "Marshfield Ceramics annual letter\n\nDear shareholders,\n\n"
        "Marshfield Ceramics shipped 8.4 million tiles in fiscal 2024, up from 7.9 million tiles a year before.\n"
    )
    assert found(text).title == "Marshfield Ceramics annual letter"
