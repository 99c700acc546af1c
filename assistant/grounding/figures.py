"""All figures of a text: amounts in digits and words, years, quarters, dates. Pure.

Built on `assistant.numbers`, which reads what is written in digits. Values are in base units (USD, not millions; 15.0 for 15%).
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from assistant.grounding.dates import read_dates, year_of
from assistant.grounding.figure import Figure, Spans, noun_after, step_of
from assistant.grounding.number_words import worded
from assistant.numbers import Quantity, quantities

# "mid-single digits", "double-digit": the range that people mean, in percent.
_DIGITS = {
    ("low", "single"): (1, 3.99), ("mid", "single"): (3.5, 6.99), ("high", "single"): (6.5, 9.99), (None, "single"): (0, 9.99),
    ("low", "double"): (10, 14), ("mid", "double"): (13, 17), ("mid", "teens"): (13, 17), ("low", "teens"): (10, 14),
    ("high", "teens"): (16.5, 19.99), (None, "double"): (10, 99.99), (None, "triple"): (100, 999),
}  # fmt: skip
_VAGUE = re.compile(r"\b(?:(low|mid|high)(?:er)?(?:\s+to\s+(?:mid|high))?[\s-]+)?(single|double|triple)[\s-]+digits?\b|\b(low|mid|high)[\s-]+(teens)\b", re.I)  # fmt: skip


_QUARTER = re.compile(r"\bQ([1-4])\b|\b([1-4])Q|\b(first|second|third|fourth)[\s-]+(?:fiscal\s+)?quarter\b|\b(?:quarter\s+(one|two|three|four))\b", re.I)  # fmt: skip
_QUARTERS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "one": 1, "two": 2, "three": 3, "four": 4}


_FISCAL = re.compile(
    r"\b(?:FY|CY|[1-4]Q|Q[1-4][\s-]?)[’']?(\d{4}|\d{2})\b|[’'](\d\d)\b(?!\s?(?:%|percent|million|billion))", re.I
)
_ABOUT = re.compile(r"\b(?:about|approximately|approx\.?|around|roughly|nearly|almost|some|circa|close to|just (?:over|under|above|below)|more than|less than|over|under|above|below|at least|up to|an estimated|~)\s*(?:a\s+)?(?:[$€£¥]|US\$)?\s*$|~\s*$", re.I)  # fmt: skip


_NEGATIVE = re.compile(r"\b(?:negative|minus)\s+(?:[$€£¥]|US\$)?\s*$", re.I)


# The number of the next item, behind the end of a sentence.
_LAST = re.compile(r"\d{1,2}\.?\s*")
_ENUMERATED = re.compile(r"\(\d\)")


def _from_quantity(q: Quantity, text: str) -> Figure:
    window = text[max(0, q.start - 24) : q.start]
    value = q.value
    if value > 0 and q.unit != "year" and _NEGATIVE.search(window):
        value = -value
    unit = q.unit
    end = q.end
    noun = noun_after(text, end) if unit == "" else ""
    if unit == "" and noun == "times":
        unit, noun = "x", ""
    if unit == "" and (re.match(r"\s*[-–]\s*(?:percentage|percent)", text[end : end + 14]) or noun in {"percent"}):
        unit, noun = "%", ""
    if unit == "pp" and "percentage" not in q.text and not re.search(r"pp|pts?\b", q.text):
        # "500 points" of an index are no percentage points; they compare as a count.
        unit, noun = "", "point"
    return Figure(
        q.text, value, unit, q.start, end, step=0.0 if unit == "year" else step_of(q.text, value), about=bool(_ABOUT.search(window)), noun=noun
    )  # fmt: skip


@lru_cache(maxsize=4096)
def figures(text: str) -> tuple[Figure, ...]:
    """Return the figures of a sentence in order, none inside another."""
    found = read_dates(text)
    for m in _QUARTER.finditer(text):
        number = int(m[1] or m[2] or _QUARTERS[(m[3] or m[4]).lower()])
        found.append(Figure(m.group(), float(number), "quarter", m.start(), m.end()))
    for m in _FISCAL.finditer(text):
        group = 1 if m[1] else 2
        found.append(
            Figure(text[m.start(group) : m.end(group)], float(year_of(m[group])), "year", m.start(group), m.end(group))
        )
    for m in _VAGUE.finditer(text):
        bounds = _DIGITS.get(((m[1] or m[3] or "").lower() or None, (m[2] or m[4]).lower()))
        if bounds:
            middle = sum(bounds) / 2
            found.append(Figure(m.group(), middle, "%", m.start(), m.end(), low=bounds[0], high=bounds[1], worded=True))
    taken = Spans([(f.start, f.end) for f in found])
    for q in quantities(text):
        if (
            not taken.hit(q.start, q.end)
            and not _ENUMERATED.fullmatch(text, max(0, q.start - 1), min(len(text), q.end + 1))
            and not _ENUMERATED.fullmatch(q.text)
            and not (_LAST.fullmatch(text, q.start) and text[: q.start].rstrip().endswith("."))
        ):
            found.append(_from_quantity(q, text))
    taken = Spans([(f.start, f.end) for f in found])
    for f in worded(text):
        if not taken.hit(f.start, f.end):
            noun = noun_after(text, f.end) if not f.unit else ""
            found.append(
                replace(f, noun=noun, about=f.about or bool(_ABOUT.search(text[max(0, f.start - 24) : f.start])))
            )
    return tuple(sorted((f for f in found if f.end > f.start), key=lambda f: (f.start, f.end)))
