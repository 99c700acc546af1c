"""Real filings, calls and articles: what was established by reading them, under random names and without headers."""

from __future__ import annotations

import os
import re
import uuid
from pathlib import Path

import pytest

from ingest.cleaning import tag
from ingest.metadata import extract
from ingest.readers import Reading, Source, read
from vectorstore.records import Metadata

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not os.environ.get("THESIS_CORPUS"), reason="THESIS_CORPUS names no folder of documents"),
]

# file: form, company, ticker, fiscal period, period end or report date, date of the signatures
FILINGS = """
AMERICANWATERWORKS_2020_10K.pdf | 10-K | American Water Works Company, Inc. | AWK | FY2020 | 2020-12-31 | 2021-02-24
AMERICANWATERWORKS_2021_10K.pdf | 10-K | American Water Works Company, Inc. | AWK | FY2021 | 2021-12-31 | 2022-02-16
AMERICANWATERWORKS_2022_10K.pdf | 10-K | American Water Works Company, Inc. | AWK | FY2022 | 2022-12-31 | 2023-02-15
BLOCK_2016_10K.pdf | 10-K | Square, Inc. | SQ | FY2016 | 2016-12-31 | 2017-02-24
BLOCK_2020_10K.pdf | 10-K | Square, Inc. | SQ | FY2020 | 2020-12-31 | 2021-02-23
CORNING_2020_10K.pdf | 10-K | Corning Incorporated | GLW | FY2020 | 2020-12-31 | 2021-02-12
CORNING_2021_10K.pdf | 10-K | Corning Incorporated | GLW | FY2021 | 2021-12-31 | 2022-02-14
CORNING_2022_10K.pdf | 10-K | Corning Incorporated | GLW | FY2022 | 2022-12-31 | 2023-02-13
CVSHEALTH_2018_10K.pdf | 10-K | CVS Health Corporation | CVS | FY2018 | 2018-12-31 | 2019-02-28
CVSHEALTH_2022_10K.pdf | 10-K | CVS Health Corporation | CVS | FY2022 | 2022-12-31 | 2023-02-08
JPMORGAN_2021Q1_10Q.pdf | 10-Q | JPMorgan Chase & Co. | JPM | Q1 2021 | 2021-03-31 | 2021-05-04
JPMORGAN_2022Q2_10Q.pdf | 10-Q | JPMorgan Chase & Co. | JPM | Q2 2022 | 2022-06-30 | 2022-08-03
JPMORGAN_2023Q2_10Q.pdf | 10-Q | JPMorgan Chase & Co. | JPM | Q2 2023 | 2023-06-30 | 2023-08-03
LOCKHEEDMARTIN_2020_10K.pdf | 10-K | Lockheed Martin Corporation | LMT | FY2020 | 2020-12-31 | 2021-01-28
LOCKHEEDMARTIN_2021_10K.pdf | 10-K | Lockheed Martin Corporation | LMT | FY2021 | 2021-12-31 | 2022-01-25
LOCKHEEDMARTIN_2022_10K.pdf | 10-K | Lockheed Martin Corporation | LMT | FY2022 | 2022-12-31 | 2023-01-26
NETFLIX_2015_10K.pdf | 10-K | Netflix, Inc. | NFLX | FY2015 | 2015-12-31 | 2016-01-28
NETFLIX_2017_10K.pdf | 10-K | Netflix, Inc. | NFLX | FY2017 | 2017-12-31 | 2018-01-29
NIKE_2018_10K.pdf | 10-K | NIKE, Inc. | NKE | FY2018 | 2018-05-31 | 2018-07-24
NIKE_2019_10K.pdf | 10-K | NIKE, Inc. | NKE | FY2019 | 2019-05-31 | 2019-07-23
NIKE_2021_10K.pdf | 10-K | NIKE, Inc. | NKE | FY2021 | 2021-05-31 | 2021-07-20
NIKE_2023_10K.pdf | 10-K | NIKE, Inc. | NKE | FY2023 | 2023-05-31 | 2023-07-20
PEPSICO_2021_10K.pdf | 10-K | PepsiCo, Inc. | PEP | FY2021 | 2021-12-25 | 2022-02-09
PEPSICO_2022_10K.pdf | 10-K | PepsiCo, Inc. | PEP | FY2022 | 2022-12-31 | 2023-02-08
PEPSICO_2023_8K_dated-2023-05-05.pdf | 8-K | PepsiCo, Inc. | PEP | | 2023-05-03 | 2023-05-05
PEPSICO_2023_8K_dated-2023-05-30.pdf | 8-K | PepsiCo, Inc. | PEP | | 2023-05-26 | 2023-05-30
PEPSICO_2023Q1_EARNINGS.pdf | | PepsiCo, Inc. | PEP | Q1 2023 | 2023-03-25 | 2023-04-25
VERIZON_2021_10K.pdf | 10-K | Verizon Communications Inc. | VZ | FY2021 | 2021-12-31 | 2022-02-11
VERIZON_2022_10K.pdf | 10-K | Verizon Communications Inc. | VZ | FY2022 | 2022-12-31 | 2023-02-10
1800Flowers.8-K.html | 8-K | 1-800-FLOWERS.COM, Inc. | FLWS | | 2023-12-14 | 2023-12-15
BuckleInc.8-K.html | 8-K | The Buckle, Inc. | BKE | | 2024-11-22 | 2024-11-22
BuckleInc.8-K.EX99.1.html | EX-99.1 | The Buckle, Inc. | BKE | Q3 2024 | 2024-11-02 | 2024-11-22
Oracle.8-K.html | 8-K | Oracle Corporation | ORCL | | 2024-11-14 | 2024-11-18
"""

