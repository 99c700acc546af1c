"""embedded_expectations over synthetic SEC facts, filings and holdings: what is used, what is refused, what is printed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from types import MappingProxyType

import pytest

from assistant.models import Metric, ToolResult
from assistant.tools.base import Context, NoData, SourceFailed
from assistant.tools.embedded_expectations import TOOL
from assistant.tools.export import export
from assistant.tools.implied_facts import Company, inputs
from assistant.tools.implied_inputs import Datum, parts
from assistant.tools.implied_roa import Assumptions, Firm, solve
from assistant.tools.providers.protocols import (
    Closes,
    CompanyFacts,
    Fact,
    Fetched,
    FundHoldings,
    Holding,
    Listing,
    Listings,
    Providers,
    Submission,
)
from assistant.tools.snapshots import Snapshots
from tests.statement_samples import HARBOR, filing
from vectorstore.records import Document, Filters, SourceInfo
from vectorstore.settings import Settings

TODAY = date(2025, 6, 30)


def fact(concept: str, value: float, end: str = "2024-12-31", *, start: str | None = None, filed: str = "2025-02-20", unit: str = "USD", accn: str = "a-25-1") -> Fact:  # fmt: skip
    return Fact(
        concept=concept, unit=unit, start=date.fromisoformat(start) if start else None, end=date.fromisoformat(end), value=value,
        accn=accn, filed=date.fromisoformat(filed), form="10-K",
    )  # fmt: skip


def year(concept: str, value: float, fiscal: int = 2024, *, filed: str | None = None, unit: str = "USD") -> Fact:
    return fact(
        concept, value, f"{fiscal}-12-31", start=f"{fiscal}-01-01", filed=filed or f"{fiscal + 1}-02-20", unit=unit
    )


def synthetic(cik: int = 7, *, leave_out: Sequence[str] = (), more: Sequence[Fact] = ()) -> CompanyFacts:
    """Ten shares; EV at a price of 20 is 200 + 45 - 9 = 236, assets 200 - 9 - 21 = 170, profit 24 * 0.75 = 18."""
    base = [
        year("Revenues", 300), year("OperatingIncomeLoss", 24), year("IncomeTaxExpenseBenefit", 5), year("NetIncomeLoss", 15),
        year("IncomeLossFromContinuingOperationsBeforeIncomeTaxesExtraordinaryItemsNoncontrollingInterest", 20),
        year("WeightedAverageNumberOfDilutedSharesOutstanding", 10, unit="shares"),
        fact("Assets", 200), fact("CashAndCashEquivalentsAtCarryingValue", 15), fact("AccountsPayableCurrent", 12),
        fact("AccruedLiabilitiesCurrent", 9), fact("LongTermDebtNoncurrent", 30), fact("LongTermDebtCurrent", 5),
        fact("OperatingLeaseLiability", 10), fact("StockholdersEquity", 90), fact("Goodwill", 20),
    ]  # fmt: skip
    kept = [f for f in base if f.concept not in leave_out]
    return CompanyFacts(cik=cik, name="Synthetic Corp.", facts=(*kept, *more))


@dataclass
class FakeFacts:
    """Stands for SEC's data; counts what was asked."""

    companies: Mapping[int, CompanyFacts]
    sics: Mapping[int, int | None] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    source: str = "sec"

    def listings(self) -> Fetched:
        found = tuple(Listing(ticker=f"SYN{cik}", cik=cik, name=f"Synthetic {cik} Corp.") for cik in self.companies)
        return Fetched(Listings(listings=found), "SEC EDGAR", None, TODAY)

    def company_facts(self, cik: int) -> Fetched:
        self.asked.append(cik)
        return Fetched(self.companies[cik], "SEC EDGAR", None, TODAY)

    def submission(self, cik: int) -> Fetched:
        found = Submission(cik=cik, name="Synthetic", tickers=(), sic=self.sics.get(cik, 3674), sic_description="")
        return Fetched(found, "SEC EDGAR", None, TODAY)

    def frame(self, concept: str, unit: str, period: str) -> Fetched:
        raise NoData("no frames here")


@dataclass
class FakePrices:
    price: float = 20.0
    source: str = "data"

    def closes(self, symbol: str, start: date, end: date) -> Fetched:
        days = (date(2025, 6, 26), date(2025, 6, 27), date(2025, 6, 30))
        found = Closes(symbol=symbol, currency="USD", days=days, closes=(1.0, self.price, 99.0))
        return Fetched(found, "synthetic prices", None, days[-1])


@dataclass
class FakeHoldings:
    holdings_: tuple[Holding, ...]
    source: str = "holdings"

    def holdings(self, fund: str) -> Fetched:
        return Fetched(
            FundHoldings(fund=fund, day=date(2025, 6, 27), holdings=self.holdings_),
            "synthetic holdings",
            None,
            date(2025, 6, 27),
        )


