"""Tools on an index: macro series, concentration, losses, tariffs; values by hand, over HTTP on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tool_server import (
    Said,
    Source,
    context,
    frame,
    fred_csv,
    fred_json,
    holdings_csv,
    source,
    submission,
    tickers,
    treasury_csv,
)

from assistant.models import Metric, ToolResult
from assistant.tools import entities, tariff_exposure
from assistant.tools.base import NoData, SourceFailed
from assistant.tools.entities import Fund
from assistant.tools.members import last_year, quarters_since
from assistant.tools.providers.holdings import read_holdings
from assistant.tools.registry import call
from assistant.tools.snapshots import Snapshots


@pytest.fixture
def server() -> Iterator[Source]:
    with source() as made:
        yield made


@pytest.fixture(autouse=True)
def small_funds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two synthetic funds beside the real ones, whose files need not have 2,000 rows."""
    made = {
        name: Fund(name, index, None, size, (), name, None, None)
        for name, index, size in (("TEST", "Test Small", "small"), ("LARGE", "Test Large", "large"))
    }
    entities._names.cache_clear()
    known = entities.funds()
    monkeypatch.setattr(entities, "funds", lambda: {**known, **made})
    yield_names = entities._names()
    assert yield_names["test"].ticker == "TEST"


def find(result: ToolResult, name: str, subject: str | None = None) -> Metric:
    return next(m for m in result.metrics if m.name == name and subject in (None, m.subject))


def message(result: ToolResult) -> str:
    return result.error.message if result.error else ""


# holdings


ROWS = [
    ("AAA", "Alder", 40.0),
    ("BBB", "Birch", 30.0),
    ("CCC", "Cedar", 20.0),
    ("DDD", "Dogwood", 6.0),
    ("EEE", "Elm", 4.0),
]


def test_a_file_with_nine_lines_of_preamble_is_read() -> None:
    held = read_holdings(holdings_csv(ROWS, cash=0.5), "TEST")
    assert held.day == date(2025, 6, 30)
    assert [(h.ticker, h.weight, h.asset_class, h.price) for h in held.holdings][-2:] == [
        ("EEE", 4.0, "Equity", 10.0),
        ("XTSLA", 0.5, "Money Market", 1.0),
    ]
    assert len(held.holdings) == 6


@pytest.mark.parametrize(
    ("text", "failure", "said"),
    [
        (holdings_csv(ROWS).replace("Weight (%)", "Share of fund"), SourceFailed, "no header with the columns"),
        (holdings_csv(ROWS).replace("Ticker,", "Code,"), SourceFailed, "no header with the columns"),
        (holdings_csv(ROWS, day="-"), SourceFailed, "does not say of which day"),
        (holdings_csv([]), NoData, "no equity position"),
        (holdings_csv(ROWS[:2]), SourceFailed, "add up to 70.0%"),
        (holdings_csv([("AAA", "Alder", 0.4), ("BBB", "Birch", 0.6)]), SourceFailed, "add up to 1.0%"),
        ("<html>Please accept our terms</html>", SourceFailed, "a web page instead of data"),
        ("", SourceFailed, "no header"),
    ],
)
def test_a_changed_or_cut_file_is_refused(text: str, failure: type[Exception], said: str) -> None:
    with pytest.raises(failure) as caught:
        read_holdings(text, "TEST")
    assert said in str(caught.value)


def test_the_count_of_a_known_fund_is_checked() -> None:
    rows = [(f"T{i}", f"Company {i}", 0.05) for i in range(2000)]
    assert len(read_holdings(holdings_csv(rows), "IWM").holdings) == 2000
    with pytest.raises(SourceFailed, match="has 1000 equity positions; 1700 to 2200 are expected"):
        read_holdings(holdings_csv([(t, n, 0.1) for t, n, _ in rows[:1000]]), "IWM")


# concentration