# file: company in the header, company as it is greeted, quarter, date if one is stated
CALLS = """
large__american-express-company__2020Q3.txt | American Express Company | | Q3 2020 |
large__conocophillips__2020Q3.txt | Conocophillips | ConocoPhillips | Q3 2020 |
large__danaher-corp__2020Q1.txt | Danaher Corp | Danaher Corporation | Q1 2020 |
large__eversource__2020Q3.txt | Eversource | Eversource Energy | Q3 2020 |
large__general-electric__2020Q1.txt | General Electric | General Electric Company | Q1 2020 |
large__hershey-company__2020Q3.txt | Hershey Company | Hershey Company | Q3 2020 |
large__nextera-energy-inc__2020Q2.txt | Nextera Energy Inc | NextEra Energy Inc | Q2 2020 |
large__travelers-companies-inc__2020Q2.txt | Travelers Companies Inc | Travelers | Q2 2020 |
small__culp-inc__2020Q3.txt | Culp Inc | Culp | Q3 2020 |
small__cumulus-media-inc__2020Q3.txt | Cumulus Media Inc | Cumulus Media | Q3 2020 |
small__innovative-solutions-and-support-inc__2020Q4.txt | Innovative Solutions and Support Inc | Innovative Solutions and Support | Q4 2020 |
small__lands-end-inc__2020Q3.txt | Lands End Inc | Lands' End | Q3 2020 |
small__monro-inc__2020Q3.txt | Monro Inc | Monro Inc | Q3 2020 |
small__rev-group-inc__2020Q4.txt | Rev Group Inc | REV Group | Q4 2020 |
small__sitime-corp__2020Q3.txt | Sitime Corp | SiTime | Q3 2020 | 2020-11-04
small__zagg-inc__2020Q3.txt | Zagg Inc | ZAGG | Q3 2020 |
"""


def rows(table: str) -> list[list[str | None]]:
    return [[cell.strip() or None for cell in line.split("|")] for line in table.strip().splitlines()]


def document(name: str | None) -> bytes:
    assert name is not None
    paths = list(Path(os.environ["THESIS_CORPUS"]).rglob(name))
    if not paths:
        pytest.skip(f"THESIS_CORPUS has no {name}")
    return paths[0].read_bytes()


def described(data: bytes, suffix: str) -> tuple[Reading, Metadata]:
    name = uuid.uuid4().hex + suffix
    reading = read(Source(path=name, data=data, name=name))
    return reading, extract(reading, tag(reading), name=name)


@pytest.mark.parametrize("row", rows(FILINGS), ids=lambda row: str(row[0]))
def test_filings(row: list[str | None]) -> None:
    name, form, company, ticker, period, day, published = row
    reading, metadata = described(document(name), Path(str(name)).suffix)
    assert (metadata.form, metadata.company, metadata.ticker, metadata.fiscal_period) == (form, company, ticker, period)
    assert metadata.published == published
    assert (metadata.report_date if form == "8-K" else metadata.period_end) == day
    assert (metadata.period_end if form == "8-K" else metadata.report_date) is None
    assert metadata.kind == ("release" if form in (None, "EX-99.1") else "filing")
    for origin in metadata.origins:
        assert origin.source == "text"
        assert reading.text[origin.start : origin.end].strip()


@pytest.mark.parametrize("row", rows(CALLS), ids=lambda row: str(row[0]))
def test_calls(row: list[str | None]) -> None:
    name, header, greeted, period, published = row
    data = document(name)
    _, metadata = described(data, ".txt")
    assert (metadata.kind, metadata.company, metadata.fiscal_period, metadata.published) == (
        "transcript",
        header,
        period,
        published,
    )
    spoken = re.sub(rb"\A.*?(?=^Speaker \d+:)", b"", data, flags=re.DOTALL | re.MULTILINE)
    assert len(spoken) < len(data)
    _, bare = described(spoken, ".txt")
    # One call is a panel at a conference: nobody greets, and nobody names a quarter.
    assert (bare.kind, bare.company, bare.fiscal_period, bare.published) == (
        "transcript",
        greeted,
        period if greeted else None,
        published,
    )


@pytest.mark.parametrize(
    ("name", "title", "publisher", "authors", "published", "tags"),
    [
        (
            "000_14f089421214a40c.txt",
            "Are Small Caps Next in Line to Shine?",
            "Russell Investments",
            ("Jordan McCall", "Dan Fletcher", "Jeannette Louh"),
            "2025-07-09",
            ["navigation", "disclaimer", "cookie", "disclaimer"],
        ),
        (
            "003_dd91681dc998ca0d.txt",
            "The market is writing off small caps prematurely",
            "Valens Research",
            ("Joel Litman", "Rob Spivey"),
            "2025-05-12",
            ["signature", "navigation", "access", "contact"],
        ),
    ],
)
def test_articles(
    name: str, title: str, publisher: str, authors: tuple[str, ...], published: str, tags: list[str]
) -> None:
    reading, metadata = described(document(name), ".txt")
    assert (metadata.title, metadata.publisher, metadata.authors) == (title, publisher, authors)
    assert (metadata.published, metadata.kind, metadata.company) == (published, "article", None)
    regions = tag(reading)
    assert [r.tag for r in regions] == tags
    # Between the list of tags at the top, if any, and the first notice at the end all is argument.
    tail = [r for r in regions if r.start > 1000]
    argument = reading.text[regions[0].end if regions[0] not in tail else 0 : tail[0].start]
    assert len(argument) > 0.6 * len(reading.text)
    assert reading.text[tail[0].start :].count("\n\n") >= 3
