"""Tool results beside an answer: a card each, with its status, figures, plots and the inputs behind them. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from assistant.live_text import figure, metric_name
from assistant.models import Metric, ToolResult
from assistant.tools.export import export, rows
from assistant.web.grids import grids
from assistant.web.inputs import table
from assistant.web.text import day, esc

WIDTH, HEIGHT = 560, 150
LEFT, RIGHT, TOP, BOTTOM = 52, 8, 10, 22
MOST_BARS = 12
MOST_EXPORTED = 100_000  # characters
STATUSES = {
    "no_data": "no data", "rate_limited": "too many requests", "not_configured": "not switched on", "undefined": "not defined", "error": "failed",
}  # fmt: skip
Points = Sequence[tuple[float, float, str]]  # (x, y, the label of x)


def cards(results: Sequence[ToolResult]) -> str:
    """Return the results as cards; "" for none."""
    return "".join(card(result) for result in results)


def card(result: ToolResult) -> str:
    """Return one result: what it is, how old, its figures, its plots, and its inputs folded away."""
    name = esc(result.tool.replace("_", " "))
    head = f'<span class="t-marker t-tool">{esc(result.marker)}</span> {name}'
    state = "" if result.status == "ok" else f' <span class="t-verdict">{esc(STATUSES[result.status])}</span>'
    old = ' <span class="t-verdict">stale</span>' if result.stale else ""
    if result.error and not result.metrics:
        body = f"<p>{esc(result.error.message)} {esc(result.error.what_to_do)}</p>"
    else:
        body = "".join((*_plots(result.metrics), *grids(result.metrics))) + _figures(result.metrics) + _download(result)
    when = (
        f"Retrieved {day(result.retrieved_at)}{', from a saved pull' if result.cached else ''}."
        if result.retrieved_at
        else ""
    )
    below = f'<p class="t-dim">{esc(when)}</p>' if when else ""
    if result.warnings:
        below += f'<ul class="t-dim">{"".join(f"<li>{esc(text)}</li>" for text in result.warnings)}</ul>'
    return f'<section class="t-live"><h4>{head}{state}{old}</h4>{body}{below}</section>'


def _download(result: ToolResult) -> str:
    """Return the buttons that save every input as CSV and as JSON; "" where there is none.

    More than a page should carry is left to the command line, which is said.
    """
    if not rows(result):
        return ""
    texts = {form: export(result, form) for form in ("csv", "json")}
    if max(map(len, texts.values())) > MOST_EXPORTED:
        return f'<p class="t-dim">The inputs are too many for a page: thesis tool {esc(result.tool)} --export FILE.csv saves them.</p>'
    name = f"{result.tool}-{result.retrieved_at[:10]}" if result.retrieved_at else result.tool
    buttons = "".join(
        f'<span><button type="button" class="t-action" data-action="download" data-name="{esc(name)}.{form}">Inputs as {form.upper()}</button>'
        f'<textarea class="t-export" hidden aria-hidden="true" tabindex="-1">{esc(text)}</textarea></span>'
        for form, text in texts.items()
    )
    return f'<p class="t-actions">{buttons}</p>'


def _figures(metrics: Sequence[Metric]) -> str:
    rows = []
    for m in metrics:
        value = esc(m.unit if m.value is None else figure(m.value, m.unit))
        covered = f"covers {figure(m.coverage_pct, 'percent')}" if m.coverage_pct is not None else None
        detail = "; ".join(
            part for part in (m.formula, m.period, m.source, f"n = {m.n}" if m.n is not None else None, covered) if part
        )
        rows.append(
            f"<tr><td>{esc(metric_name(m.name))}</td><td>{esc(m.subject)}</td><td>{value}</td>"
            f'<td>as of <span class="t-nowrap">{esc(day(m.as_of))}</span></td></tr><tr class="t-formula"><td colspan="4">{esc(detail)}{table(m)}</td></tr>'
        )
    return f'<details class="t-figures"><summary>Figures, formulas and inputs</summary><div class="t-scroll"><table>{"".join(rows)}</table></div></details>'


def _plots(metrics: Sequence[Metric]) -> list[str]:
    """Return a picture for each metric that brings series, weights or a grid; the same picture once."""
    out: list[str] = []
    for metric in metrics:
        if metric.name == "then":
            continue  # the picture of the figure of now shows it too
        lines = {str(one.get("name", "")): points for one in metric.inputs if (points := series(one.get("series")))}
        if lines:
            unit = next(str(one.get("unit", "")) for one in metric.inputs if one.get("series"))
            told = metric_name(metric.name) if len(lines) > 1 else ", ".join(lines)
            out.append(_lines(f"{metric.subject}: {told}", lines, unit))
        weights = [
            (str(one.get("ticker") or one.get("name") or ""), one["weight_pct"])
            for one in metric.inputs
            if _number(one.get("weight_pct"))
        ]
        if len(weights) > 1:
            out.append(_bars(f"{metric.subject}: {metric_name(metric.name)}", weights[:MOST_BARS]))
    return list(dict.fromkeys(out))


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def series(given: object) -> Points:
    """Return a series of [x, y] as points; x is a date (ISO) or a number. () for what is no series of two points."""
    if not isinstance(given, list | tuple):
        return ()
    out: list[tuple[float, float, str]] = []
    for pair in given:
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not _number(pair[1]):
            return ()
        x, y = pair
        if _number(x):
            out.append((float(x), float(y), f"year {x:g}"))
        else:
            try:
                out.append((float(date.fromisoformat(str(x)[:10]).toordinal()), float(y), day(str(x))))
            except ValueError:
                return ()
    return out if len(out) > 1 else ()


def _lines(title: str, lines: Mapping[str, Points], unit: str) -> str:
    points = [p for one in lines.values() for p in one]
    x0, x1 = min(p[0] for p in points), max(p[0] for p in points)
    y0, y1 = min(p[1] for p in points), max(p[1] for p in points)
    if y0 == y1:
        y0, y1 = y0 - 1, y1 + 1

    def at(x: float, y: float) -> str:
        across = LEFT + (WIDTH - LEFT - RIGHT) * (x - x0) / ((x1 - x0) or 1)
        down = TOP + (HEIGHT - TOP - BOTTOM) * (y1 - y) / (y1 - y0)
        return f"{across:.1f},{down:.1f}"

    drawn = "".join(
        f'<polyline class="t-line t-line-{n % 4}" points="{" ".join(at(x, y) for x, y, _ in one)}"><title>{esc(name)}</title></polyline>'
        for n, (name, one) in enumerate(lines.items())
    )
    first, last = min(points), max(points)
    marks = (
        _text(LEFT - 4, TOP + 8, figure(y1, unit), "end") + _text(LEFT - 4, HEIGHT - BOTTOM, figure(y0, unit), "end")
        + _text(LEFT, HEIGHT - 6, first[2], "start") + _text(WIDTH - RIGHT, HEIGHT - 6, last[2], "end")
    )  # fmt: skip
    keys = (
        "".join(f'<span class="t-key t-key-{n % 4}">{esc(name)}</span>' for n, name in enumerate(lines))
        if len(lines) > 1
        else ""
    )
    return _figure(
        title, f'<path class="t-axis" d="M{LEFT},{TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>{drawn}{marks}', HEIGHT, keys
    )


def _bars(title: str, weights: Sequence[tuple[str, Any]]) -> str:
    most = max(float(w) for _, w in weights) or 1.0
    drawn = "".join(
        f'<rect class="t-bar" x="90" y="{6 + 18 * n}" width="{max(1.0, (WIDTH - 160) * float(w) / most):.1f}" height="12"/>'
        + _text(84, 16 + 18 * n, name[:14], "end")
        + _text(96 + (WIDTH - 160) * float(w) / most, 16 + 18 * n, figure(float(w), "percent"), "start")
        for n, (name, w) in enumerate(weights)
    )
    return _figure(title, drawn, 12 + 18 * len(weights), "")


def _figure(title: str, drawn: str, height: int, keys: str) -> str:
    said = esc(title)
    return (
        f'<figure class="t-plot"><svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{said}">{drawn}</svg>'
        f"<figcaption>{said}{keys}</figcaption></figure>"
    )


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{esc(words)}</text>'


__all__ = ["card", "cards", "series"]
