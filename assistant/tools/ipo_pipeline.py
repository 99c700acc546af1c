"""How many companies file to go public each quarter, from EDGAR's form index: first S-1 or F-1 of a registrant not yet public.

Taken out: blank-check companies (by name, and by text where a filing is read), registrants that had already filed reports,
and, of the filings that are read, those in which holders resell their shares.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import partial
from statistics import median
from typing import Any

from pydantic import Field

from assistant.tools.base import Arguments, Context, Draft, NoData, Tool, ToolFailure, execute
from assistant.tools.deadline import remaining
from assistant.tools.providers.protocols import FilingPage, IndexEntry, QuarterIndex
from assistant.tools.pulls import Want, pull

NAME = "ipo_pipeline"
URL = "https://www.sec.gov/Archives/edgar/full-index/"
BIG_USD = 2e9
_LEFT_S = 8.0
_SPAC = re.compile(
    r"\b(?:acqui(?:sition|re)\w*|blank check|spac|merger)\b.*\b(?:corp\w*|co|company|inc|ltd|limited|[ivx]+|\d)\b", re.I
)
_BLANK = re.compile(r"\bblank[- ]check company\b|\binitial business combination\b", re.I)
_RESALE = re.compile(
    r"\bresale\b.{0,200}\bselling (?:stock|share|security ?)holders?\b|\bwe will not receive any (?:of the )?proceeds from the sale\b",
    re.I,
)
_SIZE = (
    re.compile(r"Total Offering Amounts?\s*\$?\s*([\d,]{6,}(?:\.\d\d)?)", re.I),
    re.compile(r"proposed maximum aggregate offering price.{0,400}?\$\s*([\d,]{6,}(?:\.\d\d)?)", re.I),
)


class IpoArguments(Arguments):
    quarters: int = Field(8, ge=2, le=20, description="How many quarters back, with the one that runs")
    read: int = Field(10, ge=0, le=100, description="How many of the newest filings are read for their size")


@dataclass(frozen=True, slots=True)
class Quarter:
    """The first registrations of a quarter; ``whole``: the quarter is over by the last day that may be used."""

    year: int
    number: int
    first: tuple[IndexEntry, ...]
    blank_checks: int
    known: int
    whole: bool


def _work(a: IpoArguments, context: Context, draft: Draft) -> None:
    indexes = _indexes(a.quarters, context, draft)
    if not indexes:
        return
    found = _quarters(indexes, context.day)
    for one in found:
        period = f"{one.year} Q{one.number}" + ("" if one.whole else f" to {context.day}")
        draft.add(
            "initial_registrations", "United States", len(one.first), "filings", as_of=min(_end(one.year, one.number), context.day),
            period=period, source="SEC EDGAR form index", source_url=f"{URL}{one.year}/QTR{one.number}/",
            formula="registrants with a first S-1 or F-1, not yet reporting, no blank-check company by name",
            inputs=({"name": "blank-check companies left out", "value": one.blank_checks},
                    {"name": "already reporting, left out", "value": one.known}), n=len(one.first),
        )  # fmt: skip
    draft.warn(
        "Draft registrations are not public until 15 days before the roadshow, so the newest months are too low."
    )
    if a.read:
        newest = sorted((e for q in found for e in q.first), key=lambda e: (e.filed, e.path), reverse=True)[: a.read]
        draft.attempt(_sizes, newest, context, draft)


def _end(year: int, quarter: int) -> date:
    return date.fromordinal(date(year + quarter // 4, quarter % 4 * 3 + 1, 1).toordinal() - 1)


def _indexes(count: int, context: Context, draft: Draft) -> list[QuarterIndex]:
    """Return the indexes of the last ``count`` quarters, oldest first, each cut at the last day that may be used."""
    provider = context.providers.forms
    number = context.day.year * 4 + (context.day.month - 1) // 3
    found: list[QuarterIndex] = []
    for n in range(number, number - count, -1):
        year, quarter = n // 4, n % 4 + 1
        want = Want(
            "sec",
            f"index:{year}Q{quarter}",
            f"form index of {year} Q{quarter}",
            dated=True,
            fresh_days=3 if n == number else 1e6,
        )
        if found and remaining(1e9) < _LEFT_S:
            draft.warn(f"The time sufficed for {len(found)} quarters; ask again for the rest.")
            break
        try:
            index = draft.take(
                pull(context, want, QuarterIndex, partial(provider.quarter, year, quarter) if provider else None)
            )
        except ToolFailure as failure:
            if not found and n != number:
                raise
            draft.failures.append(failure)
            draft.warn(str(failure))
            if n != number:
                break
            continue
        found.append(
            index.model_copy(
                update={
                    "entries": tuple(e for e in index.entries if e.filed <= context.day),
                    "reporters": {c: d for c, d in index.reporters.items() if d <= context.day},
                }
            )
        )
    return found[::-1]


def _quarters(indexes: list[QuarterIndex], day: date) -> list[Quarter]:
    reporting: dict[int, date] = {}
    for index in indexes:
        for cik, day_ in index.reporters.items():
            reporting[cik] = min(day_, reporting.get(cik, day_))
    seen: set[int] = set()
    out = []
    for index in indexes:
        first: list[IndexEntry] = []
        blank = known = 0
        for entry in sorted(index.entries, key=lambda e: (e.filed, e.path)):
            if entry.form not in ("S-1", "F-1") or entry.cik in seen:
                continue
            seen.add(entry.cik)
            if entry.cik in reporting and reporting[entry.cik] <= entry.filed:
                known += 1
            elif _SPAC.search(entry.company):
                blank += 1
            else:
                first.append(entry)
        out.append(
            Quarter(index.year, index.quarter, tuple(first), blank, known, _end(index.year, index.quarter) <= day)
        )
    # The first quarter only tells who was already public, or had registered, before.
    return out[1:] if len(out) > 1 else out


def _sizes(newest: list[IndexEntry], context: Context, draft: Draft) -> None:
    """Add what the newest filings themselves say: size, resale, blank check."""
    provider = context.providers.filings
    sizes: list[dict[str, Any]] = []
    resales = blanks = read = 0
    for entry in newest:
        if read and remaining(1e9) < _LEFT_S:
            break
        want = Want("sec", f"filing:{entry.path}", f"filing of {entry.company}", dated=True, fresh_days=1e6)
        try:
            text = draft.take(
                pull(context, want, FilingPage, partial(provider.text, entry.path) if provider else None)
            ).text
        except ToolFailure as failure:
            draft.warn(f"{entry.company}: {failure.message}")
            continue
        read += 1
        head = text[:60_000]
        if _BLANK.search(head):
            blanks += 1
        elif _RESALE.search(head):
            resales += 1
        else:
            size = next((_usd(m.group(1)) for p in _SIZE if (m := p.search(text))), None)
            if size:
                sizes.append(
                    {
                        "company": entry.company,
                        "filed": entry.filed.isoformat(),
                        "offering_usd": size,
                        "path": entry.path,
                    }
                )
    if not sizes:
        raise NoData(
            f"None of the {read} filings that were read states the size of its offering.", "Give a larger `read`."
        )
    amounts = [one["offering_usd"] for one in sizes]
    common: dict[str, Any] = {
        "as_of": newest[0].filed, "period": f"{newest[-1].filed} to {newest[0].filed}", "source": "SEC EDGAR filings",
        "source_url": "https://www.sec.gov/Archives/", "n": len(sizes), "coverage_pct": 100 * len(sizes) / len(newest),
        "inputs": (*sizes, {"name": "resales left out", "value": resales}, {"name": "blank checks left out", "value": blanks}),
    }  # fmt: skip
    draft.add(
        "median_offering", "newest registrations", float(median(amounts)), "USD",
        formula="median of the total offering that the registration states (what is sold, not what the company is worth)", **common,
    )  # fmt: skip
    draft.add(
        "offerings_below_2bn_share", "newest registrations", 100 * sum(a < BIG_USD for a in amounts) / len(amounts), "percent",
        formula="registrations with an offering below 2 billion USD / all with a size", **common,
    )  # fmt: skip


def _usd(text: str) -> float | None:
    value = float(text.replace(",", ""))
    return value if value >= 100_000 else None


TOOL = Tool(
    NAME,
    "How many companies file to go public each quarter, and how large the newest offerings are.",
    IpoArguments,
    ("sec",),
    execute(NAME, _work),
)