def test_concentration_of_a_hand_worked_example(server: Source, tmp_path: Path) -> None:
    server.put("/holdings/TEST.csv", holdings_csv([(t, n, w * 0.98) for t, n, w in ROWS], cash=2.0))
    flat = [(f"T{i}", f"Company {i}", 5.0) for i in range(20)]
    server.put("/holdings/LARGE.csv", holdings_csv(flat))
    result = call("concentration", {"ticker": "Test Small", "benchmark": "LARGE"}, context(tmp_path, server))
    assert result.status == "ok"
    # 0.4² + 0.3² + 0.2² + 0.06² + 0.04² = 0.2952
    assert find(result, "herfindahl", "Test Small").value == pytest.approx(0.2952)
    assert find(result, "effective_number", "Test Small").value == pytest.approx(1 / 0.2952)
    assert find(result, "top10_weight", "Test Small").value == pytest.approx(100.0)
    assert find(result, "largest_weight", "Test Small").value == pytest.approx(40.0)
    assert find(result, "names_above_5pct", "Test Small").value == 4
    assert find(result, "effective_number", "Test Large").value == pytest.approx(20.0)
    assert find(result, "top10_weight", "Test Large").value == pytest.approx(50.0)
    assert find(result, "names_above_5pct", "Test Large").value == 0
    top = find(result, "top10_weight", "Test Small")
    assert (top.as_of, top.n, top.unit) == ("2025-06-30", 5, "percent")
    assert top.coverage_pct == pytest.approx(98.0)
    assert top.inputs[0] == {"ticker": "AAA", "name": "Alder", "weight_pct": pytest.approx(40.0)}
    assert top.source_url == f"{server.url}/holdings/TEST.csv"
    assert "The holdings of TEST are of 2025-06-30." in result.warnings


WEIGHTS = st.lists(st.floats(0.5, 50, allow_nan=False), min_size=2, max_size=30).map(
    lambda w: [100 * x / sum(w) for x in w]
)


