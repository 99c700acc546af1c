"""Drawdown and the reading of market data: exact values by hand, and nothing later than the as-of date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tool_server import TODAY, context

from assistant.models import Metric, ToolResult
from assistant.tools.base import NoData, OutOfTime, RateLimited, SourceFailed, ToolFailure
from assistant.tools.providers.market import Market
from assistant.tools.providers.protocols import Closes, Fetched
from assistant.tools.registry import call
from assistant.tools.snapshots import Snapshots


@dataclass
class Prices:
    """Synthetic closes by symbol; ``asked`` keeps the last day asked for."""

    held: dict[str, dict[date, float]]
    source: str = "market"

    def closes(self, symbol: str, start: date, end: date) -> Fetched:
        if symbol not in self.held:
            raise NoData(f"no {symbol}", "take another")
        days = tuple(sorted(self.held[symbol]))
        values = tuple(self.held[symbol][d] for d in days)
        payload = Closes(symbol=symbol, currency="USD", days=days, closes=values)
        return Fetched(payload, "synthetic", "https://example.org/prices", days[-1])


def run(folder: Path, held: dict[str, dict[date, float]], as_of: date | None = None, **arguments: Any) -> ToolResult:
    return call("drawdown", arguments, context(folder, prices=Prices(held), as_of=as_of))


def values(result: ToolResult) -> dict[str, float | None]:
    return {m.name: m.value for m in result.metrics}


def metric(result: ToolResult, name: str) -> Metric:
    return next(m for m in result.metrics if m.name == name)


D = [date(2025, 7, day) for day in (1, 2, 3, 7, 8, 9, 10, 11, 14, 15)]
SMALL = dict(zip(D, (200.0, 240.0, 220.0, 180.0, 210.0, 236.0, 230.0, 228.0, 216.0, 204.0), strict=True))
LARGE = dict(zip(D, (500.0, 500.0, 505.0, 480.0, 490.0, 500.0, 510.0, 515.0, 520.0, 525.0), strict=True))


def test_drawdown_of_a_hand_worked_example(tmp_path: Path) -> None:
    result = run(tmp_path, {"IWM": SMALL, "SPY": LARGE}, since="2025-07-01")
    got = values(result)
    # 204 / 240 - 1; 240 / 204 - 1; peak on 2 July, 13 days before; deepest 180 / 240; (-15%) - (525 / 500 - 1)
    assert got["drawdown"] == pytest.approx(-15.0, abs=1e-12)
    assert got["recovery_needed"] == pytest.approx(100 * (240 / 204 - 1), abs=1e-12)
    assert (got["peak"], got["days_since_peak"]) == (240.0, 13)
    assert got["deepest_drawdown"] == pytest.approx(-25.0, abs=1e-12)
    assert got["relative_since_peak"] == pytest.approx(-20.0, abs=1e-12)
    drop = metric(result, "drawdown")
    assert (drop.subject, drop.unit, drop.as_of, drop.period) == (
        "Russell 2000",
        "percent",
        "2025-07-15",
        "2025-07-01 to 2025-07-15",
    )
    assert (drop.source, drop.source_url, drop.method, drop.n) == (
        "synthetic",
        "https://example.org/prices",
        "derived",
        10,
    )
    assert drop.formula == "P_t / max(P since 2025-07-01) - 1 = 204 / 240 - 1"
    assert metric(result, "deepest_drawdown").period == "2025-07-02 to 2025-07-07"
    assert drop.inputs[2]["series"][-1] == ["2025-07-15", -15.0]
    assert (result.arguments["ticker"], result.arguments["name"], result.arguments["benchmark"]) == (
        "IWM",
        "Russell 2000",
        "SPY",
    )
    assert (result.status, result.stale, result.cached) == ("ok", False, False)


def test_at_a_new_high_there_is_no_drawdown(tmp_path: Path) -> None:
    result = run(tmp_path, {"SPY": LARGE}, ticker="S&P 500", benchmark="S&P 500", since="2025-07-01")
    got = values(result)
    assert (got["drawdown"], got["recovery_needed"], got["days_since_peak"]) == (0.0, 0.0, 0)
    assert got["deepest_drawdown"] == pytest.approx(100 * (480 / 505 - 1), abs=1e-12)
    assert "relative_since_peak" not in got


def test_as_of_a_day_the_later_closes_do_not_count(tmp_path: Path) -> None:
    got = run(tmp_path, {"IWM": SMALL, "SPY": LARGE}, as_of=date(2025, 7, 8), since="2025-07-01")
    assert values(got)["drawdown"] == pytest.approx(-12.5, abs=1e-12)
    assert {m.as_of for m in got.metrics} == {"2025-07-08"}
    assert got.arguments["as_of"] == "2025-07-08"


def test_a_missing_benchmark_is_a_warning_and_old_closes_are_stale(tmp_path: Path) -> None:
    old = {d - timedelta(days=30): v for d, v in SMALL.items()}
    result = run(tmp_path, {"IWM": old}, since="2025-06-01")
    assert (result.status, result.stale) == ("ok", True)
    assert "The last close of IWM is of 2025-06-15." in result.warnings
    assert "no SPY take another" in result.warnings


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"since": "2025-08-01"}, "The window begins on 2025-08-01"),
        ({"since": "2025-07-15"}, "The window begins on 2025-07-15"),
        ({"since": "2025-07-14", "ticker": "ONE"}, "one close of ONE"),
        ({"ticker": "NONE"}, "no NONE"),
        ({"ticker": "not a ticker at all"}, "is no ticker"),
    ],
)
def test_what_cannot_be_told_is_no_data(arguments: dict[str, Any], said: str, tmp_path: Path) -> None:
    result = run(tmp_path, {"IWM": SMALL, "ONE": {date(2025, 7, 14): 3.0}}, **arguments)
    assert result.status == "no_data"
    assert result.error is not None
    assert said in result.error.message


DAYS = st.lists(st.integers(0, 400), min_size=3, max_size=40, unique=True).map(
    lambda found: [date(2024, 6, 1) + timedelta(days=n) for n in sorted(found)]
)


@settings(max_examples=40, deadline=None)
@given(days=DAYS, data=st.data())
def test_no_later_close_leaks_under_as_of(
    tmp_path_factory: pytest.TempPathFactory, days: list[date], data: st.DataObject
) -> None:
    """With and without what came later, an answer as of a day is the same."""
    prices = st.floats(1, 1000, allow_nan=False)
    held = {s: {d: data.draw(prices) for d in days} for s in ("IWM", "SPY")}
    cut = data.draw(st.sampled_from(days)) + timedelta(days=data.draw(st.integers(0, 3)))
    before = {s: {d: v for d, v in series.items() if d <= cut} for s, series in held.items()}
    arguments = {"since": "2024-05-01"}
    whole = run(tmp_path_factory.mktemp("whole"), held, as_of=cut, **arguments)
    early = run(tmp_path_factory.mktemp("early"), before, as_of=cut, **arguments)
    assert whole.metrics == early.metrics
    assert all(m.as_of <= cut.isoformat() for m in whole.metrics)
    assert whole.status == early.status


@settings(max_examples=40, deadline=None)
@given(days=DAYS, data=st.data())
def test_recovery_undoes_the_drawdown(
    tmp_path_factory: pytest.TempPathFactory, days: list[date], data: st.DataObject
) -> None:
    held = {"IWM": {d: data.draw(st.floats(1, 1000)) for d in days}}
    result = run(tmp_path_factory.mktemp("t"), held, since="2024-05-01", benchmark="")
    got = values(result)
    drop, need, deepest = got["drawdown"], got["recovery_needed"], got["deepest_drawdown"]
    assert drop is not None
    assert need is not None
    assert deepest is not None
    assert (1 + drop / 100) * (1 + need / 100) == pytest.approx(1.0)
    assert deepest <= drop <= 0


# the user's own file


def test_closes_from_the_user_s_file(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    rows = "\n".join(f"{d},IWM,{v},USD" for d, v in SMALL.items())
    (data / "prices.csv").write_text(f"Date,Symbol,Close,Currency\n{rows}\n", encoding="utf-8")
    result = call("drawdown", {"since": "2025-07-01", "benchmark": ""}, context(tmp_path, data=data))
    assert values(result)["drawdown"] == pytest.approx(-15.0, abs=1e-12)
    assert metric(result, "drawdown").source == "your file prices.csv"


def test_closes_from_parquet(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    pandas.DataFrame({"date": list(SMALL), "symbol": "IWM", "close": list(SMALL.values())}).to_parquet(
        data / "prices.parquet"
    )
    result = call("drawdown", {"since": "2025-07-01", "benchmark": ""}, context(tmp_path, data=data))
    assert values(result)["drawdown"] == pytest.approx(-15.0, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("day,symbol,close\n2025-07-01,IWM,1\n", "lacks date"),
        ("", "lacks rows"),
        ("date,symbol,close\n2025-07-01,IWM,about 5\n", "is no number"),
        ("date,symbol,close\nyesterday,IWM,5\n", "is no date"),
        ("date,symbol,close\n2025-07-01,IWM,-5\n", "is -5.0"),
    ],
)
def test_a_file_that_is_wrong_says_where(text: str, said: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "prices.csv").write_text(text, encoding="utf-8")
    result = call("drawdown", {"benchmark": ""}, context(tmp_path, data=data))
    assert result.status == "error"
    assert result.error is not None
    assert said in result.error.message


# yfinance, behind its adapter: what it hands over is scripted


class YFRateLimitError(Exception):
    pass


class YFPricesMissingError(Exception):
    pass


class HTTPError(Exception):
    """As the library's connection raises it: with the response behind it."""

    def __init__(self, code: int) -> None:
        super().__init__(f"HTTP Error {code}: ")
        self.response = type("Response", (), {"status_code": code})()


