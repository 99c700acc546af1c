"""Fiscal quarters and years as documents call them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ingest.metadata.found import claim

_ORDINAL = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4}
_NTH = r"(?P<nth>first|second|third|fourth|1st|2nd|3rd|4th)"
_BARE_YEAR = r"(?P<year>(?:19|20)\d\d)(?!\d|[.,]\d)"
_YEAR = rf"(?:fiscal\s+)?(?:year\s+)?{_BARE_YEAR}"
_FULL = r"(?:\s*(?:and|&)\s*(?:fiscal\s+|the\s+)?(?:full[\s-]+|fiscal\s+)?(?:year|twelve[\s-]month)(?:[\s-]+end)?)?"

_QUARTERS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\bQ(?P<q>[1-4])\s*,?\s*(?:of\s+)?(?:FY)?['’]?\s*{_YEAR}",
        rf"\b(?P<q>[1-4])Q\s*[-/]?\s*(?:FY)?\s*{_YEAR}",
        r"\b(?:Q(?P<q>[1-4])|(?P<q2>[1-4])Q)\s*(?:FY)?\s*['’]?(?P<year>\d\d)(?!\d)",
        rf"\bFY\s*{_BARE_YEAR}\s*[-,]?\s*Q(?P<q>[1-4])\b",
        rf"\b{_NTH}(?:\s+fiscal)?[\s-]+quarter{_FULL}(?:\s+results)?\s*,?\s*(?:of\s+|for\s+)?(?:the\s+)?(?:our\s+)?{_YEAR}",
        rf"\b(?:fiscal\s+)?(?:year\s+)?{_BARE_YEAR}(?:['’]s)?\s+(?:fiscal\s+)?{_NTH}(?:\s+fiscal)?[\s-]+quarter",
        rf"\b(?:fiscal\s+)?(?:year\s+)?{_BARE_YEAR}\s+Q(?P<q>[1-4])\b",
    )
)
_ALONE = re.compile(rf"\b(?:{_NTH}(?:\s+fiscal)?[\s-]+quarter|Q(?P<q>[1-4]))\b", re.IGNORECASE)
_YEARS = re.compile(rf"\b(?:fiscal(?:\s+year)?|FY)\s*{_BARE_YEAR}", re.IGNORECASE)
_FULL_YEAR = re.compile(rf"\b(?:full[\s-]+year|fiscal(?:\s+year)?|annual|year[\s-]+end)\s+{_YEAR}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Quarter:
    """A quarter (1..4) and the year that the document gives it, at its place."""

    quarter: int
    year: int
    start: int
    end: int

    @property
    def label(self) -> str:
        """Return "Q3 2020"."""
        return f"Q{self.quarter} {self.year}"


def _number(match: re.Match[str]) -> int:
    parts = match.groupdict()
    digit = parts.get("q") or parts.get("q2")
    return int(digit) if digit else _ORDINAL[parts["nth"].lower()]


def quarters(text: str, start: int = 0, end: int | None = None) -> Iterator[Quarter]:
    """Yield the quarters named with their year in ``text[start:end]``, in order of place."""
    end = len(text) if end is None else end
    found: list[Quarter] = []
    taken: list[tuple[int, int]] = []
    for pattern in _QUARTERS:
        for match in pattern.finditer(text, start, end):
            year = int(match["year"])
            year += 2000 if year < 100 else 0
            if claim(taken, *match.span()):
                found.append(Quarter(_number(match), year, match.start(), match.end()))
    yield from sorted(found, key=lambda quarter: quarter.start)


def lone_quarter(text: str, start: int, end: int) -> tuple[int, int, int] | None:
    """Return (quarter, start, end) of the first quarter named without a year, or None."""
    match = _ALONE.search(text, start, end)
    return None if match is None else (_number(match), match.start(), match.end())


def fiscal_years(text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int, int]]:
    """Yield (year, start, end) of "fiscal 2022", "fiscal year 2022", "FY2022"."""
    for match in _YEARS.finditer(text, start, len(text) if end is None else end):
        yield int(match["year"]), match.start(), match.end()


def full_year(text: str, start: int, end: int) -> tuple[int, int, int] | None:
    """Return (year, start, end) of the first "full year 2022" or "fiscal 2022", or None."""
    match = _FULL_YEAR.search(text, start, end)
    return None if match is None else (int(match["year"]), match.start(), match.end())
