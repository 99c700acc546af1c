"""Inputs of the market-implied return from the annual filings in the base, where each row can be read with certainty. Pure.

A row that cannot is left unknown, which leaves the measure without a value; nothing is estimated in its place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from assistant.statements.figures import Absent, Figure, Reader, Refused, fiscal
from assistant.statements.items import Item, find
from assistant.statements.tables import Statement
from assistant.tools.implied_inputs import RESEARCH_LIFE, Datum, Inputs
from vectorstore.records import Document

# Below this the rounding of earnings a share to a cent moves the number of shares by more than 1%.
LEAST_EPS = 0.50
_HALF_CENT = 0.005
_DILUTED = re.compile(r"\bdilut", re.I)
_NAMED = {
    "revenue": "revenue", "assets": "total_assets", "cash": "cash", "short_term_investments": "short_term_investments",
    "goodwill": "goodwill", "payables": "accounts_payable", "accruals": "accrued_liabilities", "deferred_revenue": "deferred_revenue",
    "ebit": "operating_income", "pretax": "pretax_income", "tax": "income_tax", "book_equity": "total_equity",
    "net_income": "net_income_attributable",
}  # fmt: skip
# Rows that many balance sheets lack: a whole one without them has none.
_MAY_LACK = frozenset({"goodwill", "deferred_revenue", "short_term_investments", "accruals"})
_EXTRA = {
    "operating_leases": Item(
        "operating_leases", "Operating lease liabilities", "balance", (),
        ("+(?:current |non ?current |long term )*(?:portion of )?operating lease (?:liabilit(?:y|ies)|obligations?)(?: .*)?",), missing=0.0,
    ),
    "preferred": Item(
        "preferred", "Preferred stock", "balance", (), ("(?:total )?(?:redeemable |convertible )*preferred (?:stock|shares)(?: .*)?",), missing=0.0,
    ),
    "minority_interest": Item(
        "minority_interest", "Minority interest", "balance", (),
        ("(?:total )?(?:equity attributable to )?(?:redeemable )?(?:non ?controlling|minority) interests?(?: .*)?",), missing=0.0,
    ),
}  # fmt: skip
_FULL = 10


def inputs(
    documents: Sequence[Document],
    price: Datum | None,
    day: date,
    *,
    shares: Datum | None = None,
    sic: int | None = None,
) -> Inputs | None:
    """Return the inputs of the newest annual filing published by ``day``; None where the base holds none of the company.

    ``documents`` are those of one company. Without ``shares`` they are net income / diluted earnings a share.
    """
    known = [d for d in documents if d.metadata.published and d.metadata.published <= day.isoformat()]
    years = [y for y, quarter in map(fiscal, known) if y is not None and quarter is None]
    if not years:
        return None
    year = max(years)
    reader = Reader(known, year)
    first = next(d for d in reader.documents if fiscal(d) == (year, None))
    meta = first.metadata
    given = Inputs(meta.company or meta.title or first.path, day.isoformat(), meta.ticker, None, sic, price=price)
    held: dict[str, Any] = {
        name: _read(reader, item, year, may_lack=name in _MAY_LACK) for name, item in _NAMED.items()
    }
    held |= {name: _extra(reader, item, year) for name, item in _EXTRA.items()}
    debt = [_read(reader, name, year, may_lack=True) for name in ("long_term_debt", "current_debt")]
    if all(d is not None for d in debt):
        later, soon = debt
        assert later is not None
        assert soon is not None
        held["debt"] = replace(
            later,
            value=later.value + soon.value,
            concept=f"{later.concept} + {soon.concept}",
            absent=later.absent and soon.absent,
        )
    if held["net_income"] is None:
        held["net_income"] = _read(reader, "net_income", year, may_lack=False)
    interest = _read(reader, "interest_expense", year, may_lack=False)
    before = held["pretax"]
    if held["ebit"] is None and before is not None and interest is not None:
        held["ebit"] = replace(
            before, value=before.value + interest.value, concept=f"{before.concept} + {interest.concept}"
        )
    research = tuple(_read(reader, "research_development", year - k, may_lack=True) for k in range(RESEARCH_LIFE + 1))
    if research and all(d is None or d.absent for d in research) and research[0] is not None:
        nothing = replace(research[0], concept="no research in any year that is reported on")
        research = tuple(d or nothing for d in research)
    return replace(given, research=research, shares=shares or _shares(reader, held["net_income"], year), **held)


def _datum(figure: Figure) -> Datum:
    document = figure.statement.document
    return Datum(
        value=figure.value,
        end=_end(document, figure.year),
        unit="shares" if figure.item.kind == "shares" else "USD",
        filed=document.metadata.published,
        accession=f"{document.document_id} {figure.rows[0].start}-{figure.rows[-1].end}"
        if figure.rows
        else document.document_id,
        concept=" + ".join(row.label for row in figure.rows) or "no such row",
        source=document.metadata.title or document.path,
        absent=figure.assumed,
    )


def _end(document: Document, year: int) -> str:
    end, (own, _) = document.metadata.period_end, fiscal(document)
    if end and own == year:
        return end
    last = date.fromisoformat(end) if end else date(year, 12, 31)
    return f"{last.year - ((own or year) - year)}-{last:%m-%d}"


def _read(reader: Reader, name: str, year: int, *, may_lack: bool) -> Datum | None:
    try:
        return _datum(reader.figure(name, year))
    except Absent:
        return None
    except Refused as refused:
        # "No row is called that" on a whole statement is an absence; a row that cannot be read is not.
        statement = _whole(reader, name, year)
        if may_lack and "no row of" in refused.message and statement is not None:
            document = statement.document
            return Datum(
                0.0,
                _end(document, year),
                filed=document.metadata.published,
                concept="no such row",
                source=document.path,
                absent=True,
            )
        return None


def _whole(reader: Reader, name: str, year: int) -> Statement | None:
    from assistant.statements.items import items

    kind = items()[name].statement
    for document in reader.documents:
        for statement in reader.statements(document):
            if (
                statement.kind == kind
                and not statement.minor
                and len(statement.rows) >= _FULL
                and reader.column(statement, year) is not None
            ):
                return statement
    return None


def _extra(reader: Reader, item: Item, year: int) -> Datum | None:
    for document in reader.documents:
        for statement in reader.statements(document):
            column = (
                reader.column(statement, year) if statement.kind == item.statement and not statement.minor else None
            )
            if column is None or len(statement.rows) < _FULL or statement.unit is None:
                continue
            match = find(item, statement)
            if match.problem or not all(row.complete for row in match.rows):
                return None
            scale = statement.unit.scale
            return Datum(
                sum(row.value(column) for row in match.rows) * scale, _end(document, year), filed=document.metadata.published,
                accession=document.document_id, concept=" + ".join(r.label for r in match.rows) or "no such row",
                source=document.metadata.title or document.path, absent=not match.rows,
            )  # fmt: skip
    return None


def _shares(reader: Reader, income: Datum | None, year: int) -> Datum | None:
    """Return the diluted shares of the income statement where net income and earnings a share confirm their unit.

    Without such a row they are net income / earnings a share, unless the rounding of the latter is too coarse for that.
    """
    try:
        each = reader.figure("eps_diluted", year)
    except (Absent, Refused):
        return None
    if income is None or income.value * each.value <= 0:
        return None
    about = income.value / each.value
    column = reader.column(each.statement, year)
    rough = _HALF_CENT / abs(each.value) + 0.002
    for row in each.statement.rows:
        if column is None or not row.complete or not _DILUTED.search(f"{row.section} {row.label}"):
            continue
        for scale in (1.0, 1e3, 1e6):
            if abs(row.value(column) * scale / about - 1) <= rough and row.value(column) > 100:
                return replace(_datum(each), value=row.value(column) * scale, unit="shares", concept=row.label)
    if abs(each.value) < LEAST_EPS:
        return None
    return replace(income, value=about, unit="shares", concept="net income / diluted earnings a share")
