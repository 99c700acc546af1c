"""A grid of cases (what return is implied, by rate, growth, horizon and continuing value) as a table. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.export.figures import Case, cases, grid_title
from assistant.live_text import figure
from assistant.models import Metric
from assistant.web.text import esc


def grids(metrics: Sequence[Metric]) -> list[str]:
    """Return a table for each metric with a grid, its percentiles above it."""
    return [
        _table(grid_title(metric, metrics), held)
        for metric in metrics
        for one in metric.inputs
        if (held := cases(one.get("rows")))
    ]


def _table(title: str, held: Sequence[Case]) -> str:
    columns = sorted({(str(c["continuing"]), float(c["g_pct"])) for c in held})
    lines = sorted({(int(c["years"]), float(c["r_pct"])) for c in held})
    values = {(int(c["years"]), float(c["r_pct"]), str(c["continuing"]), float(c["g_pct"])): float(c["implied_pct"]) for c in held}  # fmt: skip
    kinds = list(dict.fromkeys(kind for kind, _ in columns))
    over = "".join(f'<th colspan="{sum(k == kind for k, _ in columns)}" scope="colgroup">{esc(kind.replace("_", " "))}</th>' for kind in kinds)  # fmt: skip
    head = "".join(f'<th scope="col">g {esc(figure(g, "percent"))}</th>' for _, g in columns)
    body = "".join(
        f'<tr><th scope="row">N {years}, r {esc(figure(rate, "percent"))}</th>'
        + "".join(_cell(values.get((years, rate, kind, g))) for kind, g in columns)
        + "</tr>"
        for years, rate in lines
    )
    return (
        f'<figure class="t-plot"><figcaption>{esc(title)}</figcaption><div class="t-scroll" tabindex="0" role="group" '
        f'aria-label="{esc(title)}"><table class="t-grid">'
        f"<thead><tr><td></td>{over}</tr><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table></div></figure>"
    )


def _cell(value: float | None) -> str:
    return f"<td>{esc(figure(value, 'percent')) if value is not None else '–'}</td>"


__all__ = ["grids"]
