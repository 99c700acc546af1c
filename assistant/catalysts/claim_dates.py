"""The window of a claim ("by 2026", "in Q3", "over the next 12 months") and the day on which it is due, with the rule. Pure.

A due date is the last day of the window that is named. A fiscal year ends where the document's own does, if it says so.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from vectorstore import months
from vectorstore.records import Metadata

_MANY = {
    "a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12,
    "eighteen": 18, "twenty-four": 24, "several": 0, "few": 0, "couple": 2,
}  # fmt: skip
_QUARTERS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4}
_N = r"\d{1,2}|" + "|".join(sorted((k for k in _MANY if k not in {"a", "several", "few"}), key=len, reverse=True))
_Y = r"(?:20\d\d|['’]\s?\d\d)"
_FY = r"(?:fiscal\s+(?:years?\s+)?|FY\s?|calendar\s+(?:year\s+)?|full[- ]year\s+|the\s+year\s+|year\s+)"
_BY = r"(?P<how>by|before|until|through|in|for|during|at|over|of|to)"
_ORD = r"first|second|third|fourth|1st|2nd|3rd|4th"


@dataclass(frozen=True, slots=True)
class Made:
    """When a claim was made: the day of publication, and the fiscal year and quarter that the document reports on.

    ``ends``: (month, day, offset): the last day of the fiscal year, and its calendar year less the fiscal one.
    """

    published: date | None
    year: int | None = None
    quarter: int | None = None
    ends: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """A window at [start, end) of a text. ``due`` None: ``rule`` tells why there is no date."""

    text: str
    start: int
    end: int
    due: date | None
    rule: str
    begins: date | None = None  # the first day, where it is a stretch of the calendar


def made(metadata: Metadata) -> Made:
    """Return when what a document says was said."""
    published = date.fromisoformat(metadata.published) if metadata.published else None
    found = re.fullmatch(r"(?:FY|Q([1-4]) )(\d{4})", metadata.fiscal_period or "")
    if found is None:
        return Made(published)
    quarter, year = int(found[1]) if found[1] else None, int(found[2])
    if not metadata.period_end:
        return Made(published, year, quarter)
    end = date.fromisoformat(metadata.period_end)
    # A quarter of 12 weeks or of 13 tells the month in which the year ends, no more.
    last = _rounded(_months_after(end, 3 * (4 - quarter))) if quarter and quarter < 4 else end
    return Made(published, year, quarter, (last.month, last.day, last.year - year))


def _rounded(day: date) -> date:
    """Return the end of the month that is nearest."""
    if day.day <= 14:
        return day.replace(day=1) - timedelta(days=1)
    return day.replace(day=monthrange(day.year, day.month)[1])


def _months_after(day: date, count: int) -> date:
    """Return the day ``count`` months later; the last of a month stays the last."""
    index = day.year * 12 + day.month - 1 + count
    year, month = divmod(index, 12)
    last = monthrange(year, month + 1)[1]
    keeps = day.day == monthrange(day.year, day.month)[1]
    return date(year, month + 1, last if keeps else min(day.day, last))


def _year(text: str) -> int:
    digits = re.sub(r"\D", "", text)
    return int(digits) if len(digits) == 4 else 2000 + int(digits)


def _fiscal_end(year: int, when: Made) -> tuple[date, str]:
    """Return the last day of a fiscal year, and how it is known; raises _Unknown where the document does not tell."""
    if when.ends is None:
        if when.year is not None and not _by_calendar(when):
            raise _Unknown
        return date(year, 12, 31), "by the calendar" if when.year else ""
    month, day, offset = when.ends
    last = monthrange(year + offset, month)[1]
    end = date(year + offset, month, min(day, last))
    return end, "" if (end.month, end.day) == (12, 31) else "the company's fiscal year"


class _Unknown(Exception):
    """The document does not say when its fiscal year ends."""


def _by_calendar(when: Made) -> bool:
    """Whether the day of publication fits a fiscal year that is the calendar's: up to a hundred days after the period's end."""
    if when.published is None or when.year is None:
        return False
    quarter = when.quarter or 4
    end = date(when.year, 3 * quarter, monthrange(when.year, 3 * quarter)[1])
    return 0 < (when.published - end).days <= 100


def _year_rule(year: int, when: Made, fiscal: bool) -> tuple[date, str]:
    end, note = _fiscal_end(year, when) if fiscal else (date(year, 12, 31), "")
    return end, f"the end of {year}" + (f" ({note})" if note else "")


def _running(when: Made) -> int | None:
    """Return the fiscal year that runs when the document is published."""
    if when.published is not None and (when.ends is not None or when.year is None or _by_calendar(when)):
        for year in (when.published.year - 1, when.published.year, when.published.year + 1):
            if _fiscal_end(year, when)[0] >= when.published:
                return year
    if when.year is None:
        return None
    return when.year if when.quarter in {1, 2, 3} else when.year + 1


def _quarter_end(year: int, quarter: int, when: Made, calendar: bool = False) -> tuple[date, str]:
    end, note = (date(year, 12, 31), "") if calendar else _fiscal_end(year, when)
    last = _months_after(end, -3 * (4 - quarter))
    return last, f"the end of Q{quarter} {year}" + (f" ({note})" if note else "")


def _next_quarter(quarter: int, when: Made) -> int | None:
    """Return the fiscal year of the first such quarter that is not over."""
    if when.year is not None:
        if when.quarter is None:
            return when.year + 1
        return when.year if quarter > when.quarter else when.year + 1
    if when.published is None:
        return None
    return when.published.year + (quarter < (when.published.month + 2) // 3)


Read = tuple[date | None, str, date | None]
_UNDATED = "the document has no date to count from"


def _ahead(match: re.Match[str], when: Made) -> Read:
    said, unit = match["n2"] or match["n"], match["unit"].lower()
    count = int(said) if said.isdigit() else _MANY.get(said.lower(), 0)
    if not count:
        return None, "no number of years is stated", None
    if when.published is None:
        return None, _UNDATED, None
    count *= {"month": 1, "quarter": 3, "year": 12}[unit]
    return _months_after(when.published, count), f"{count} months after {when.published}", when.published


def _named_quarter(match: re.Match[str], when: Made) -> Read:
    groups = match.groupdict()
    quarter = int(groups["q"]) if groups.get("q") else _QUARTERS[groups["qw"].lower()]
    if groups.get("year"):
        year: int | None = _year(groups["year"])
    else:
        year = _next_quarter(quarter, when)
    if year is None:
        return None, _UNDATED, None
    end, rule = _quarter_end(year, quarter, when)
    return end, rule, _months_after(end, -3)


def _this_quarter(match: re.Match[str], when: Made) -> Read:
    step = 2 if match["which"].lower() == "next" and when.quarter is None else 1
    if when.year is not None and when.quarter is not None:
        index = when.year * 4 + when.quarter - 1 + (1 if match["which"].lower() in {"next", "this", "current"} else 0)
        year, quarter = divmod(index, 4)
        end, rule = _quarter_end(year, quarter + 1, when)
        return end, rule, _months_after(end, -3)
    if when.published is None:
        return None, _UNDATED, None
    index = when.published.year * 4 + (when.published.month - 1) // 3 + step - 1
    year, quarter = divmod(index, 4)
    end, rule = _quarter_end(year, quarter + 1, when, calendar=True)
    return end, rule, _months_after(end, -3)


def _half(match: re.Match[str], when: Made) -> Read:
    first = match["half"].lower() in {"first", "1", "front"}
    said = match["year"]
    year = _year(said) if said else _running(when)
    if year is None:
        return None, _UNDATED, None
    if not said and match["next"]:
        year += 1
    end, rule = _quarter_end(year, 2 if first else 4, when)
    return end, rule.replace("Q2", "the first half of").replace("Q4", "the second half of"), _months_after(end, -6)


def _part_of_year(match: re.Match[str], when: Made) -> Read:
    year, part = _year(match["year"]), match["part"].lower()
    if "early" in part or "beginning" in part or "start" in part:
        return date(year, 3, 31), f"the first quarter of {year}", None
    if "mid" in part:
        return date(year, 6, 30), f"the middle of {year}", None
    end, rule = _year_rule(year, when, bool(match["fiscal"]))
    return end, rule, None


def _plain_year(match: re.Match[str], when: Made) -> Read:
    said = (match["fiscal"] or "").lower()
    year = _year(match["year"])
    end, rule = _year_rule(year, when, "fiscal" in said or "fy" in said)
    return end, rule, _months_after(end, -12)


def _day(match: re.Match[str], when: Made) -> Read:
    year = _year(match["year"]) if match["year"] else None
    month = months.NUMBERS[match["month"].lower()]
    if year is None:
        if when.published is None:
            return None, _UNDATED, None
        year = when.published.year + (month < when.published.month)
    day = int(match["day"]) if match["day"] else monthrange(year, month)[1]
    if not 1 <= day <= monthrange(year, month)[1]:
        return None, "that day is in no calendar", None
    end = date(year, month, day)
    return end, "the day named" if match["day"] else f"the end of {end:%B %Y}", None


def _relative_year(match: re.Match[str], when: Made) -> Read:
    year = _running(when)
    if year is None:
        return None, _UNDATED, None
    said = match.group().lower()
    year += 1 if re.search(r"\bnext\b", said) else 0
    end, rule = _year_rule(year, when, when.year is not None)
    return end, rule, _months_after(end, -12)


def _decade(match: re.Match[str], when: Made) -> Read:
    if when.published is None:
        return None, _UNDATED, None
    year = when.published.year // 10 * 10 + 10
    return date(year, 12, 31), f"the end of {year}", None


_MONTH = rf"(?P<month>{months.PATTERN})"
_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], Made], Read]], ...] = tuple(
    (re.compile(pattern, re.I), rule)
    for pattern, rule in (
        (rf"\b(?:over|in|within|during|for)\s+(?:the\s+)?(?:next|coming|following|upcoming)\s+(?:a\s+)?(?P<n>{_N}|several|few|couple)(?:\s+of)?(?:\s*(?:to|-|–|or)\s*(?P<n2>{_N}))?[\s-]+(?P<unit>month|quarter|year)s?\b", _ahead),
        (rf"\b(?:within|in)\s+(?:about\s+|the\s+)?(?P<n>{_N})(?:\s*(?:to|-|–|or)\s*(?P<n2>{_N}))?[\s-]+(?P<unit>month|quarter|year)s?\b(?!\s+(?:ago|earlier|old|before|ended))", _ahead),
        (rf"\b(?:the\s+)?(?:next|coming)\s+(?P<n>{_N})(?:\s*(?:to|-|–|or)\s*(?P<n2>{_N}))?[\s-]+(?P<unit>month|quarter|year)s?\b", _ahead),
        (rf"\bQ(?P<q>[1-4])\s*(?:of\s+)?(?:fiscal\s+|FY\s?)?(?P<year>{_Y})?", _named_quarter),
        (rf"\b(?P<q>[1-4])Q\s*(?P<year>{_Y}|\d\d\b)?", _named_quarter),
        (rf"\b(?:the\s+)?(?P<qw>{_ORD})\s+(?:fiscal\s+)?quarter(?:\s*(?:of|in|,)?\s*(?:the\s+)?{_FY}?(?P<year>{_Y}))?", _named_quarter),
        (rf"\bover\s+(?:a\s+)?(?P<n>{_N})(?P<n2>(?!))?[\s-]+(?P<unit>month|quarter|year)s?\b", _ahead),
        (r"\b(?P<which>this|next|current)\s+(?:fiscal\s+)?quarter\b", _this_quarter),
        (rf"\b(?P<half>first|second|front|back)\s+half(?:\s+of)?(?:\s+(?:the\s+)?(?P<next>next)?\s*(?:fiscal\s+)?(?:year\b\s*)?)?(?P<year>{_Y})?", _half),
        (rf"\bH(?P<half>[12])\s*(?P<next>(?!))?(?P<year>{_Y})?", _half),
        (rf"\b(?P<part>(?:the\s+)?(?:end|beginning|start)\s+of|year[- ]end|early(?:\s+in)?|mid[- ]?|late(?:\s+in)?)\s*(?P<fiscal>fiscal\s+(?:year\s+)?|FY\s?)?(?:calendar\s+(?:year\s+)?)?(?P<year>{_Y})\b", _part_of_year),
        (rf"\b{_MONTH}\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>20\d\d)\b", _day),
        (rf"\b{_MONTH}\.?(?P<day>(?!))?,?\s+(?P<year>20\d\d)\b", _day),
        (rf"\b(?:by|in|until|through|before)\s+(?:the\s+end\s+of\s+|early\s+|late\s+|mid[- ]?)?(?!may\b(?!\s+\d))(?-i:(?=[A-Z])){_MONTH}(?P<day>(?!))?(?P<year>(?!))?\b", _day),
        (rf"\b(?P<fiscal>{_FY})(?P<year>20\d\d)\b", _plain_year),
        (r"\b(?:by|at|before|until|through|for)?\s*(?:the\s+)?(?:end\s+of\s+(?:the|this)|calendar|fiscal)?\s*year[- ]?end\b|\b(?:the\s+)?end\s+of\s+(?:the|this|our|next)\s+(?:fiscal\s+|calendar\s+)?year\b", _relative_year),
        (r"\b(?:this|next|the\s+current|current|the\s+full|full|our\s+fiscal|the\s+fiscal|the\s+(?:rest|remainder|balance)\s+of\s+(?:the|this))[- ](?:fiscal\s+|calendar\s+|full\s+)?year\b|\b(?:later|for|in)\s+(?:this|the)\s+(?:fiscal\s+)?year\b", _relative_year),
        (r"\b(?:the\s+)?end\s+of\s+(?:the|this)\s+decade\b|\bthis\s+decade\b", _decade),
        (rf"(?<![\w.,$€£-])(?P<fiscal>{_FY})?(?P<year>(?!2000)20\d\d)\b(?!\s+(?:index|notes?|plan|act|credit|annual\s+report|form|senior|tax|omnibus|financial|base|levels?)\b|[.,]\d|-[A-Z])", _plain_year),
        (rf"\b(?P<fiscal>{_FY})?(?P<year>['’]\s?[12]\d)\b", _plain_year),
    )
)  # fmt: skip


def windows(text: str, when: Made) -> tuple[Window, ...]:
    """Return the windows that ``text`` names, in order; of two that overlap the one found by the more telling rule."""
    found: list[Window] = []
    for pattern, rule in _RULES:
        for match in pattern.finditer(text):
            start, end = match.span()
            while end > start and text[end - 1].isspace():
                end -= 1
            while start < end and text[start].isspace():
                start += 1
            if start == end or any(start < w.end and w.start < end for w in found):
                continue
            try:
                due, told, begins = rule(match, when)
            except _Unknown:
                due, told, begins = None, "the document does not say when its fiscal year ends", None
            found.append(Window(text[start:end], start, end, due, told, begins))
    return _merged(text, sorted(found, key=lambda w: w.start))


_THROUGH = re.compile(r"\s*(?:through|to|until|and|[-–—])\s*(?:fiscal\s+|the\s+end\s+of\s+)?", re.I)


def _merged(text: str, found: list[Window]) -> tuple[Window, ...]:
    """Return windows in order; "2021 through 2025" is one, due at its end."""
    out: list[Window] = []
    for one in found:
        last = out[-1] if out else None
        if last and last.due and one.due and last.due < one.due and _THROUGH.fullmatch(text[last.end : one.start]):
            out[-1] = Window(text[last.start : one.end], last.start, one.end, one.due, one.rule, last.begins)
        else:
            out.append(one)
    return tuple(out)
