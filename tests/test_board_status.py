"""The status of a catalyst: conditions against figures, and the words that say why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from assistant.catalysts.library import shipped
from assistant.catalysts.schema import Catalyst, Condition
from assistant.catalysts.shapes import BoardStatus, Reading
from assistant.catalysts.status import needed, readings, status_of
from assistant.models import Failure, Metric, ToolResult

RATE = Condition(
    "macro", "rate_change", "at_least", 0.5, arguments={"series": "rates"}, unit="percentage points", why="rates rise"
)
EASES = replace(RATE, compare="at_most", value=-0.5, why="rates fall")
COVER = Condition("balance_sheet", "interest_cover", "at_most", 3.0, subject="Russell 2000", unit="x")
ABOVE = Condition("tariff_exposure", "share", "above_subject", other="S&P 500", subject="Russell 2000")
CATALYST = Catalyst(
    "rates", "Rates", "S.", "M.", "headwind", ("rate",), confirms=(RATE, COVER, ABOVE), refutes=(EASES,)
)


def metric(
    name: str, value: float | None, unit: str = "", *, subject: str = "Federal funds", as_of: str = "2024-06-03"
) -> Metric:
    return Metric(
        name=name, subject=subject, value=value, unit=unit, as_of=as_of, source="A source", source_url="https://x.test"
    )


def result(tool: str, *metrics: Metric, **more: Any) -> ToolResult:
    return ToolResult(tool=tool, metrics=metrics, retrieved_at="2024-06-04T00:00:00+00:00", **more)


def read(
    *results: ToolResult, as_of: str | None = None, day: str = "2024-06-04", days: int = 365
) -> tuple[Reading, ...]:
    by_tool = {one.tool: one for one in results}
    calls = needed([CATALYST])
    found = {call: by_tool[name] for call, (name, _) in calls.items() if name in by_tool}
    return readings(CATALYST, found, day=day, as_of=as_of, stale_after_days=days)


def rates(change: float, **more: Any) -> ToolResult:
    return result("macro", metric("rate_change", change, "percentage points"), **more)


def cover(value: float) -> ToolResult:
    return result("balance_sheet", metric("interest_cover", value, "x", subject="Russell 2000 (IWM)"))


def test_each_call_is_needed_once() -> None:
    calls = needed([CATALYST])
    assert sorted(name for name, _ in calls.values()) == ["balance_sheet", "macro", "tariff_exposure"]
    shipped_calls = needed(shipped())
    conditions = [c for one in shipped() for c in one.conditions]
    assert len(shipped_calls) == len({c.call for c in conditions}) < len(conditions)


@pytest.mark.parametrize(
    ("results", "status"),
    [
        ((rates(0.75),), "confirming"),
        ((rates(0.5),), "confirming"),
        ((rates(-0.75),), "contradicting"),
        ((rates(-0.75), cover(2.0)), "mixed"),
        ((rates(0.1), cover(4.0)), "mixed"),
        ((), "no_data"),
        ((rates(0.75, stale=True),), "stale"),
        ((rates(0.75, stale=True), cover(2.0)), "confirming"),
        ((rates(-0.75, stale=True), cover(2.0)), "confirming"),
    ],
)
def test_the_status_follows_from_the_conditions(results: tuple[ToolResult, ...], status: BoardStatus) -> None:
    found, rule = status_of(read(*results))
    assert found == status
    assert rule.lower().startswith(status.replace("_", " ").replace("mixed", "mixed"))


def test_the_rule_names_figure_threshold_and_day() -> None:
    _, rule = status_of(read(rates(0.75), cover(4.0)))
    assert "1 of 3 conditions that confirm it hold; 0 of 1 conditions that refute it hold; 1 without a figure" in rule
    assert "rate_change of Federal funds is 0.75 pp (≥ 0.5 percentage points; as of 2024-06-03)" in rule


def test_a_reading_tells_its_number_threshold_unit_day_and_source() -> None:
    one = read(rates(0.75))[0]
    assert (one.side, one.value, one.threshold, one.unit, one.as_of, one.source, one.source_url, one.holds) == (
        "confirms", 0.75, 0.5, "percentage points", "2024-06-03", "A source", "https://x.test", True,
    )  # fmt: skip
    assert one.rule == "rate_change ≥ 0.5 percentage points"


def test_two_subjects_are_compared() -> None:
    shares = [
        metric("share", 15.0, "percent", subject="Russell 2000"),
        metric("share", 9.0, "percent", subject="S&P 500"),
    ]
    one = read(result("tariff_exposure", *shares))[2]
    assert (one.value, one.threshold, one.compared, one.holds) == (15.0, 9.0, "share of S&P 500", True)
    lonely = read(result("tariff_exposure", shares[0]))[2]
    assert (lonely.holds, lonely.reason) == (None, "There is no figure of S&P 500 to compare with.")


def test_units_that_differ_are_not_compared() -> None:
    one = read(result("macro", metric("rate_change", 75.0, "basis points")))[0]
    assert (one.value, one.holds) == (75.0, None)
    assert one.reason == "The figure is in basis points, the condition in percentage points: they are not compared."


def test_a_tool_without_data_says_why() -> None:
    failure = Failure(kind="not_configured", message="No source is switched on.", what_to_do="Add fred to sources.")
    found = read(ToolResult(tool="macro", status="not_configured", error=failure))
    assert [(r.tool_status, r.reason, r.what_to_do) for r in found[:1]] == [
        ("not_configured", "No source is switched on.", "Add fred to sources.")
    ]
    assert status_of(found) == ("no_data", "No data: no condition has a figure (no data, not configured).")


def test_a_figure_of_later_is_none_as_of_an_earlier_day() -> None:
    later = result("macro", metric("rate_change", 0.75, "percentage points", as_of="2024-06-04"))
    one = read(later, as_of="2024-06-03", day="2024-06-03")[0]
    assert (one.value, one.holds) == (None, None)
    assert one.reason == "The figure was observed on 2024-06-04, after 2024-06-03."
    assert read(later, as_of="2024-06-04")[0].holds is True


@pytest.mark.parametrize(("observed", "as_of", "known"), [("2024-05", "2024-05-31", False), ("2024-04", "2024-05-31", True), ("2023", "2024-05-31", True), ("2024", "2024-05-31", False), ("", "2024-05-31", False)])  # fmt: skip
def test_a_month_or_year_counts_when_it_is_over(observed: str, as_of: str, known: bool) -> None:
    one = read(result("macro", metric("rate_change", 0.75, "percentage points", as_of=observed)), as_of=as_of)[0]
    assert (one.holds is not None) is known


def test_an_old_figure_decides_nothing() -> None:
    old = result("macro", metric("rate_change", 0.75, "percentage points", as_of="2023-01-01"))
    one = read(old)[0]
    assert (one.old, status_of(read(old))[0]) == (True, "stale")
    assert read(old, days=0)[0].old is False


def test_a_metric_without_a_value_is_no_figure() -> None:
    one = read(result("macro", metric("rate_change", None, "percentage points")))[0]
    assert (one.value, one.holds) == (None, None)
    assert one.reason == "macro gave no rate_change."


def test_a_catalyst_without_conditions_has_no_data() -> None:
    assert status_of(())[0] == "no_data"
