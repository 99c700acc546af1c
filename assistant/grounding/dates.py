"""Dates in their usual forms: 3 March 2021, March 3, 2021-03-03, in May. Pure."""

from __future__ import annotations

import re

from assistant.grounding.figure import Figure, Spans
from vectorstore import months

_DAY = re.compile(rf"\b({months.PATTERN})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?\b(?!\s?(?:%|percent|,\d{{3}}))|\b(\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?({months.PATTERN})\b", re.I)  # fmt: skip
_NUMERIC_DATE = re.compile(r"\b((?:19|20)\d\d)-(\d\d)-(\d\d)\b|\b(\d{1,2})/(\d{1,2})/((?:19|20)?\d\d)\b")


_MONTH_ALONE = re.compile(rf"\b({months.PATTERN})\b\.?(?:,?\s+((?:19|20)\d\d)\b)?", re.I)


def year_of(two: str) -> int:
    """Return the year that two or four digits name ("22" -> 2022)."""
    return int(two) if len(two) == 4 else (2000 if int(two) < 70 else 1900) + int(two)


def read_dates(text: str) -> list[Figure]:
    """Return the dates of a text; parts that are not given are 0."""
    found: list[Figure] = []
    taken: list[tuple[int, int]] = []

    def add(start: int, end: int, date: tuple[int, int, int]) -> None:
        taken.append((start, end))
        found.append(Figure(text[start:end], float(date[0] or date[1]), "date", start, end, date=date))

    for m in _NUMERIC_DATE.finditer(text):
        y, month, day = (m[1], m[2], m[3]) if m[1] else (m[6], m[4], m[5])
        if 1 <= int(month) <= 12 and 1 <= int(day) <= 31:
            add(*m.span(), (year_of(y), int(month), int(day)))
    spans = Spans(taken)
    for m in _DAY.finditer(text):
        month, day = (m[1], m[2]) if m[1] else (m[4], m[3])
        if not month[0].isupper() or spans.hit(*m.span()) or not 1 <= int(day) <= 31:
            continue
        year = re.compile(r",?\s+((?:19|20)\d\d)\b").match(text, m.end())
        add(
            m.start(),
            year.end() if year else m.end(),
            (int(year[1]) if year else 0, months.NUMBERS[month.lower()], int(day)),
        )
    spans = Spans(taken)
    for m in _MONTH_ALONE.finditer(text):
        if not m[1][0].isupper() or spans.hit(*m.span()):
            continue
        if not m[2] and (m[1].lower() in {"may", "mar", "dec", "jan", "sep", "oct", "nov", "jun", "jul", "apr", "aug", "feb", "march"}) and not re.search(r"\b(?:in|of|since|by|until|from|to|during|through|late|early|mid|last|next|and|this)[\s-]+$", text[max(0, m.start() - 9) : m.start()], re.I):  # fmt: skip
            continue
        add(*m.span(), (int(m[2]) if m[2] else 0, months.NUMBERS[m[1].lower()], 0))
    return found
