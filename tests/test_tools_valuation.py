"""Valuation, option skew, histories and claims: values by hand, and verdicts for each way that a claim can fare."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_tools_market import Prices
from tool_server import TODAY, Source, context, frame, holdings_csv, source, tickers

from assistant.models import Metric, ToolResult
from assistant.tools import entities
from assistant.tools.base import NoData
from assistant.tools.claims import claims, verdict
from assistant.tools.claims import find as find_claim
from assistant.tools.entities import Fund
from assistant.tools.history import Reading, rank, z_score
from assistant.tools.options import RATE, black, delta, implied_volatility, skew, smile
from assistant.tools.providers.protocols import Chain, Contract, Fetched
from assistant.tools.registry import call, tools
from assistant.tools.snapshots import Snapshots
from assistant.tools.worded import figure, worded


@pytest.fixture
def server() -> Iterator[Source]:
    with source() as made:
        yield made


def find(result: ToolResult, name: str, subject: str | None = None) -> Metric:
    return next(m for m in result.metrics if m.name == name and subject in (None, m.subject))


# valuation


@pytest.fixture
def two_funds(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {
        name: Fund(name, index, None, size, (), name, None, None)
        for name, index, size in (("TEST", "Test Small", "small"), ("LARGE", "Test Large", "large"))
    }
    monkeypatch.setattr(entities, "_names", lambda: {k.lower(): v for k, v in made.items()})


def put(server: Source) -> None:
    server.put("/files/company_tickers.json", tickers(("AAA", 1, "Alder"), ("BBB", 2, "Birch"), ("CCC", 3, "Cedar")))
    server.put("/holdings/TEST.csv", holdings_csv([("AAA", "Alder", 50.0), ("BBB", "Birch", 50.0)], price="10.00"))
    server.put("/holdings/LARGE.csv", holdings_csv([("CCC", "Cedar", 100.0)], price="100.00"))
    for concept, period, unit, points in (
        ("WeightedAverageNumberOfDilutedSharesOutstanding", "CY2024", "shares", {1: 100.0, 2: 200.0, 3: 1000.0}),
        ("NetIncomeLoss", "CY2024", "USD", {1: 100.0, 2: -100.0, 3: 4000.0}),
        ("StockholdersEquity", "CY2024Q4I", "USD", {1: 500.0, 2: 1000.0, 3: 20000.0}),
        ("OperatingIncomeLoss", "CY2024", "USD", {1: 150.0, 3: 6000.0}),
        ("DepreciationDepletionAndAmortization", "CY2024", "USD", {1: 50.0, 3: 2000.0}),
        ("LongTermDebt", "CY2024Q4I", "USD", {1: 700.0}),
        ("CashAndCashEquivalentsAtCarryingValue", "CY2024Q4I", "USD", {1: 100.0, 3: 20000.0}),
    ):
        server.put(f"/api/xbrl/frames/us-gaap/{concept}/{unit}/{period}.json", frame(concept, period, points, unit))


ASKED = {"ticker": "TEST", "benchmark": "LARGE"}


@pytest.mark.usefixtures("two_funds")
def test_valuation_of_a_hand_worked_example(server: Source, tmp_path: Path) -> None:
    put(server)
    result = call("relative_valuation", ASKED, context(tmp_path, server))
    # Market values 1,000, 2,000 and 100,000. Small: sum w x NI / MV = 0.5 x 0.1 - 0.5 x 0.05 = 0.025
    assert find(result, "price_to_earnings", "Test Small").value == pytest.approx(40.0)
    assert find(result, "price_to_book", "Test Small").value == pytest.approx(2.0)
    # Only Alder states EBIT, depreciation and cash: (1000 + 700 - 100) / 200, on half the weight
    assert find(result, "ev_to_ebitda", "Test Small").value == pytest.approx(8.0)
    assert find(result, "ev_to_ebitda", "Test Small").coverage_pct == pytest.approx(50.0)
    assert find(result, "price_to_earnings", "Test Large").value == pytest.approx(25.0)
    assert find(result, "relative_price_to_earnings").value == pytest.approx(1.6)
    assert find(result, "relative_price_to_book").value == pytest.approx(2.0 / 5.0)
    assert find(result, "relative_ev_to_ebitda").value == pytest.approx(8.0 / 10.0)
    assert "relative_price_to_earnings_percentile" not in {m.name for m in result.metrics}
    assert any("Level only: 0 days of the ratios are saved" in w for w in result.warnings)


@pytest.mark.usefixtures("two_funds")
def test_negative_equity_and_losses_in_sum_leave_the_multiple_undefined(server: Source, tmp_path: Path) -> None:
    put(server)
    for concept, period, points in (
        ("StockholdersEquity", "CY2024Q4I", {1: -500.0, 2: 200.0, 3: 20000.0}),
        ("NetIncomeLoss", "CY2024", {1: -100.0, 2: 10.0, 3: 4000.0}),
    ):
        server.put(f"/api/xbrl/frames/us-gaap/{concept}/USD/{period}.json", frame(concept, period, points))
    result = call("relative_valuation", ASKED, context(tmp_path, server))
    names = {m.name for m in result.metrics if m.subject == "Test Small"}
    assert names == {"ev_to_ebitda"}
    for what in ("P/B", "P/E"):
        assert any(
            f"{what} of Test Small has no value: what it is divided by is not positive" in w for w in result.warnings
        )


@pytest.mark.usefixtures("two_funds")
def test_a_ratio_has_a_percentile_once_its_history_is_long_enough(server: Source, tmp_path: Path) -> None:
    put(server)
    kept = Snapshots(tmp_path)
    for n in range(60):
        day = date(2025, 4, 1) + timedelta(days=n)
        reading = Reading(day=day, values={"price_to_book": 0.2 if n < 45 else 0.9})
        kept.save(
            "derived",
            "valuation:TEST/LARGE",
            reading.model_dump_json(),
            retrieved_at=f"{day}T20:00:00+00:00",
            observed=day,
        )
    result = call("relative_valuation", ASKED, context(tmp_path, server))
    found = find(result, "relative_price_to_book_percentile")
    assert (found.value, found.n) == (pytest.approx(75.0), 60)
    assert len(kept.history("derived", "valuation:TEST/LARGE")) == 61


# options

DAY = TODAY
EXPIRY = DAY + timedelta(days=30)
YEARS = 30 / 365


def quote(kind: str, strike: float, volatility: float, forward: float = 200.0, **changes: Any) -> Contract:
    fair = black(forward, strike, YEARS, volatility, call=kind == "call") * math.exp(-RATE * YEARS)
    given_ = {"bid": fair - 0.001, "ask": fair + 0.001, "open_interest": 10, "volume": 5, "last_trade": DAY}
    return Contract(kind=kind, strike=strike, expiry=EXPIRY, **(given_ | changes))


def chain_of(puts: float, calls: float) -> list[Contract]:
    """A chain with one volatility below the forward and one above; at the money both are the mean, as parity wants."""
    middle = (puts + calls) / 2
    return [
        quote(kind, float(k), middle if k == 200 else puts if k < 200 else calls)
        for k in range(160, 241, 2)
        for kind in ("put", "call")
    ]


@settings(deadline=None)
@given(volatility=st.floats(0.06, 1.5), strike=st.floats(150, 260), call_=st.booleans(), years=st.floats(0.02, 0.5))
def test_implied_volatility_undoes_the_price(volatility: float, strike: float, call_: bool, years: float) -> None:
    price = black(200.0, strike, years, volatility, call=call_)
    inner = max(0.0, 200 - strike if call_ else strike - 200)
    if price - inner < 1e-4:
        return
    got = implied_volatility(price, 200.0, strike, years, call=call_)
    assert got == pytest.approx(volatility, abs=1e-4)
    assert -1 <= delta(200.0, strike, years, volatility, call=call_) <= 1


def test_a_price_without_a_volatility_has_none() -> None:
    assert implied_volatility(0.0, 200, 210, 0.1, call=True) is None
    assert implied_volatility(9.9, 200, 190, 0.1, call=True) is None
    assert implied_volatility(199.99, 200, 210, 0.01, call=True) is None


def test_the_price_of_a_textbook_option() -> None:
    # Black (1976): F = K = 100, one year, 20%: 100 (2 N(0.1) - 1) = 7.9656
    assert black(100, 100, 1.0, 0.2, call=True) == pytest.approx(7.965567, abs=1e-6)
    assert black(100, 100, 1.0, 0.2, call=False) == pytest.approx(7.965567, abs=1e-6)
    assert delta(100, 100, 1.0, 0.2, call=True) == pytest.approx(0.539828, abs=1e-6)


@pytest.mark.parametrize(("puts", "calls"), [(0.30, 0.20), (0.25, 0.25), (0.18, 0.24)])
def test_the_skew_of_a_chain_of_known_volatilities(puts: float, calls: float) -> None:
    curve = smile(chain_of(puts, calls), DAY)
    assert curve is not None
    assert curve.forward == pytest.approx(200.0, abs=0.05)
    both = skew(curve)
    assert both is not None
    assert both == (pytest.approx(puts, abs=2e-3), pytest.approx(calls, abs=2e-3))


def test_quotes_that_say_nothing_are_left_out() -> None:
    good = chain_of(0.25, 0.25)
    bad = [
        quote("put", 184.0, 0.9, bid=None), quote("put", 184.5, 0.9, last_trade=DAY - timedelta(days=6)),
        quote("call", 216.5, 0.9, bid=9.0, ask=8.0), quote("call", 217.0, 4.0, ask=190.0, bid=189.0),
    ]  # fmt: skip
    curve = smile(good + bad, DAY)
    assert curve is not None
    assert curve.dropped == 3
    assert max(v for _, v in curve.points) < 0.3
    assert smile([quote("put", 190.0, 0.2)], DAY) is None


@dataclass
class Options:
    contracts: list[Contract]
    day: date = DAY
    source: str = "market"

    def chain(self, symbol: str) -> Fetched:
        payload = Chain(symbol=symbol, spot=200.0, day=self.day, contracts=tuple(self.contracts))
        return Fetched(payload, "synthetic", "https://example.org/options", self.day)


def hedge(folder: Path, contracts: list[Contract]) -> ToolResult:
    return call("hedging", {}, context(folder, options=Options(contracts)))


def test_hedging_of_a_hand_worked_chain(tmp_path: Path) -> None:
    contracts = chain_of(0.30, 0.20)
    contracts += [quote("put", 150.0, 0.3, open_interest=410, volume=None, bid=None)]
    contracts += [
        c.model_copy(update={"expiry": DAY + timedelta(days=d), "open_interest": 10**6})
        for d in (6, 61)
        for c in contracts[:4]
    ]
    result = hedge(tmp_path, contracts)
    # 41 strikes of 10 each: puts 410 + 410, calls 410; expiries of 6 and 61 days are out
    assert find(result, "put_call_open_interest").value == pytest.approx(2.0)
    assert find(result, "put_call_volume").value == pytest.approx(1.0)
    assert find(result, "skew_25_delta").value == pytest.approx(10.0, abs=0.3)
    assert find(result, "skew_25_delta").period == f"30 days to {EXPIRY}"
    assert not [m for m in result.metrics if m.name.endswith("_z")]
    assert any("Level only: 0 daily pulls are saved" in w for w in result.warnings)
    assert len(Snapshots(tmp_path).history("derived", "hedging:IWM")) == 1


def test_zero_open_interest_is_undefined_not_zero(tmp_path: Path) -> None:
    contracts = [c.model_copy(update={"open_interest": 0, "volume": 0, "bid": None}) for c in chain_of(0.3, 0.2)]
    result = hedge(tmp_path, contracts)
    assert result.status == "undefined"
    assert result.metrics == ()
    assert any("bids of 0 and old trades are left out" in w for w in result.warnings)


@pytest.mark.parametrize(("days", "told"), [(59, False), (60, True)])
def test_a_spike_is_told_from_sixty_own_days_on(days: int, told: bool, tmp_path: Path) -> None:
    kept = Snapshots(tmp_path)
    for n in range(days):
        day = DAY - timedelta(days=days - n)
        reading = Reading(day=day, values={"put_call_open_interest": 0.9 if n % 2 else 1.1})
        kept.save(
            "derived", "hedging:IWM", reading.model_dump_json(), retrieved_at=f"{day}T20:00:00+00:00", observed=day
        )
    contracts = [c.model_copy(update={"open_interest": 13 if c.kind == "put" else 10}) for c in chain_of(0.3, 0.2)]
    result = hedge(tmp_path, contracts)
    if not told:
        assert not [m for m in result.metrics if m.name.endswith("_z")]
        return
    z = find(result, "put_call_open_interest_z")
    # mean 1, standard deviation 0.1 x sqrt(60 / 59): z = 0.3 / that
    assert z.value == pytest.approx(0.3 / (0.1 * math.sqrt(60 / 59)))
    assert (z.n, z.inputs[0]["name"], z.inputs[0]["value"]) == (60, "spike", True)


def test_options_have_no_history(tmp_path: Path) -> None:
    result = call("hedging", {}, context(tmp_path, options=Options(chain_of(0.3, 0.2)), as_of=date(2025, 7, 1)))
    assert result.status == "no_data"
    assert result.error is not None
    assert "the source has no history" in result.error.message


def test_ranks_and_scores_of_a_history() -> None:
    assert rank(3, [1, 2, 3, 4]) == 62.5
    assert z_score(3, [1, 1, 1]) is None
    assert z_score(4, [1, 2, 3]) == pytest.approx(2.0)


# claims


def fall(low: float, last: float) -> dict[str, dict[date, float]]:
    """Closes with a peak of 100 in November 2024, ``low`` on the article's day and ``last`` today."""
    index = {date(2024, 11, 25): 100.0, date(2025, 5, 12): low, TODAY: last}
    return {"IWM": index, "SPY": dict.fromkeys(index, 100.0)}