@settings(deadline=None)
@given(weights=WEIGHTS)
def test_the_effective_number_lies_between_one_and_the_count(
    weights: list[float], tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = tmp_path_factory.mktemp("d")
    (data / "holdings").mkdir()
    text = holdings_csv([(f"T{i}", f"C{i}", w) for i, w in enumerate(weights)])
    (data / "holdings" / "TEST.csv").write_text(text, encoding="utf-8")
    result = call("concentration", {"ticker": "TEST", "benchmark": ""}, context(data, data=data))
    number, top = find(result, "effective_number").value, find(result, "top10_weight").value
    assert number is not None
    assert top is not None
    assert 1 - 1e-9 <= number <= len(weights) + 1e-9
    assert top == pytest.approx(100 * sum(sorted(weights, reverse=True)[:10]) / sum(weights))


def test_holdings_as_of_a_day_need_a_pull_saved_by_then(server: Source, tmp_path: Path) -> None:
    server.put("/holdings/TEST.csv", holdings_csv(ROWS))
    ran = context(tmp_path, server, as_of=date(2025, 7, 1))
    result = call("concentration", {"ticker": "TEST", "benchmark": ""}, ran)
    assert result.status == "no_data"
    assert "the source has no history" in message(result)
    assert server.heard == []
    saved = read_holdings(holdings_csv(ROWS), "TEST")
    kept = Snapshots(tmp_path)
    kept.save("holdings", "TEST", saved.model_dump_json(), retrieved_at="2025-07-01T08:00:00+00:00", observed=saved.day)
    later = read_holdings(holdings_csv([("ZZZ", "Zelkova", 100.0)], day="Jul 02, 2025"), "TEST")
    kept.save("holdings", "TEST", later.model_dump_json(), retrieved_at="2025-07-03T08:00:00+00:00", observed=later.day)
    result = call("concentration", {"ticker": "TEST", "benchmark": ""}, ran)
    assert find(result, "largest_weight").value == pytest.approx(40.0)
    assert (result.cached, result.retrieved_at) == (True, "2025-07-01T08:00:00+00:00")
    assert any("because as of 2025-07-01 only what was saved by then counts" in w for w in result.warnings)


# macro


def put_fred(server: Source) -> None:
    """All series of one path: FRED tells them apart by the query."""
    tables = {
        "B235RC1Q027SBEA": (("2024-01-01", "80.0"), ("2024-04-01", "."), ("2025-01-01", "96.0")),
        "A255RC1Q027SBEA": (("2024-01-01", "3200.0"), ("2024-04-01", "3300"), ("2025-01-01", "3840.0"), ("2025-04-01", "3000")),
        "FEDFUNDS": (("2024-06-01", "5.33"), ("2025-05-01", "4.33"), ("2025-06-01", "4.33")),
        "DGS2": (("2025-07-11", "3.90"), ("2025-07-14", "3.90"), ("2025-07-15", ".")),
        "DGS10": (("2025-07-14", "4.43"),),
        "DRTSCIS": (("2025-04-01", "15.9"),),
        "TLMFGCONS": (("2024-05-01", "200000"), ("2025-05-01", "230000")),
    }  # fmt: skip
    plain = server.next

    def answer(path: str) -> Said:
        query = server.heard[-1].query
        if path == "/graph/fredgraph.csv":
            name = query["id"][0]
            return Said(fred_csv(name, *tables[name]).encode())
        if path == "/fred/series/observations":
            import json

            return Said(json.dumps(fred_json(*tables[query["series_id"][0]])).encode())
        return plain(path)

    server.next = answer  # type: ignore[method-assign]


def put_treasury(server: Source) -> None:
    base = "/resource-center/data-chart-center/interest-rates/daily-treasury-rates.csv"
    server.put(f"{base}/2025/all", treasury_csv(("07/15/2025", "3.95", "4.50"), ("07/14/2025", "3.90", "4.43")))
    for year in (2023, 2024):
        server.put(f"{base}/{year}/all", treasury_csv((f"12/31/{year}", "4.25", "4.58")))
    months = (("2025-05-31", "22171000000.00"), ("2025-06-30", "26627000000.00"))
    server.put(
        "/services/api/fiscal_service/v1/accounting/mts/mts_table_4",
        {
            "data": [
                {"record_date": d, "classification_desc": "Customs Duties", "current_month_net_rcpt_amt": v}
                for d, v in months
            ]
        },
    )


def test_macro_of_a_hand_worked_example(server: Source, tmp_path: Path) -> None:
    put_fred(server)
    put_treasury(server)
    result = call("macro", {}, context(tmp_path, server))
    assert result.status == "ok"
    rate = find(result, "customs_duty_rate")
    # 96 / 3840 = 2.5% in the last quarter that both have; 80 / 3200 = 2.5% a year before
    assert (rate.value, rate.period, rate.as_of) == (pytest.approx(2.5), "2025 Q1", "2025-03-31")
    assert find(result, "customs_duty_rate_change").value == pytest.approx(0.0)
    funds = find(result, "fed_funds_rate")
    assert (funds.value, funds.period, funds.as_of, funds.method) == (4.33, "2025-06", "2025-06-30", "reported")
    assert find(result, "fed_funds_rate_change").value == pytest.approx(-1.0)
    assert [find(result, n).value for n in ("treasury_2y", "treasury_10y", "treasury_2y_par", "treasury_10y_par")] == [
        3.9,
        4.43,
        3.95,
        4.5,
    ]
    assert find(result, "treasury_2y").as_of == "2025-07-14"
    assert find(result, "banks_tightening_small_firms").value == 15.9
    assert find(result, "manufacturing_construction").value == 230_000_000_000
    assert find(result, "manufacturing_construction_yoy").value == pytest.approx(15.0)
    # The statement of June may not be out by 15 July.
    receipts = find(result, "customs_receipts")
    assert (receipts.value, receipts.period) == (22_171_000_000.0, "2025-05")
    assert not result.stale


def test_without_a_key_fred_cannot_say_what_was_known(server: Source, tmp_path: Path) -> None:
    put_fred(server)
    put_treasury(server)
    result = call("macro", {"series": "rates"}, context(tmp_path, server, as_of=date(2025, 7, 14)))
    assert {m.name for m in result.metrics} == {"treasury_2y_par", "treasury_10y_par"}
    assert find(result, "treasury_2y_par").value == 3.9
    assert any("Set FRED_API_KEY" in w for w in result.warnings)


def test_with_a_key_fred_is_asked_for_what_was_known(server: Source, tmp_path: Path) -> None:
    put_fred(server)
    ran = context(tmp_path, server, as_of=date(2025, 7, 14), fred_key="synthetic-key")
    result = call("macro", {"series": "DRTSCIS"}, ran)
    assert find(result, "banks_tightening_small_firms").value == 15.9
    (heard,) = server.asked("/fred/series/observations")
    assert (heard.query["realtime_start"], heard.query["realtime_end"]) == (["2025-07-14"], ["2025-07-14"])
    # What was known on a day answers for that day only.
    assert call("macro", {"series": "DRTSCIS"}, context(tmp_path, as_of=date(2025, 7, 1))).status != "ok"
    assert call("macro", {"series": "DRTSCIS"}, context(tmp_path, as_of=date(2025, 7, 14))).status != "error"


def test_an_old_observation_is_stale(server: Source, tmp_path: Path) -> None:
    put_fred(server)
    result = call("macro", {"series": "construction"}, context(tmp_path, server, today=date(2025, 12, 1)))
    assert result.stale
    assert "The last observation of TLMFGCONS is for the period to 2025-05-31." in result.warnings


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (
            fred_csv("DRTSCIS", ("2025-04-01", "15.9")).replace("DRTSCIS", "VALUE"),
            "error",
            "no header with the columns",
        ),
        (fred_csv("DRTSCIS", ("2025-04-01", ".")), "no_data", "no observation of DRTSCIS"),
        (fred_csv("DRTSCIS", ("2025-04-01", "NaN?")), "error", "is no number"),
        ("<html>", "error", "a web page"),
        (Said(b"", 429, {"Retry-After": "999"}), "rate_limited", "limits the rate"),
        (Said(b"", 404), "no_data", "has nothing"),
        (Said(b"The series does not exist.", 400), "no_data", "no such series"),
        (Said(b"The value for variable api_key is not registered.", 400), "not_configured", "does not know the key"),
    ],
)
def test_macro_tells_what_a_source_did_wrong(server: Source, tmp_path: Path, body: Any, status: str, said: str) -> None:
    server.put("/graph/fredgraph.csv", body)
    result = call("macro", {"series": "DRTSCIS"}, context(tmp_path, server))
    assert (result.status, said in message(result)) == (status, True)