@dataclass
class Base:
    """Documents as the store gives them."""

    held: Sequence[Document]

    def sources(self, filters: Filters | None = None) -> list[SourceInfo]:
        return [
            SourceInfo(
                d.document_id,
                d.version,
                d.path,
                "default",
                d.metadata,
                "text/plain",
                "ready",
                1,
                len(d.text),
                1,
                "2025-01-01",
            )
            for d in self.held
            if not (filters and filters.as_of and (d.metadata.published or "9") > filters.as_of)
        ]

    def document(self, document_id: str, version: str | None = None) -> Document:
        return next(d for d in self.held if d.document_id == document_id)

    def chunks(self, document_id: str) -> list[object]:
        return []


def run(tmp_path: Path, arguments: dict[str, object], *, as_of: date | None = None, documents: Base | None = None, **providers: object) -> ToolResult:  # fmt: skip
    context = Context(Settings(), Providers(**providers), Snapshots(tmp_path), TODAY, as_of, documents)  # type: ignore[arg-type]
    return TOOL.run(TOOL.arguments(**arguments), context)


def metric(result: ToolResult, name: str, subject: str | None = None) -> Metric:
    return next(m for m in result.metrics if m.name == name and subject in (None, m.subject))


def roa(ev: float, assets: float, nopat: float) -> float:
    return 100 * solve(Firm(ev, assets, nopat), Assumptions())


# from SEC's facts


def test_a_company_from_its_facts(tmp_path: Path) -> None:
    result = run(
        tmp_path, {"ticker": "SYN7"}, facts=FakeFacts({7: synthetic()}), prices=FakePrices(), as_of=date(2025, 6, 27)
    )
    assert result.status == "ok"
    found = metric(result, "implied_roa", "Synthetic 7 Corp.")
    assert found.value == pytest.approx(roa(236, 170, 18))
    assert found.as_of == "2025-06-27"
    assert metric(result, "roa_now").value == pytest.approx(100 * 18 / 170)
    bare = metric(result, "implied_roa", "Synthetic 7 Corp., without goodwill")
    assert bare.value == pytest.approx(roa(236, 150, 18))
    low, middle, high = (metric(result, f"implied_roa_{p}").value or 0 for p in ("p10", "p50", "p90"))
    assert low < middle < high
    assert metric(result, "implied_roa_p50").n == 36
    assert result.arguments["ticker"] == "SYN7"
    assert result.arguments["cik"] == 7
    by_name = {row.get("name"): row for row in found.inputs}
    assert by_name["EV"]["value"] == 236
    assert by_name["debt"]["value"] == 35
    assert by_name["debt"]["accession"] == "a-25-1"
    assert by_name["debt"]["filed"] == "2025-02-20"
    assert by_name["preferred"]["absent"] is True
    assert any("preferred" in w for w in result.warnings)
    assert "Uniform" not in result.model_dump_json()


def test_assumptions_are_the_users(tmp_path: Path) -> None:
    arguments: dict[str, object] = {"ticker": "SYN7", "discount_rate": 9, "growth": 2, "years": 10, "price": 30}
    result = run(tmp_path, arguments, facts=FakeFacts({7: synthetic()}))
    assert result.status == "ok"
    expected = 100 * solve(Firm(336, 170, 18), Assumptions(0.09, 0.02, 10))
    assert metric(result, "implied_roa", "Synthetic 7 Corp.").value == pytest.approx(expected)
    assert "r 9%, g 2%, N 10" in (metric(result, "implied_roa").formula or "")


def test_nothing_filed_later_is_used_and_a_restatement_wins_once_it_is_filed() -> None:
    restated = year("OperatingIncomeLoss", 40, filed="2025-05-15")
    newer = [
        fact("Assets", 999, "2025-12-31", filed="2026-02-20"),
        year("OperatingIncomeLoss", 99, 2025, filed="2026-02-20"),
    ]
    facts = synthetic(more=[restated, *newer])
    price = Datum(20, "2025-06-27")
    before, after = (inputs(Company("S"), facts, price, date.fromisoformat(d)) for d in ("2025-05-14", "2025-05-15"))
    assert before.ebit is not None
    assert after.ebit is not None
    assert (before.ebit.value, after.ebit.value) == (24, 40)
    assert after.assets is not None
    assert after.assets.value == 200
    later = inputs(Company("S"), facts, price, date(2026, 3, 1))
    assert later.ebit is not None
    assert later.ebit.value == 99