@pytest.mark.parametrize(
    ("low", "last", "word"),
    [(84.0, 80.0, "confirmed"), (84.0, 95.0, "changed"), (90.0, 80.0, "refuted"), (90.0, 95.0, "refuted")],
)
def test_each_verdict_on_the_claim_of_the_drawdown(low: float, last: float, word: str, tmp_path: Path) -> None:
    result = call("verify_claim", {}, context(tmp_path, prices=Prices(fall(low, last))))
    assert result.status == "ok"
    found = find(result, "verdict")
    assert (found.unit, found.inputs[0]["verdict"]) == (word, word)
    claimed, then, now = find(result, "claimed"), find(result, "then"), find(result, "now")
    assert (claimed.value, claimed.as_of, claimed.source) == (-15.0, "2025-05-12", "Valens Research")
    assert (then.value, then.as_of) == (pytest.approx(low - 100), "2025-05-12")
    assert (now.value, now.as_of, now.source) == (pytest.approx(last - 100), "2025-07-15", "synthetic")
    assert result.arguments["claimed_on"] == "2025-05-12"


def test_without_a_source_a_claim_is_untestable_and_says_how_to_test_it(tmp_path: Path) -> None:
    result = call("verify_claim", {"claim": "v-drawdown"}, context(tmp_path))
    assert result.status == "not_configured"
    assert find(result, "verdict").unit == "untestable"
    assert find(result, "claimed").value == -15.0
    assert result.error is not None
    assert "accept_market_terms" in result.error.what_to_do