def test_the_old_header_of_fred_is_read_too(server: Source, tmp_path: Path) -> None:
    server.put("/graph/fredgraph.csv", fred_csv("DRTSCIS", ("2025-04-01", "15.9"), header="DATE"))
    assert (
        find(call("macro", {"series": "DRTSCIS"}, context(tmp_path, server)), "banks_tightening_small_firms").value
        == 15.9
    )


# unprofitable share


def put_companies(server: Source) -> None:
    names = [
        ("AAA", 1, "Alder"),
        ("BBB", 2, "Birch"),
        ("CCC", 3, "Cedar"),
        ("DDD", 4, "Dogwood"),
        ("BBB-A", 2, "Birch"),
    ]
    server.put("/files/company_tickers.json", tickers(*names))
    held = [("AAA", "Alder", 40.0), ("BBB", "Birch", 20.0), ("BBBA", "Birch A", 10.0), ("CCC", "Cedar", 15.0), ("DDD", "Dogwood", 10.0), ("ZZZ", "Zelkova", 5.0)]  # fmt: skip
    server.put("/holdings/TEST.csv", holdings_csv(held))


def put_frame(server: Source, concept: str, period: str, points: dict[int, float], unit: str = "USD") -> None:
    server.put(f"/api/xbrl/frames/us-gaap/{concept}/{unit}/{period}.json", frame(concept, period, points, unit))


