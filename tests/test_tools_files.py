"""The user's own files: what is wrong in one is told with its place, and no earlier pull stands in for it; wrong arguments too."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from tool_server import TODAY, context, holdings_csv

from assistant.models import ToolResult
from assistant.tools.command import _day
from assistant.tools.providers.files import COLUMNS, check
from assistant.tools.registry import call, tools
from vectorstore.errors import SettingsError, ThesisError


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "holdings").mkdir(parents=True)
    return folder


def said(result: ToolResult) -> str:
    assert result.error is not None
    return f"{result.error.kind}: {result.error.message} {result.error.what_to_do}"


GOOD = "date,symbol,close\n2025-07-14,IWM,200\n2025-07-11,IWM,250\n2025-07-15,IWM,240\n"


def drawdown(tmp_path: Path, data: Path, text: str) -> ToolResult:
    (data / "prices.csv").write_text(text, encoding="utf-8")
    return call("drawdown", {"benchmark": "", "since": "2025-07-01"}, context(tmp_path, data=data))


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD + "2025-07-14,IWM,200\n",  # said twice, the same
        GOOD + "2025-07-10,IWM,\n2025-07-09,IWM,NaN\n",  # not known
        GOOD + "2031-01-01,IWM,9000\n",  # still to come
        GOOD.replace("2025-07-14", "07/14/2025").replace("IWM", "iwm").replace("250", '"250.00"'),
        GOOD.replace("2025-07-14", "14.07.2025"),
        "\ufeffDate, Symbol ,CLOSE\n" + GOOD.split("\n", 1)[1],
        "date,IWM,SPY\n2025-07-14,200,\n2025-07-11,250,\n2025-07-15,240,1\n",
    ],
    ids=["unsorted", "twice the same", "not known", "to come", "other forms", "dots", "head", "wide"],
)
def test_a_file_in_any_order_gives_the_same_figure(tmp_path: Path, data: Path, text: str) -> None:
    result = drawdown(tmp_path, data, text)
    assert result.status == "ok"
    assert result.metrics[0].value == pytest.approx(-4.0)
    assert result.metrics[0].as_of == "2025-07-15"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "lacks rows. It needs the columns date, symbol, close"),
        ("date,symbol,close\n", "lacks rows"),
        (GOOD + "2025-07-14,IWM,999\n", "two closes of IWM on 2025-07-14: 200 and 999. Keep the right one"),
        (GOOD + "2025-07-10,IWM,inf\n", "close = 'inf' is no finite number. Write dates as YYYY-MM-DD"),
        (GOOD + "2025-07-10,IWM,0\n", "is 0.0. A close is above 0"),
        (GOOD + "2025-02-30,IWM,5\n", "date = '2025-02-30' is no date"),
        (GOOD.replace(",", ";"), "is separated by semicolons. Save it with commas"),
        ("date\n2025-07-14\n", "has dates and nothing beside them"),
    ],
)
def test_a_file_that_is_wrong_is_never_answered_for_by_an_earlier_pull(
    tmp_path: Path, data: Path, text: str, words: str
) -> None:
    assert drawdown(tmp_path, data, GOOD).status == "ok"
    result = drawdown(tmp_path, data, text)
    assert (result.status, result.metrics) == ("error", ())
    assert said(result).startswith("bad_file: ")
    assert words in said(result)


def test_a_file_that_is_no_text(tmp_path: Path, data: Path) -> None:
    (data / "prices.csv").write_bytes(b"\xff\xfe\x00bad")
    result = call("drawdown", {}, context(tmp_path, data=data))
    assert "Give a CSV in UTF-8, or Parquet." in said(result)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("month,fund,return_pct\n2026-13,A,1\n", "month = '2026-13-01' is no date"),
        ("month,fund,return_pct\n2025-01,A,1\n2025-01,A,2\n", "two returns of A in 2025-01: 1 and 2"),
        ("month,fund,return_pct\n2025-01,A,one\n", "return_pct = 'one' is no number"),
        ("month,fund\n2025-01,A\n", "lacks return_pct"),
    ],
)
def test_returns_that_are_wrong(tmp_path: Path, data: Path, text: str, words: str) -> None:
    (data / "returns.csv").write_text(text, encoding="utf-8")
    result = call("manager_excess", {}, context(tmp_path, data=data))
    assert result.status == "error"
    assert words in said(result)


@pytest.mark.parametrize(("count", "words"), [("-3", "are -3"), ("2.5", "are 2.5"), ("many", "is no number")])
def test_numbers_of_analysts_that_are_none(tmp_path: Path, data: Path, count: str, words: str) -> None:
    (data / "estimates.csv").write_text(f"date,ticker,analysts\n2025-07-01,AAA,{count}\n", encoding="utf-8")
    result = call("analyst_coverage", {"benchmark": ""}, context(tmp_path, data=data))
    assert result.status == "error"
    assert words in said(result)


def test_holdings_that_are_wrong(tmp_path: Path, data: Path) -> None:
    path = data / "holdings" / "TEST.csv"
    path.write_text(holdings_csv([("AAA", "ALPHA", 60.0), ("BBB", "BETA", 40.0)]), encoding="utf-8")
    ask = {"ticker": "TEST", "benchmark": "", "top": 1}
    assert call("concentration", ask, context(tmp_path, data=data)).status == "ok"
    for text in ("", "Ticker,Name,Weight (%)\nAAA,Alpha,100\n", holdings_csv([("AAA", "ALPHA", 6.0)])):
        path.write_text(text, encoding="utf-8")
        result = call("concentration", ask, context(tmp_path, data=data))
        assert result.status == "error"
        assert "Download the issuer's file" in said(result)


def test_the_doctor_reads_the_same_files(data: Path) -> None:
    for name in COLUMNS:
        (data / f"{name}.csv").write_text("a;b\n1;2\n", encoding="utf-8")
        with pytest.raises(ThesisError, match="separated by semicolons"):
            check(data / f"{name}.csv")


@pytest.mark.parametrize(
    ("tool", "given", "words"),
    [
        ("drawdown", {"tikcer": "IWM"}, "There is no argument 'tikcer': is ticker meant? drawdown takes ticker"),
        ("drawdown", {"xyzzy": "IWM"}, "There is no argument 'xyzzy'. drawdown takes"),
        ("drawdown", {"since": "soon"}, "since = 'soon' is no date: write it as YYYY-MM-DD."),
        ("drawdown", {"years": "two"}, "years = 'two' is no whole number."),
        ("drawdown", {"years": -3}, "years = -3: input should be greater than or equal to 1."),
        ("embedded_expectations", {"price": "nan"}, "price = 'nan'"),
        ("embedded_expectations", {"growth": "much"}, "growth = 'much' is no number."),
        ("call_sentiment", {"quarter": "2025Q7"}, "quarter = '2025Q7' is not that. It is: calendar quarter of the calls, such as 2025Q2"),
        ("federal_awards", {"naics": "abc"}, "naics = 'abc' is not that. It is: Industries by NAICS code"),
        ("call_sentiment", {"kind": "memo"}, "kind = 'memo': input should be '', 'transcript', 'release' or 'filed'."),
        ("balance_sheet", {"reports": 500, "tiker": 1}, "less than or equal to 50; There is no argument 'tiker': is ticker meant?"),
    ],
)  # fmt: skip
def test_a_wrong_argument_says_what_it_takes(tmp_path: Path, tool: str, given: dict[str, object], words: str) -> None:
    result = call(tool, given, context(tmp_path))
    assert result.status == "error"
    assert said(result).startswith("bad_arguments: ")
    assert words in said(result)
    assert "?:" not in said(result)


@pytest.mark.parametrize(
    ("tool", "given", "words"),
    [
        ("macro", {"series": " , "}, "No series was named."),
        ("verify_claim", {"claim": ""}, "No claim was given."),
        (
            "verify_claim",
            {"tool": "drawdown", "metric": "drawdown", "value": "-20", "claimed_on": "2031-01-01"},
            "which is still to come",
        ),
        ("drawdown", {"since": "2031-01-01"}, "The window begins on 2031-01-01"),
    ],
)
def test_what_cannot_be_is_said_before_a_source_is_asked(
    tmp_path: Path, tool: str, given: dict[str, str], words: str
) -> None:
    result = call(tool, given, context(tmp_path))
    assert result.status == "no_data"
    assert words in said(result)


def test_every_tool_runs_with_no_argument_and_no_source(tmp_path: Path) -> None:
    for name in tools():
        result = call(name, {}, context(tmp_path))
        assert result.status in {"no_data", "not_configured"}, name
        assert said(result).endswith("."), name
        assert not any(m.value is not None and m.name != "claimed" for m in result.metrics), name


def test_options_are_not_promised_from_a_file(tmp_path: Path) -> None:
    assert "your own file" not in said(call("hedging", {}, context(tmp_path)))


def test_an_as_of_day_is_over() -> None:
    assert _day(" 2025-06-30 ") == date(2025, 6, 30)
    with pytest.raises(SettingsError, match="lies in the future"):
        _day((date.today() + timedelta(days=3)).isoformat())
    with pytest.raises(SettingsError, match="is not a date"):
        _day("31.12.2024")
    assert date(2025, 7, 15) == TODAY
