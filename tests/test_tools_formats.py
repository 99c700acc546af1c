"""The formats in which sources really write: issuers' files, a compressed index, empty years, signs and dashes. Payloads are synthetic."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from tool_server import Said, Source, context, make_http, master_index, source, treasury_csv

from assistant.tools.base import NoData, SourceFailed
from assistant.tools.providers._read import day, maybe
from assistant.tools.providers.holdings import HoldingsUrls, read_holdings
from assistant.tools.providers.protocols import AwardTotals, FundHoldings, QuarterIndex, SeriesData
from assistant.tools.providers.sec import Sec
from assistant.tools.providers.series import Fred, Treasury
from assistant.tools.providers.usaspending import UsaSpending


@pytest.fixture
def server() -> Iterator[Source]:
    with source() as made:
        yield made


ISHARES = """\ufeffSynthetic ETF
Fund Holdings as of,"Nov 18, 2025"
Inception Date,"May 22, 2000"
Shares Outstanding,"1,000,000.00"
Stock,"-"
Bond,"-"
Cash,"-"
Other,"-"
\u00a0
Ticker,Name,Sector,Asset Class,Market Value,Weight (%),Notional Value,Quantity,Price,Location,Exchange,Currency,FX Rate,Market Currency,Accrual Date
"AAA","ALPHA","Energy","Equity","1,234,567.00","60.00","1.00","1.00","1,012.50","United States","NYSE","USD","1.00","USD","--"
"BBB","BETA","Energy","Equity","1.00","39.90","1.00","1.00","--","United States","NYSE","USD","1.00","USD","-"
"USD","USD CASH","Cash and/or Derivatives","Cash","-1.00","-0.10","1.00","1.00","100.00","United States","-","USD","1.00","USD","-"
"RTYZ5","RUSSELL FUTURES DEC 25","Cash and/or Derivatives","Futures","0.00","0.00","9.00","1.00","2,400.00","-","-","USD","1.00","USD","-"
\u00a0
"The content is made up."
"""
STATE_STREET = """Fund Name:,Synthetic® ETF Trust,,,,,,
Ticker Symbol:,SYN,,,,,,
Holdings:,As of 18-Nov-2025,,,,,,
,,,,,,,
Name,Ticker,Identifier,SEDOL,Weight,Sector,Shares Held,Local Currency
ALPHA INC,AAA,000000001,B000001,60.000001,-,"1,000.000",USD
BETA INC,BBB,000000002,B000002,39.9,-,"1,000.000",USD
US DOLLAR,-,999USDZ92,-,0.1,-,"12,345.670",USD
,,,,,,,
"Past performance is no promise.",,,,,,,
"""
VANGUARD = """Synthetic 500 Index Fund
Holding details as of 10/31/2025

,HOLDINGS,TICKER,SEDOL,SHARES,MARKET VALUE*,% OF FUNDS*,COUNTRY
,Alpha Inc.,AAA,B000001,"1,000","$1,000,000",60.00 %,US
,Beta Inc. Class A,BBB,B000002,"1,000","$1,000",39.90%,US
,Gamma Corp.,CCC,B000003,1,$1,<0.01%,US
,Cash,—,—,—,$100,0.10%,US

