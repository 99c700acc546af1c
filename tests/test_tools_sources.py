"""Analysts, managers, listings, federal awards: values by hand from files and over HTTP on loopback."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tool_server import TODAY, Said, Source, awards, context, holdings_csv, master_index, source

from assistant.models import Metric, ToolResult
from assistant.tools.manager_excess import _annual
from assistant.tools.providers.market import Market
from assistant.tools.registry import call


@pytest.fixture
def server() -> Iterator[Source]:
    with source() as made:
        yield made


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "holdings").mkdir(parents=True)
    return folder


def find(result: ToolResult, name: str, subject: str | None = None) -> Metric:
    return next(m for m in result.metrics if m.name == name and subject in (None, m.subject))


def message(result: ToolResult) -> str:
    return result.error.message if result.error else ""


# analysts


def estimates(data: Path, *rows: str) -> None:
    (data / "estimates.csv").write_text("date,ticker,analysts,group\n" + "\n".join(rows) + "\n", encoding="utf-8")


SMALL = ("3", "5", "7", "9", "4")
LARGE = ("10", "20", "30", "15", "25")


def test_analysts_of_a_hand_worked_example(tmp_path: Path, data: Path) -> None:
    rows = [f"2025-07-01,S{i},{n},small" for i, n in enumerate(SMALL)] + [
        f"2025-07-01,L{i},{n},large" for i, n in enumerate(LARGE)
    ]
    estimates(
        data,
        *rows,
        "2025-07-01,S9,,small",
        "2025-06-01,S0,99,small",
        "2025-07-20,S1,88,small",
        "2020-01-01,S7,77,small",
    )
    result = call("analyst_coverage", {}, context(tmp_path, data=data))
    mean, middle = find(result, "analysts_mean", "Russell 2000"), find(result, "analysts_median", "Russell 2000")
    assert (mean.value, middle.value, mean.n, mean.as_of) == (pytest.approx(28 / 5), 5.0, 5, "2025-07-01")
    assert (mean.source, mean.coverage_pct) == ("your file estimates.csv", pytest.approx(100 * 5 / 6))
    assert (find(result, "analysts_mean", "S&P 500").value, find(result, "analysts_median", "S&P 500").value) == (
        20.0,
        20.0,
    )
    assert "Russell 2000: 1 companies have no number; they are left out, not counted as 0." in result.warnings


def test_analysts_as_of_a_day(tmp_path: Path, data: Path) -> None:
    estimates(data, *(f"2025-01-10,S{i},{n},small" for i, n in enumerate(SMALL)), "2025-03-01,S0,33,small")
    for day, mean in ((date(2025, 2, 1), 28 / 5), (date(2025, 3, 1), 58 / 5)):
        result = call("analyst_coverage", {"benchmark": ""}, context(tmp_path, data=data, as_of=day))
        assert find(result, "analysts_mean").value == pytest.approx(mean)
    assert (
        call("analyst_coverage", {"benchmark": ""}, context(tmp_path, data=data, as_of=date(2025, 1, 9))).status
        == "no_data"
    )


class Yahoo:
    """Stands in for the market library: every third company has no number, one is answered for another."""

    def Ticker(self, symbol: str) -> Any:
        n = int(symbol[1:])
        echoed = "OTHER" if n == 3 else symbol
        count = {} if n % 3 == 0 else {"numberOfAnalystOpinions": n}

        class Ticker:
            info = {"symbol": echoed, **count}  # noqa: RUF012

        return Ticker()


def test_a_sample_of_the_fund_stands_for_it_and_says_so(tmp_path: Path, data: Path) -> None:
    rows = [(f"T{i}", f"Company {i}", 10.0) for i in range(10)]
    (data / "holdings" / "WSML.csv").write_text(holdings_csv(rows), encoding="utf-8")
    import assistant.tools.entities as entities

    fund = entities.funds()["WSML"]
    few = type(fund)(**{f: getattr(fund, f) for f in fund.__dataclass_fields__} | {"positions": None})
    patched = {**entities.funds(), "WSML": few}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("assistant.tools.providers.holdings.funds", lambda: patched)
        ran = context(tmp_path, data=data, estimates=Market(tmp_path, library=Yahoo(), today=lambda: TODAY))
        result = call("analyst_coverage", {"ticker": "WSML", "benchmark": "", "sample": 10}, ran)
    # 1, 2, 4, 5, 7, 8: of the others 0, 6, 9 have no number, and 3 was answered for another
    assert (find(result, "analysts_mean").value, find(result, "analysts_mean").n) == (pytest.approx(27 / 6), 6)
    assert any("1 of 10 companies were not reached (1 failed)" in w for w in result.warnings)
    assert any("9 of 10 companies, every 1th by weight, stand for all" in w for w in result.warnings)


# managers


def months(n: int, last: date = date(2025, 6, 30)) -> list[date]:
    found, day = [], last
    for _ in range(n):
        found.append(day)
        day = day.replace(day=1) - timedelta(days=1)
    return found[::-1]


def returns(data: Path, *funds: tuple[str, str, str, list[float]]) -> None:
    rows = [
        f"{m:%Y-%m},{name},{value},{bench},{group}"
        for name, bench, group, values in funds
        for m, value in zip(months(len(values)), values, strict=True)
    ]
    (data / "returns.csv").write_text(
        "month,fund,return_pct,benchmark,group\n" + "\n".join(rows) + "\n", encoding="utf-8"
    )


def test_manager_excess_of_a_hand_worked_example(tmp_path: Path, data: Path) -> None:
    returns(
        data,
        ("Index", "yes", "Europe small cap", [1.0] * 13),
        ("A", "", "Europe small cap", [2.0] * 13),
        ("B", "", "Europe small cap", [0.5] * 13),
        ("C", "", "Europe small cap", [1.5] * 13),
        ("Young", "", "Europe small cap", [50.0] * 11),
    )
    result = call("manager_excess", {"months": 12}, context(tmp_path, data=data))
    found = find(result, "median_manager_excess")
    # Two windows, the same in each; the middle fund of three is C: 1.015^12 - 1.01^12
    assert found.value == pytest.approx(100 * (1.015**12 - 1.01**12))
    assert (found.subject, found.n, found.as_of) == ("Europe small cap", 2, "2025-06-30")
    assert found.period == "windows of 12 months that end 2025-05-31 to 2025-06-30"
    assert find(result, "funds_ahead_share").value == pytest.approx(100 * 2 / 3)
    assert any("survivorship" in w for w in result.warnings)


def test_manager_excess_as_of_a_day_and_what_it_lacks(tmp_path: Path, data: Path) -> None:
    returns(data, ("Index", "yes", "Japan", [1.0] * 13), ("A", "", "Japan", [1.0] * 12 + [9.0]))
    early = call("manager_excess", {"months": 12}, context(tmp_path, data=data, as_of=date(2025, 6, 29)))
    assert (find(early, "median_manager_excess").value, find(early, "median_manager_excess").n) == (
        pytest.approx(0.0),
        1,
    )
    for arguments, said in (({}, "no window of 60 months"), ({"region": "Mars"}, "no group 'Mars'")):
        result = call("manager_excess", arguments, context(tmp_path, data=data))
        assert (result.status, said in message(result)) == ("no_data", True)
    returns(data, ("A", "", "Japan", [1.0] * 60))
    result = call("manager_excess", {}, context(tmp_path, data=data))
    assert (result.status, "0 benchmarks" in message(result)) == ("undefined", True)


@settings(deadline=None)
@given(st.lists(st.floats(-50, 50), min_size=12, max_size=36))
def test_an_annualised_return_undoes_to_the_growth(values: list[float]) -> None:
    held = dict(zip(months(len(values)), values, strict=True))
    got = _annual(held, date(2025, 6, 30), len(values))
    assert got is not None
    growth = 1.0
    for v in values:
        growth *= 1 + v / 100
    assert (1 + got / 100) ** (len(values) / 12) == pytest.approx(growth)
    assert _annual(held, date(2025, 7, 31), len(values)) is None


# listings

INDEX = "/Archives/edgar/full-index/{}/QTR{}/master.gz"


def put_index(server: Source) -> None:
    server.put(
        INDEX.format(2025, 1),
        master_index(
            (1, "Public Already Inc", "10-Q", "2025-02-10", "edgar/data/1/a.txt"),
            (2, "Filed Before Inc", "S-1", "2025-03-01", "edgar/data/2/a.txt"),
        ),
    )
    server.put(
        INDEX.format(2025, 2),
        master_index(
            (1, "Public Already Inc", "S-1", "2025-04-02", "edgar/data/1/b.txt"),
            (2, "Filed Before Inc", "S-1", "2025-04-03", "edgar/data/2/b.txt"),
            (3, "Alder Robotics Inc", "S-1", "2025-05-01", "edgar/data/3/a.txt"),
            (3, "Alder Robotics Inc", "S-1/A", "2025-05-20", "edgar/data/3/b.txt"),
            (4, "Birch Acquisition Corp. II", "S-1", "2025-05-02", "edgar/data/4/a.txt"),
            (5, "Cedar Shipping Ltd", "F-1", "2025-06-30", "edgar/data/5/a.txt"),
            (6, "Later Public Inc", "S-1", "2025-06-01", "edgar/data/6/a.txt"),
            (6, "Later Public Inc", "10-Q", "2025-06-20", "edgar/data/6/b.txt"),
        ),
    )
    server.put(
        INDEX.format(2025, 3),
        master_index(
            (7, "Dogwood Bio Inc", "S-1", "2025-07-10", "edgar/data/7/a.txt"),
            (8, "Elm Energy Inc", "S-1", "2025-07-20", "edgar/data/8/a.txt"),
        ),
    )


def counts(result: ToolResult) -> dict[str | None, float | None]:
    return {m.period: m.value for m in result.metrics if m.name == "initial_registrations"}


def test_initial_registrations_by_quarter(server: Source, tmp_path: Path) -> None:
    put_index(server)
    result = call("ipo_pipeline", {"quarters": 3, "read": 0}, context(tmp_path, server, today=date(2025, 7, 31)))
    # Out: 1 had reported, 2 had registered before, 4 is a blank check; 6 reported only after its registration.
    assert counts(result) == {"2025 Q2": 3, "2025 Q3 to 2025-07-31": 2}
    second = next(m for m in result.metrics if m.period == "2025 Q2")
    assert [i["value"] for i in second.inputs] == [1, 1]
    assert second.as_of == "2025-06-30"
    assert any("Draft registrations are not public" in w for w in result.warnings)


def test_registrations_as_of_a_day(server: Source, tmp_path: Path) -> None:
    put_index(server)
    ran = context(tmp_path, server, today=date(2025, 7, 31), as_of=date(2025, 6, 1))
    result = call("ipo_pipeline", {"quarters": 2, "read": 0}, ran)
    assert counts(result) == {"2025 Q2 to 2025-06-01": 2}
    assert {h.path for h in server.heard} == {INDEX.format(2025, 1), INDEX.format(2025, 2)}


def test_the_newest_filings_are_read_for_size_resale_and_blank_checks(server: Source, tmp_path: Path) -> None:
    put_index(server)
    texts = {
        3: "<p>We are offering shares.</p> Calculation of fee <b>Proposed Maximum Aggregate Offering Price</b> $ 150,000,000 (1)",
        5: "Total Offering Amounts $2,500,000,000.00 Total Fees",
        6: "This prospectus relates to the resale of shares by the selling stockholders named here. Total Offering Amounts $9,000,000",
        7: "We are a blank check company. Total Offering Amounts $60,000,000",
        8: "No amount yet.",
    }
    for cik, text in texts.items():
        server.put(f"/Archives/edgar/data/{cik}/a.txt", text)
    result = call("ipo_pipeline", {"quarters": 3}, context(tmp_path, server, today=date(2025, 7, 31)))
    size = find(result, "median_offering")
    assert (size.value, size.unit, size.n) == (1_325_000_000.0, "USD", 2)
    assert size.coverage_pct == pytest.approx(40.0)
    assert find(result, "offerings_below_2bn_share").value == 50.0
    assert [i["value"] for i in size.inputs[-2:]] == [1, 1]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"not gzip", "error", "other columns"),
        (master_index((1, "A", "S-1", "2025-04-02", "x"))[:-20], "error", "cut short"),
        # without the time: the name of a test must be the same in every process
        (gzip.compress(b"CIK;Company;Form\n1;A;S-1\n", mtime=0), "error", "other columns"),
        (master_index((1, "A", "S-1", "someday", "x")), "error", "is no date"),
        (Said(b"", 403), "not_configured", "SEC refused"),
    ],
)
def test_an_index_that_is_wrong_is_told(server: Source, tmp_path: Path, body: Any, status: str, said: str) -> None:
    for quarter in (2, 3):
        server.put(INDEX.format(2025, quarter), body)
    result = call("ipo_pipeline", {"quarters": 2, "read": 0}, context(tmp_path, server))
    assert (result.status, said in message(result)) == (status, True)


# federal awards

AWARDS = "/api/v2/search/spending_by_category/{}/"


def put_awards(server: Source) -> None:
    agency = AWARDS.format("awarding_agency")
    server.put(
        agency,
        awards("awarding_agency", [("Department of Defense", "097", 400e9)]),
        awards("awarding_agency", [("Department of Defense", "097", 100e9)]),
        awards("awarding_agency", [("Department of Defense", "097", 320e9)]),
    )
    server.put(
        AWARDS.format("naics"),
        awards("naics", [("Aircraft Manufacturing", "336411", 50e9), ("Shipbuilding", "336611", 30e9)], more=True),
    )
    server.put(AWARDS.format("recipient"), awards("recipient", [("SYNTHETIC SHIPYARDS INC", None, 20e9)]))


def test_federal_awards_of_a_hand_worked_example(server: Source, tmp_path: Path) -> None:
    put_awards(server)
    result = call("federal_awards", {"naics": "3364,3366", "top": 2}, context(tmp_path, server))
    assert find(result, "obligations").value == 400e9
    assert find(result, "small_business_share").value == pytest.approx(25.0)
    assert find(result, "obligations_yoy").value == pytest.approx(25.0)
    industry = find(result, "largest_industry")
    assert (industry.subject, industry.value, industry.inputs[1]["code"]) == (
        "Department of Defense: Aircraft Manufacturing", 50e9, "336611",
    )  # fmt: skip
    assert find(result, "largest_recipient").subject == "Department of Defense: SYNTHETIC SHIPYARDS INC"
    # The period ends 90 days before 15 July.
    assert (find(result, "obligations").as_of, find(result, "obligations").period) == (
        "2025-04-16",
        "2024-04-17 to 2025-04-16",
    )
    first, small, before, *_ = server.heard
    assert first.body["filters"] == {
        "time_period": [{"start_date": "2024-04-17", "end_date": "2025-04-16"}],
        "award_type_codes": ["A", "B", "C", "D"],
        "agencies": [{"type": "awarding", "tier": "toptier", "name": "Department of Defense"}],
        "naics_codes": {"require": ["3364", "3366"]},
    }
    assert small.body["filters"]["recipient_type_names"] == ["small_business"]
    assert before.body["filters"]["time_period"] == [{"start_date": "2023-04-17", "end_date": "2024-04-16"}]


def test_awards_have_no_history(server: Source, tmp_path: Path) -> None:
    put_awards(server)
    result = call("federal_awards", {}, context(tmp_path, server, as_of=date(2025, 7, 1)))
    assert (result.status, server.heard) == ("no_data", [])


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (awards("awarding_agency", []), "no_data", "has no contract"),
        (awards("naics", [("A", None, 1.0)]), "error", "got another category"),
        ({"category": "awarding_agency"}, "error", "has no 'results'"),
        ({"category": "awarding_agency", "results": [{"name": "A", "code": None}]}, "error", "has no 'amount'"),
        ({"category": "awarding_agency", "results": {}}, "error", "is no list"),
        (Said(b"", 500), "error", "status 500"),
    ],
)
def test_awards_that_are_wrong_are_told(server: Source, tmp_path: Path, body: Any, status: str, said: str) -> None:
    server.put(AWARDS.format("awarding_agency"), body)
    result = call("federal_awards", {}, context(tmp_path, server))
    assert (result.status, said in message(result)) == (status, True)


def test_a_total_of_nil_leaves_the_shares_undefined(server: Source, tmp_path: Path) -> None:
    server.put(AWARDS.format("awarding_agency"), awards("awarding_agency", [("A", None, 0.0)]))
    result = call("federal_awards", {"company": "Alder"}, context(tmp_path, server))
    assert find(result, "obligations").value == 0.0
    assert {m.name for m in result.metrics} == {"obligations"}
    assert any("a year before are 0 USD" in w for w in result.warnings)
    assert server.heard[0].body["filters"]["recipient_search_text"] == ["Alder"]
