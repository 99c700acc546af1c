"""How far an index stands below its peak, for how long, and against the large-cap index.

drawdown = P_t / max(P since the window's start) - 1;  recovery needed = 1 / (1 + drawdown) - 1
"""

from __future__ import annotations

from datetime import date
from itertools import accumulate
from typing import Any

from pydantic import Field

from assistant.tools.base import Arguments, Context, Draft, NoData, Tool, execute
from assistant.tools.closes import History, closes, thinned, years_before
from assistant.tools.entities import instrument

NAME = "drawdown"


class DrawdownArguments(Arguments):
    ticker: str = Field("Russell 2000", description="An index, fund or ticker")
    benchmark: str = Field("S&P 500", description="What it is compared with since its peak; empty for nothing")
    since: date | None = Field(None, description="The peak is looked for from this day on (default: `years` back)")
    years: int = Field(2, ge=1, le=30, description="The window in years, where `since` is not given")


def _work(a: DrawdownArguments, context: Context, draft: Draft) -> None:
    symbol, name = instrument(a.ticker)
    draft.resolved(ticker=symbol, name=name)
    start = a.since or years_before(context.day, a.years)
    draft.resolved(since=start.isoformat())
    if start >= context.day:
        raise NoData(f"The window begins on {start}, and the last day is {context.day}.", "Give an earlier `since`.")
    other = instrument(a.benchmark) if a.benchmark else None
    if other is not None:
        draft.resolved(benchmark=other[0])
    history = closes(context, draft, symbol, start)
    if len(history.days) < 2:
        raise NoData(f"There is one close of {symbol} since {start} only.", "Give an earlier `since`.")
    _own(history, name, draft)
    if other is not None and other[0] != symbol:
        draft.attempt(_against, history, name, other, context, draft, start)


def _own(history: History, name: str, draft: Draft) -> None:
    days, values = history.days, history.values
    last, day = values[-1], days[-1]
    highest = max(values)
    peak_at = max(i for i, v in enumerate(values) if v == highest)
    peak_day = days[peak_at]
    drop = last / highest - 1
    period = f"{days[0]} to {day}"
    unit = history.currency or "price"
    inputs = (
        {"name": "last close", "value": last, "unit": unit, "day": day.isoformat()},
        {"name": "highest close", "value": highest, "unit": unit, "day": peak_day.isoformat()},
    )
    curve = thinned([(d, 100 * (v / top - 1)) for d, v, top in zip(days, values, accumulate(values, max), strict=True)])
    common: dict[str, Any] = {"as_of": day, "source": history.source, "source_url": history.url, "n": len(values)}
    draft.add(
        "drawdown", name, 100 * drop, "percent", period=period,
        formula=f"P_t / max(P since {days[0]}) - 1 = {last:.6g} / {highest:.6g} - 1",
        inputs=(*inputs, {"name": "drawdown curve", "unit": "percent", "series": curve}), **common,
    )  # fmt: skip
    # What is traded is the fund: its price is not the level of the index.
    traded = history.symbol if name == history.symbol else f"{history.symbol} ({name})"
    draft.add(
        "last_close", traded, last, unit, method="reported", formula=f"close of {history.symbol}", inputs=inputs[:1], **common,
    )  # fmt: skip
    draft.add(
        "peak", traded, highest, unit, period=peak_day.isoformat(), method="reported",
        formula=f"highest close since {days[0]}", inputs=inputs[1:], **common,
    )  # fmt: skip
    draft.add(
        "days_since_peak", name, (day - peak_day).days, "days", period=f"{peak_day} to {day}",
        formula="last day - day of the peak", inputs=inputs, **common,
    )  # fmt: skip
    draft.add(
        "recovery_needed", name, 100 * (highest / last - 1), "percent", period=period,
        formula="1 / (1 + drawdown) - 1", inputs=inputs, **common,
    )  # fmt: skip
    tops = list(accumulate(values, max))
    deepest = min(range(len(values)), key=lambda i: values[i] / tops[i])
    start_of = max(i for i in range(deepest + 1) if values[i] == tops[deepest])
    draft.add(
        "deepest_drawdown", name, 100 * (values[deepest] / tops[deepest] - 1), "percent",
        period=f"{days[start_of]} to {days[deepest]}", formula="min over the window of P_t / max(P up to t) - 1",
        inputs=(
            {"name": "peak", "value": tops[deepest], "unit": unit, "day": days[start_of].isoformat()},
            {"name": "trough", "value": values[deepest], "unit": unit, "day": days[deepest].isoformat()},
        ),
        **common,
    )  # fmt: skip


def _against(history: History, name: str, other: tuple[str, str], context: Context, draft: Draft, start: date) -> None:
    base = closes(context, draft, other[0], start)
    shared = sorted(set(history.days) & set(base.days))
    mine, theirs = dict(zip(history.days, history.values, strict=True)), dict(zip(base.days, base.values, strict=True))
    highest = max(history.values)
    peak = max(d for d in history.days if mine[d] == highest)
    if len(shared) < 2 or peak not in theirs:
        raise NoData(f"{other[0]} has no close on the day of the peak, {peak}.", "Take another benchmark.")
    day = shared[-1]
    own, its = mine[day] / mine[peak] - 1, theirs[day] / theirs[peak] - 1
    draft.add(
        "relative_since_peak", f"{name} against {other[1]}", 100 * (own - its), "percentage points",
        as_of=day, period=f"{peak} to {day}", source="; ".join(dict.fromkeys((history.source, base.source))), source_url=base.url,
        formula="(P_t / P_peak - 1) - (B_t / B_peak - 1)", n=len(shared),
        inputs=(
            {"name": f"change of {history.symbol}", "value": 100 * own, "unit": "percent", "day": day.isoformat()},
            {"name": f"change of {other[0]}", "value": 100 * its, "unit": "percent", "day": day.isoformat()},
        ),
    )  # fmt: skip


TOOL = Tool(
    NAME,
    "How far an index, fund or share stands below its peak, since when, and against the large-cap index.",
    DrawdownArguments,
    ("market", "data"),
    execute(NAME, _work),
)
