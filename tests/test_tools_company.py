"""balance_sheet, and facts as they were known on a day: hand-worked values, restatements, nothing later than the as-of date."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statement_samples import HARBOR, filing
from tool_server import Said, Source, company_facts, context, fact, frame, holdings_csv, source, tickers

from assistant.models import Metric, ToolResult
from assistant.tools import entities
from assistant.tools.entities import Fund
from assistant.tools.facts import Book
from assistant.tools.filed_statements import stated_shares
from assistant.tools.providers.protocols import Fact
from assistant.tools.registry import call
from vectorstore.records import Chunk, Document, Filters, SourceInfo

FACTS = "/api/xbrl/companyfacts/CIK0000000007.json"


@pytest.fixture
def server() -> Iterator[Source]:
    with source() as made:
        made.put("/files/company_tickers.json", tickers(("ALDR", 7, "Alder Works Inc."), ("BRCH", 8, "Birch Co")))
        yield made


def year(value: float, n: int, filed: str = "") -> dict[str, Any]:
    return fact(value, f"{n}-12-31", start=f"{n}-01-01", filed=filed or f"{n + 1}-02-20")


def quarter(value: float, end: str, filed: str) -> dict[str, Any]:
    return fact(value, end, start=f"{end[:4]}-01-01", filed=filed, form="10-Q")


def alder(**changes: list[dict[str, Any]]) -> dict[str, Any]:
    """Synthetic: a year of 1,000 in sales, a quarter that grew, debt of 300 against 100 of cash."""
    concepts: dict[str, list[dict[str, Any]]] = {
        "Revenues": [
            year(900, 2023), year(1000, 2024), quarter(200, "2024-03-31", "2024-05-02"), quarter(300, "2025-03-31", "2025-05-02"),
        ],
        "OperatingIncomeLoss": [
            year(90, 2023), year(100, 2024), quarter(20, "2024-03-31", "2024-05-02"), quarter(52, "2025-03-31", "2025-05-02"),
        ],
        "InterestExpense": [year(20, 2024), quarter(5, "2024-03-31", "2024-05-02"), quarter(9, "2025-03-31", "2025-05-02")],
        "DepreciationDepletionAndAmortization": [
            year(30, 2024), quarter(8, "2024-03-31", "2024-05-02"), quarter(10, "2025-03-31", "2025-05-02"),
        ],
        "LongTermDebtNoncurrent": [fact(240, "2025-03-31", filed="2025-05-02"), fact(500, "2024-12-31", filed="2025-02-20")],
        "LongTermDebtCurrent": [fact(60, "2025-03-31", filed="2025-05-02")],
        "CashAndCashEquivalentsAtCarryingValue": [
            fact(80, "2025-03-31", filed="2025-05-02"), fact(70, "2024-12-31", filed="2025-02-20"),
        ],
        "ShortTermInvestments": [fact(20, "2025-03-31", filed="2025-05-02")],
    }  # fmt: skip
    return company_facts(7, "Alder Works Inc.", concepts | changes)


def find(result: ToolResult, name: str) -> Metric:
    return next(m for m in result.metrics if m.name == name)


def ask(server: Source, folder: Path, **options: Any) -> ToolResult:
    return call("balance_sheet", {"ticker": "ALDR"}, context(folder, server, **options))


def test_ratios_of_a_hand_worked_company(server: Source, tmp_path: Path) -> None:
    server.put(FACTS, alder())
    result = ask(server, tmp_path)
    # Twelve months to March: sales 1000 + 300 - 200, EBIT 100 + 52 - 20, interest 20 + 9 - 5, depreciation 30 + 10 - 8
    margin = find(result, "operating_margin")
    assert margin.value == pytest.approx(100 * 132 / 1100)
    assert (margin.unit, margin.as_of, margin.period) == ("percent", "2025-03-31", "12 months to 2025-03-31")
    assert find(result, "interest_cover").value == pytest.approx(132 / 24)
    assert find(result, "net_debt").value == 200.0
    assert find(result, "net_debt_to_ebitda").value == pytest.approx(200 / 164)
    assert [(i["name"], i["sign"], i["value"], i["filed"]) for i in margin.inputs[:3]] == [
        ("EBIT", 1, 100.0, "2025-02-20"),
        ("EBIT", 1, 52.0, "2025-05-02"),
        ("EBIT", -1, 20.0, "2024-05-02"),
    ]
    assert margin.source_url == "https://data.sec.gov" + FACTS
    assert (result.arguments["cik"], result.arguments["name"]) == (7, "Alder Works Inc.")
    assert result.status == "ok"


def test_as_of_a_day_only_what_was_filed_by_then_counts(server: Source, tmp_path: Path) -> None:
    server.put(FACTS, alder())
    before = ask(server, tmp_path, as_of=date(2025, 5, 1))
    assert find(before, "operating_margin").value == pytest.approx(10.0)
    assert find(before, "operating_margin").period == "fiscal year to 2024-12-31"
    assert find(before, "net_debt_to_ebitda").value == pytest.approx((500 - 70) / 130)
    on = ask(server, tmp_path, as_of=date(2025, 5, 2))
    assert find(on, "operating_margin").value == pytest.approx(12.0)
    assert ask(server, tmp_path, as_of=date(2020, 1, 1)).status == "no_data"


def test_the_latest_filed_wins_and_as_of_the_one_known_then(server: Source, tmp_path: Path) -> None:
    """The same year stated thrice: in its own 10-K, repeated, and restated in an amendment."""
    thrice = [year(100, 2024), year(100, 2024, "2025-02-20"), year(64, 2024, "2025-06-10")]
    server.put(FACTS, alder(OperatingIncomeLoss=thrice, Revenues=[year(1000, 2024)]))
    assert find(ask(server, tmp_path), "operating_margin").value == pytest.approx(6.4)
    early = ask(server, tmp_path, as_of=date(2025, 6, 9))
    assert find(early, "operating_margin").value == pytest.approx(10.0)


def test_a_fact_without_a_value_is_passed_over(server: Source, tmp_path: Path) -> None:
    server.put(
        FACTS,
        alder(
            OperatingIncomeLoss=[year(100, 2024), year(1, 2024, "2025-06-01") | {"val": None}],
            Revenues=[year(1000, 2024)],
        ),
    )
    assert find(ask(server, tmp_path), "operating_margin").value == pytest.approx(10.0)


def test_fy_and_fp_do_not_matter(server: Source, tmp_path: Path) -> None:
    """A 10-K gives last year's figure under its own fy: keyed on that, it would stand for the wrong year."""
    older = year(90, 2023, "2025-02-20") | {"fy": 2024, "fp": "FY"}
    server.put(FACTS, alder(OperatingIncomeLoss=[older, year(100, 2024)], Revenues=[year(1000, 2024)]))
    assert find(ask(server, tmp_path), "operating_margin").value == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("changes", "gone", "said"),
    [
        ({"InterestExpense": [year(0, 2024)]}, "interest_cover", "interest is 0"),
        ({"Revenues": [year(0, 2024)]}, "operating_margin", "revenue is 0"),
        ({"OperatingIncomeLoss": [year(-50, 2024)]}, "net_debt_to_ebitda", "EBITDA is -20"),
        (
            {"LongTermDebtNoncurrent": [fact(1, "2024-12-31", filed="2025-02-20")], "LongTermDebtCurrent": [],
             "CashAndCashEquivalentsAtCarryingValue": [fact(1, "2025-03-31", filed="2025-05-02")]},
            "net_debt", "states no cash for 2024-12-31",
        ),
        ({"LongTermDebtNoncurrent": [], "LongTermDebtCurrent": []}, "net_debt", "states no debt"),
        ({"InterestExpense": []}, "interest_cover", "states no EBIT and interest"),
    ],
)  # fmt: skip
def test_a_ratio_without_meaning_is_left_out_and_told(
    server: Source, tmp_path: Path, changes: dict[str, Any], gone: str, said: str
) -> None:
    server.put(FACTS, alder(**changes))
    result = ask(server, tmp_path)
    assert gone not in {m.name for m in result.metrics}
    assert any(said in w for w in result.warnings)
    assert result.status == "ok"