def test_a_claim_of_one_s_own(tmp_path: Path) -> None:
    own = {
        "claim": "SPY has not moved", "tool": "drawdown", "metric": "drawdown", "value": 0, "claimed_on": "2025-05-12",
        "arguments": '{"ticker": "SPY", "since": "2024-11-01", "benchmark": ""}',
    }  # fmt: skip
    result = call("verify_claim", own, context(tmp_path, prices=Prices(fall(80, 80))))
    assert find(result, "verdict").unit == "confirmed"
    assert find(result, "claimed").subject == "SPY has not moved"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tool": "nosuch"}, "No tool 'nosuch'"),
        ({"tool": "verify_claim"}, "No tool 'verify_claim'"),
        ({"tool": "drawdown"}, "lacks metric and value"),
        ({"tool": "drawdown", "metric": "x", "value": 1, "arguments": "["}, "are not those of drawdown"),
        ({"tool": "drawdown", "metric": "x", "value": 1, "arguments": '{"bogus": 1}'}, "are not those of drawdown"),
        ({"claim": "the moon is made of cheese"}, "No tool measures"),
    ],
)
def test_a_claim_that_cannot_be_read_says_why(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    result = call("verify_claim", changes, context(tmp_path))
    assert result.status == "no_data"
    assert result.error is not None
    assert said in result.error.message


def test_a_claim_made_later_is_not_known_as_of_a_day(tmp_path: Path) -> None:
    ran = context(tmp_path, prices=Prices(fall(84, 80)), as_of=date(2025, 5, 11))
    result = call("verify_claim", {}, ran)
    assert result.status == "no_data"
    on = context(tmp_path, prices=Prices(fall(84, 80)), as_of=date(2025, 5, 12))
    assert all(m.as_of <= "2025-05-12" for m in call("verify_claim", {}, on).metrics)


@pytest.mark.parametrize(
    ("asked", "id_"),
    [
        ("Is the Russell 2000 still 15% below its peak?", "v-drawdown"),
        ("Do 40% of small caps lose money?", "r-unprofitable-count"),
        ("Are small caps covered by 5.7 analysts?", "r-analysts-small"),
        ("Does the median manager of Japanese small caps outperform?", "r-managers-japan"),
        ("V-TARIFFS-LARGE", "v-tariffs-large"),
    ],
)
def test_a_claim_is_found_by_its_words(asked: str, id_: str) -> None:
    assert find_claim(asked).id == id_


@pytest.mark.parametrize("asked", ["", "small caps", "What is the weather?"])
def test_words_that_fit_no_claim_or_several_are_no_guess(asked: str) -> None:
    with pytest.raises(NoData, match="none of the claims"):
        find_claim(asked)


@pytest.mark.parametrize("id_", sorted(claims()))
def test_every_claim_names_a_tool_its_metric_and_arguments_that_fit(id_: str) -> None:
    claim = claims()[id_]
    tool = tools()[claim.tool]
    tool.arguments.model_validate(dict(claim.arguments))
    page = (Path(__file__).parent.parent / "docs" / "tools" / f"{claim.tool}.md").read_text(encoding="utf-8")
    assert f"`{claim.metric}`" in page
    table = (Path(__file__).parent.parent / "docs" / "tools" / "claims.md").read_text(encoding="utf-8")
    assert f"`{id_}`" in table
    needs = {
        "about": ["value"],
        "at_least": ["value"],
        "at_most": ["value"],
        "between": ["low", "high"],
        "below_other": ["other"],
    }
    assert all(getattr(claim, name) not in (None, "") for name in needs.get(claim.compare, []))


@pytest.mark.parametrize(
    ("then", "now", "word"),
    [
        (True, True, "confirmed"), (True, False, "changed"), (True, None, "confirmed"), (False, True, "refuted"),
        (False, False, "refuted"), (False, None, "refuted"), (None, True, "confirmed"), (None, False, "changed"),
        (None, None, "untestable"),
    ],
)  # fmt: skip
def test_the_verdict_of_each_pair_of_days(then: bool | None, now: bool | None, word: str) -> None:
    assert verdict(then, now) == word


# claims in words


@pytest.mark.parametrize(
    ("text", "compare", "value"),
    [
        ("The Russell 2000 is down 15% since its 2024 peak", "about", 15.0),
        ("The 10-year yield is above 4.5 percent", "at_least", 4.5),
        ("fewer than 6 analysts follow a company of the S&P 500", "at_most", 6.0),
        ("Obligations exceed $400 billion", "at_least", 400e9),
        ("More than half of them lose money", "at_least", 50.0),
        ("The top 10 weigh about 35%", "about", 35.0),
        ("EBITDA covers 1,250 times", "about", 1250.0),
    ],
)
def test_the_one_figure_of_a_text(text: str, compare: str, value: float) -> None:
    found = figure(text)
    assert found is not None
    assert (found.compare, found.value) == (compare, pytest.approx(value))


@pytest.mark.parametrize(
    "text", ["Small caps are cheap", "5% of names and 7% of weight", "The Russell 2000 in Q3 2025", ""]
)
def test_a_text_with_no_figure_or_several_has_none(text: str) -> None:
    assert figure(text) is None


def test_a_range_is_a_range() -> None:
    found = figure("Companies that lose money are 15-20% of the weight")
    assert found is not None
    assert (found.compare, found.low, found.high) == ("between", 15.0, 20.0)


@pytest.mark.parametrize(
    ("text", "id_", "metric", "said"),
    [
        (
            "The Russell 2000 has fallen over 15% since its peak of late 2024",
            "v-drawdown",
            "drawdown",
            "at most -15.0%",
        ),
        ("The Russell 2000 is more than 30% below its peak", "own", "drawdown", "at most -30.0%"),
        ("The S&P 500 is less than 5% below its peak", "own", "drawdown", "at least -5.0%"),
        ("The 10-year Treasury yield is above 4%", "own", "treasury_10y", "at least 4.0%"),
        ("Tariff industries are 25% of the Russell 2000", "own", "tariff_exposure", "about 25.0%"),
        ("Small caps are cheap against large caps", "r-cheap", "relative_price_to_earnings", "at most 1.0x"),
    ],
)
def test_a_claim_in_words_keeps_its_own_figure(text: str, id_: str, metric: str, said: str) -> None:
    claim = worded(text, TODAY)
    assert (claim.id, claim.metric, claim.figure()) == (id_, metric, said)
    if id_ == "own":
        assert claim.claimed_on == TODAY


def test_a_claim_in_words_is_held_against_the_tool(tmp_path: Path) -> None:
    ran = context(tmp_path, prices=Prices(fall(84, 68)))
    for text, word in (
        ("The Russell 2000 is over 30% below its peak", "confirmed"),
        ("The Russell 2000 is over 40% below its peak", "refuted"),
    ):
        result = call("verify_claim", {"claim": text}, ran)
        assert find(result, "verdict").unit == word
        assert find(result, "now").value == pytest.approx(-32.0)
