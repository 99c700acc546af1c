"""Whether the world has moved: the conditions of a catalyst against the figures that live data give, and the status that follows. Pure.

Nothing is weighed and nothing is scored: a condition holds, does not, or has no figure, and the rule that makes a status is told in words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from assistant.catalysts.schema import NUMERIC, Catalyst, Condition
from assistant.catalysts.shapes import BoardStatus, Reading
from assistant.models import Metric, ToolResult

Results = Mapping[tuple[str, str], ToolResult]  # by Condition.call
_UNITS = {"percent": "%", "%": "%", "percentage points": " pp"}
_NAMES = {"no_data": "no data"}

RULE = (
    "Live data confirm a catalyst where at least one condition that confirms it holds and none that refutes it, contradict it where at least one "
    "that refutes it holds and none that confirms it. Mixed: conditions of both sides hold, or there are figures and none meets a condition. "
    "Stale: every figure is older than its source's own rhythm or than stale_after_days. No data: no condition has a figure."
)


def needed(catalysts: Sequence[Catalyst]) -> dict[tuple[str, str], tuple[str, dict[str, Any]]]:
    """Return {Condition.call: (tool, arguments)} of all conditions, each call once."""
    return {c.call: (c.tool, dict(c.arguments)) for one in catalysts for c in one.conditions}


def readings(
    catalyst: Catalyst, results: Results, *, day: str, as_of: str | None = None, stale_after_days: int = 0
) -> tuple[Reading, ...]:
    """Return each condition with its figure, those that confirm first.

    ``day``: the last day whose data may be used; ``as_of``: the same where the board is asked for as on an earlier day: a figure
    that was observed later, or says not when, is then no figure. ``stale_after_days``: a figure older than that is old; 0: never.
    """
    sides = (("confirms", catalyst.confirms), ("refutes", catalyst.refutes))
    return tuple(
        _reading(side, condition, results.get(condition.call), day, as_of, stale_after_days)
        for side, listed in sides
        for condition in listed
    )


def known_by(result: ToolResult, as_of: str | None) -> ToolResult:
    """Return a tool's result without figures that were observed after the day ``as_of``."""
    if as_of is None:
        return result
    return result.model_copy(update={"metrics": tuple(m for m in result.metrics if _by(m.as_of, as_of))})


def metric_of(result: ToolResult, condition: Condition, as_of: str | None = None) -> Metric | None:
    """Return the figure of a condition in a tool's result; None where there is none by the day ``as_of``."""
    return _metric(result, condition.metric, condition.subject, as_of)


def _reading(
    side: str, condition: Condition, result: ToolResult | None, day: str, as_of: str | None, stale_after_days: int
) -> Reading:
    said: dict[str, Any] = {
        "side": side,
        "rule": condition.rule,
        "why": condition.why,
        "tool": condition.tool,
        "arguments": dict(condition.arguments),
        "tool_status": "no_data" if result is None else result.status,
        "metric": condition.metric,
        "subject": condition.subject or None,
        "value": None,
        "unit": condition.unit,
        "threshold": condition.value,
        "compared": None,
        "holds": None,
        "as_of": None,
        "period": None,
        "source": "",
        "source_url": None,
        "method": None,
        "retrieved_at": None if result is None else result.retrieved_at,
    }
    if result is None:
        return Reading(**said, reason="This tool was not asked.")
    metric = _metric(result, condition.metric, condition.subject, as_of)
    if metric is None or metric.value is None:
        reason, what = _lacking(result, condition, as_of)
        return Reading(**said, reason=reason, what_to_do=what)
    said |= {
        "subject": metric.subject,
        "value": metric.value,
        "unit": metric.unit,
        "as_of": metric.as_of,
        "period": metric.period,
        "source": metric.source,
        "source_url": metric.source_url,
        "method": metric.method,
    }
    if condition.compare in NUMERIC:
        if condition.unit and metric.unit != condition.unit:
            reason = f"The figure is in {metric.unit or 'no unit'}, the condition in {condition.unit}: they are not compared."
            return Reading(**said, reason=reason)
        threshold = condition.value
    else:
        other = _other(result, condition, metric, as_of)
        if other is None or other.value is None:
            return Reading(**said, reason=f"There is no figure of {condition.other} to compare with.")
        if other.unit != metric.unit:
            reason = f"One figure is in {metric.unit or 'no unit'}, the other in {other.unit or 'no unit'}: they are not compared."
            return Reading(**said, reason=reason)
        threshold = other.value
        said |= {"threshold": threshold, "compared": f"{other.name} of {other.subject}"}
    assert threshold is not None
    old = result.stale or _aged(metric.as_of, day, stale_after_days)
    return Reading(**said | {"holds": _holds(condition, metric.value, threshold)}, old=old)


