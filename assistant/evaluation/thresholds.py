"""Gates on an Evaluation, for the command line and for tests."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assistant.evaluation.run import FALLING, Evaluation, metric_names
from vectorstore.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Threshold:
    """One gate and how it came out; ``message`` says it in a sentence."""

    metric: str
    limit: float
    at_least: bool
    value: float | None
    met: bool
    message: str


def read_limit(text: str, cutoffs: Sequence[int], flag: str) -> tuple[str, float]:
    """Read METRIC=VALUE (or TYPE/METRIC=VALUE). Raises SettingsError for an unknown metric or a value that is no number."""
    name, sign, number = text.rpartition("=")
    try:
        limit = float(number)
    except ValueError:
        limit = math.nan
    if not sign or not name.strip() or not math.isfinite(limit):
        raise SettingsError(f"{flag} {text!r} is not METRIC=VALUE.", f"For example: {flag} page_hit@5=0.7")
    name = name.strip()
    _known(name, cutoffs, at_least=flag == "--fail-under")
    return name, limit


def _known(name: str, cutoffs: Sequence[int], *, at_least: bool) -> None:
    metric = name.rpartition("/")[2]
    names = metric_names(cutoffs)
    if metric not in names and not metric.startswith("judge:"):
        raise SettingsError(f"There is no metric {metric!r}.", f"Metrics are: {', '.join(names)}.")
    if at_least and metric in FALLING:
        raise SettingsError(f"Less {metric} is better.", f"Set its upper limit: --fail-over {metric}=VALUE")
    if not at_least and metric not in FALLING:
        raise SettingsError(f"More {metric} is better.", f"Set its lower limit: --fail-under {metric}=VALUE")


def check(
    evaluation: Evaluation, at_least: Mapping[str, float] | None = None, at_most: Mapping[str, float] | None = None
) -> list[Threshold]:
    """Compare metrics with their limits. One that is unscored, or that failed on a question, misses its limit."""
    out: list[Threshold] = []
    for wanted, lower in ((at_least or {}, True), (at_most or {}, False)):
        for name, limit in wanted.items():
            _known(name, evaluation.cutoffs, at_least=lower)
            found = evaluation.summary(name)
            bound = f"{'at least' if lower else 'at most'} {limit:g}"
            if found.value is None:
                met, text = False, f"{name} is {found.status} ({found.reason}); {bound} is wanted"
            else:
                met = not found.n_error and (found.value >= limit if lower else found.value <= limit)
                text = f"{name} = {found.value:.4f} over {found.n_scored} of {found.n_total}; {bound} is wanted"
                text += f"; {found.reason}" if found.n_error else ""
            out.append(Threshold(name, limit, lower, found.value, met, text))
    return out


def assert_thresholds(
    evaluation: Evaluation, at_least: Mapping[str, float] | None = None, at_most: Mapping[str, float] | None = None
) -> None:
    """Raise AssertionError that names each limit missed and the questions that came out worst.

    ``assert_thresholds(evaluate(assistant, "ours.jsonl"), {"page_hit@5": 0.7}, at_most={"wrong_share": 0.1})``
    """
    __tracebackhide__ = True
    from assistant.evaluation.report import worst_first

    missed = [t.message for t in check(evaluation, at_least, at_most) if not t.met]
    if missed:
        bad = [r for r in worst_first(evaluation.results) if r.outcome != "right"][:5]
        lines = [f"  {r.outcome}: {r.row.id}: {r.row.question[:100]} ({r.reason})" for r in bad]
        raise AssertionError("\n".join([*missed, *(["worst questions:"] if lines else []), *lines]))