def test_unprofitable_share_of_a_hand_worked_example(server: Source, tmp_path: Path) -> None:
    put_companies(server)
    put_frame(server, "NetIncomeLoss", "CY2024", {1: 100.0, 2: -50.0, 3: 10.0, 9: -1.0})
    put_frame(server, "ProfitLoss", "CY2024", {3: -99.0, 4: -5.0})
    put_frame(server, "NetIncomeLoss", "CY2025Q1", {1: -90.0, 3: -15.0})
    put_frame(server, "NetIncomeLoss", "CY2024Q1", {1: 5.0, 3: 2.0})
    result = call("unprofitable_share", {"ticker": "TEST", "benchmark": ""}, context(tmp_path, server))
    # 1: 100 - 90 - 5 = 5; 2: -50 (no quarters); 3: 10 - 15 - 2 = -7; 4: -5 from ProfitLoss
    count, weight = find(result, "unprofitable_count_share"), find(result, "unprofitable_weight_share")
    assert (count.value, count.n) == (75.0, 4)
    assert weight.value == pytest.approx(100 * (30 + 15 + 10) / 95)
    assert count.coverage_pct == pytest.approx(95.0)
    assert count.period == "CY2024 and quarters to 2025 Q1"
    assert [i.get("net_income_usd") for i in count.inputs[2:]] == [-50.0, -7.0, -5.0]
    assert result.arguments["name"] == "Test Small"


def test_a_quarter_that_cannot_be_had_leaves_the_year(server: Source, tmp_path: Path) -> None:
    put_companies(server)
    put_frame(server, "NetIncomeLoss", "CY2024", {1: 100.0, 2: -50.0})
    result = call("unprofitable_share", {"ticker": "TEST", "benchmark": ""}, context(tmp_path, server))
    assert find(result, "unprofitable_count_share").value == 50.0
    assert find(result, "unprofitable_count_share").period == "CY2024"
    assert any("Net income of 2025 Q1 could not be had" in w for w in result.warnings)


def test_another_frame_than_asked_for_is_refused(server: Source, tmp_path: Path) -> None:
    put_companies(server)
    server.put("/api/xbrl/frames/us-gaap/NetIncomeLoss/USD/CY2024.json", frame("NetIncomeLoss", "CY2023", {1: 1.0}))
    result = call("unprofitable_share", {"ticker": "TEST", "benchmark": ""}, context(tmp_path, server))
    assert (result.status, "got another frame" in message(result)) == ("error", True)


def test_which_reports_are_in() -> None:
    assert [last_year(d) for d in (date(2025, 4, 14), date(2025, 4, 15), date(2025, 12, 31))] == [2023, 2024, 2024]
    assert quarters_since(2024, date(2025, 5, 29)) == []
    assert quarters_since(2024, date(2025, 7, 15)) == [(2025, 1)]
    assert quarters_since(2024, date(2026, 4, 1)) == [(2025, 1), (2025, 2), (2025, 3)]


# tariff exposure


def test_tariff_exposure_of_a_hand_worked_example(server: Source, tmp_path: Path) -> None:
    put_companies(server)
    for cik, sic in ((1, "3714"), (2, "4213"), (3, "7372"), (4, "")):
        server.put(f"/submissions/CIK{cik:010d}.json", submission(cik, f"Company {cik}", sic, []))
    result = call("tariff_exposure", {"ticker": "TEST", "benchmark": ""}, context(tmp_path, server))
    assert find(result, "tariff_exposure").value == pytest.approx(70.0)
    assert find(result, "tariff_exposure_auto_parts").value == pytest.approx(40.0)
    assert find(result, "tariff_exposure_transport").value == pytest.approx(30.0)
    assert find(result, "tariff_exposure_components").value == 0.0
    # Dogwood has no SIC, Zelkova is on no list: 15% are unmapped.
    assert find(result, "unmapped_weight").value == pytest.approx(15.0)
    assert find(result, "tariff_exposure").coverage_pct == pytest.approx(85.0)
    assert find(result, "tariff_exposure").method == "proxy"
    assert result.arguments["table_version"] == "1"
    asked = len(server.heard)
    again = call("tariff_exposure", {"ticker": "TEST", "benchmark": ""}, context(tmp_path, server))
    assert find(again, "tariff_exposure").value == pytest.approx(70.0)
    assert len(server.heard) == asked


