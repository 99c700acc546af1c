"""Ratios from the statements of filings in the base, and where a filing states the variable-rate share of its debt."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from assistant.statements.evaluate import Worked, work
from assistant.statements.figures import Absent, Reader, Refused, fiscal
from assistant.statements.formulas import own_syntax
from assistant.tools.base import Context, Draft, NoData, Undefined
from vectorstore.names import fold, same_company
from vectorstore.records import Document, SourceInfo

# (metric, numerator, denominator, unit) over the line items of assistant.statements
OLD_DAYS = 456  # 15 months
_RATIOS = (
    ("operating_margin", "operating_income", "revenue", "percent"),
    ("interest_cover", "operating_income", "interest_expense", "x"),
    (
        "net_debt_to_ebitda",
        "current_debt + long_term_debt - cash - short_term_investments",
        "operating_income + depreciation_amortization",
        "x",
    ),
)
_OWED = r"(?:(?:our|the company's|its|total|outstanding|consolidated|long-term|the|aggregate|principal|amount|of)\s+)*(?:debt|indebtedness|borrowings)"
_SENTENCE = re.compile(r"[.;]\s+|\n\s*\n")
_STATED = (
    re.compile(
        rf"(?P<pct>\d{{1,3}}(?:\.\d+)?)\s*(?:%|percent) of {_OWED}\b(?:(?!fixed|\d\s*%)[^.;]){{0,90}}?\b(?:variable|floating)\b",
        re.I,
    ),
    re.compile(
        rf"\b(?:variable|floating)[- ](?:interest[- ])?rate (?:debt|borrowings|indebtedness)\b(?:(?!fixed|\d\s*%)[^.;]){{0,60}}?\b(?:represent\w*|comprised|was|were|of|constitut\w*|made up)\b[^.;\d]{{0,25}}(?P<pct>\d{{1,3}}(?:\.\d+)?)\s*(?:%|percent) of {_OWED}\b",
        re.I,
    ),
)  # fmt: skip


def sources_of(asked: str, context: Context) -> list[SourceInfo]:
    """Return the filings in the base of the company that a ticker or name means, newest first. Raises NoData."""
    if context.documents is None:
        return []
    every = [
        s
        for s in context.documents.sources(context.filters(kind=("filing",)))
        if s.metadata.company or s.metadata.ticker
    ]
    hits = [s for s in every if fold(s.metadata.ticker or "") == fold(asked)] or [
        s for s in every if s.metadata.company and same_company(asked, s.metadata.company)
    ]
    names = sorted({s.metadata.company or s.metadata.ticker or "" for s in hits})
    if len({tuple(n.split()) for n in map(fold, names)}) > 1:
        raise NoData(f"{asked!r} may be {'; '.join(names)} in the base.", "Give the ticker or the whole name.")
    return sorted(hits, key=lambda s: (s.metadata.published or "", s.document_id), reverse=True)


def from_filings(asked: str, context: Context, draft: Draft) -> None:
    """Add the ratios of the newest fiscal year that the base's filings hold; what is not certain is left out and told."""
    held = sources_of(asked, context)
    if not held or context.documents is None:
        raise NoData(f"The base holds no filing of {asked!r}.", "Add one with: thesis ingest FILE, or switch on sec.")
    documents = _documents(context, held)
    name = held[0].metadata.company or asked
    draft.resolved(name=name, ticker=held[0].metadata.ticker, from_base=True)
    years = sorted({y for d in documents for y, q in [fiscal(d)] if y is not None and q is None}, reverse=True)
    if not years:
        raise NoData(f"The base holds no annual report of {name} with its fiscal year.", "Add a 10-K.")
    for metric, above, below, unit in _RATIOS:
        draft.attempt(_one, metric, above, below, unit, name, years[0], documents, draft)
    ends = [m.as_of for m in draft.metrics if re.fullmatch(r"\d{4}-\d\d-\d\d", m.as_of)]
    if ends and (context.day - date.fromisoformat(max(ends))).days > OLD_DAYS:
        draft.stale = True
        draft.warn(f"The newest figures are of {max(ends)}, more than 15 months ago.")


def _documents(context: Context, held: Sequence[SourceInfo]) -> list[Document]:
    assert context.documents is not None
    return [context.documents.document(s.document_id, s.version) for s in held]


def _one(
    metric: str, above: str, below: str, unit: str, name: str, year: int, documents: Sequence[Document], draft: Draft
) -> None:
    formula = f"({above}) / ({below})"
    try:
        base = work(own_syntax(below), year, Reader(documents, year))
        got = work(own_syntax(formula), year, Reader(documents, year)) if base.value > 0 else None
    except Refused as refused:
        raise NoData(f"{metric} cannot be read with certainty: {refused.message}.", "Switch on sec.") from refused
    except Absent as absent:
        raise NoData(f"The base has no statement of {name} for FY{year} with {metric}.", "Switch on sec.") from absent
    if got is None:
        raise Undefined(f"{metric} of {name} for FY{year}: {below} is {base.value:,.0f}.", "It needs a positive one.")
    first = got.figures[0].statement.document.metadata
    draft.add(
        metric, name, (100 if unit == "percent" else 1) * got.value, unit,
        as_of=first.period_end or first.published or str(year), period=f"FY{year}",
        source=f"{first.form or 'filing'} in the base", formula=f"{formula} = {got.shown}", inputs=_inputs(got),
    )  # fmt: skip


def _inputs(got: Worked) -> list[dict[str, Any]]:
    found = []
    for figure in got.figures:
        document = figure.statement.document
        for document_id, version, start, end in figure.spans:
            found.append(
                {
                    "name": figure.item.label, "value": figure.value, "year": figure.year, "document_id": document_id,
                    "version": version, "start": start, "end": end, "quote": document.text[start:end],
                }
            )  # fmt: skip
    return found


def stated_shares(text: str) -> Iterator[tuple[float, int, int]]:
    """Yield (percent, start, end) of each statement of a variable-rate share; the span is the sentence."""
    for pattern in _STATED:
        for match in pattern.finditer(text):
            value = float(match["pct"])
            if value > 100:
                continue
            # "1% and 2%, respectively, of total debt": which one is of which day is not certain.
            if "%" in text[max(0, match.start() - 30) : match.start()]:
                continue
            ends = [m.end() for m in _SENTENCE.finditer(text, max(0, match.start() - 600), match.start())]
            start = ends[-1] if ends else max(0, match.start() - 600)
            stop = re.compile(r"\.(?=\s|$)|\n\n").search(text, match.end())
            yield value, start, stop.end() if stop else len(text)
