"""Whether the median manager beats the benchmark over rolling windows, from monthly returns of the user's own file.

a = (product of (1 + r_m) over n months)^(12 / n) - 1;  excess = a(fund, net of fees) - a(benchmark)
result = mean over windows of the median over funds
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from math import prod
from statistics import fmean, median
from typing import Any

from pydantic import Field

from assistant.tools.base import Arguments, Context, Draft, NoData, Pulled, Tool, Undefined, execute
from assistant.tools.closes import thinned
from assistant.tools.providers.protocols import FundReturns, ReturnsTable
from assistant.tools.pulls import Want, pull
from vectorstore.names import fold

NAME = "manager_excess"


class ManagerArguments(Arguments):
    region: str = Field("", description="A group of the file, such as Europe small cap; empty for each")
    months: int = Field(60, ge=12, le=240, description="The length of a window in months")


def _work(a: ManagerArguments, context: Context, draft: Draft) -> None:
    provider = context.providers.returns
    want = Want("data", "returns", "monthly returns of funds", dated=True, fresh_days=100)
    pulled = pull(context, want, ReturnsTable, provider.returns if provider else None)
    table = draft.take(pulled)
    groups = sorted({f.group for f in table.funds})
    chosen = [g for g in groups if not a.region or fold(a.region) in fold(g)]
    if not chosen:
        raise NoData(f"The file of returns has no group {a.region!r}.", f"It has {', '.join(groups) or 'none'}.")
    for group in chosen:
        funds = [f for f in table.funds if f.group == group]
        draft.attempt(_group, group or "all funds", funds, a.months, pulled, context, draft)
    draft.warn(
        "Funds that were closed or merged count only if the file holds them: without them the result is too high (survivorship)."
    )


def _group(
    group: str, funds: Sequence[FundReturns], months: int, pulled: Pulled[ReturnsTable], context: Context, draft: Draft
) -> None:
    benches, managed = [f for f in funds if f.benchmark], [f for f in funds if not f.benchmark]
    if len(benches) != 1:
        raise Undefined(f"{group}: {len(benches)} benchmarks in the file.", "Mark one with benchmark = yes.")
    by_month = {f.fund: _cut(f, context.day) for f in (*benches, *managed)}
    bench = by_month[benches[0].fund]
    ends = sorted(bench)[months - 1 :]
    windows: list[tuple[date, float, int]] = []
    ahead = pairs = 0
    for end in ends:
        base = _annual(bench, end, months)
        if base is None:
            continue
        excess = [v - base for f in managed if (v := _annual(by_month[f.fund], end, months)) is not None]
        if excess:
            windows.append((end, median(excess), len(excess)))
            ahead += sum(e > 0 for e in excess)
            pairs += len(excess)
    if not windows:
        raise NoData(
            f"{group}: no window of {months} months in which the benchmark and a fund have every return.",
            "Give a shorter window, or a file with more months.",
        )
    common: dict[str, Any] = {
        "source": pulled.source, "source_url": pulled.url, "as_of": windows[-1][0],
        "period": f"windows of {months} months that end {windows[0][0]} to {windows[-1][0]}",
    }  # fmt: skip
    inputs = (
        {"name": "benchmark", "value": benches[0].fund},
        {"name": "funds", "value": len(managed)},
        {"name": "median excess by end of window", "unit": "percentage points a year", "series": thinned([(e, v) for e, v, _ in windows])},
    )  # fmt: skip
    draft.add(
        "median_manager_excess", group, fmean(v for _, v, _ in windows), "percentage points a year", n=len(windows),
        formula="mean over windows of the median over funds of a(fund) - a(benchmark)", inputs=inputs, **common,
    )  # fmt: skip
    draft.add(
        "latest_median_manager_excess", group, windows[-1][1], "percentage points a year", n=windows[-1][2],
        formula="median over funds of a(fund) - a(benchmark), newest window", inputs=inputs[:2], **common,
    )  # fmt: skip
    draft.add(
        "funds_ahead_share", group, 100 * ahead / pairs, "percent", n=pairs,
        formula="funds and windows with a(fund) > a(benchmark) / all", inputs=inputs[:2], **common,
    )  # fmt: skip


def _cut(fund: FundReturns, day: date) -> dict[date, float]:
    return {r.month: r.value for r in fund.returns if r.month <= day}


def _annual(returns: dict[date, float], end: date, months: int) -> float | None:
    """Return the annualised return in percent of the ``months`` to ``end``; None where one is missing."""
    numbers = {d.year * 12 + d.month: v for d, v in returns.items()}
    last = end.year * 12 + end.month
    wanted = range(last - months + 1, last + 1)
    if any(n not in numbers for n in wanted):
        return None
    total = prod(1 + numbers[n] / 100 for n in wanted)
    return 100 * (total ** (12 / months) - 1) if total > 0 else -100.0


TOOL = Tool(
    NAME,
    "Whether the median fund manager beats the benchmark over rolling five-year windows, net of fees.",
    ManagerArguments,
    ("data",),
    execute(NAME, _work),
)
