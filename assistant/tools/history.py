"""Signals that are judged by their own past: one value a day, saved with the pulls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from statistics import fmean, stdev

from assistant.tools.base import Context, Draft
from assistant.tools.providers.protocols import Payload
from assistant.tools.snapshots import now
from vectorstore.errors import StoreError

SOURCE = "derived"


class Reading(Payload):
    """What a tool found on one day, by the names of its metrics."""

    day: date
    values: dict[str, float]


def remember(context: Context, draft: Draft, key: str, day: date, values: Mapping[str, float]) -> list[Reading]:
    """Save the day's values, and return the history up to the last day that may be used, oldest first.

    Nothing is saved under an as-of date, or from a saved pull: the day is in the history already.
    """
    history = [
        Reading.model_validate_json(s.payload) for s in context.snapshots.history(SOURCE, key, until=context.as_of)
    ]
    if context.as_of is None and not draft.cached and values:
        reading = Reading(day=day, values=dict(values))
        try:
            context.snapshots.save(SOURCE, key, reading.model_dump_json(), retrieved_at=now(), observed=day)
        except StoreError as error:
            draft.warn(f"The day's values could not be saved: {error.message}")
    return [r for r in history if r.day <= context.day]


def z_score(value: float, before: Sequence[float]) -> float | None:
    """Return (value - mean) / standard deviation (n - 1) of what came before; None where that never moved."""
    spread = stdev(before)
    return (value - fmean(before)) / spread if spread > 0 else None


def rank(value: float, before: Sequence[float]) -> float:
    """Return the percentage of earlier values below ``value``; an equal one counts half."""
    return 100 * (sum(b < value for b in before) + 0.5 * sum(b == value for b in before)) / len(before)