def test_old_figures_are_stale(server: Source, tmp_path: Path) -> None:
    server.put(FACTS, alder())
    result = ask(server, tmp_path, today=date(2027, 1, 1))
    assert result.stale
    assert any("more than 15 months ago" in w for w in result.warnings)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (company_facts(8, "Birch", {"Revenues": [year(1, 2024)]}), "error", "asked for CIK 7, got 8"),
        (company_facts(7, "Alder", {}), "no_data", "no XBRL facts"),
        ({"cik": 7, "entityName": "Alder"}, "error", "has no 'facts'"),
        ({"cik": 7, "entityName": "Alder", "facts": {"us-gaap": {"Revenues": {}}}}, "error", "has no 'units'"),
        (
            company_facts(7, "Alder", {"Revenues": [{"end": "2024-12-31", "val": 1, "accn": "x"}]}),
            "error",
            "has no 'filed'",
        ),
        (company_facts(7, "Alder", {"Revenues": [year(1, 2024) | {"val": "lots"}]}), "error", "is no number"),
        (company_facts(7, "Alder", {"Revenues": [year(1, 2024) | {"end": "soon"}]}), "error", "is no date"),
        ("<html>Undeclared Automated Tool</html>", "error", "a web page"),
        (Said(b"", 403), "not_configured", "SEC refused"),
        (Said(b"", 404), "no_data", "has nothing"),
        (Said(b"", 429, {"Retry-After": "500"}), "rate_limited", "limits the rate"),
        ([], "error", "expected a record"),
    ],
)
def test_each_misbehaviour_of_sec_is_a_status(
    server: Source, tmp_path: Path, body: Any, status: str, said: str
) -> None:
    server.put(FACTS, body)
    result = ask(server, tmp_path)
    assert result.status == status
    assert result.error is not None
    assert said in result.error.message
    assert result.arguments["cik"] == 7