class DNSError(OSError):
    pass


class ConnectTimeout(OSError):
    pass


class Yahoo:
    """Stands in for the library, with its documented shapes."""

    def __init__(
        self, frame: Any = None, error: Exception | None = None, echoed: str | None = None, **info: Any
    ) -> None:
        self.frame, self.error, self.echoed, self.known = frame, error, echoed, info
        self.calls = 0

    def Ticker(self, symbol: str) -> Any:
        outer = self

        class Ticker:
            options = ("2025-08-15",)
            history_metadata = {"symbol": outer.echoed or symbol, "currency": "USD"}  # noqa: RUF012
            info = outer.known

            def history(self, **_: Any) -> Any:
                outer.calls += 1
                if outer.error is not None:
                    raise outer.error
                return outer.frame

        return Ticker()


def frame(*rows: tuple[str, float], column: str = "Close") -> Any:
    index = pandas.DatetimeIndex([pandas.Timestamp(d, tz="America/New_York") for d, _ in rows])
    return pandas.DataFrame({column: [v for _, v in rows]}, index=index)


def fetch(tmp_path: Path, library: Yahoo) -> Fetched:
    return Market(tmp_path, library=library).closes("IWM", date(2025, 7, 1), TODAY)


def test_closes_of_the_library(tmp_path: Path) -> None:
    got = fetch(
        tmp_path,
        Yahoo(frame(("2025-06-30", 1.0), ("2025-07-01", 2.0), ("2025-07-02", float("nan")), ("2025-07-03", 3.5))),
    )
    assert isinstance(got.payload, Closes)
    assert got.payload.days == (date(2025, 7, 1), date(2025, 7, 3))
    assert (got.payload.closes, got.payload.currency, got.observed) == ((2.0, 3.5), "USD", date(2025, 7, 3))


