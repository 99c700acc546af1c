"""A fund of the user's own by its file of holdings; a fund is not set against itself; the benchmark does not stand in for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tool_server import Source, context, holdings_csv, source

from assistant.tools.providers.holdings import HoldingsFiles, HoldingsUrls
from assistant.tools.registry import call
from tests.test_tools_index import find, message

OWN = [("AAA", "Alder", 60.0), ("BBB", "Birch", 40.0)]
LARGE = [(f"T{n}", f"Tree {n}", 0.2) for n in range(500)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data" / "holdings").mkdir(parents=True)
    return tmp_path / "data"


def put(data: Path, fund: str, rows: list[tuple[str, str, float]]) -> None:
    (data / "holdings" / f"{fund}.csv").write_text(holdings_csv(rows, day="Jul 14, 2025"), encoding="utf-8")


def test_a_fund_that_is_not_known_is_read_from_the_user_s_file(tmp_path: Path, data: Path) -> None:
    put(data, "MYF", OWN)
    put(data, "IVV", LARGE)
    result = call("concentration", {"ticker": "myf"}, context(tmp_path, data=data))
    assert (result.status, result.arguments["ticker"], result.arguments["benchmark"]) == ("ok", "MYF", "SPY")
    assert find(result, "herfindahl", "MYF").value == pytest.approx(0.52)
    assert find(result, "largest_weight", "S&P 500").value == pytest.approx(0.2)
    # Without the file the last pull answers; a fund that nothing is known of is no guess.
    (data / "holdings" / "MYF.csv").unlink()
    kept = call("concentration", {"ticker": "MYF", "benchmark": ""}, context(tmp_path, data=data))
    assert (kept.status, kept.cached) == ("ok", True)
    unknown = call("concentration", {"ticker": "OTHER"}, context(tmp_path, data=data))
    assert unknown.status == "no_data"
    assert unknown.error is not None
    assert "holdings/TICKER.csv" in unknown.error.what_to_do


def test_a_fund_is_not_set_against_itself(tmp_path: Path, data: Path) -> None:
    put(data, "IVV", LARGE)
    result = call("concentration", {"ticker": "S&P 500"}, context(tmp_path, data=data))
    assert result.arguments["benchmark"] == ""
    assert len({m.name for m in result.metrics}) == len(result.metrics) == 5


@pytest.mark.parametrize("tool", ["concentration", "tariff_exposure", "unprofitable_share", "analyst_coverage", "balance_sheet"])  # fmt: skip
def test_the_benchmark_does_not_stand_in_for_what_was_asked(tool: str, tmp_path: Path, data: Path) -> None:
    put(data, "IVV", LARGE)
    (data / "holdings" / "IWM.csv").write_text("no header", encoding="utf-8")
    result = call(tool, {"ticker": "IWM", "benchmark": "S&P 500"}, context(tmp_path, data=data))
    assert (result.status, result.metrics) == ("error", ())
    assert "holdings of IWM" in message(result)


def test_an_address_of_the_settings_makes_a_fund_known(tmp_path: Path) -> None:
    with source() as server:
        server.put("/MYF.csv", holdings_csv(OWN))
        made: Source = server
        given = context(tmp_path, made)
        http = given.providers.holdings._http  # type: ignore[union-attr]
        urls = HoldingsUrls(http, {"MYF": f"{made.url}/MYF.csv"})
        assert HoldingsFiles(tmp_path, urls).knows("MYF")
        ran = context(tmp_path, made, holdings=urls)
        result = call("concentration", {"ticker": "MYF", "benchmark": ""}, ran)
    assert find(result, "effective_number", "MYF").value == pytest.approx(1 / 0.52)