def test_an_ambiguous_or_unknown_company_is_no_data(server: Source, tmp_path: Path) -> None:
    result = call("balance_sheet", {"ticker": "Walnut Ltd"}, context(tmp_path, server))
    assert (result.status, result.metrics) == ("no_data", ())


# an index


def test_an_index_is_summed_before_it_is_divided(
    server: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Fund("TEST", "Test Small", None, "small", (), "TEST", None, None)
    monkeypatch.setattr(entities, "_names", lambda: {"test": own})
    server.put("/holdings/TEST.csv", holdings_csv([("ALDR", "Alder", 75.0), ("BRCH", "Birch", 25.0)]))
    for concept, points in (
        ("OperatingIncomeLoss", {7: 100.0, 8: -10.0}),
        ("RevenueFromContractWithCustomerExcludingAssessedTax", {7: 1000.0}),
        ("Revenues", {7: 5.0, 8: 500.0}),
        ("InterestExpense", {7: 20.0, 8: 10.0}),
    ):
        server.put(f"/api/xbrl/frames/us-gaap/{concept}/USD/CY2024.json", frame(concept, "CY2024", points))
    result = call("balance_sheet", {"ticker": "TEST", "benchmark": ""}, context(tmp_path, server))
    assert find(result, "operating_margin").value == pytest.approx(100 * 90 / 1500)
    assert find(result, "interest_cover").value == pytest.approx(90 / 30)
    assert find(result, "interest_not_earned_share").value == 50.0
    assert (find(result, "operating_margin").n, find(result, "operating_margin").coverage_pct) == (2, 100.0)


# facts


DAY0 = date(2020, 1, 1)


@st.composite
def histories(draw: st.DrawFn) -> list[Fact]:
    """Years, years to date and balances, each filed once or more, in any order."""
    found = []
    for _ in range(draw(st.integers(1, 25))):
        concept = draw(st.sampled_from(["Revenues", "OperatingIncomeLoss", "LongTermDebt"]))
        n = draw(st.integers(2019, 2024))
        kind = draw(st.sampled_from(["year", "quarter", "balance"]))
        start = None if kind == "balance" else date(n, 1, 1)
        end = date(n, 3, 31) if kind == "quarter" else date(n, 12, 31)
        filed = end + timedelta(days=draw(st.integers(1, 900)))
        found.append(
            Fact(
                concept=concept, unit="USD", start=start, end=end, value=draw(st.integers(-1000, 1000)),
                accn=f"{draw(st.integers(0, 99)):04}", filed=filed, form="10-K",
            )
        )  # fmt: skip
    return found


@settings(max_examples=200, deadline=None)
@given(facts=histories(), cut=st.dates(date(2019, 1, 1), date(2027, 1, 1)))
def test_no_later_fact_leaks(facts: list[Fact], cut: date) -> None:
    """A book as of a day is the book of what was filed by that day, and every part of it was."""
    whole, early = Book(facts, cut), Book([f for f in facts if f.filed <= cut])
    for concepts in (("Revenues",), ("OperatingIncomeLoss", "Revenues"), ("LongTermDebt",)):
        for ask_ in ("balance", "year", "trailing"):
            got, same = getattr(whole, ask_)(concepts), getattr(early, ask_)(concepts)
            assert got == same
            if got is not None:
                assert all(f.filed <= cut for _, f in got.parts)
                assert got.value == sum(sign * f.value for sign, f in got.parts)


@settings(max_examples=20, deadline=None)
@given(facts=histories(), cut=st.dates(date(2019, 6, 1), date(2026, 1, 1)))
def test_no_later_fact_reaches_a_result(facts: list[Fact], cut: date, tmp_path_factory: pytest.TempPathFactory) -> None:
    def served(kept: list[Fact]) -> ToolResult:
        concepts: dict[str, list[dict[str, Any]]] = {}
        for f in kept:
            start = f.start.isoformat() if f.start else None
            concepts.setdefault(f.concept, []).append(
                fact(f.value, f.end.isoformat(), start=start, filed=f.filed.isoformat(), accn=f.accn)
            )
        with source() as made:
            made.put("/files/company_tickers.json", tickers(("ALDR", 7, "Alder Works Inc.")))
            made.put(FACTS, company_facts(7, "Alder Works Inc.", concepts))
            return ask(made, tmp_path_factory.mktemp("s"), as_of=cut)

    whole, early = served(facts), served([f for f in facts if f.filed <= cut])
    assert whole.metrics == early.metrics
    assert all(i["filed"] <= cut.isoformat() for m in whole.metrics for i in m.inputs)


def test_the_first_concept_with_the_newest_period_is_taken() -> None:
    old = Fact(concept="Revenues", unit="USD", start=date(2022, 1, 1), end=date(2022, 12, 31), value=1, accn="a", filed=date(2023, 2, 1), form="10-K")  # fmt: skip
    new = old.model_copy(
        update={"concept": "SalesRevenueNet", "start": date(2023, 1, 1), "end": date(2023, 12, 31), "value": 2.0}
    )
    got = Book([old, new]).year(("Revenues", "SalesRevenueNet"))
    assert got is not None
    assert got.value == 2.0
    assert Book([old.model_copy(update={"unit": "EUR"})]).year(("Revenues",)) is None


# filings in the base


STATED = (
    "Interest rate risk.\nAs of the year's end, about 35% of our total debt bore interest at variable rates, and a rise of one "
    "point would cost us little."
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (STATED, 35.0),
        ("Our variable-rate debt was 12.5 percent of total debt. More follows.", 12.5),
        ("About 74% of our total debt consisted of fixed rate debt, the rest of variable rate debt.", None),
        ("At year end 1% and 2%, respectively, of total debt was subject to variable rates.", None),
        ("The variable rate debt bears interest at 5.2%. We hold 40% of the shares.", None),
        ("Roughly 140% of our debt was at floating rates.", None),
    ],
)
def test_a_variable_rate_share_is_taken_only_where_it_is_stated(text: str, value: float | None) -> None:
    found = list(stated_shares(text))
    assert [v for v, _, _ in found] == ([] if value is None else [value])
    for _, start, end in found:
        assert str(int(value or 0)) in text[start:end]
        assert text[start:end].endswith(".")


