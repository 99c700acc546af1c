"""Dates as documents write them.

Read: "May 12, 2025", "May 12th 2025", "12 May 2025", "12-May-2025", "the 24th day of February, 2021", "the twelfth day of
February, 2021", "2025-07-09", "2025/07/09", "7/9/2025", "9.7.2025". Two conventions: with slashes the month
comes first, as in the US, unless that is impossible (25/12/2025); with dots the day comes first, as in
Europe, unless that is impossible. A date needs its day and a year of four digits: "May 2025" and a damaged
"July 23rd, 202" are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from ingest.metadata.found import claim
from vectorstore import months

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WORDED = {
    word: number
    for number, word in enumerate(
        [
            "first",
            "second",
            "third",
            "fourth",
            "fifth",
            "sixth",
            "seventh",
            "eighth",
            "ninth",
            "tenth",
            "eleventh",
            "twelfth",
            "thirteenth",
            "fourteenth",
            "fifteenth",
            "sixteenth",
            "seventeenth",
            "eighteenth",
            "nineteenth",
            "twentieth",
            "twenty-first",
            "twenty-second",
            "twenty-third",
            "twenty-fourth",
            "twenty-fifth",
            "twenty-sixth",
            "twenty-seventh",
            "twenty-eighth",
            "twenty-ninth",
            "thirtieth",
            "thirty-first",
        ],
        1,
    )
}

MONTH = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
_WEEKDAY = r"(?:(?P<weekday>mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?\s*,?\s+)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)(?!\d|[.,]\d)"
_DAY = r"(?P<day>\d{1,2})(?:\s?(?:st|nd|rd|th))?"
_WORDED_DAY = "|".join(sorted(_WORDED, key=len, reverse=True))

_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{_WEEKDAY}(?P<month>{MONTH})\.?\s+{_DAY}\s*,?\s*{_YEAR}",
        rf"(?<![\d.,$/-]){_WEEKDAY}{_DAY}(?:\s+day)?(?:\s+of)?\s+(?P<month>{MONTH})\.?\s*,?\s*{_YEAR}",
        rf"(?<![\d.,$/-]){_DAY}-(?P<month>{MONTH})-{_YEAR}",
        rf"\b(?P<worded>{_WORDED_DAY})\s+day\s+of\s+(?P<month>{MONTH})\s*,?\s*{_YEAR}",
        r"(?<![\d/.-])(?P<year>(?:19|20)\d\d)-(?P<number>\d\d)-(?P<day>\d\d)(?!\d|-\d)",
        r"(?<![\d/.-])(?P<year>(?:19|20)\d\d)/(?P<number>\d{1,2})/(?P<day>\d{1,2})(?![\d/])",
        r"(?<![\d/.-])(?P<one>\d{1,2})(?P<mark>[/.])(?P<two>\d{1,2})(?P=mark)(?P<year>(?:19|20)\d\d)(?!\d)",
    )
)
_LONGEST = 400  # characters of one date with its time of day
_SHORT = re.compile(r"(?<![\d/.-])(?P<one>\d{1,2})(?P<mark>[/-])(?P<two>\d{1,2})(?P=mark)(?P<year>\d\d)(?![\d/-])")


@dataclass(frozen=True, slots=True)
class Dated:
    """A date at its place. ``weekday_agrees`` is None where no weekday stands beside it."""

    iso: str
    start: int
    end: int
    weekday_agrees: bool | None = None


def _value(match: re.Match[str], short: bool) -> date | None:
    parts = match.groupdict()
    year = int(parts["year"])
    if short:
        year += 1900 if year >= 69 else 2000
    if parts.get("one"):
        one, two = int(parts["one"]), int(parts["two"])
        month_first = parts["mark"] != "."
        month, day = (one, two) if month_first else (two, one)
        if month > 12:
            month, day = day, month
    else:
        worded = parts.get("worded")
        day = _WORDED[worded.lower()] if worded else int(parts["day"])
        name = parts.get("month")
        month = months.NUMBERS[name.lower()[:3]] if name else int(parts["number"])
    try:
        return date(year, month, day)
    except ValueError:
        return None


def find_dates(text: str, start: int = 0, end: int | None = None, *, short_years: bool = False) -> list[Dated]:
    """Return the dates of ``text[start:end]`` in order of place, none inside another.

    ``short_years`` takes 3/28/97 too (69..99 are 1969..1999), as old signature pages have it.
    """
    end = len(text) if end is None else end
    found: list[Dated] = []
    taken: list[tuple[int, int]] = []
    for pattern in (*_PATTERNS, *([_SHORT] if short_years else [])):
        for match in pattern.finditer(text, start, end):
            value = _value(match, pattern is _SHORT)
            if value is None or not claim(taken, *match.span()):
                continue
            named = match.groupdict().get("weekday")
            agrees = None if named is None else _WEEKDAYS[value.weekday()].startswith(named.lower()[:3])
            found.append(Dated(value.isoformat(), match.start(), match.end(), agrees))
    return sorted(found, key=lambda item: item.start)


def first_date(text: str, start: int, end: int) -> Dated | None:
    """Return the first date of ``text[start:end]``, or None."""
    return next(iter(find_dates(text, start, end)), None)


def parse_date(value: str) -> str | None:
    """Return ``value`` as an ISO date if it is one date and nothing else (a time of day may follow), else None."""
    value = value.strip()
    if len(value) > _LONGEST:
        return None
    stamp = re.match(r"\d{4}-\d\d-\d\d(?=T|\s+\d|Z|$)", value)
    found = find_dates(stamp.group() if stamp else value)
    if len(found) != 1:
        return None
    only = found[0]
    rest = (value[: only.start] + value[only.end :]) if not stamp else ""
    return only.iso if not rest.strip(" ,.") else None


def month_day(iso: str) -> str:
    """Return the pattern for a date's month and day, "January\\s+0?29"."""
    day = date.fromisoformat(iso)
    return rf"{months.NAMES[day.month - 1]}\s+0?{day.day}"


def pattern_of(iso: str) -> Iterator[str]:
    """Yield patterns for the written forms of one date ("January 29, 2022", "29 January 2022")."""
    day = date.fromisoformat(iso)
    yield rf"{month_day(iso)}\s*,\s*{day.year}"
    yield rf"0?{day.day}\s+{months.NAMES[day.month - 1]}\s+{day.year}"