def test_industries_that_were_not_reached_are_asked_the_next_time(server: Source, tmp_path: Path) -> None:
    put_companies(server)
    server.put("/submissions/CIK0000000001.json", submission(1, "Alder", "3714", []))
    server.put("/submissions/CIK0000000002.json", Said(b"", 429, {"Retry-After": "999"}))
    result = call("tariff_exposure", {"ticker": "TEST", "benchmark": ""}, context(tmp_path, server))
    assert find(result, "tariff_exposure").value == pytest.approx(40.0)
    assert find(result, "unmapped_weight").value == pytest.approx(60.0)
    assert any("3 companies are still to be asked" in w for w in result.warnings)
    for cik in (2, 3, 4):
        server.put(f"/submissions/CIK{cik:010d}.json", submission(cik, "X", "3674", []))
    result = call("tariff_exposure", {"ticker": "TEST", "benchmark": ""}, context(tmp_path, server))
    assert find(result, "unmapped_weight").value == pytest.approx(5.0)
    assert len(server.asked("/submissions/CIK0000000001.json")) == 1


@pytest.mark.parametrize(
    ("sic", "group"),
    [(3714, "auto_parts"), (3720, "capital_goods"), (3670, "components"), (4011, "transport"), (4799, "transport"),
     (3585, "capital_goods"), (3570, None), (4812, None), (3690, None), (2834, None), (3510, "capital_goods")],
)  # fmt: skip
def test_the_groups_of_the_table(sic: int, group: str | None) -> None:
    assert tariff_exposure.group_of(sic) == group


@pytest.mark.parametrize(
    ("sic", "value", "formula"),
    [("3714", 100.0, "SIC 3714 is in auto_parts"), ("2834", 0.0, "SIC 2834 is in no group of the table")],
)
def test_a_company_is_in_an_industry_that_tariffs_hit_or_is_not(
    server: Source, tmp_path: Path, sic: str, value: float, formula: str
) -> None:
    put_companies(server)
    server.put("/files/company_tickers.json", tickers(("ALDR", 1, "Alder Works Inc.")))
    server.put("/submissions/CIK0000000001.json", submission(1, "Alder Works Inc.", sic, []))
    for asked in ("ALDR", "Alder Works"):
        result = call("tariff_exposure", {"ticker": asked}, context(tmp_path, server))
        (found,) = result.metrics
        assert (found.name, found.subject, found.value, found.formula) == (
            "tariff_exposure",
            "Alder Works Inc.",
            value,
            formula,
        )
    server.put("/submissions/CIK0000000001.json", submission(1, "Alder Works Inc.", "", []))
    none = call("tariff_exposure", {"ticker": "ALDR"}, context(tmp_path / "new", server))
    assert (none.status, "names no industry" in message(none)) == ("no_data", True)


def test_a_wrong_registrant_is_refused(server: Source, tmp_path: Path) -> None:
    put_companies(server)
    server.put("/submissions/CIK0000000001.json", submission(77, "Other", "3714", []))
    result = call("tariff_exposure", {"ticker": "TEST", "benchmark": ""}, context(tmp_path, server))
    assert (result.status, "asked for CIK 1, got 0000000077" in message(result)) == ("error", True)


def test_an_unknown_index_names_those_that_are_known(tmp_path: Path) -> None:
    for tool in ("concentration", "unprofitable_share", "tariff_exposure"):
        result = call(tool, {"ticker": "Nikkei"}, context(tmp_path))
        assert result.status == "no_data"
        assert result.error is not None
        assert "Russell 2000 (IWM)" in result.error.what_to_do
