"""Live metrics as sentences: what answers the question first, each figure with its unit, time and source. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from assistant.models import Metric, Number, ToolResult

_UNITS = {"percent": "%", "percentage points": "pp"}
# What a question says -> how the names of the metrics begin that answer it. All that fit come first, in this order; a
# word of a tool that was not called finds no metric.
_LEADS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(rf"\b(?:{words})\b", re.I), names)
    for words, names in (
        (r"drawdowns?|peaks?|highs?|below|beneath|under ?water|fallen|fell|down|off|lost|correction|recover\w*|regain\w*", ("drawdown",)),
        (r"price|prices|px|quote[ds]?|trad(?:es?|ing) at|clos(?:e|ed|es|ing)(?! to\b)|worth|index level|level of the (?:index|russell|s&p)", ("last_close",)),
        (r"since when|how long|how many days|days", ("days_since_peak",)),
        (r"when (?:was|did)|date of (?:the|its) (?:peak|high)|(?:what|where) (?:is|was) (?:the|its) (?:\w+[ -])?(?:peak|high)", ("peak",)),
        (r"recover\w*|regain\w*|rebound\w*|recoup\w*|(?:get|climb|come|go|bounce)s? back", ("recovery_needed",)),
        (r"deepest|worst|maximum|max|trough|peak[- ]to[- ]trough", ("deepest_drawdown",)),
        (r"price[- /]to[- /]earnings|p/?e|earnings", ("relative_price_to_earnings", "price_to_earnings")),
        (r"price[- /]to[- /]book|p/?b|book", ("relative_price_to_book", "price_to_book")),
        (r"ev/ebitda|ev to ebitda|enterprise", ("relative_ev_to_ebitda", "ev_to_ebitda")),
        (r"cheap\w*|discount|premium|gap|relative|against|versus|vs|compared?", ("relative_price", "relative_ev", "call_sentiment_difference", "drawdown", "relative_since_peak")),
        (r"skew", ("skew_25_delta",)),
        (r"volume", ("put_call_volume",)),
        (r"spik\w+|unusual\w*|elevated|than usual|z-?score", ("put_call_open_interest_z", "put_call_volume_z", "skew_25_delta_z", "call_sentiment_z")),
        (r"floating|variable", ("variable_rate_share",)),
        (r"cover\w*|interest (?:burden|bill|expense)", ("interest_cover",)),
        (r"net debt (?:to|/|over) ebitda|debt/ebitda|leverag\w*|levered|indebted\w*|gearing", ("net_debt_to_ebitda", "net_debt")),
        (r"net debt|debt", ("net_debt", "net_debt_to_ebitda")),
        (r"range|grid|p10|p50|p90|percentiles?|sensitiv\w+", ("implied_roa_p", "implied_roe_p")),
        (r"weights?|weighted", ("unprofitable_weight_share",)),
        (r"no (?:stock|name|company)|any (?:stock|name|company)|anything|above|over|exceeds?", ("names_above_5pct",)),
        (r"largest|biggest|heaviest", ("largest_weight",)),
        (r"effective number", ("effective_number",)),
        (r"herfindahl|hhi", ("herfindahl",)),
        (r"median", ("analysts_median", "median_")),
        (r"average|mean", ("analysts_mean",)),
        (r"small(?:er)? (?:firms|business\w*|companies)", ("small_business_share", "banks_tightening")),
        (r"receipts|revenue|income|collect\w*|take in|took in|raise[sd]?", ("customs_receipts",)),
        (r"grow\w*|grew|year on year|y/?y|yoy|chang\w+|ris\w+|rose|fall\w*|fell|increas\w+|declin\w+", ("obligations_yoy", "manufacturing_construction_yoy", "customs_duty_rate_change", "fed_funds_rate_change")),
    )
)  # fmt: skip
_SPELLED = {
    "roa": "ROA", "roe": "ROE", "ebitda": "EBITDA", "ev": "EV", "ipo": "IPO", "yoy": "year on year", "5pct": "5%", "2bn": "2 billion",
    "z": "z-score", "p10": "P10", "p50": "P50", "p90": "P90",
}  # fmt: skip
_ONE = {"days": "day", "sentences": "sentence", "analysts": "analyst"}
_TIMES = {"then": "On its own day the {measured} of {subject} was", "now": "Now the {measured} of {subject} is"}


def leading(metrics: Sequence[Metric], question: str) -> list[Metric]:
    """Return the metrics with those first that answer what the question says; the rest keep the tool's order."""
    first: list[Metric] = []
    for words, names in _LEADS:
        if words.search(question):
            for name in names:
                first += [m for m in metrics if m.name.startswith(name) and m not in first]
    return [*first, *(m for m in metrics if m not in first)]


