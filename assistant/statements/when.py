"""Periods of a question as fiscal periods of a company, found by the ends of the periods that its filings report on. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.periods import Period, period_spans, periods
from assistant.statements.figures import fiscal, newest_date, period_end
from vectorstore.records import Document

_MONTHS_ENDED = re.compile(
    r"\b(?P<n>three|six|nine|3|6|9|13|26|39|thirteen|twenty[- ]six|thirty[- ]nine|12|24|36|twelve)[- ](?P<u>months?|weeks?)(?: period)?(?: ended| ending| to)?(?: on)? (?=⟦)"
    r"|\b(?P<quarter>quarter) (?:ended|ending)(?: on)? (?=⟦)"
    r"|\bfirst (?P<first>half|six months|nine months|three months)(?: of| in)? (?:the )?(?:fiscal )?(?:year )?(?=⟦)",
    re.I,
)
_MANY = {"three": 3, "3": 3, "six": 6, "6": 6, "nine": 9, "9": 9, "thirteen": 13, "13": 13, "twenty six": 26, "26": 26, "39": 39, "thirty nine": 39, "12": 12, "twelve": 12, "24": 24, "36": 36}  # fmt: skip
_NEWEST = re.compile(
    r"\b(?:in|for|of|at|during|as of)? ?(?:the end of )?(?:the |its |their )?(?:latest|most recent|newest|last reported|last)(?: (?:available|completed|reported|full|held))*(?: (?:fiscal|financial))?(?: (?:year|annual (?:report|filing|period)|10-k|filing|report|balance sheet|period))(?:[- ]end)?\b",
    re.I,
)
_ENDED = re.compile(r"\b(?:fiscal |financial )?years? (?:ended|ending)(?: on)? (?=⟦)", re.I)


@dataclass(frozen=True, slots=True)
class When:
    """A fiscal year, or a quarter of it. ``months`` of a figure to date ("six months"); ``date`` as asked: (year, month)."""

    year: int
    quarter: int | None = None
    months: int | None = None
    date: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Marked:
    """A question whose periods stand as "⟦i⟧". ``newest``: the newest period is asked for by name."""

    text: str
    found: tuple[Period, ...]
    months: tuple[int | None, ...]
    newest: bool


def marked(text: str) -> Marked:
    """Return ``text`` with its periods marked."""
    newest = bool(_NEWEST.search(text))
    text = _NEWEST.sub(" ", text)
    found: list[Period] = []
    out, at = [], 0
    for start, end in period_spans(text):
        named = periods(text[start:end]) or periods(text[max(0, start - 12) : end])
        if not named:
            continue
        if named[-1] not in found:
            found.append(named[-1])
        out += [text[at:start], f" ⟦{found.index(named[-1])}⟧ "]
        at = end
    whole = " ".join("".join([*out, text[at:]]).split())
    months: list[int | None] = [None] * len(found)
    for match in _MONTHS_ENDED.finditer(whole):
        index = int(re.match(r"⟦(\d+)⟧", whole[match.end() :])[1])  # type: ignore[index]
        if match["quarter"]:
            many = 3
        elif match["first"]:
            many = {"half": 6, "six months": 6, "nine months": 9, "three months": 3}[match["first"].lower()]
        else:
            many = _MANY[match["n"].lower().replace("-", " ")]
            many = round(many * 12 / 52) if match["u"].lower().startswith("w") else many
        months[index] = many
    return Marked(_ENDED.sub(" ", _MONTHS_ENDED.sub(" ", whole)), tuple(found), tuple(months), newest)


def resolve(period: Period, months: int | None, documents: Sequence[Document]) -> When | None:
    """Return the company's fiscal period for one that a question names; None where no filing ends a quarter there."""
    if period.quarter:
        return When(period.year, period.quarter, months if months != 3 else None)
    if months in {6, 9} and not period.month:
        return When(period.year, months // 3, months)
    if not period.month:
        return When(period.year)
    date = (period.year, period.month)
    best: tuple[int, When] | None = None
    for document in documents:
        end, (year, quarter) = period_end(document) or newest_date(document), fiscal(document)
        if end is None or year is None or (months == 12 and quarter) or (months in {3, 6, 9} and not quarter):
            continue
        away = min(abs(end[1] - date[1]), 12 - abs(end[1] - date[1]))
        if away > 1:
            continue
        # A year that ends on the first days of a month is called by the month before too.
        gap = round(((date[0] - end[0]) * 12 + date[1] - end[1]) / 12)
        cost = 10 * away + min(abs(gap), 9)
        if best is None or cost < best[0]:
            best = (cost, When(year + gap, quarter, months if quarter and months != 3 else None, date))
    if best is None and months in {3, 6, 9}:
        return None
    return best[1] if best else When(period.year, None, None, date)


def newest(documents: Sequence[Document]) -> When | None:
    """Return the newest fiscal year that documents report on; without one, the newest quarter."""
    held = [fiscal(d) for d in documents if d.metadata.kind in {"filing", "release", "other"}]
    years = [year for year, quarter in held if year and not quarter]
    if years:
        return When(max(years))
    quarters = [(year, quarter) for year, quarter in held if year and quarter]
    return When(*max(quarters)) if quarters else None
