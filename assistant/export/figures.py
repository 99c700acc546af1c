"""A tool's result as blocks: status, times and ages, plots, grids, figures with their formula, and inputs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from assistant.export.blocks import Block, Heading, Paragraph, Spans, Table, Words, words
from assistant.export.plots import is_number, plots
from assistant.export.text import age, day
from assistant.live_text import figure, metric_name
from assistant.models import Metric, ToolResult

STATUSES = {
    "ok": "ok", "no_data": "no data", "rate_limited": "too many requests", "not_configured": "not switched on",
    "undefined": "not defined", "error": "failed",
}  # fmt: skip
MOST_INPUTS = 40  # of one figure; more are in the file of inputs
MOST_CASES = 200
GRID_KEYS = ("r_pct", "g_pct", "years", "continuing", "implied_pct")
_WHAT = ("name", "company", "ticker", "concept", "claim", "verdict", "of")
_VALUES = {"value": "", "weight_pct": "percent", "score_pct": "percent", "value_pct": "percent", "amount_usd": "USD", "difference_pp": "percentage points"}  # fmt: skip
# What a machine needs, and people see in the quote, the page or the metric itself.
_UNSAID = frozenset({"subject", "unit", "version", "document_id", "sign", "method"})
_PLACE = frozenset({"start", "end"})
_DAYS = frozenset({"filed", "day", "end", "start", "published"})
Case = Mapping[str, Any]


def result_blocks(result: ToolResult, today: date | None = None, level: int = 2) -> list[Block]:
    """Return one result; ``today``: what ages count to (none are said without it); ``level``: of its heading."""
    marker = f"{result.marker} " if result.marker else ""
    blocks: list[Block] = [
        Heading(words(f"{marker}{result.tool.replace('_', ' ')}"), level),
        Paragraph(words(_status(result, today)), "note"),
    ]
    if result.error and not result.metrics:
        blocks.append(Paragraph(words(f"{result.error.message} {result.error.what_to_do}".strip()), "alert"))
    blocks += plots(result.metrics)
    blocks += grids(result.metrics)
    if result.metrics:
        blocks.append(_figures(result.metrics, today))
        blocks += [table for metric in result.metrics if (table := _inputs(metric)) is not None]
    blocks += [Paragraph(words(warning), "warning") for warning in result.warnings]
    return blocks


def _status(result: ToolResult, today: date | None) -> str:
    said = [f"Status: {STATUSES[result.status]}"]
    if result.stale:
        said.append("stale: older than its source's own cadence")
    if result.retrieved_at:
        old = age(result.retrieved_at, today)
        saved = ", from a saved pull" if result.cached else ""
        said.append(f"retrieved {day(result.retrieved_at)}{f' ({old})' if old else ''}{saved}")
    return f"{'; '.join(said)}."


def _figures(metrics: Sequence[Metric], today: date | None) -> Table:
    rows = []
    for m in metrics:
        value = m.unit if m.value is None else figure(m.value, m.unit)
        rows.append(
            tuple(words(text) for text in (metric_name(m.name), m.subject, value, day(m.as_of), age(m.as_of, today), how(m)))
        )  # fmt: skip
    head = tuple(words(name) for name in ("Figure", "Of", "Value", "As of", "Age", "How"))
    return Table(tuple(rows), head, "Figures", numbers=(2,))


def how(metric: Metric) -> str:
    """Return how a figure was made: formula, period, source, how many it is of, and how much of the whole they cover."""
    covered = f"covers {figure(metric.coverage_pct, 'percent')}" if metric.coverage_pct is not None else None
    count = f"n = {metric.n}" if metric.n is not None else None
    return "; ".join(part for part in (metric.formula, metric.period, metric.source, count, covered) if part)


def inputs(metric: Metric) -> list[Mapping[str, Any]]:
    """Return a metric's inputs that are no curve and no grid."""
    return [one for one in metric.inputs if "series" not in one and "rows" not in one]


def _inputs(metric: Metric) -> Table | None:
    held = inputs(metric)
    if not held:
        return None
    rows: list[tuple[Spans, ...]] = []
    for one in held[:MOST_INPUTS]:
        what, value, rest = input_row(one)
        told = "; ".join(text for key, given in rest if (text := told_of(key, given)))
        rows.append((words(what), words(value), words(told)))
    if len(held) > MOST_INPUTS:
        rows.append(((Words(f"and {len(held) - MOST_INPUTS} more, in the file of inputs", "quiet"),),))
    head = tuple(words(name) for name in ("Input", "Value", "Read from"))
    about = f" of {metric.subject}" if metric.subject else ""
    return Table(tuple(rows), head, f"Inputs: {metric_name(metric.name)}{about}", numbers=(1,))