def test_research_of_six_years_a_year_without_it_and_one_that_is_unknown() -> None:
    research = [year("ResearchAndDevelopmentExpense", 10 * k, 2018 + k) for k in (1, 2, 3, 4, 6)]
    revenue = [year("Revenues", 100, 2018 + k) for k in range(1, 6)]
    price = Datum(20, "2025-06-27")
    found = inputs(Company("S"), synthetic(more=[*research, *revenue]), price, TODAY)
    assert [d.value if d else None for d in found.research] == [60, 0, 40, 30, 20, 10]
    assert found.research[1] is not None
    assert found.research[1].absent
    unknown = inputs(Company("S"), synthetic(more=[r for r in research if r.end.year > 2019]), price, TODAY)
    assert unknown.research[5] is None
    with pytest.raises(NoData, match="of the 6 years"):
        parts(unknown)
    none = inputs(Company("S"), synthetic(), price, TODAY)
    assert all(d is not None and d.absent for d in none.research)


def test_shares_are_the_newest_diluted_average_unless_they_were_split_since() -> None:
    quarter = fact(
        "WeightedAverageNumberOfDilutedSharesOutstanding",
        11,
        "2025-03-31",
        start="2025-01-01",
        filed="2025-05-01",
        unit="shares",
    )
    price = Datum(20, "2025-06-27")
    found = inputs(Company("S"), synthetic(more=[quarter]), price, TODAY)
    assert found.shares is not None
    assert found.shares.value == 11
    cover = fact("EntityCommonStockSharesOutstanding", 22, "2025-04-25", filed="2025-05-01", unit="shares")
    assert inputs(Company("S"), synthetic(more=[quarter, cover]), price, TODAY).shares is None
    near = cover.model_copy(update={"value": 10.5})
    assert inputs(Company("S"), synthetic(more=[quarter, near]), price, TODAY).shares is not None


@pytest.mark.parametrize(
    ("facts", "sic", "status", "told"),
    [
        (synthetic(leave_out=["Revenues"]), 3674, "no_data", "revenue"),
        (synthetic(leave_out=["Assets"]), 3674, "no_data", "total assets"),
        (synthetic(more=[fact("MinorityInterest", -400)]), 3674, "undefined", "enterprise value"),
        (synthetic(more=[fact("ContractWithCustomerLiability", 400)]), 3674, "undefined", "operating assets"),
        (synthetic(more=[fact("MinorityInterest", 9000)]), 3674, "undefined", "outside"),
    ],
)
def test_no_value_is_told_with_its_reason(
    tmp_path: Path, facts: CompanyFacts, sic: int, status: str, told: str
) -> None:
    result = run(tmp_path, {"ticker": "SYN7", "price": 20}, facts=FakeFacts({7: facts}, {7: sic}))
    assert (result.status, result.metrics) == (status, ())
    assert result.error is not None
    assert told in result.error.message


def test_facts_of_more_than_fifteen_months_are_too_old(tmp_path: Path) -> None:
    result = run(tmp_path, {"ticker": "SYN7", "price": 20}, facts=FakeFacts({7: synthetic()}), as_of=date(2025, 6, 30))
    assert result.status == "ok"
    old = Context(Settings(), Providers(facts=FakeFacts({7: synthetic()})), Snapshots(tmp_path), date(2026, 5, 1))  # type: ignore[arg-type]
    late = TOOL.run(TOOL.arguments(ticker="SYN7", price=20), old)
    assert late.status == "undefined"
    assert late.error is not None
    assert "15 months" in late.error.message


def test_a_bank_gets_a_return_on_book_equity(tmp_path: Path) -> None:
    result = run(tmp_path, {"ticker": "SYN7", "price": 20}, facts=FakeFacts({7: synthetic()}, {7: 6022}))
    assert {m.name for m in result.metrics} == {
        "implied_roe",
        "implied_roe_p10",
        "implied_roe_p50",
        "implied_roe_p90",
        "roe_now",
    }
    assert metric(result, "implied_roe").value == pytest.approx(roa(200, 90, 15))


# an index


def holding(ticker: str, weight: float, price: float | None = 20.0) -> Holding:
    return Holding(
        ticker=ticker, name=ticker, asset_class="Equity", weight=weight, price=price, location="United States"
    )


def index(
    tmp_path: Path, *holdings: Holding, sics: Mapping[int, int | None] = MappingProxyType({}), **arguments: object
) -> ToolResult:
    facts = FakeFacts({n: synthetic(n, more=[fact("ShortTermInvestments", 10.0 * n)]) for n in (1, 2, 3)}, sics)
    return run(tmp_path, {"ticker": "Russell 2000", **arguments}, facts=facts, holdings=FakeHoldings(holdings))


