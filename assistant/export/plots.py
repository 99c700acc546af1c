"""What of a tool's metrics can be drawn: series as curves, weights as bars. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

from assistant.export.blocks import Line, Plot, Point
from assistant.export.text import day
from assistant.live_text import figure, metric_name
from assistant.models import Metric

MOST_BARS = 12


def plots(metrics: Sequence[Metric]) -> list[Plot]:
    """Return a plot for each metric that brings series or weights; the same plot once."""
    out: list[Plot] = []
    for metric in metrics:
        if metric.name == "then":
            continue  # the plot of the figure of now shows it too
        lines = {str(one.get("name", "")): points for one in metric.inputs if (points := series(one.get("series")))}
        if lines:
            unit = next(str(one.get("unit", "")) for one in metric.inputs if one.get("series"))
            told = metric_name(metric.name) if len(lines) > 1 else ", ".join(lines)
            drawn = tuple(Line(name, points) for name, points in lines.items())
            out.append(Plot(f"{metric.subject}: {told}", unit, lines=drawn))
        weights = [
            (str(one.get("ticker") or one.get("name") or ""), float(one["weight_pct"]))
            for one in metric.inputs
            if is_number(one.get("weight_pct"))
        ]
        if len(weights) > 1:
            out.append(
                Plot(f"{metric.subject}: {metric_name(metric.name)}", "percent", bars=tuple(weights[:MOST_BARS]))
            )
    return list(dict.fromkeys(out))


def is_number(value: object) -> bool:
    """Whether a value is a finite number, and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def series(given: object) -> tuple[Point, ...]:
    """Return a series of [x, y] as points; x is a date (ISO) or a number. () for what is no series of two points."""
    if not isinstance(given, list | tuple):
        return ()
    out: list[Point] = []
    for pair in given:
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not is_number(pair[1]):
            return ()
        x, y = pair
        if is_number(x):
            out.append((float(x), float(y), f"year {x:g}"))
        else:
            try:
                out.append((float(date.fromisoformat(str(x)[:10]).toordinal()), float(y), day(str(x))))
            except ValueError:
                return ()
    return tuple(out) if len(out) > 1 else ()


def in_words(plot: Plot) -> str:
    """Return what a plot shows, for those who do not see it: where each curve begins, ends and has its ends; or each bar."""
    if plot.bars:
        return f"{plot.title}: {', '.join(f'{name} {figure(value, plot.unit)}' for name, value in plot.bars)}."
    told = []
    for line in plot.lines:
        first, last = line.points[0], line.points[-1]
        low, high = min(p[1] for p in line.points), max(p[1] for p in line.points)
        told.append(
            f"{line.name or 'the curve'} from {figure(first[1], plot.unit)} ({first[2]}) to {figure(last[1], plot.unit)} "
            f"({last[2]}), lowest {figure(low, plot.unit)}, highest {figure(high, plot.unit)}"
        )
    return f"{plot.title}: {'; '.join(told)}." if told else f"{plot.title}."


__all__ = ["MOST_BARS", "in_words", "is_number", "plots", "series"]
