"""What a figure is: value in base units, unit, precision and the thing that is counted. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.grounding.lists import listed

MONEY = frozenset({"USD", "EUR", "GBP", "JPY", "CAD"})


TIME_UNITS = {"second": 1 / 86400, "minute": 1 / 1440, "hour": 1 / 24, "day": 1.0, "week": 7.0, "month": 30.4, "quarter": 91.2, "year": 365.0, "decade": 3650.0, "century": 36500.0, "fortnight": 14.0}  # fmt: skip


_TIME_STEMS = {name: name for name in TIME_UNITS} | {name + "s": name for name in TIME_UNITS} | {"centuries": "century"}


_MEASURES = {
    "km": "kilometer", "kms": "kilometer", "kilometre": "kilometer", "kilometres": "kilometer", "kilometers": "kilometer", "kg": "kilogram", "kgs": "kilogram", "kilograms": "kilogram",
    "cm": "centimeter", "centimetre": "centimeter", "centimetres": "centimeter", "centimeters": "centimeter", "metre": "meter", "metres": "meter", "meters": "meter",
    "mw": "megawatt", "megawatts": "megawatt", "gw": "gigawatt", "gigawatts": "gigawatt", "tonnes": "ton", "tonne": "ton", "tons": "ton", "litre": "liter", "litres": "liter", "liters": "liter",
    "lbs": "pound", "ft": "feet", "foot": "feet", "bbl": "barrel", "bbls": "barrel", "hrs": "hour", "hr": "hour", "mins": "minute", "min": "minute", "yrs": "year", "yr": "year", "mos": "month",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure at [start, end). ``unit``: USD…, %, pp, bp, x, "" (a count), year, quarter, date.

    ``low``/``high`` bound a vague one ("mid-single digits"); ``step``: a unit of its last digit, in base units; ``about``: said to be rounded;
    ``noun``: the word counted ("stores", "month"); ``date``: (year, month, day), 0 where not given. For a cell of a table ``year`` is its column's, and
    ``scales`` the factors that its table may have (empty: the value is final).
    """

    text: str
    value: float
    unit: str
    start: int
    end: int
    step: float = 0.0
    about: bool = False
    noun: str = ""
    date: tuple[int, int, int] | None = None
    low: float | None = None
    high: float | None = None
    cell: bool = False
    scales: tuple[float, ...] = ()
    year: int = 0
    worded: bool = False

    @property
    def kind(self) -> str:
        """What it may be confused with: money, share (%, pp, bp), ratio, time, year, quarter, date or count."""
        if self.unit in MONEY:
            return "money"
        if self.unit in {"%", "pp", "bp"}:
            return "share"
        if self.unit in {"year", "quarter", "date"}:
            return self.unit
        if self.unit == "x":
            return "ratio"
        return "time" if self.noun in TIME_UNITS else "count"


def step_of(raw: str, value: float) -> float:
    """Return a unit of the last digit printed; zeros at the end of a whole number count as printed digits."""
    digits = re.search(r"\d[\d,]*(?:\.\d+)?|\.\d+", raw)
    if not digits or not value:
        return 1.0
    plain = digits.group().replace(",", "")
    printed = float(plain)
    places = len(plain.partition(".")[2])
    return abs(value / printed) * 10.0**-places if printed else 10.0**-places


class Spans:
    """Sorted stretches that do not overlap much; ``hit`` tells in O(log n) whether one touches [start, end)."""

    def __init__(self, spans: Sequence[tuple[int, int]]) -> None:
        self._spans = sorted(spans)
        self._starts = [s for s, _ in self._spans]

    def hit(self, start: int, end: int) -> bool:
        """Whether one of them touches [start, end)."""
        i = bisect_right(self._starts, end - 1)
        return any(b > start for _, b in self._spans[max(0, i - 3) : i])


_NEXT_WORD = re.compile(
    r"[\s-]+(?:(?:more|additional|new|consecutive|fiscal|full|calendar|business|trading|other|million|billion|of|the|its|our|their)\s+){0,2}([A-Za-z]{2,})"
)


def noun_after(text: str, end: int) -> str:
    """Return the word that follows a figure, one name for a measure or a stretch of time ("km", "months" -> kilometer, month)."""
    match = _NEXT_WORD.match(text, end, min(len(text), end + 60))
    if not match:
        return ""
    word = match.group(1).lower()
    word = _MEASURES.get(word, word)
    return _TIME_STEMS.get(word, word)


def same_noun(a: str, b: str) -> bool:
    """Whether two counted words may be one: equal up to a plural."""
    return a.rstrip("s") == b.rstrip("s")


def counted(word: str) -> bool:
    """Whether a word is a thing that is counted, not money."""
    return word in listed("counted")
