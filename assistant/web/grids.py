"""A grid of cases (what return is implied, by rate, growth, horizon and continuing value) as a table. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assistant.live_text import figure, metric_name
from assistant.models import Metric
from assistant.web.text import esc

_KEYS = ("r_pct", "g_pct", "years", "continuing", "implied_pct")
MOST_CASES = 200
Case = Mapping[str, Any]


def grids(metrics: Sequence[Metric]) -> list[str]:
    """Return a table for each metric with a grid, its percentiles above it."""
    return [
        _table(metric, cases, metrics)
        for metric in metrics
        for one in metric.inputs
        if (cases := _cases(one.get("rows")))
    ]


def _cases(given: object) -> list[Case]:
    """Return the cases that have every key, the implied value a number; [] for another kind of rows."""
    if not isinstance(given, list | tuple) or len(given) > MOST_CASES:
        return []
    cases = [one for one in given if isinstance(one, Mapping) and all(key in one for key in _KEYS)]
    whole = all(isinstance(one[key], int | float) and not isinstance(one[key], bool) for one in cases for key in _KEYS if key != "continuing")  # fmt: skip
    return cases if whole and len(cases) == len(given) else []


def _table(metric: Metric, cases: Sequence[Case], metrics: Sequence[Metric]) -> str:
    spread = [
        (name.upper(), m)
        for name in ("p10", "p50", "p90")
        for m in metrics
        if m.name == f"{metric.name}_{name}" and m.subject == metric.subject and m.value is not None
    ]
    said = ", ".join(f"{name} {figure(m.value or 0.0, m.unit)}" for name, m in spread)
    title = f"{metric.subject}: {metric_name(metric.name)}{f', {said}' if said else ''}"
    columns = sorted({(str(c["continuing"]), float(c["g_pct"])) for c in cases})
    lines = sorted({(int(c["years"]), float(c["r_pct"])) for c in cases})
    held = {(int(c["years"]), float(c["r_pct"]), str(c["continuing"]), float(c["g_pct"])): float(c["implied_pct"]) for c in cases}  # fmt: skip
    kinds = list(dict.fromkeys(kind for kind, _ in columns))
    over = "".join(f'<th colspan="{sum(k == kind for k, _ in columns)}" scope="colgroup">{esc(kind.replace("_", " "))}</th>' for kind in kinds)  # fmt: skip
    head = "".join(f'<th scope="col">g {esc(figure(g, "percent"))}</th>' for _, g in columns)
    body = "".join(
        f'<tr><th scope="row">N {years}, r {esc(figure(rate, "percent"))}</th>'
        + "".join(_cell(held.get((years, rate, kind, g))) for kind, g in columns)
        + "</tr>"
        for years, rate in lines
    )
    return (
        f'<figure class="t-plot"><figcaption>{esc(title)}</figcaption><div class="t-scroll"><table class="t-grid">'
        f"<thead><tr><td></td>{over}</tr><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table></div></figure>"
    )


def _cell(value: float | None) -> str:
    return f"<td>{esc(figure(value, 'percent')) if value is not None else '–'}</td>"


__all__ = ["grids"]