def line(metric: Metric, marker: str, *, stale: bool = False, whole: bool = True) -> tuple[str, list[Number]]:
    """Return a metric as a sentence with its time, and its number as traced to ``marker``; ``whole``: with source and formula."""
    name = metric_name(metric.name)
    subject = f"{metric.subject}, " if metric.subject else ""
    title = _capital(f"{subject}{name}")
    source = f", {metric.source}" if metric.source and whole else ""
    period = f", {metric.period}" if metric.period and metric.period != metric.as_of and whole else ""
    old = ", stale" if stale else ""
    if metric.value is None:
        formula = f": {metric.formula}" if metric.formula else ""
        return f"{title}: {metric.unit}{formula} (as of {metric.as_of}{old}{source}).", []
    shown = figure(metric.value, metric.unit)
    formula = f"; {metric.formula}" if metric.formula and metric.method != "reported" and whole else ""
    ends = [float(one[end]) for one in metric.inputs if one.get("name") == "interval95" for end in ("low", "high")]
    between = [figure(end, metric.unit) for end in ends]
    spread = f", 95% interval {between[0]} to {between[1]}" if between else ""
    text = f"{title}: {shown}{spread} (as of {metric.as_of}{old}{period}{source}{formula})."
    unit = _UNITS.get(metric.unit, metric.unit)
    number = Number(
        text=shown, value=metric.value, unit=unit, traced_to=(marker,),
        derivation=metric.formula if metric.method == "derived" else None,
    )  # fmt: skip
    more = [Number(text=t, value=v, unit=unit, traced_to=(marker,)) for t, v in zip(between, ends, strict=True)]
    return text, [number, *more]


def cell(metric: Metric, marker: str, *, stale: bool = False) -> tuple[str, list[Number]]:
    """Return a metric that has a value as a table's cell, with its time: "0.4x (as of 2024-06-30)"; its number is traced to ``marker``."""
    value = metric.value or 0.0
    shown = figure(value, metric.unit)
    number = Number(
        text=shown, value=value, unit=_UNITS.get(metric.unit, metric.unit), traced_to=(marker,),
        derivation=metric.formula if metric.method == "derived" else None,
    )  # fmt: skip
    return f"{shown} (as of {metric.as_of}{', stale' if stale else ''})", [number]


def figure(value: float, unit: str) -> str:
    """Return a value in its unit as people write it: "−8.2%", "$1.93 billion", "1.4x", "512 days"."""
    sign = "−" if value < 0 else ""
    size = abs(value)
    if unit == "percent":
        return f"{sign}{_number(size, 1 if size >= 2 else 2)}%"
    if unit == "percentage points":
        return f"{sign}{_number(size, 2)} percentage points"
    if unit == "x":
        return f"{sign}{_number(size, 2)}x"
    if unit == "price" or unit.startswith("index ("):  # of a file that names no currency; a number without a unit
        return f"{sign}{_number(size, 2)}"
    if unit in {"USD", "EUR", "GBP"}:
        before = {"USD": "$", "EUR": "€", "GBP": "£"}[unit]
        for scale, word in ((1e12, " trillion"), (1e9, " billion"), (1e6, " million")):
            if size >= scale:
                return f"{sign}{before}{_number(size / scale, 2)}{word}"
        return f"{sign}{before}{_number(size, 2)}"
    unit = _ONE.get(unit, unit) if size == 1 else unit
    return f"{sign}{_number(size, 2)}{f' {unit}' if unit else ''}"


def _number(size: float, places: int) -> str:
    if size and size < 10**-places:
        return f"{size:.2g}"
    text = f"{size:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def lacking(result: ToolResult) -> str:
    """Return why a tool has no figure, and what to do about it."""
    error = result.error
    why = f"{error.message} {error.what_to_do}".strip() if error else "It found no figure."
    return f"No live figure ({result.tool}): {' '.join(why.split())}"