def input_row(one: Mapping[str, Any]) -> tuple[str, str, list[tuple[str, Any]]]:
    """Return what an input is, its value in its unit, and the fields that remain to be told."""
    what = next((key for key in _WHAT if one.get(key) not in (None, "")), "")
    value = next((key for key in _VALUES if is_number(one.get(key))), "")
    shown = figure(float(one[value]), str(one.get("unit") or _VALUES[value])) if value else ""
    unsaid = _UNSAID | {what, value} | (_PLACE if "quote" in one else frozenset())
    rest = [(key, given) for key, given in one.items() if key not in unsaid]
    return str(one[what]).replace("_", " ") if what else "", shown, rest


def told_of(key: str, given: object) -> str:
    """Return a field in words; "" for what says nothing."""
    if given in (None, "", {}, [], ()) or (key == "absent" and given is False):
        return ""
    name = key.removesuffix("_pct").replace("_", " ")
    if key == "quote":
        return f"“{' '.join(str(given).split())}”"
    if key == "url":
        return str(given)
    if isinstance(given, bool):
        return name if key == "absent" else f"{name} {'yes' if given else 'no'}"
    if isinstance(given, Mapping):
        return f"{name}: {', '.join(f'{k} {v}' for k, v in given.items())}"
    if is_number(given):
        assert isinstance(given, int | float)
        if key.endswith("_pct"):
            return f"{name} {figure(float(given), 'percent')}"
        return f"{name} {f'{given:,.6g}' if isinstance(given, float) else given}"
    text = str(given)
    return f"{name} {day(text) if key in _DAYS else text}"


def cases(given: object) -> list[Case]:
    """Return the cases of a grid (GRID_KEYS each, the implied value a number); [] for another kind of rows."""
    if not isinstance(given, list | tuple) or len(given) > MOST_CASES:
        return []
    held = [one for one in given if isinstance(one, Mapping) and all(key in one for key in GRID_KEYS)]
    whole = all(is_number(one[key]) for one in held for key in GRID_KEYS if key != "continuing")
    return held if whole and len(held) == len(given) else []


def grid_title(metric: Metric, metrics: Sequence[Metric]) -> str:
    """Return what a grid shows, with the percentiles that stand beside it among ``metrics``."""
    spread = [
        f"{name.upper()} {figure(m.value or 0.0, m.unit)}"
        for name in ("p10", "p50", "p90")
        for m in metrics
        if m.name == f"{metric.name}_{name}" and m.subject == metric.subject and m.value is not None
    ]
    return ", ".join([f"{metric.subject}: {metric_name(metric.name)}", *spread])


def grids(metrics: Sequence[Metric]) -> list[Table]:
    """Return a table for each metric with a grid: a row a horizon and rate, a column a continuing value and growth."""
    return [
        _grid(grid_title(metric, metrics), held)
        for metric in metrics
        for one in metric.inputs
        if (held := cases(one.get("rows")))
    ]


def _grid(title: str, held: Sequence[Case]) -> Table:
    columns = sorted({(str(c["continuing"]), float(c["g_pct"])) for c in held})
    lines = sorted({(int(c["years"]), float(c["r_pct"])) for c in held})
    values = {
        (int(c["years"]), float(c["r_pct"]), str(c["continuing"]), float(c["g_pct"])): float(c["implied_pct"]) for c in held
    }  # fmt: skip

    def cell(key: tuple[int, float, str, float]) -> Spans:
        return words(figure(values[key], "percent") if key in values else "–")

    head = (words(""), *(words(f"{kind.replace('_', ' ')}, g {figure(g, 'percent')}") for kind, g in columns))
    rows = tuple(
        (words(f"N {years}, r {figure(rate, 'percent')}"), *(cell((years, rate, kind, g)) for kind, g in columns))
        for years, rate in lines
    )
    return Table(rows, head, title, numbers=tuple(range(1, len(columns) + 1)))


__all__ = [
    "GRID_KEYS", "MOST_INPUTS", "STATUSES", "cases", "grid_title", "grids", "how", "input_row", "inputs", "result_blocks", "told_of",
]  # fmt: skip
