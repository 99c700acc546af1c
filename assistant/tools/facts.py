"""XBRL facts of one company as they were known on a day. Pure.

A fact is keyed on concept, unit, start and end; of several filings of the same fact the one filed last by that day wins. What
SEC calls ``fy`` and ``fp`` is the filing's period, not the fact's, and is not used.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from assistant.tools.providers.protocols import Fact

YEAR_DAYS = (350, 380)
_NEAR = timedelta(days=10)
_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Amount:
    """A figure with the facts that it is the signed sum of; ``end``: its last day; ``trailing``: newer than a fiscal year."""

    value: float
    end: date
    parts: tuple[tuple[int, Fact], ...]
    trailing: bool = False

    def inputs(self, name: str) -> list[dict[str, Any]]:
        """Return the facts for a Metric's ``inputs``."""
        return [
            {
                "name": name, "concept": f.concept, "sign": sign, "value": f.value, "unit": f.unit,
                "start": f.start.isoformat() if f.start else None, "end": f.end.isoformat(),
                "filed": f.filed.isoformat(), "accn": f.accn, "form": f.form,
            }
            for sign, f in self.parts
        ]  # fmt: skip


class Book:
    """The facts known on a day (``cut`` None: all)."""

    def __init__(self, facts: Iterable[Fact], cut: date | None = None, unit: str = "USD") -> None:
        newest: dict[tuple[str, date | None, date], Fact] = {}
        for fact in facts:
            if fact.unit != unit or (cut is not None and fact.filed > cut):
                continue
            key = (fact.concept, fact.start, fact.end)
            held = newest.get(key)
            if held is None or (fact.filed, fact.accn) >= (held.filed, held.accn):
                newest[key] = fact
        self._by_concept: dict[str, list[Fact]] = {}
        for fact in newest.values():
            self._by_concept.setdefault(fact.concept, []).append(fact)

    def balance(self, concepts: Sequence[str], end: date | None = None) -> Amount | None:
        """Return the newest balance of the first concept that has the newest one (``end``: of that day)."""
        found = [f for c in concepts for f in self._by_concept.get(c, ()) if f.start is None and end in (None, f.end)]
        if not found:
            return None
        last = max(f.end for f in found)
        best = next(f for f in found if f.end == last)
        return Amount(best.value, best.end, ((1, best),))

    def year(self, concepts: Sequence[str], end: date | None = None) -> Amount | None:
        """Return the newest fiscal year (``end``: that ends about then) of the first concept that has it."""
        found = [
            f for c in concepts for f in self._by_concept.get(c, ())
            if f.start is not None and YEAR_DAYS[0] <= (f.end - f.start).days <= YEAR_DAYS[1]
            and (end is None or abs(f.end - end) <= _NEAR)
        ]  # fmt: skip
        if not found:
            return None
        last = max(f.end for f in found)
        best = next(f for f in found if f.end == last)
        return Amount(best.value, best.end, ((1, best),))

    def trailing(self, concepts: Sequence[str]) -> Amount | None:
        """Return the last twelve months: fiscal year + this year to date - last year to the same day, else the year."""
        whole = self.year(concepts)
        if whole is None:
            return None
        ((_, base),) = whole.parts
        assert base.start is not None
        same = [f for f in self._by_concept[base.concept] if f.start is not None]
        newer = [
            f for f in same if f.start and abs(f.start - base.end) <= _NEAR and f.end > base.end + timedelta(days=80)
        ]
        newer = [f for f in newer if f.end < base.end + timedelta(days=350)]
        for now in sorted(newer, key=lambda f: f.end, reverse=True):
            before = [
                f for f in same
                if f.start and abs(f.start - base.start) <= _NEAR and abs(f.end - (now.end - _YEAR)) <= _NEAR
            ]  # fmt: skip
            if before:
                parts = ((1, base), (1, now), (-1, before[0]))
                return Amount(sum(sign * f.value for sign, f in parts), now.end, parts, trailing=True)
        return whole

    def last_filed(self) -> date | None:
        """Return the day of the newest filing."""
        return max((f.filed for facts in self._by_concept.values() for f in facts), default=None)


def total(amounts: Sequence[Amount]) -> Amount:
    """Return the sum of amounts of one day."""
    parts = tuple(p for a in amounts for p in a.parts)
    return Amount(sum(a.value for a in amounts), max(a.end for a in amounts), parts, any(a.trailing for a in amounts))
