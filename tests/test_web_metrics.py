"""Tool results as cards: status in words, plots of what is a series, inputs folded away, nothing active in it."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest

from assistant.models import Failure, Metric, ToolResult, ToolStatus
from assistant.tools.registry import call, listed
from assistant.tools.wiring import make_context
from assistant.web import metrics
from assistant.web.ages import ago, asked_of, moment, old
from assistant.web.text import esc
from vectorstore.settings import Settings


def metric(**values: Any) -> Metric:
    known = {"name": "drawdown", "subject": "Russell 2000", "value": -8.0, "unit": "percent", "as_of": "2026-11-19", "source": "your file"}  # fmt: skip
    return Metric(**(known | values))


def result(*shown: Metric, **values: Any) -> ToolResult:
    return ToolResult(tool="drawdown", marker="T1", metrics=shown, **values)


def test_a_series_of_dates_becomes_one_line_with_its_ends_named() -> None:
    curve = {"name": "drawdown curve", "unit": "percent", "series": [["2026-01-01", 0.0], ["2026-01-02", -10.0], ["2026-01-05", -5.0]]}  # fmt: skip
    html = metrics.card(result(metric(inputs=(curve,)), metric(name="peak", inputs=(curve,))))
    (points,) = re.findall(r'<polyline class="t-line t-line-0" points="([^"]*)">', html)
    assert points == "52.0,10.0 177.0,128.0 552.0,69.0"
    assert re.findall(r"<text[^>]*>([^<]*)</text>", html) == ["0%", "−10%", "1 Jan 2026", "5 Jan 2026"]


def test_weights_become_bars_in_proportion() -> None:
    top = ({"ticker": "AAA", "name": "Aaa", "weight_pct": 4.0}, {"ticker": "BBB", "name": "Bbb", "weight_pct": 2.0})
    html = metrics.card(result(metric(name="top2_weight", value=6.0, inputs=top)))
    assert [float(w) for w in re.findall(r'<rect[^>]* width="([\d.]+)"', html)] == [400.0, 200.0]
    assert ">AAA<" in html
    assert "4%" in html


@pytest.mark.parametrize(
    "bad",
    [None, "x", [], [["2026-01-01", 1.0]], [["2026-01-01", "1"], ["2026-01-02", 2]], [["soon", 1.0], ["later", 2.0]], [[1, 2, 3], [4, 5, 6]],
     [[1, float("nan")], [2, 1.0]]],
)  # fmt: skip
def test_what_is_no_series_is_not_drawn(bad: object) -> None:
    assert metrics.series(bad) == ()
    assert "<svg" not in metrics.card(result(metric(inputs=({"name": "x", "series": bad},))))


def test_a_flat_series_is_drawn_in_the_middle() -> None:
    html = metrics.card(result(metric(inputs=({"name": "x", "unit": "x", "series": [[1, 5.0], [2, 5.0]]},))))
    assert 'points="52.0,69.0 552.0,69.0"' in html


@pytest.mark.parametrize(("status", "words"), [("not_configured", "not switched on"), ("no_data", "no data"), ("rate_limited", "too many requests"), ("error", "failed")])  # fmt: skip
def test_without_a_figure_the_card_says_why_and_what_to_do(status: Any, words: str) -> None:
    html = metrics.card(result(status=status, error=Failure(kind="k", message="No source.", what_to_do="Set sources.")))
    assert words in html
    assert '<p class="t-no-figure">No source.</p>' in html
    assert "<strong>What to do</strong> Set sources.</p>" in html


def test_stale_saved_and_warned_of_are_said() -> None:
    html = metrics.card(result(metric(), stale=True, cached=True, retrieved_at="2026-10-01T10:00:00+00:00", warnings=("Old.",)))  # fmt: skip
    assert ">stale<" in html
    assert "Retrieved 1 Oct 2026, 10:00 UTC, from a saved pull." in html
    assert "<li>Old.</li>" in html


def test_words_of_a_source_stay_words() -> None:
    evil = '<img src=x onerror="alert(1)">'
    hostile = metric(
        name=evil, subject=evil, source=evil, formula=evil, inputs=({"name": evil, "value": evil}, {"name": evil, "unit": evil, "series": [[1, 1.0], [2, 2.0]]}),
    )  # fmt: skip
    html = metrics.card(result(hostile, warnings=(evil,)))
    assert "<img" not in html
    assert "onerror=&quot;" in html


def grid(*cases: tuple[float, float, int, str, float]) -> dict[str, Any]:
    keys = ("r_pct", "g_pct", "years", "continuing", "implied_pct")
    return {"name": "grid", "unit": "percent", "rows": [dict(zip(keys, case, strict=True)) for case in cases]}


def test_a_grid_of_cases_becomes_a_table_under_its_percentiles() -> None:
    cases = grid((7, 2, 5, "grows", 6.5), (7, 4, 5, "grows", 6.04), (9, 2, 5, "grows", 8.5), (9, 4, 5, "grows", -1.0))
    own = metric(name="implied_roa", value=7.0, inputs=(cases,))
    spread = [metric(name=f"implied_roa_{p}", value=v) for p, v in (("p10", 5.0), ("p50", 7.1), ("p90", 9.25))]
    html = metrics.card(result(own, *spread))
    assert "Russell 2000: implied ROA, P10 5%, P50 7.1%, P90 9.2%" in html
    (table,) = re.findall(r'<table class="t-grid">.*?</table>', html)
    assert re.findall(r"<th[^>]*>([^<]*)</th>", table) == ["grows", "g 2%", "g 4%", "N 5, r 7%", "N 5, r 9%"]
    assert [re.findall(r"<td>([^<]+)</td>", row) for row in table.split("<tr>")][-2:] == [["6.5%", "6%"], ["8.5%", "−1%"]]  # fmt: skip


@pytest.mark.parametrize("bad", [None, "x", [], [{"r_pct": 1}], [1], [{"r_pct": "7", "g_pct": 2, "years": 5, "continuing": "c", "implied_pct": 1}]])  # fmt: skip
def test_rows_that_are_no_grid_make_no_table(bad: object) -> None:
    html = metrics.card(result(metric(inputs=({"name": "x", "rows": bad},))))
    assert "t-grid" not in html


def test_a_case_that_is_lacking_is_a_dash_and_words_stay_words() -> None:
    evil = "<script>"
    html = metrics.card(result(metric(inputs=(grid((7, 2, 5, evil, 6.5), (9, 4, 10, evil, 8.5)),))))
    assert html.count("<td>–</td>") == 2
    assert evil not in html


def test_the_inputs_are_saved_by_their_turn_and_marker() -> None:
    curve = {"name": "curve", "unit": "percent", "series": [["2026-01-01", 0.0], ["2026-01-02", -10.0]]}
    held = result(metric(inputs=(curve,)))
    html = metrics.card(held, number=3)
    assert re.findall(r'data-event="export" data-turn="3" data-tool="T1" data-form="(\w+)"', html) == ["csv", "json"]
    assert "data-event" not in metrics.card(held)
    assert "<code>thesis tool drawdown --export FILE.csv</code> saves" in metrics.card(held)
    assert "export" not in metrics.card(result(metric()), number=3)


def test_inputs_stand_in_a_table_with_value_and_place() -> None:
    shown = (
        {"name": "last_close", "value": 230.0, "unit": "USD", "day": "2026-11-19"},
        {"concept": "Revenues", "value": 1_500_000_000.0, "unit": "USD", "filed": "2026-02-20", "accn": "0-26-1", "sign": 1, "absent": False},
        {"company": "Harbor", "score_pct": -1.25, "left_out": {"furniture": 2}, "url": "https://www.sec.gov/x.htm", "quote": "Sales  fell.", "start": 3, "end": 9, "document_id": "d"},
        {"name": "goodwill", "value": 0.0, "absent": True, "url": "javascript:alert(1)"},
    )  # fmt: skip
    html = metrics.card(result(metric(inputs=shown)))
    (table,) = re.findall(r'<table class="t-inputs">(.*?)</table>', html)
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in table.split("<tr>")[1:]]
    assert rows[0] == ["last close", "$230", "day 19 Nov 2026"]
    assert rows[1] == ["Revenues", "$1.5 billion", "filed 20 Feb 2026; accn 0-26-1"]
    assert rows[2][:2] == ["Harbor", "−1.25%"]
    assert "left out: furniture 2" in rows[2][2]
    assert '<a href="https://www.sec.gov/x.htm" target="_blank" rel="noopener noreferrer">source</a>' in rows[2][2]
    assert "“Sales fell.”" in rows[2][2]
    assert rows[3] == ["goodwill", "0", "absent; javascript:alert(1)"]
    many = metrics.card(result(metric(inputs=tuple({"name": str(n), "value": n} for n in range(15)))))
    assert "and 3 more, in the file of inputs" in many


TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("iso", "said"),
    [
        ("2026-11-21", "today"), ("2026-11-20", "yesterday"), ("2026-11-18", "3 days old"), ("2026-06-30", "4 months old"),
        ("2023-06-30", "3 years 4 months old"), ("2026-11-22", ""), ("soon", ""), ("", ""), (None, ""), ("2026-11-20T09:00:00+00:00", "yesterday"),
    ],
)  # fmt: skip
def test_ages_in_words(iso: str | None, said: str) -> None:
    assert old(iso, TODAY) == said
    assert ago(iso, TODAY) == said.replace("old", "ago")
    assert old(iso, None) == ago(iso, None) == ""


def test_a_question_as_of_a_day_counts_ages_to_that_day() -> None:
    asked = date(2024, 6, 30)
    assert old("2024-06-27", TODAY, asked) == "3 days old on 30 Jun 2024"
    assert old("2024-06-30", TODAY, asked) == "the day asked for"
    assert old("2024-07-01", TODAY, asked) == ""
    html = metrics.card(result(metric(as_of="2024-06-27"), arguments={"as_of": "2024-06-30"}), TODAY)
    assert html.count("3 days old on 30 Jun 2024") == 2
    assert asked_of(result(arguments={"as_of": "soon"})) is asked_of(result(arguments={"as_of": 3})) is None


@pytest.mark.parametrize(
    ("iso", "said"),
    [("2026-10-01T10:00:00+00:00", "1 Oct 2026, 10:00 UTC"), ("2026-10-01T01:30:00+03:00", "30 Sep 2026, 22:30 UTC"), ("2026-10-01T10:00:00", "1 Oct 2026"),
     ("2026-10-01", "1 Oct 2026"), ("<b>", "<b>")],
)  # fmt: skip
def test_moments_in_words(iso: str, said: str) -> None:
    assert moment(iso) == said


def test_every_figure_says_when_it_is_of_and_how_old_it_is() -> None:
    shown = [metric(name=f"figure_{n}", as_of=f"2026-11-{n:02}") for n in range(10, 20)]
    html = metrics.card(result(*shown, retrieved_at="2026-11-20T10:00:00+00:00", cached=True), TODAY, number=2)
    text = re.sub(r"<[^>]+>", "", html)
    for n in range(10, 20):
        assert f"as of {n} Nov 2026, {21 - n} days old" in text
    assert text.count("days old") == 10 + metrics.MOST_SHOWN
    assert "Retrieved 20 Nov 2026, 10:00 UTC, yesterday, from a saved pull." in text
    assert "days old" not in metrics.card(result(*shown))


def test_what_the_question_names_stands_on_the_card() -> None:
    many = [metric(name=name) for name in ("one", "two", "three", "four", "five", "peak")]
    html = metrics.card(result(*many), question="When was the peak?")
    table = html[html.index('<table class="t-shown">') : html.index("</table>")]
    assert re.findall(r'<th scope="row">(\w+)', table) == ["peak", "one", "two", "three"]
    assert '<span class="t-dim">Russell 2000</span>' in html[: html.index("</h3>")]


def test_a_plot_says_its_ends_to_who_does_not_see_it_and_is_a_table_too() -> None:
    points = [[f"2026-01-{n:02}", float(n % 7)] for n in range(1, 31)]
    html = metrics.card(result(metric(inputs=({"name": "curve", "unit": "percent", "series": points},))), number=1)
    (said,) = re.findall(r'role="img" aria-label="([^"]*)"', html)
    assert said == "Russell 2000: curve: curve from 1% (1 Jan 2026) to 2% (30 Jan 2026), lowest 0%, highest 6%."
    table = html[html.index('<table class="t-points">') :]
    days = re.findall(r'<th scope="row">([^<]*)</th>', table[: table.index("</tbody>")])
    assert (days[0], days[1], days[-1], len(days)) == ("1 Jan 2026", "3 Jan 2026", "30 Jan 2026", 16)
    assert "One point in 2; all 30 are in the file of inputs." in html
    assert 'data-keep="1-T1-plot-0"' in html


def test_two_curves_are_two_columns_and_a_day_that_one_lacks_is_a_dash() -> None:
    curves = tuple({"name": name, "unit": "x", "series": given} for name, given in (("a", [[1, 1.0], [2, 2.0]]), ("b", [[2, 5.0], [3, 6.0]])))  # fmt: skip
    html = metrics.card(result(metric(inputs=curves)))
    body = html[html.index("<tbody>") : html.index("</tbody>")]
    assert [re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", row) for row in body.split("<tr>")[1:]] == [
        ["year 1", "1x", "–"], ["year 2", "2x", "5x"], ["year 3", "–", "6x"],
    ]  # fmt: skip


def test_settings_commands_and_files_stand_apart_in_what_to_do() -> None:
    told = 'Set sources = ["market"] and accept_market_terms = true in thesis.toml, put prices.csv there, set FRED_API_KEY, or run thesis ingest FILE.'
    html = metrics.card(result(status="not_configured", error=Failure(kind="k", message="Off.", what_to_do=told)))
    assert re.findall("<code>([^<]*)</code>", html) == [
        "sources = [&quot;market&quot;]", "accept_market_terms = true", "thesis.toml", "prices.csv", "FRED_API_KEY", "thesis ingest FILE",
    ]  # fmt: skip


@pytest.mark.parametrize("status", [s for s in get_args(ToolStatus) if s != "ok"])
def test_every_status_is_said_in_words_even_without_a_reason(status: Any) -> None:
    html = metrics.card(result(status=status))
    assert metrics.SAID[status] in html.replace("&#x27;", "'")
    assert re.search(r'<span class="t-verdict">[a-z ]+</span>', html)


def test_a_part_that_failed_is_told_beside_the_figures() -> None:
    html = metrics.card(result(metric(), status="rate_limited", error=Failure(kind="k", message="Wait a minute.", what_to_do="Ask again.")))  # fmt: skip
    assert "Wait a minute." in html
    assert "−8%" in html


def test_many_notes_are_folded_away() -> None:
    html = metrics.card(result(metric(), warnings=tuple(f"Note {n}." for n in range(5))), number=4)
    assert '<details class="t-notes" data-keep="4-T1-notes"><summary>5 notes</summary>' in html
    assert "<li>Note 4.</li>" in html


ARGUMENTS = {"balance_sheet": {"ticker": "ALDR"}, "embedded_expectations": {"ticker": "ALDR"}, "call_sentiment": {"ticker": "ALDR"}, "verify_claim": {"claim": "v-drawdown"}}  # fmt: skip


def test_every_tool_without_a_source_says_what_is_off_and_what_to_do(tmp_path: Path) -> None:
    settings = Settings(store=str(tmp_path / "base"))
    given = make_context(settings)
    seen = set()
    for tool in listed():
        name = str(tool["name"])
        held = call(name, ARGUMENTS.get(name, {}), given).model_copy(update={"marker": "T1"})
        seen.add(held.status)
        assert held.status in {"not_configured", "no_data"}, name
        html = metrics.card(held, TODAY, number=1)
        assert held.error is not None
        assert esc(held.error.message) in html
        todo = re.sub(r"</?code>", "", html[html.index("What to do</strong>") :])
        assert esc(held.error.what_to_do) in todo
        assert "<code>" in html, name
        assert "<svg" not in html
        assert ("data-event" in html) == (name == "verify_claim")  # what was claimed has inputs of its own
    assert seen == {"not_configured", "no_data"}
