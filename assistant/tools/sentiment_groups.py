"""The tone of groups of companies against each other: levels with bootstrap intervals, and a z-score over quarters. Pure.

Calls are compared by the calendar quarter of the call, or of the day 45 days after the period's end, when a company has
usually held its call; never by fiscal label, because one company's third quarter is another's first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean, stdev

from vectorstore.records import Metadata

LEAST_QUARTERS = 8
CALL_LAG_DAYS = 45
RESAMPLES = 2000
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Call:
    """One document with its score (a fraction of words). ``quarter`` ("2025Q2") None where neither date is known."""

    document_id: str
    company: str
    size: str
    score: float
    quarter: str | None = None
    day: str | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """The mean score of a group of calls; ``interval`` None for fewer than two."""

    mean: float
    n: int
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """``first`` less ``second`` group. ``z`` None with the ``reason``: then there is a level only.

    ``quarter`` is the quarter compared; None: all calls together, whatever their dates. ``history``: the difference by quarter.
    """

    difference: float
    interval: Interval | None
    quarter: str | None
    history: Mapping[str, float]
    z: float | None
    reason: str | None


def quarter_of(day: str) -> str:
    """Return the calendar quarter of an ISO date: "2025Q2"."""
    found = date.fromisoformat(day)
    return f"{found.year}Q{(found.month + 2) // 3}"


def when(metadata: Metadata) -> tuple[str | None, str | None]:
    """Return (quarter, day) of a call: by its own date, else by the end of its period; (None, None) for neither."""
    day = metadata.published or metadata.report_date
    if day:
        return quarter_of(day), day
    if metadata.period_end:
        later = date.fromisoformat(metadata.period_end) + timedelta(days=CALL_LAG_DAYS)
        return quarter_of(later.isoformat()), metadata.period_end
    return None, None


def level(calls: Sequence[Call], *, seed: int = 0) -> Level | None:
    """Return the mean and its central 95% over 2,000 resamples of the calls; None without any."""
    if not calls:
        return None
    scores = [call.score for call in calls]
    made = _resampled(scores, seed)
    return Level(fmean(scores), len(scores), None if len(scores) < 2 else _central(made))


def compare(
    first: Sequence[Call], second: Sequence[Call], *, quarter: str | None = None, seed: int = 0
) -> Comparison | None:
    """Compare two groups in the newest quarter that has both (or in ``quarter``), else over all calls; None if one is empty.

    The z-score is that of the newest of at least eight quarters among all of them: (d - mean) / standard deviation (n - 1).
    """
    if not first or not second:
        return None
    quarters = sorted({c.quarter for c in first if c.quarter} & {c.quarter for c in second if c.quarter})
    history = {
        q: fmean(c.score for c in first if c.quarter == q) - fmean(c.score for c in second if c.quarter == q)
        for q in quarters
    }
    shown = quarter or (quarters[-1] if quarters else None)
    if shown is not None:
        first = [c for c in first if c.quarter == shown]
        second = [c for c in second if c.quarter == shown]
        if not first or not second:
            return None
    scores = [c.score for c in first], [c.score for c in second]
    interval = None
    if min(map(len, scores)) > 1:
        # The groups are drawn apart from each other, so the two streams must differ.
        made = [a - b for a, b in zip(_resampled(scores[0], seed), _resampled(scores[1], seed + 1), strict=True)]
        interval = _central(made)
    z, reason = _z(history, shown)
    return Comparison(fmean(scores[0]) - fmean(scores[1]), interval, shown, history, z, reason)


def _z(history: Mapping[str, float], shown: str | None) -> tuple[float | None, str | None]:
    if shown is None:
        return None, "level only: no quarter has dated calls of both groups"
    known = {q: d for q, d in history.items() if q <= shown}
    if len(known) < LEAST_QUARTERS:
        return None, f"level only: {len(known)} of the {LEAST_QUARTERS} quarters that a z-score needs"
    spread = stdev(known.values())
    if spread == 0:
        return None, "level only: the difference has never changed"
    return (known[shown] - fmean(known.values())) / spread, None


def _resampled(scores: Sequence[float], seed: int) -> list[float]:
    import numpy as np

    array = np.asarray(scores, np.float64)
    picked = np.random.default_rng(seed).integers(0, len(array), (RESAMPLES, len(array)))
    return [float(x) for x in array[picked].mean(axis=1)]


def _central(made: Sequence[float]) -> Interval:
    import numpy as np

    low, high = np.percentile(np.asarray(made), [2.5, 97.5])
    return float(low), float(high)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two lexicons agree over the same documents. ``correlation`` None where one of them does not vary."""

    n: int
    correlation: float | None
    same_sign: float


def agreement(ours: Sequence[float], theirs: Sequence[float]) -> Agreement | None:
    """Return Pearson's correlation and the share of documents with the same sign; None for fewer than three documents."""
    if len(ours) != len(theirs):
        raise ValueError("one score of each lexicon for each document")
    if len(ours) < 3:
        return None
    a, b = fmean(ours), fmean(theirs)
    top = math.fsum((x - a) * (y - b) for x, y in zip(ours, theirs, strict=True))
    bottom = math.sqrt(math.fsum((x - a) ** 2 for x in ours) * math.fsum((y - b) ** 2 for y in theirs))
    same = fmean(_sign(x) == _sign(y) for x, y in zip(ours, theirs, strict=True))
    return Agreement(len(ours), top / bottom if bottom > 0 else None, same)


def _sign(x: float) -> int:
    return (x > 0) - (x < 0)
