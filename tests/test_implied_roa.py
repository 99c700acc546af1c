"""The market-implied return: check values by hand, the grid, the sum over an index, and what is undefined."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.tools.base import NoData, Undefined
from assistant.tools.implied_inputs import Datum, Inputs, data_of, equity_firm, parts, records, tax_rate
from assistant.tools.implied_roa import (
    CONTINUING,
    Assumptions,
    Firm,
    Member,
    aggregate,
    grid,
    implied,
    paths,
    percentile,
    solve,
    value,
)

BASE = Assumptions(rate=0.08, growth=0.04, years=5)


@pytest.mark.parametrize(("ev", "percent"), [(60, 5.0), (90, 7.4), (100, 8.1), (130, 10.5)])
def test_the_check_values(ev: float, percent: float) -> None:
    firm = Firm(ev, 100, 7)
    assert round(100 * solve(firm, BASE), 1) == percent
    # RONIC = r makes the two continuing values one, whatever the long-run growth.
    assert solve(firm, replace(BASE, ronic=0.08)) == pytest.approx(solve(firm, BASE), abs=1e-12)


def test_a_value_worked_by_hand() -> None:
    # One year, no growth, r 10%: V = R A / 1.1 + (R A / 0.1) / 1.1 = R A (1 + 10) / 1.1 = 10 R A.
    given_ = Assumptions(rate=0.10, growth=0.0, years=1)
    assert value(Firm(0, 100, 5), 0.08, given_) == pytest.approx(80)
    assert solve(Firm(80, 100, 5), given_) == pytest.approx(0.08)
    # Growth of 5% in the year costs 5 and leaves assets of 105: (8 - 5)/1.1 + (0.08 * 105 / 0.1)/1.1 = 87/1.1.
    assert value(Firm(0, 100, 5), 0.08, replace(given_, growth=0.05)) == pytest.approx(87 / 1.1)
    # New capital earns R: (R - 2%) A / (10% - 2%) = 75 at the end of the year.
    other = replace(given_, continuing="new capital earns R")
    assert value(Firm(0, 100, 5), 0.08, other) == pytest.approx((8 + 75) / 1.1)


def test_a_firm_worth_its_assets_that_earns_what_is_asked_stays_there() -> None:
    # Assets that earn r are worth themselves.
    assert solve(Firm(100, 100, 8), BASE) == pytest.approx(0.08, abs=1e-12)


@given(
    st.floats(-0.3, 0.6), st.floats(0.03, 0.2), st.floats(-0.05, 0.1), st.integers(1, 12), st.sampled_from(CONTINUING), st.floats(-0.3, 0.5)
)  # fmt: skip
def test_solving_undoes_valuing(target: float, rate: float, growth: float, years: int, kind: str, now: float) -> None:
    given_ = Assumptions(rate, growth, years, kind)  # type: ignore[arg-type]
    firm = Firm(0.0, 250.0, 250.0 * now)
    worth = value(firm, target, given_)
    assert solve(replace(firm, ev=worth), given_) == pytest.approx(target, abs=1e-9)


def test_the_grid_has_every_case_once_and_brackets_the_central_value() -> None:
    cases = grid(BASE)
    assert len(cases) == len(set(cases)) == 3 * 3 * 2 * 2
    assert {round(c.rate, 4) for c in cases} == {0.07, 0.08, 0.09}
    assert {(c.growth, c.years) for c in cases} == {(g, n) for g in (0.02, 0.04, 0.06) for n in (5, 10)}
    result = implied(Firm(100, 100, 7), BASE)
    low, middle, high = result.percentiles or (0, 0, 0)
    assert result.value is not None
    assert low < middle < high
    assert low < result.value < high
    # A point in r moves it by about 1.2 points.
    up, down = (solve(Firm(100, 100, 7), replace(BASE, rate=r)) for r in (0.09, 0.07))
    assert 0.010 < up - result.value < 0.013
    assert 0.010 < result.value - down < 0.013


def test_percentiles_interpolate() -> None:
    assert percentile([4, 1, 3, 2], 50) == 2.5
    assert percentile([1, 2, 3, 4, 5], 10) == pytest.approx(1.4)
    assert percentile([7], 90) == 7


@pytest.mark.parametrize(
    ("firm", "reason"),
    [
        (Firm(0, 100, 7), "enterprise value"),
        (Firm(-5, 100, 7), "enterprise value"),
        (Firm(100, 0, 7), "operating assets"),
        (Firm(100, -1, 7), "operating assets"),
        (Firm(1200, 100, 7), "outside"),
        (Firm(1, 100, 300), "outside"),
        (Firm(math.nan, 100, 7), "finite"),
    ],
)
def test_what_has_no_value_says_why(firm: Firm, reason: str) -> None:
    result = implied(firm, BASE)
    assert result.value is None
    assert reason in (result.reason or "")
    assert result.percentiles is None
    assert paths(result) == ()


def test_assumptions_that_cannot_be() -> None:
    for wrong in (
        Assumptions(rate=0),
        Assumptions(years=0),
        Assumptions(ronic=0),
        Assumptions(rate=0.02, continuing="new capital earns R"),
    ):
        assert implied(Firm(100, 100, 7), wrong).value is None
        assert implied(Firm(100, 100, 7), wrong).reason == wrong.problem()


def test_an_index_is_summed_and_never_a_mean_of_ratios() -> None:
    one, two = Firm(60, 100, 7), Firm(2000, 1000, 120)
    found = aggregate(
        [Member("One", 30, one), Member("Two", 50, two), Member("Bank", 20, None, "a financial or a REIT")], BASE
    )
    assert found.firm == Firm(2060, 1100, 127)
    assert found.implied.value == pytest.approx(solve(Firm(2060, 1100, 127), BASE))
    assert found.implied.value != pytest.approx((solve(one, BASE) + solve(two, BASE)) / 2)
    assert (found.used, found.members, found.coverage) == (2, 3, 0.8)
    assert found.left_out == {"a financial or a REIT": 1}
    assert found.left_out_weight == {"a financial or a REIT": pytest.approx(0.2)}


def test_an_index_leaves_out_what_cannot_be_summed_and_keeps_a_member_out_of_range() -> None:
    far = Firm(5000, 100, 1)  # alone outside the range
    found = aggregate([Member("A", 1, Firm(1000, 900, 60)), Member("B", 1, far), Member("C", 2, Firm(-1, 5, 1))], BASE)
    assert found.firm == Firm(6000, 1000, 61)
    assert found.used == 2
    assert found.coverage == 0.5
    assert aggregate([], BASE).implied.value is None
    assert aggregate([Member("C", 0.0, None)], BASE).left_out == {"no data": 1}


def test_the_plot_goes_from_now_to_each_end() -> None:
    result = implied(Firm(90, 100, 7), BASE)
    points = paths(result, BASE)
    assert len(points) == 4 * 6
    assert [p["roa_pct"] for p in points if p["year"] == 0] == pytest.approx([7.0] * 4)
    assert next(p["roa_pct"] for p in points if p["line"] == "central" and p["year"] == 5) == pytest.approx(
        7.36, abs=0.01
    )


# the inputs


def datum(amount: float, end: str = "2024-12-31", unit: str = "USD") -> Datum:
    return Datum(amount, end, unit, "2024-01-01", "2025-02-20", "0000000001-25-000001", "Concept", "synthetic")


def company(**changes: object) -> Inputs:
    """A made-up company: 10 shares at 20, research of 100 in each of six years."""
    nil = Datum(0.0, "2024-12-31", absent=True)
    amounts = {
        "debt": 400, "operating_leases": 50, "preferred": 30, "minority_interest": 20, "cash": 90, "short_term_investments": 40,
        "revenue": 1500, "assets": 2000, "goodwill": 300, "payables": 110, "accruals": 60, "deferred_revenue": 30, "ebit": 250,
        "tax": 50, "pretax": 200, "book_equity": 800, "net_income": 150,
    }  # fmt: skip
    known = Inputs(
        "Synthetic Corp.", "2025-06-30", "SYN", "1", 3674,
        price=datum(200, "2025-06-30"), shares=datum(10, unit="shares"), research=(datum(100),) * 6,
        **{name: datum(amount) for name, amount in amounts.items()},
    )  # fmt: skip
    return replace(known, **{k: nil if v == "nil" else v for k, v in changes.items()})  # type: ignore[arg-type]


def test_the_sums_worked_by_hand() -> None:
    found = parts(company())
    assert found.market_value == 2000
    # 90 + 40 - 2% of 1500
    assert found.excess_cash == 100
    # 2000 + 400 + 50 + 30 + 20 - 100
    assert found.ev == 2400
    # 100 (1 + 0.8 + 0.6 + 0.4 + 0.2)
    assert found.research_asset == pytest.approx(300)
    # 2000 - 100 - 110 - 60 - 30 + 300
    assert found.assets == pytest.approx(2000)
    assert found.assets_without_goodwill == pytest.approx(1700)
    assert found.tax_rate == 0.25
    # (250 + 100 - 5 * 100/5) (1 - 0.25): steady research is a wash.
    assert found.nopat == pytest.approx(187.5)
    assert found.firm() == Firm(2400, pytest.approx(2000), pytest.approx(187.5))
    assert found.firm(goodwill=False).assets == pytest.approx(1700)


def test_research_that_grows_raises_profit_by_what_is_not_yet_written_off() -> None:
    years = tuple(datum(x) for x in (600, 500, 400, 300, 200, 100))
    found = parts(company(research=years, tax=datum(0)))
    assert found.research_asset == pytest.approx(600 + 400 + 240 + 120 + 40)
    assert found.nopat == pytest.approx(250 + 600 - (500 + 400 + 300 + 200 + 100) / 5)


def test_cash_below_what_the_business_needs_is_no_excess() -> None:
    assert parts(company(cash=datum(5), short_term_investments="nil")).excess_cash == 0


@pytest.mark.parametrize(
    ("tax", "pretax", "rate"), [(50, 200, 0.25), (90, 200, 0.30), (-10, 200, 0.0), (50, -200, 0.0), (50, 0, 0.0)]
)
def test_the_tax_rate_is_within_bounds_and_nil_in_a_loss(tax: float, pretax: float, rate: float) -> None:
    assert tax_rate(company(tax=datum(tax), pretax=datum(pretax))) == rate


@pytest.mark.parametrize(
    ("changes", "kind", "told"),
    [
        ({"price": None}, NoData, "share price"),
        ({"debt": None, "cash": None}, NoData, "cash, debt"),
        ({"tax": None}, NoData, "income tax"),
        ({"research": (datum(1),) * 5}, NoData, "5 of the 6 years"),
        ({"research": (datum(1), None, datum(1), datum(1), datum(1), datum(1))}, NoData, "5 of the 6 years"),
        ({"revenue": datum(0)}, Undefined, "no revenue"),
        ({"price": datum(0, "2025-06-30")}, Undefined, "price"),
        ({"sic": 6021}, Undefined, "book equity"),
        ({"sic": 6798}, Undefined, "REIT"),
        ({"assets": datum(2000, "2024-03-30")}, Undefined, "2024-03-30"),
        ({"debt": datum(1, unit="EUR")}, Undefined, "EUR, USD"),
    ],
)
def test_what_is_lacking_or_has_no_meaning_is_told(
    changes: dict[str, object], kind: type[Exception], told: str
) -> None:
    with pytest.raises(kind, match=told):
        parts(company(**changes))


def test_figures_of_fifteen_months_are_the_oldest() -> None:
    assert parts(replace(company(), as_of="2026-03-31")).ev == 2400
    with pytest.raises(Undefined, match="15 months"):
        parts(replace(company(), as_of="2026-04-15"))


def test_a_financial_is_measured_on_its_book_equity() -> None:
    bank = company(sic=6022, revenue=None, ebit=None, debt=None)
    assert equity_firm(bank) == Firm(2000, 800, 150)
    with pytest.raises(Undefined, match="book equity"):
        equity_firm(company(sic=6022, book_equity=datum(-1)))
    with pytest.raises(NoData, match="net income"):
        equity_firm(company(sic=6022, net_income=None))


def test_every_input_is_exported_with_its_filing() -> None:
    rows = records(company())
    assert len(rows) == len(list(data_of(company()))) == 19 + 6
    by_name = {row["name"]: row for row in rows}
    assert by_name["research_5"]["value"] == 100
    assert by_name["debt"] == {
        "subject": "Synthetic Corp.", "name": "debt", "value": 400, "end": "2024-12-31", "unit": "USD", "start": "2024-01-01",
        "filed": "2025-02-20", "accession": "0000000001-25-000001", "concept": "Concept", "source": "synthetic", "absent": False,
    }  # fmt: skip


@settings(max_examples=50)
@given(st.floats(1, 1e6), st.floats(0.1, 1e4), st.floats(0, 1e6))
def test_more_debt_at_the_same_price_is_more_enterprise_value(price: float, shares: float, debt: float) -> None:
    less, more = (
        parts(company(price=datum(price, "2025-06-30"), shares=datum(shares, unit="shares"), debt=datum(d))).ev
        for d in (debt, debt + 10)
    )
    assert more - less == pytest.approx(10, abs=1e-3)
