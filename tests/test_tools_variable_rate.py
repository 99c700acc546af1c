"""The variable-rate share of debt, stated by filings in the base or by the newest 10-K at SEC; of an index by debt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from statement_samples import HARBOR, filing
from test_tools_company import Base
from tool_server import Said, Source, context, filing_list, frame, holdings_csv, source, tickers

from assistant.models import Metric, ToolResult
from assistant.tools.registry import call
from vectorstore.records import Document

MORE = "At year end, 20% of our total debt bore interest at variable rates."
LESS = "At year end, about 80% of our total debt bore interest at variable rates."


@pytest.fixture
def server() -> Iterator[Source]:
    with source() as made:
        made.put(
            "/files/company_tickers.json",
            tickers(("HRBR", 7, "Harbor Tools Inc"), ("ELKL", 8, "Elk Lumber Co"), ("FERN", 9, "Fern Ferries Ltd")),
        )
        made.put("/holdings/TEST.csv", holdings_csv(FUND))
        yield made


FUND = [("HRBR", "HARBOR TOOLS", 50.0), ("ELKL", "ELK LUMBER", 30.0), ("FERN", "FERN FERRIES", 20.0)]
ASK = {"ticker": "TEST", "benchmark": ""}


def find(result: ToolResult) -> Metric:
    return next(m for m in result.metrics if m.name == "variable_rate_share")


def filed(company: str, said: str, *, debt: str = "60,000") -> Document:
    text = HARBOR.replace("HARBOR TOOLS, INC.", company.upper()).replace(
        "Long-term debt 60,000", f"Long-term debt {debt}"
    )
    made = filing(f"{text}\f{said}")
    return replace(
        made, document_id=f"d-{company}", metadata=replace(made.metadata, company=company, ticker=None, title=company)
    )


def data(folder: Path) -> Path:
    (folder / "data" / "holdings").mkdir(parents=True)
    (folder / "data" / "holdings" / "TEST.csv").write_text(holdings_csv(FUND), encoding="utf-8")
    return folder / "data"


def test_an_index_is_weighted_by_the_debt_of_those_that_state_a_share(tmp_path: Path) -> None:
    held = Base(filed("Harbor Tools, Inc.", MORE), filed("Elk Lumber Co", LESS, debt="15,000"), filed("Fern Ferries Ltd", "Fares rose."))  # fmt: skip
    result = call("balance_sheet", ASK, context(tmp_path, data=data(tmp_path), documents=held))
    share = find(result)
    # debt of 65 and of 20 million: (20% x 65 + 80% x 20) / 85
    assert (share.value, share.unit) == (pytest.approx((20 * 65 + 80 * 20) / 85), "percent")
    assert (share.n, share.coverage_pct) == (2, pytest.approx(80.0))
    assert {(i["company"], i["value"], i["debt"], round(i["fund_weight_pct"], 6)) for i in share.inputs} == {
        ("HARBOR TOOLS", 20.0, 65e6, 50.0), ("ELK LUMBER", 80.0, 20e6, 30.0),
    }  # fmt: skip
    for one in share.inputs:
        assert held.document(one["document_id"]).text[one["start"] : one["end"]] == one["quote"]
    assert any(
        w.endswith("is known for 2 of 3 companies (80% of the weight); 1 filings that were read state none.")
        for w in result.warnings
    )


def test_what_no_filing_states_is_unknown_and_not_nil(tmp_path: Path) -> None:
    held = Base(filed("Harbor Tools, Inc.", "Rates rose."))
    result = call("balance_sheet", ASK, context(tmp_path, data=data(tmp_path), documents=held))
    share = find(result)
    assert (share.value, share.unit, share.n, share.coverage_pct) == (None, "unknown", 0, 0.0)
    assert any(w.endswith("known for 0 of 3 companies (0% of the weight); 1 filings that were read state none, of 2 no filing was read.") for w in result.warnings)  # fmt: skip
    assert result.status == "not_configured"


def test_as_of_a_day_no_later_filing_is_read(tmp_path: Path) -> None:
    early = filed("Harbor Tools, Inc.", MORE)
    early = replace(early, metadata=replace(early.metadata, published="2022-02-20"))
    later = replace(filed("Harbor Tools, Inc.", LESS), document_id="later")
    later = replace(later, metadata=replace(later.metadata, published="2023-02-20"))
    ran = context(tmp_path, documents=Base(early, later))
    for day, value in ((date(2022, 12, 31), 20.0), (date(2023, 2, 20), 80.0)):
        result = call("balance_sheet", {"ticker": "Harbor Tools"}, replace(ran, as_of=day))
        assert find(result).value == value


def file(server: Source, cik: int, said: str, *, day: str = "2025-02-20") -> None:
    accn = f"{cik:010d}-25-000001"
    older = (f"{cik:010d}-24-000001", "2024-02-20", "10-K", "")
    server.put(
        f"/submissions/CIK{cik:010d}.json",
        filing_list(cik, "x", (f"{cik:010d}-25-000002", "2025-05-06", "10-Q", ""), (accn, day, "10-K", ""), older),
    )
    html = f"<html><body><ix:header>90% of our total debt bore variable rates.</ix:header><p>Item 7A.</p><p>{said}</p></body></html>"
    server.put(f"/Archives/edgar/data/{cik}/{accn.replace('-', '')}/01main.htm", html)
    server.put(f"/Archives/edgar/data/{cik}/{older[0].replace('-', '')}/01main.htm", f"<p>{LESS}</p>")


def test_the_newest_10k_at_sec_is_read_where_the_base_says_nothing(server: Source, tmp_path: Path) -> None:
    file(server, 7, MORE)
    result = call("balance_sheet", {"ticker": "HRBR"}, context(tmp_path, server, documents=Base()))
    share = find(result)
    assert (share.value, share.period, share.source) == (20.0, "10-K of 2025-02-20", "SEC EDGAR")
    (one,) = share.inputs
    assert (one["quote"], one["accn"], one["filed"]) == (MORE, "0000000007-25-000001", "2025-02-20")
    assert share.source_url == "https://www.sec.gov/Archives/edgar/data/7/000000000725000001/01main.htm"
    early = call(
        "balance_sheet", {"ticker": "HRBR"}, context(tmp_path, server, documents=Base(), as_of=date(2025, 2, 19))
    )
    assert find(early).value == 80.0


def test_of_an_index_as_many_reports_are_read_as_are_asked_for(server: Source, tmp_path: Path) -> None:
    file(server, 7, MORE)
    file(server, 8, LESS)
    file(server, 9, LESS)
    server.put("/api/xbrl/frames/us-gaap/LongTermDebt/USD/CY2024Q4I.json", frame("LongTermDebt", "CY2024Q4I", {7: 300, 8: 100, 9: 50}))  # fmt: skip
    ran = context(tmp_path, server, documents=Base())
    assert find(call("balance_sheet", ASK, ran)).value is None
    assert not any("/Archives/" in h.path for h in server.heard)
    share = find(call("balance_sheet", ASK | {"reports": 2}, ran))
    assert (share.value, share.n, share.coverage_pct) == (pytest.approx((20 * 300 + 80 * 100) / 400), 2, pytest.approx(80.0))  # fmt: skip


def test_a_report_that_cannot_be_had_is_told(server: Source, tmp_path: Path) -> None:
    file(server, 7, MORE)
    server.put("/Archives/edgar/data/7/000000000725000001/01main.htm", Said(b"", 500))
    result = call("balance_sheet", {"ticker": "HRBR"}, context(tmp_path, server, documents=Base()))
    assert "The newest 10-K at SEC was not read: sec answered with status 500." in result.warnings
    file(server, 7, "Rates rose.")
    again = call("balance_sheet", {"ticker": "HRBR"}, context(tmp_path, server, documents=Base()))
    assert "The variable-rate share of the debt of Harbor Tools Inc is not known: the newest 10-K at SEC does not state one." in again.warnings  # fmt: skip