class Base:
    """Documents of a base, newest last; the as-of date of the filters is held to."""

    def __init__(self, *held: Document) -> None:
        self.held = {d.document_id: d for d in held}

    def sources(self, filters: Filters | None = None) -> list[SourceInfo]:
        cut = filters.as_of if filters else None
        return [
            SourceInfo(d.document_id, d.version, d.path, d.collection, d.metadata, d.media_type, "ready", 1, 1, 1, "")
            for d in self.held.values()
            if cut is None or (d.metadata.published or "9") <= cut
        ]

    def document(self, document_id: str, version: str | None = None) -> Document:
        return self.held[document_id]

    def chunks(self, document_id: str) -> list[Chunk]:
        return []


def test_from_filings_in_the_base_where_sec_is_not_switched_on(tmp_path: Path) -> None:
    filed = filing(HARBOR)
    result = call("balance_sheet", {"ticker": "Harbor Tools"}, context(tmp_path, documents=Base(filed)))
    margin = find(result, "operating_margin")
    # 48,000 / 240,000; 48,000 / 4,000; (5,000 + 60,000 - 40,000 - 10,000) / (48,000 + 12,000)
    assert margin.value == pytest.approx(20.0)
    assert find(result, "interest_cover").value == pytest.approx(12.0)
    assert find(result, "net_debt_to_ebitda").value == pytest.approx(0.25)
    assert margin.period == "FY2021"
    assert margin.source == "10-K in the base"
    for one in result.metrics:
        for part in one.inputs:
            assert filed.text[part["start"] : part["end"]] == part["quote"]
            assert part["version"] == filed.version
    assert result.arguments["from_base"] is True
    assert any("is not known: no filing in the base states one" in w for w in result.warnings)
    assert any(w.startswith("No source for list of tickers is switched on") for w in result.warnings)
    assert result.stale
    assert any("more than 15 months ago" in w for w in result.warnings)