def _metric(result: ToolResult, name: str, subject: str, as_of: str | None) -> Metric | None:
    fits = [
        m
        for m in result.metrics
        if m.name == name and m.subject.lower().startswith(subject.lower()) and (as_of is None or _by(m.as_of, as_of))
    ]
    return next((m for m in fits if m.value is not None), fits[0] if fits else None)


def _other(result: ToolResult, condition: Condition, metric: Metric, as_of: str | None) -> Metric | None:
    if condition.compare in ("above_subject", "below_subject"):
        return _metric(result, condition.metric, condition.other, as_of)
    return _metric(result, condition.other, metric.subject, as_of)


def _by(observed: str, as_of: str) -> bool:
    """Whether a figure was observed by the end of a day; a month or year counts by its last day."""
    if len(observed) >= 10:
        return observed[:10] <= as_of
    return bool(observed) and observed < as_of[: len(observed)]


def _aged(observed: str, day: str, days: int) -> bool:
    if not days:
        return False
    try:
        return date.fromisoformat(observed[:10]) < date.fromisoformat(day) - timedelta(days=days)
    except ValueError:
        return False  # "2024": of a year, whose tool tells by itself whether it is stale


def _lacking(result: ToolResult, condition: Condition, as_of: str | None) -> tuple[str, str]:
    if result.error is not None:
        return result.error.message, result.error.what_to_do
    later = [m for m in result.metrics if m.name == condition.metric and as_of is not None and not _by(m.as_of, as_of)]
    if later:
        return f"The figure was observed on {later[0].as_of}, after {as_of}.", ""
    whose = f" of {condition.subject}" if condition.subject else ""
    noted = next((w for w in result.warnings), "")
    return f"{condition.tool} gave no {condition.metric}{whose}.", noted


def _holds(condition: Condition, value: float, threshold: float) -> bool:
    match condition.compare:
        case "at_least":
            return value >= threshold
        case "at_most":
            return value <= threshold
        case "above_subject" | "above_metric":
            return value > threshold
        case _:
            return value < threshold


def status_of(read: Sequence[Reading]) -> tuple[BoardStatus, str]:
    """Return the status that readings make, and the rule that made it in words."""
    known = [r for r in read if r.holds is not None]
    fresh = [r for r in known if not r.old]
    counted = [
        f"{sum(r.holds is True for r in fresh if r.side == side)} of {sum(r.side == side for r in read)} conditions that {word} it hold"
        for side, word in (("confirms", "confirm"), ("refutes", "refute"))
    ]
    aside = [f"{len(read) - len(known)} without a figure"] * (len(known) < len(read))
    aside += [f"{len(known) - len(fresh)} with an old one"] * (len(fresh) < len(known))
    told = "; ".join([*counted, *aside])
    if not read:
        return "no_data", "No data: this catalyst has no conditions on live data."
    if not known:
        causes = sorted(
            {_NAMES.get(r.tool_status, r.tool_status.replace("_", " ")) for r in read if r.tool_status != "ok"}
        )
        return "no_data", f"No data: no condition has a figure ({', '.join(causes) or 'nothing comparable'})."
    if not fresh:
        return "stale", f"Stale: every figure is old, the newest of {max(r.as_of or '' for r in known)}."
    yes = [r for r in fresh if r.side == "confirms" and r.holds]
    no = [r for r in fresh if r.side == "refutes" and r.holds]
    shown = "; ".join(map(told_reading, (*yes, *no)))
    if yes and no:
        return "mixed", f"Mixed: {told}. {shown}."
    if yes:
        return "confirming", f"Confirming: {told}. {shown}."
    if no:
        return "contradicting", f"Contradicting: {told}. {shown}."
    between = "; ".join(map(told_reading, fresh[:2]))
    return "mixed", f"Mixed: there are figures, and none meets a condition: {told}. {between}."


def told_reading(reading: Reading) -> str:
    """Return a reading in words: "relative_price_to_earnings of … is 0.83 x (≤ 0.9 x; as of 2025-06-30)"."""
    if reading.value is None:
        return f"{reading.rule}: no figure"
    about = f" of {reading.subject}" if reading.subject else ""
    condition = reading.rule.split(" ", 1)[1] if " " in reading.rule else reading.rule
    sign = next((condition[i:] for i, c in enumerate(condition) if c in "≥≤<>"), condition)
    against = (
        f", which has {number(reading.threshold, reading.unit)}"
        if reading.compared and reading.threshold is not None
        else ""
    )
    return f"{reading.metric}{about} is {number(reading.value, reading.unit)} ({sign}{against}; as of {reading.as_of})"


def number(value: float | None, unit: str) -> str:
    """Return a figure as it is read: "12.3%", "0.83 x"."""
    if value is None:
        return "none"
    shown = f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return shown + _UNITS.get(unit, f" {unit}" if unit else "")


__all__ = ["RULE", "Results", "known_by", "metric_of", "needed", "number", "readings", "status_of", "told_reading"]