def test_an_index_is_summed_with_its_coverage(tmp_path: Path) -> None:
    result = index(
        tmp_path, holding("SYN1", 50), holding("SYN2", 30), holding("SYN3", 15, None), holding("ELSEWHERE", 5)
    )
    # Excess cash: 15 + 10 n - 6, so EV is 245 - 9 - 10 n and assets 179 - 9 - 10 n.
    found = metric(result, "implied_roa", "Russell 2000")
    assert found.value == pytest.approx(roa(226 + 216, 160 + 150, 36))
    assert found.coverage_pct == pytest.approx(80)
    assert found.n == 2
    left = {row["reason"]: row for row in found.inputs if row.get("name") == "left out"}
    assert left["not known: share price"]["companies"] == 1
    assert left["not known: share price"]["weight_pct"] == pytest.approx(15)
    assert left["not on SEC's list of tickers"]["weight_pct"] == pytest.approx(5)


def test_only_the_largest_are_read_and_the_rest_is_left_out(tmp_path: Path) -> None:
    result = index(tmp_path, holding("SYN1", 70), holding("SYN2", 30), members=1)
    found = metric(result, "implied_roa")
    assert found.value == pytest.approx(roa(226, 160, 18))
    assert found.coverage_pct == pytest.approx(70)


def test_the_banks_of_an_index_are_a_sum_of_their_own(tmp_path: Path) -> None:
    result = index(tmp_path, holding("SYN1", 60), holding("SYN2", 40), sics={2: 6798})
    assert metric(result, "implied_roa").coverage_pct == pytest.approx(60)
    banks = metric(result, "implied_roe")
    assert banks.subject == "Russell 2000, financials and REITs"
    assert banks.value == pytest.approx(roa(200, 90, 15))
    assert banks.coverage_pct == pytest.approx(40)


def test_nothing_is_switched_on(tmp_path: Path) -> None:
    for ticker in ("Russell 2000", "SYN7"):
        result = run(tmp_path, {"ticker": ticker})
        assert result.status == "not_configured"
        assert result.error is not None
        assert "thesis.toml" in result.error.what_to_do


def test_a_price_of_an_index_is_refused(tmp_path: Path) -> None:
    result = run(tmp_path, {"ticker": "IWM", "price": 3})
    assert result.status == "no_data"


# from filings in the base


def harbor() -> Document:
    made = filing(HARBOR, company="Harbor Tools, Inc.", published="2022-02-25")
    return replace(made, metadata=replace(made.metadata, ticker="HARB", period_end="2021-12-31"))


def test_a_company_from_its_filing_where_sec_cannot_be_reached(tmp_path: Path) -> None:
    class Down(FakeFacts):
        def listings(self) -> Fetched:
            raise SourceFailed("sec: no answer.", "Try again later.")

    result = run(
        tmp_path, {"ticker": "HARB", "price": 10}, facts=Down({}), documents=Base([harbor()]), as_of=date(2022, 6, 30)
    )
    assert result.status == "ok"
    # 509 + 65 - (50 - 4.8); 200 - 45.2 - 35; 48 (1 - 11/44)
    assert metric(result, "implied_roa", "Harbor Tools, Inc.").value == pytest.approx(roa(528.8, 119.8, 36))
    assert any("no answer" in w for w in result.warnings)
    shares = next(row for row in metric(result, "implied_roa").inputs if row.get("name") == "shares")
    assert shares["value"] == 50_900_000


def test_a_filing_published_later_is_not_there(tmp_path: Path) -> None:
    result = run(tmp_path, {"ticker": "HARB", "price": 10}, documents=Base([harbor()]), as_of=date(2022, 2, 24))
    assert result.status == "not_configured"


# export


def test_every_input_is_exported_as_json_and_csv(tmp_path: Path) -> None:
    result = run(tmp_path, {"ticker": "SYN7", "price": 20}, facts=FakeFacts({7: synthetic()}))
    rows = json.loads(export(result))["inputs"]
    read = list(csv.DictReader(io.StringIO(export(result, "csv"))))
    assert len(rows) == len(read)
    own = [r for r in rows if r["metric"] == "implied_roa" and r["of"] == "Synthetic 7 Corp."]
    assert sum(r["name"] == "grid" for r in own) == 36
    assert sum(r["name"] == "return to P50" for r in own) == 6
    assert next(r for r in read if r["name"] == "assets" and r["concept"])["value"] == "200.0"
    with pytest.raises(ValueError, match="xml"):
        export(result, "xml")


def test_a_text_in_the_export_cannot_be_a_formula() -> None:
    result = ToolResult(
        tool="embedded_expectations",
        metrics=(Metric(name="m", subject="=cmd()", value=1.0, unit="", as_of="2025-01-01", inputs=({"name": "x"},)),),
    )
    assert "'=cmd()" in export(result, "csv")