def checked_claim(result: ToolResult) -> list[tuple[str, list[Number], Metric | None]]:
    """Return a result of verify_claim as sentences: what was claimed by whom and when, the figure then and now, the verdict.

    [] where it has no figure of now. Every figure is a Number that is traced to the result; the Metric is the one whose
    inputs say where it was read.
    """
    by_name = {m.name: m for m in result.metrics}
    claimed, now, verdict = (by_name.get(name) for name in ("claimed", "now", "verdict"))
    if claimed is None or now is None or verdict is None:
        return []
    state = next((one for one in verdict.inputs if "verdict" in one), {})
    then = by_name.get("then")
    said: list[tuple[str, list[Number], Metric | None]] = [(*_claimed(claimed, result.marker), claimed)]
    if then is not None:
        said.append((*_measured("then", then, result), then))
    elif claimed.as_of < now.as_of and state.get("held_then") is None:
        said.append((f"On its own day, {claimed.as_of}: not known from the sources that are at hand.", [], None))
    said.append((*_measured("now", now, result), now))
    said.append((f"Verdict: {verdict.unit}. {_why(verdict.unit, state, claimed, now)}", [], None))
    return said


def _claimed(claimed: Metric, marker: str) -> tuple[str, list[Number]]:
    text = claimed.subject.rstrip(".")
    given = claimed.source == "as given"
    lead = f"To be checked, as of {claimed.as_of}" if given else f"{claimed.source} claimed on {claimed.as_of}"
    sizes = [v for v in (claimed.value, *(claimed.inputs[0].get(k) for k in ("low", "high") if claimed.inputs)) if v is not None]  # fmt: skip
    numbers = [
        Number(text=m.group(), value=float(m["n"]), unit=_UNITS.get(claimed.unit, claimed.unit), traced_to=(marker,))
        for m in re.finditer(r"(?<![\w.])(?P<n>\d+(?:\.\d+)?) ?(?:%|x\b)?(?![\w.]*\d)", text)
        if any(abs(float(m["n"]) - abs(v)) < 1e-9 for v in sizes)
    ]
    if numbers or not sizes or claimed.value is None:
        return f"{lead}: {text}.", numbers
    shown = figure(claimed.value, claimed.unit)
    number = Number(text=shown, value=claimed.value, unit=_UNITS.get(claimed.unit, claimed.unit), traced_to=(marker,))
    how = (claimed.formula or "").split(str(claimed.value))[0].strip() or "about"
    return f"{lead}: {text} (read as {how} {shown}).", [number]


def _measured(time: str, metric: Metric, result: ToolResult) -> tuple[str, list[Number]]:
    measured = next((str(one["name"]) for one in metric.inputs if "tool" in one), "figure")
    measured = metric_name(measured)
    other = next((one for one in metric.inputs if "against" in one and isinstance(one.get("value"), float | int)), None)
    assert metric.value is not None
    shown = figure(metric.value, metric.unit)
    unit = _UNITS.get(metric.unit, metric.unit)
    derivation = metric.formula if metric.method == "derived" else None
    numbers = [Number(text=shown, value=metric.value, unit=unit, traced_to=(result.marker,), derivation=derivation)]
    beside = ""
    if other is not None:
        its = figure(float(other["value"]), metric.unit)
        beside = f", against {its} of {other['against']}"
        numbers.append(Number(text=its, value=float(other["value"]), unit=unit, traced_to=(result.marker,)))
    old = ", stale" if result.stale and time == "now" else ""
    source = f", {metric.source}" if metric.source else ""
    formula = f"; {metric.formula}" if metric.formula and metric.method != "reported" and time == "now" else ""
    return f"{_TIMES[time].format(measured=measured, subject=metric.subject)} {shown}{beside} (as of {metric.as_of}{old}{source}{formula}).", numbers  # fmt: skip


def _why(verdict: str, state: Mapping[str, Any], claimed: Metric, now: Metric) -> str:
    held = state.get("held_then")
    if claimed.as_of >= now.as_of and held is not None and held == state.get("holds_now"):
        return "The newest figure bears it out." if held else "The newest figure does not bear it out."
    today = {True: "it holds now", False: "it does not hold now", None: "whether it holds now cannot be told"}[state.get("holds_now")]  # fmt: skip
    then = {True: "It held on its own day", False: "It did not hold on its own day", None: "Whether it held on its own day cannot be told"}[held]  # fmt: skip
    if verdict == "untestable" and state.get("holds_now") is None:
        return "The claim states no figure that the one of now could be held against."
    return f"{then}, and {today}." if held == state.get("holds_now") else f"{then}; {today}."


def metric_name(metric: str) -> str:
    """Return the name of a metric as people write it: "net debt to EBITDA"."""
    return " ".join(_SPELLED.get(word, word) for word in metric.split("_"))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


__all__ = ["checked_claim", "figure", "lacking", "leading", "line", "metric_name"]