"*A note."
"""
INVESCO = """Fund Ticker,Security Identifier,Holding Ticker,Shares/Par Value,MarketValue,Weight,Name,Class of Shares,Sector,Date
SYN,000000001,AAA   ,"305,938","26,790,990.66",60.000,Alpha Inc,Common Stock,Energy,11/18/2025
SYN,000000002,BBB   ,"305,938","26,790,990.66",40.000,Beta Inc,Common Stock,Energy,11/18/2025
"""


@pytest.mark.parametrize(
    ("text", "on", "shares", "cash"),
    [
        (ISHARES, date(2025, 11, 18), {"AAA": 60.0, "BBB": 39.9}, {"USD": -0.1, "RTYZ5": 0.0}),
        (STATE_STREET, date(2025, 11, 18), {"AAA": 60.000001, "BBB": 39.9}, {"-": 0.1}),
        (VANGUARD, date(2025, 10, 31), {"AAA": 60.0, "BBB": 39.9, "CCC": 0.0}, {"—": 0.1}),
        (INVESCO, date(2025, 11, 18), {"AAA": 60.0, "BBB": 40.0}, {}),
    ],
    ids=["ishares", "state street", "vanguard", "invesco"],
)
def test_each_issuer_s_file_is_read(
    text: str, on: date, shares: dict[str, float], cash: dict[str, float], server: Source, tmp_path: Path
) -> None:
    server.put(
        "/f.csv", Said(gzip.compress(text.encode()), 200, {"Content-Encoding": "gzip", "Content-Type": "text/csv"})
    )
    got = HoldingsUrls(make_http(tmp_path), {"SYN": f"{server.url}/f.csv"}).holdings("SYN").payload
    assert isinstance(got, FundHoldings)
    assert got.day == on
    assert {h.ticker: h.weight for h in got.holdings if h.asset_class == "Equity"} == shares
    assert {h.ticker: h.weight for h in got.holdings if h.asset_class != "Equity"} == cash


def test_prices_have_separators_or_none() -> None:
    prices = [h.price for h in read_holdings(ISHARES, "SYN").holdings[:2]]
    assert prices == [1012.5, None]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("PK\x03\x04\x14", "is an Excel file"),
        ("<!DOCTYPE html><p>Consent</p>", "a web page"),
        (ISHARES.replace('"Nov 18, 2025"', '"-"'), "does not say of which day"),
        (STATE_STREET.replace("As of 18-Nov-2025", ""), "does not say of which day"),
        (ISHARES.replace("Weight (%)", "Share"), "no header with the columns Ticker, Name, Weight (%)"),
        (STATE_STREET.replace("60.000001", "sixty"), "is no number"),
    ],
)
def test_a_file_that_is_none_says_so(text: str, said: str) -> None:
    with pytest.raises(SourceFailed) as caught:
        read_holdings(text, "SYN")
    assert said in caught.value.message


@pytest.mark.parametrize(("written", "value"), [("1,234.5", 1234.5), ("(3.2)", -3.2), ("−0.5", -0.5), ("$1,000", 1000.0), ("4.2 %", 4.2), ("—", None), ("--", None), (".", None), ("null", None), ("", None)])  # fmt: skip
def test_numbers_as_sources_write_them(written: str, value: float | None) -> None:
    assert maybe(written, "x", "y") == value


@pytest.mark.parametrize("written", ["2025-11-18", "11/18/2025", "Nov 18, 2025", "November 18, 2025", "18-Nov-2025", "18 Nov 2025", "18 November 2025", "20251118", '"Nov 18, 2025"'])  # fmt: skip
def test_days_as_sources_write_them(written: str) -> None:
    assert day(written, "x", "y") == date(2025, 11, 18)


@pytest.mark.parametrize("unpacked", [False, True], ids=["gzip file", "gzip as an encoding"])
def test_the_form_index_is_read_however_the_server_packs_it(server: Source, tmp_path: Path, unpacked: bool) -> None:
    packed = master_index((5, "Crème Corp", "S-1", "2025-04-02", "edgar/data/5/x.txt"))
    headers = {"Content-Encoding": "gzip"} if unpacked else {"Content-Type": "application/x-gzip"}
    server.put("/Archives/edgar/full-index/2025/QTR2/master.gz", Said(packed, 200, headers))
    got = Sec(make_http(tmp_path), data_url=server.url, www_url=server.url).quarter(2025, 2).payload
    assert isinstance(got, QuarterIndex)
    assert [(e.company, e.filed) for e in got.entries] == [("Crème Corp", date(2025, 4, 2))]


def test_a_year_without_a_published_yield_is_no_error(server: Source, tmp_path: Path) -> None:
    path = "/resource-center/data-chart-center/interest-rates/daily-treasury-rates.csv"
    server.put(f"{path}/2025/all", treasury_csv(("12/31/2025", "3.50", "4.10"), ("12/30/2025", "N/A", "4.00")))
    server.put(f"{path}/2026/all", "")
    made = Treasury(make_http(tmp_path), site_url=server.url, api_url=server.url)
    got = made.series("2y", date(2025, 12, 1), date(2026, 1, 1), None).payload
    assert isinstance(got, SeriesData)
    assert [(o.day, o.value) for o in got.observations] == [(date(2025, 12, 31), 3.5)]
    server.put(f"{path}/2026/all", "<html>Access denied</html>")
    with pytest.raises(SourceFailed, match="a web page"):
        Treasury(make_http(tmp_path / "b"), site_url=server.url).series("2y", date(2026, 1, 1), date(2026, 1, 2), None)


def test_fred_leaves_a_day_without_a_value_empty(server: Source, tmp_path: Path) -> None:
    server.put(
        "/graph/fredgraph.csv", "observation_date,DGS2\n2025-11-10,3.55\n2025-11-11,\n2025-11-12,.\n2025-11-13,3.58\n"
    )
    got = Fred(make_http(tmp_path), site_url=server.url).series("DGS2", date(2025, 11, 1), date(2025, 11, 18), None)
    assert isinstance(got.payload, SeriesData)
    assert [o.value for o in got.payload.observations] == [3.55, 3.58]
    server.put("/graph/fredgraph.csv", "observation_date,DGS2\n2025-11-11,\n")
    with pytest.raises(NoData):
        Fred(make_http(tmp_path / "b"), site_url=server.url).series("DGS2", date(2025, 11, 1), date(2025, 11, 18), None)


def test_an_award_of_nothing_is_nothing(server: Source, tmp_path: Path) -> None:
    answer = {
        "category": "recipient", "limit": 2, "page_metadata": {"page": 1, "hasNext": False}, "spending_level": "transactions",
        "results": [{"amount": 5.5, "recipient_id": "x-R", "name": "Anvil Co", "code": "000", "uei": "U", "total_outlays": None}, {"amount": None, "recipient_id": None, "name": None, "code": None}],
        "messages": ["For searches …"],
    }  # fmt: skip
    server.put("/api/v2/search/spending_by_category/recipient/", answer)
    got = UsaSpending(make_http(tmp_path), api_url=server.url).totals("recipient", {}, 2).payload
    assert isinstance(got, AwardTotals)
    assert [(t.name, t.amount) for t in got.totals] == [("Anvil Co", 5.5), ("not named", 0.0)]


def test_a_question_moved_on_the_same_host_keeps_its_body(server: Source, tmp_path: Path) -> None:
    for code in (307, 308):
        server.put("/old", Said(b"", code, {"Location": "/new"}))
        server.put("/new", {"ok": 1})
        assert make_http(tmp_path / str(code)).post("usaspending", f"{server.url}/old", {"a": 1}).json() == {"ok": 1}
        assert server.asked("/new")[-1].body == {"a": 1}


def test_a_company_s_profile_without_industry_or_tickers(server: Source, tmp_path: Path) -> None:
    server.put("/submissions/CIK0000000005.json", {"cik": "0000000005", "name": "Crème Corp", "sic": "", "sicDescription": "", "tickers": [], "filings": {}})  # fmt: skip
    ran = context(tmp_path, server)
    assert ran.providers.facts is not None
    got = ran.providers.facts.submission(5).payload
    assert (got.sic, got.tickers) == (None, ())  # type: ignore[attr-defined]
