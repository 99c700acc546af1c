"""Which documents a question is about: the companies, publishers and periods that it names, found in the base. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assistant.periods import Period
from assistant.question import Question
from vectorstore.records import Metadata, SourceInfo

# A filing shows the years before its own beside it: an income statement has three columns.
COMPARATIVE_YEARS = 2
# From this fit on a document can be expected to report on the period.
SAYS_QUARTER, SAYS_YEAR = 0.55, 0.15


@dataclass(frozen=True, slots=True)
class Scope:
    """The documents to look in, best first by tier; () for all. ``lacking``: periods that no document covers."""

    tiers: tuple[tuple[SourceInfo, ...], ...] = ()
    lacking: tuple[str, ...] = ()

    @property
    def documents(self) -> tuple[SourceInfo, ...]:
        return tuple(source for tier in self.tiers for source in tier)


# An amendment that is shorter than this share of its original brings single items (Part III, an exhibit), not the whole form.
WHOLE = 0.6


def replaced(sources: Sequence[SourceInfo]) -> Mapping[str, SourceInfo]:
    """Return the filings that an amended one stands in for: document_id -> the newest whole amendment (10-K/A for a 10-K).

    The two are of one company, form and fiscal period. An amendment of single items leaves its original in force.
    """
    amended = [s for s in sources if s.metadata.extra.get("supersedes") and s.metadata.fiscal_period]
    wanted = {(s.metadata.company, s.metadata.fiscal_period) for s in amended if s.metadata.company}
    filed: dict[tuple[str | None, str | None], list[SourceInfo]] = {}
    for older in sources if wanted else ():
        place = (older.metadata.company, older.metadata.fiscal_period)
        if place in wanted:
            filed.setdefault(place, []).append(older)
    out: dict[str, SourceInfo] = {}
    for newer in sorted(amended, key=lambda s: s.metadata.published or ""):
        form = newer.metadata.extra["supersedes"]
        for older in filed.get((newer.metadata.company, newer.metadata.fiscal_period), ()):
            meta = older.metadata
            if older.document_id == newer.document_id:
                continue
            first = meta.form == form or (
                meta.extra.get("supersedes") == form and (meta.published or "") < (newer.metadata.published or "")
            )
            if first and newer.characters >= WHOLE * older.characters:
                out[older.document_id] = newer
    return out


def own_period(meta: Metadata) -> Period | None:
    """Return the period that a document reports on, from its ``fiscal_period``."""
    found = re.fullmatch(r"(?:(FY)|Q([1-4])|(H[12])) ?(\d{4})", meta.fiscal_period or "")
    if not found:
        return None
    return Period(int(found[4]), int(found[2]) if found[2] else None)


def fit(meta: Metadata, period: Period) -> float:
    """Return how well a document answers for a period: 1 its own, less where it shows it beside its own, 0 not."""
    own = own_period(meta)
    if period.month:
        month = f"{period.year}-{period.month:02d}"
        if any((date or "").startswith(month) for date in (meta.period_end, meta.report_date)):
            return 1.0
        if (meta.published or "").startswith(month):
            return 0.9
        if own is None and month[:4] in {(meta.report_date or "")[:4]}:
            return 0.3
    if own is None:
        year = (meta.report_date or meta.published or "")[:4]
        # Who writes about a company tells of its last year; a filing says itself which period it reports on.
        if (
            meta.kind in {"note", "article", "other"}
            and not period.quarter
            and not period.month
            and year == str(period.year + 1)
        ):
            return 0.4
        return 0.5 if year == str(period.year) and not period.month else 0.0
    if own.year == period.year:
        if own.quarter == period.quarter:
            return 1.0
        return 0.6 if period.quarter and not own.quarter else 0.5
    after = own.year - period.year
    if 0 < after <= COMPARATIVE_YEARS:
        return 0.45 - 0.1 * (after - 1) if own.quarter == period.quarter else 0.2
    return 0.0


def resolve(question: Question, sources: Sequence[SourceInfo]) -> Scope:
    """Narrow ``sources`` (already filtered) by the companies and periods of the question; an amended filing stands for its original."""
    if not question.companies:
        return Scope()
    own = [s for s in sources if s.metadata.company in question.companies]
    old = replaced(own)
    own = [s for s in own if s.document_id not in old]
    if not own or not question.periods:
        return Scope((tuple(own),)) if own else Scope()
    lacking = tuple(
        p.label
        for p in question.periods
        if not p.month and max(fit(s.metadata, p) for s in own) < (SAYS_QUARTER if p.quarter else SAYS_YEAR)
    )
    # Several years are columns of the newest filing; the others stand behind it.
    newest = max(question.periods, key=lambda p: (p.year, p.quarter or 0, p.month or 0))
    scored = sorted(
        ((fit(s.metadata, newest) + 0.3 * sum(fit(s.metadata, p) for p in question.periods), s) for s in own),
        key=lambda pair: (-pair[0], pair[1].path),
    )
    best = scored[0][0]
    if best <= 0:
        return Scope((tuple(own),), lacking)
    first = tuple(s for score, s in scored if score >= best - 0.15)
    second = tuple(s for score, s in scored if 0 < score < best - 0.15)
    rest = tuple(s for score, s in scored if score <= 0)
    return Scope(tuple(tier for tier in (first, second, rest) if tier), lacking)