def test_filings_of_the_last_year_are_not_stale(tmp_path: Path) -> None:
    ran = context(tmp_path, documents=Base(filing(HARBOR)), today=date(2023, 3, 1))
    assert not call("balance_sheet", {"ticker": "Harbor Tools"}, ran).stale


def test_what_a_filing_states_of_its_variable_rate_debt_is_quoted(tmp_path: Path) -> None:
    filed = filing(f"{HARBOR}\f{STATED}")
    result = call("balance_sheet", {"ticker": "Harbor Tools"}, context(tmp_path, documents=Base(filed)))
    share = find(result, "variable_rate_share")
    assert (share.value, share.method) == (35.0, "reported")
    (stated,) = share.inputs
    assert filed.text[stated["start"] : stated["end"]] == stated["quote"]
    assert stated["quote"].startswith("As of the year's end, about 35%")


def test_the_base_is_read_as_of_the_day(tmp_path: Path) -> None:
    filed = filing(HARBOR, published="2022-02-20")
    ran = context(tmp_path, documents=Base(filed), as_of=date(2022, 2, 19))
    result = call("balance_sheet", {"ticker": "Harbor Tools"}, ran)
    assert result.metrics == ()
    assert any(
        "The base holds no filing of 'Harbor Tools'" in w
        for w in (*result.warnings, result.error.message if result.error else "")
    )
