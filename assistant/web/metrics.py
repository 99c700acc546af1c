"""Tool results beside an answer: a card each, with its status, figures and ages, plots, and the inputs behind them. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from assistant.export.blocks import Plot
from assistant.export.drawing import figure_html
from assistant.export.figures import STATUSES, how
from assistant.export.plots import plots, series
from assistant.live_text import figure, leading, metric_name
from assistant.models import Metric, ToolResult, ToolStatus
from assistant.tools.export import rows
from assistant.web.ages import ago, asked_of, moment, old
from assistant.web.grids import grids
from assistant.web.inputs import table
from assistant.web.text import day, esc

MOST_SHOWN = 4  # figures that stand on the card; all are below it
MOST_POINTS = 24  # rows of a curve's table
MOST_WARNINGS = 2  # more are folded away
# What a status means, where the tool gives no reason.
SAID: dict[ToolStatus, str] = {
    "not_configured": "Not switched on, so nothing was asked for.",
    "no_data": "There is no figure for this.",
    "rate_limited": "The source asks to wait.",
    "undefined": "The data are there, but the figure has no meaning for them.",
    "error": "This did not work.",
}
STALE = "Stale: older than the source's own rhythm, because no newer answer was to be had."
# A setting with its value, a command, a variable or a file, as what to do about a failure writes them.
_CODE = re.compile(
    r"\b[a-z_]+ = (?:\[[^\]]*\]|\"[^\"]*\"|true|false)|\bthesis (?:tool [a-z_]+|[a-z]+)(?: --[a-z-]+)*(?: [A-Z]{3,}(?:\.[a-z]+)?)?"
    r"|\b[A-Z]{2,}(?:_[A-Z]+)+\b|\b(?:docs/)?[\w/.-]+\.(?:toml|md|csv)\b"
)


def cards(results: Sequence[ToolResult], today: date | None = None, *, number: int = 0, question: str = "") -> str:
    """Return the results as cards; "" for none.

    ``today``: what ages count to (none are said without it); ``number``: of the turn, by which the inputs are saved;
    ``question``: what it names stands first.
    """
    return "".join(card(result, today, number=number, question=question) for result in results)


def card(result: ToolResult, today: date | None = None, *, number: int = 0, question: str = "") -> str:
    """Return one result: what it is, how old, its figures and plots, and its inputs folded away."""
    key = esc(result.marker)
    name = esc(result.tool.replace("_", " "))
    state = "" if result.status == "ok" else f' <span class="t-verdict">{esc(STATUSES[result.status])}</span>'
    stale = ' <span class="t-verdict">stale</span>' if result.stale else ""
    marker = f'<span class="t-marker t-tool">{key}</span> ' if key else ""
    subject = _subject(result.metrics)
    of = f' <span class="t-dim">{esc(subject)}</span>' if subject else ""
    fold = f"{number}-{key}" if number and key else ""
    body = ""
    if result.metrics:
        body = _shown(result, leading(result.metrics, question), subject, today)
        body += "".join(
            (*(_plot(plot, fold, n) for n, plot in enumerate(plots(result.metrics))), *grids(result.metrics))
        )
        body += _figures(result, today, fold) + _download(result, number)
    return (
        f'<section class="t-live t-is-{esc(result.status)}" data-key="{key}" tabindex="-1"><h3>{marker}<span>{name}</span>{of}{state}{stale}</h3>'
        f"{_why(result)}{body}{_foot(result, today, fold)}</section>"
    )


def _subject(metrics: Sequence[Metric]) -> str:
    """Return what all the metrics speak of; "" where they speak of several things."""
    subjects = {metric.subject for metric in metrics}
    return subjects.pop() if len(subjects) == 1 else ""


def _why(result: ToolResult) -> str:
    """Return in plain words why there is no figure, or an old one, and what to do."""
    out = f'<p class="t-no-figure">{esc(STALE)}</p>' if result.stale else ""
    if result.status == "ok" and result.error is None:
        return out
    why = result.error.message if result.error else ""
    do = result.error.what_to_do if result.error else ""
    out += f'<p class="t-no-figure">{esc(why or SAID.get(result.status, ""))}</p>'
    return out + (f'<p class="t-todo"><strong>What to do</strong> {_coded(do)}</p>' if do else "")


def _coded(text: str) -> str:
    """Return what to do with its settings, commands and files set apart."""
    out: list[str] = []
    position = 0
    for match in _CODE.finditer(text):
        out.append(f"{esc(text[position : match.start()])}<code>{esc(match.group())}</code>")
        position = match.end()
    return "".join(out) + esc(text[position:])


# The figures


def _value(metric: Metric) -> str:
    return metric.unit if metric.value is None else figure(metric.value, metric.unit)


def _dated(result: ToolResult, metric: Metric, today: date | None) -> str:
    age = old(metric.as_of, today, asked_of(result))
    return f'as of <span class="t-nowrap">{esc(day(metric.as_of))}</span>{f", {esc(age)}" if age else ""}'


def _shown(result: ToolResult, metrics: Sequence[Metric], subject: str, today: date | None) -> str:
    """Return the first figures, each with its time and age."""
    lines = "".join(
        f'<tr><th scope="row">{esc(metric_name(m.name))}{"" if subject else _of(m)}</th><td class="t-n">{esc(_value(m))}</td>'
        f'<td class="t-when">{_dated(result, m, today)}</td></tr>'
        for m in metrics[:MOST_SHOWN]
    )
    return f'<table class="t-shown">{lines}</table>'


def _of(metric: Metric) -> str:
    return f' <span class="t-dim">{esc(metric.subject)}</span>' if metric.subject else ""


def _figures(result: ToolResult, today: date | None, fold: str) -> str:
    lines = []
    for m in result.metrics:
        source = f' <a href="{esc(m.source_url)}" target="_blank" rel="noopener noreferrer">source</a>' if (m.source_url or "").startswith("https://") else ""  # fmt: skip
        lines.append(
            f'<tr><th scope="row">{esc(metric_name(m.name))}</th><td>{esc(m.subject)}</td><td class="t-n">{esc(_value(m))}</td>'
            f'<td class="t-when">{_dated(result, m, today)}</td></tr><tr class="t-formula"><td colspan="4">'
            f"{esc(_method(m))}{source}{table(m)}</td></tr>"
        )
    count = len(result.metrics)
    return (
        f'<details class="t-figures"{_keep(fold, "figures")}><summary>{"Figure" if count == 1 else f"{count} figures"} with formula and '
        f'inputs</summary><div class="t-scroll" tabindex="0" role="group" aria-label="Figures"><table>{"".join(lines)}</table></div></details>'
    )


def _method(metric: Metric) -> str:
    word = {"derived": "Derived: ", "proxy": "A stand-in: "}.get(metric.method, "")
    return f"{word}{how(metric)}"


def _keep(fold: str, name: str) -> str:
    return f' data-keep="{fold}-{name}"' if fold else ""


# Plots


def _plot(plot: Plot, fold: str, number: int) -> str:
    """Return a plot with the same as a table below it."""
    head, lines = _bars(plot) if plot.bars else _points(plot)
    return (
        f'<div class="t-drawn">{figure_html(plot)}<details class="t-data"{_keep(fold, f"plot-{number}")}><summary>The plot as a table</summary>'
        f'<div class="t-scroll" tabindex="0" role="group" aria-label="{esc(plot.title)}"><table class="t-points"><thead><tr>{head}</tr>'
        f"</thead><tbody>{lines}</tbody></table></div></details></div>"
    )


def _bars(plot: Plot) -> tuple[str, str]:
    lines = "".join(f'<tr><th scope="row">{esc(name)}</th><td>{esc(figure(value, plot.unit))}</td></tr>' for name, value in plot.bars)  # fmt: skip
    return '<th scope="col">Name</th><th scope="col">Value</th>', lines


def _points(plot: Plot) -> tuple[str, str]:
    """Return the head and the rows of the curves: all days, or every so many of them with the last."""
    days = {x: label for line in plot.lines for x, _, label in line.points}
    every = max(1, -(-len(days) // MOST_POINTS))
    places = sorted(days)
    kept = sorted({*places[::every], places[-1]})
    at = [{x: y for x, y, _ in line.points} for line in plot.lines]
    lines = "".join(
        f'<tr><th scope="row">{esc(days[x])}</th>'
        + "".join(f"<td>{esc(figure(one[x], plot.unit)) if x in one else '–'}</td>" for one in at)
        + "</tr>"
        for x in kept
    )
    if every > 1:
        lines += f'<tr><td colspan="{len(at) + 1}">One point in {every}; all {len(places)} are in the file of inputs.</td></tr>'
    head = '<th scope="col">When</th>' + "".join(f'<th scope="col">{esc(line.name)}</th>' for line in plot.lines)
    return head, lines


# Below the figures


def _download(result: ToolResult, number: int) -> str:
    """Return the buttons that save every input as CSV and as JSON; "" where there is none, or no turn to save them of."""
    if not rows(result):
        return ""
    if not number or not result.marker:
        return f'<p class="t-dim">{_coded(f"thesis tool {result.tool} --export FILE.csv")} saves the inputs.</p>'
    buttons = "".join(
        f'<button type="button" class="t-action" data-event="export" data-turn="{number}" data-tool="{esc(result.marker)}" '
        f'data-form="{form}">Inputs as {form.upper()}</button>'
        for form in ("csv", "json")
    )
    return f'<p class="t-actions">{buttons}</p>'


def _foot(result: ToolResult, today: date | None, fold: str) -> str:
    out = ""
    if result.retrieved_at:
        since = ago(result.retrieved_at, today)
        saved = ", from a saved pull" if result.cached else ""
        out = f'<p class="t-dim">Retrieved {esc(moment(result.retrieved_at))}{f", {esc(since)}" if since else ""}{saved}.</p>'
    notes = "".join(f"<li>{_coded(text)}</li>" for text in result.warnings)
    if len(result.warnings) > MOST_WARNINGS:
        return f'{out}<details class="t-notes"{_keep(fold, "notes")}><summary>{len(result.warnings)} notes</summary><ul class="t-dim">{notes}</ul></details>'
    return f'{out}<ul class="t-dim">{notes}</ul>' if notes else out


__all__ = ["card", "cards", "series"]
