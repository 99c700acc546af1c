"""Fiscal periods in a question: "FY22", "fiscal 2018", "Q2 of 2023", "second quarter 2021", "as of Jun'23". Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vectorstore import months

_QUARTERS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4}
_YEAR = r"(?:(?:19|20)\d\d|['’]?\d\d)"
_PATTERN = re.compile(
    rf"\bQ(?P<q1>[1-4])\s*(?:of|in|,)?\s*(?:the\s+)?(?:FY|fiscal(?:\s+year)?)?\s*[-/]?\s*(?P<qy1>{_YEAR})\b"
    rf"|\b(?:FY|fiscal(?:\s+year)?)?\s*(?P<qy2>(?:19|20)\d\d|(?<=FY)\s*['’]?\d\d)\s*[-/,]?\s*Q(?P<q2>[1-4])\b"
    rf"|\b(?P<q3>[1-4])Q\s*['’]?(?P<qy4>(?:19|20)?\d\d)\b"
    rf"|\b(?P<qw>first|second|third|fourth|1st|2nd|3rd|4th)\s+(?:fiscal\s+)?quarter\s*(?:of|in|,)?\s*(?:the\s+)?(?:FY|fiscal(?:\s+year)?)?\s*(?P<qy3>{_YEAR})\b"
    rf"|\b(?P<month>{months.PATTERN})\.?\s*(?:\d{{1,2}}(?:st|nd|rd|th)?,?\s*)?['’]?(?P<my>(?:19|20)\d\d|(?<=['’])\d\d)\b"
    rf"|\b(?:FY|fiscal(?:\s+years?)?|fiscal\s+year\s+ended)\s*[-]?\s*['’]?(?P<fy>(?:19|20)\d\d|\d\d)\b"
    rf"|(?<![\w.,$€£-])(?P<plain>(?:19|20)\d\d)(?!\w|[.,]\d|\s*(?:index|growth|value)\b)",
    re.I,
)
_INDEX = re.compile(r"\b(?:russell|topix|csi|nikkei|msci)\s+$", re.I)


@dataclass(frozen=True, slots=True)
class Period:
    """A fiscal year, a quarter of it, or (``month``) a date's month, as the question calls it."""

    year: int
    quarter: int | None = None
    month: int | None = None

    @property
    def label(self) -> str:
        """As documents carry it in ``fiscal_period``: "FY2022", "Q2 2023"."""
        return f"Q{self.quarter} {self.year}" if self.quarter else f"FY{self.year}"


def _year(text: str) -> int:
    digits = int(re.sub(r"\D", "", text))
    if digits >= 100:
        return digits
    return 2000 + digits if digits < 60 else 1900 + digits


def periods(text: str) -> tuple[Period, ...]:
    """Return the periods that ``text`` names, in order, each once.

    A bare year counts as a fiscal year; "between FY2019 and FY2021" names the two that it says, not the one between.
    """
    found: list[Period] = []
    for m in _PATTERN.finditer(text):
        if _INDEX.search(text[: m.start()]):
            continue
        if m["q1"]:
            one = Period(_year(m["qy1"]), int(m["q1"]))
        elif m["q2"]:
            one = Period(_year(m["qy2"]), int(m["q2"]))
        elif m["q3"]:
            one = Period(_year(m["qy4"]), int(m["q3"]))
        elif m["qw"]:
            one = Period(_year(m["qy3"]), _QUARTERS[m["qw"].lower()])
        elif m["month"]:
            one = Period(_year(m["my"]), None, months.NUMBERS[m["month"].lower()])
        else:
            one = Period(_year(m["fy"] or m["plain"]))
        if one not in found:
            found.append(one)
    return tuple(found)


def period_spans(text: str) -> tuple[tuple[int, int], ...]:
    """Return where the periods of ``text`` stand."""
    return tuple(m.span() for m in _PATTERN.finditer(text) if not _INDEX.search(text[: m.start()]))