@pytest.mark.parametrize(
    ("library", "failure", "said"),
    [
        (Yahoo(frame(("2025-07-01", 2.0)), echoed="IWMX"), SourceFailed, "answered for IWMX"),
        (Yahoo(frame(("2025-07-01", 2.0), column="Adj Close")), SourceFailed, "without the column Close"),
        (Yahoo(frame(("2024-07-01", 2.0))), NoData, "no closes of IWM in the period"),
        (Yahoo(error=YFPricesMissingError("gone")), NoData, "no data of IWM"),
        (Yahoo(error=KeyError("chart")), SourceFailed, "could not be read (KeyError)"),
        (Yahoo(error=TimeoutError()), ToolFailure, "did not answer in time"),
        (Yahoo(error=ConnectTimeout("curl: (28)")), OutOfTime, "did not answer in time"),
        (Yahoo(error=HTTPError(404)), NoData, "no data of IWM"),
        (Yahoo(error=HTTPError(403)), SourceFailed, "refused the request (403)"),
        (Yahoo(error=HTTPError(500)), SourceFailed, "could not be read (HTTPError)"),
        (Yahoo(error=DNSError("curl: (6) Could not resolve host")), SourceFailed, "its address was not found (DNS)"),
        (
            Yahoo(error=OSError("curl: (7) Failed to connect: Couldn't connect to server")),
            SourceFailed,
            "the connection was refused",
        ),
    ],
)
def test_what_the_library_does_wrong_is_a_typed_failure(
    library: Yahoo, failure: type[ToolFailure], said: str, tmp_path: Path
) -> None:
    with pytest.raises(failure) as caught:
        fetch(tmp_path, library)
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("symbol", "asked"),
    [("BRK.B", "BRK-B"), ("VOD.L", "VOD.L"), ("^RUT", "^RUT"), ("7203.T", "7203.T"), ("IWM", "IWM")],
)
def test_a_share_class_is_asked_for_as_the_library_writes_it(symbol: str, asked: str, tmp_path: Path) -> None:
    library = Yahoo(frame(("2025-07-01", 2.0)))
    names: list[str] = []
    made = library.Ticker
    library.Ticker = lambda name: names.append(name) or made(name)  # type: ignore[method-assign,func-returns-value]
    got = Market(tmp_path, library=library).closes(symbol, date(2025, 7, 1), TODAY)
    assert isinstance(got.payload, Closes)
    assert (names, got.payload.symbol) == ([asked], symbol)


def test_a_rate_limit_is_waited_for_and_then_told(tmp_path: Path) -> None:
    library = Yahoo(error=YFRateLimitError("Too Many Requests"))
    import stamina

    with stamina.set_testing(True, attempts=3), pytest.raises(RateLimited):
        fetch(tmp_path, library)
    assert library.calls == 3


def test_a_pull_is_saved_with_its_time(tmp_path: Path) -> None:
    run(tmp_path, {"IWM": SMALL, "SPY": LARGE}, since="2025-07-01")
    saved = Snapshots(tmp_path).latest("market", "closes:IWM")
    assert saved is not None
    assert saved.observed == date(2025, 7, 15)
    assert abs(datetime.now(UTC) - datetime.fromisoformat(saved.retrieved_at)) < timedelta(minutes=5)
    assert Closes.model_validate_json(saved.payload).closes == tuple(SMALL.values())
