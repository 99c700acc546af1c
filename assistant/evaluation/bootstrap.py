"""Percentile bootstrap of a statistic over questions (Efron 1979), with a fixed seed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

RESAMPLES = 2000
Statistic = Literal["mean", "p50", "p95"]


def statistic(values: Sequence[float], kind: Statistic = "mean") -> float:
    """Return the mean, or the percentile with linear interpolation, of at least one value."""
    array = np.asarray(values, np.float64)
    return float(array.mean()) if kind == "mean" else float(np.percentile(array, 50 if kind == "p50" else 95))


def interval95(values: Sequence[float], kind: Statistic = "mean", *, seed: int = 0) -> tuple[float, float] | None:
    """Return the central 95% of the statistic over 2,000 resamples of the questions; None for fewer than two values."""
    if len(values) < 2:
        return None
    array = np.asarray(values, np.float64)
    random = np.random.default_rng(seed)
    made = np.empty(RESAMPLES)
    # In slices, so that a large data set needs no array of n times 2,000.
    step = max(1, 2_000_000 // len(array))
    for low in range(0, RESAMPLES, step):
        picked = array[random.integers(0, len(array), (min(step, RESAMPLES - low), len(array)))]
        made[low : low + step] = (
            picked.mean(axis=1) if kind == "mean" else np.percentile(picked, 50 if kind == "p50" else 95, axis=1)
        )
    low_end, high_end = np.percentile(made, [2.5, 97.5])
    return float(low_end), float(high_end)
