"""How much of a company's debt bears variable rates, where its annual report states it, with the quote; of an index by debt.

Read in the filings of the base, else in the newest 10-K at SEC. Nothing is estimated: what no sentence states plainly is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assistant.statements.evaluate import work
from assistant.statements.figures import Absent, Reader, Refused, fiscal
from assistant.statements.formulas import own_syntax
from assistant.tools.base import Context, Draft, NoData, ToolFailure
from assistant.tools.call_reads import filing_list
from assistant.tools.deadline import remaining
from assistant.tools.entities import Fund, by_ticker, company, listings
from assistant.tools.filed_statements import sources_of, stated_shares
from assistant.tools.members import frame, last_year
from assistant.tools.positions import Positions, positions
from assistant.tools.providers.edgar_pages import ANNUAL
from assistant.tools.providers.protocols import FilingPage, Holding, Listing
from assistant.tools.pulls import Want, pull
from vectorstore.errors import NotFound
from vectorstore.names import fold, same_company
from vectorstore.records import Document, SourceInfo

NAME = "variable_rate_share"
DEBT = ("LongTermDebt", "DebtLongtermAndShorttermCombinedAmount", "LongTermDebtNoncurrent")
_NEWEST = 4  # filings of a company that are looked through
_YEARS = 500  # days back in which the newest annual report lies
_LEFT_S = 5.0  # of the call's time, kept for what follows the requests


@dataclass(frozen=True, slots=True)
class Stated:
    """A share in percent with its day, its source, and the sentence as an input of a metric."""

    percent: float
    as_of: str
    period: str | None
    source: str
    quote: dict[str, Any]
    url: str | None = None


def of_company(asked: str, context: Context, draft: Draft) -> None:
    """Add the share that the company's filings state; else a warning that it is not known."""
    try:
        held = sources_of(asked, context)
    except NoData as ambiguous:
        draft.warn(str(ambiguous))
        return
    name = (held[0].metadata.company if held else None) or asked
    found = _in_base(held, context)
    looked = ["no filing in the base"] if held else []
    if found is None and context.providers.filings is not None:
        try:
            one = company(asked, listings(context, draft))
            name = name if held else one.name
            found = _at_sec(one, context, draft)
            looked.append("nor the newest 10-K at SEC" if held else "the newest 10-K at SEC does not")
        except ToolFailure as failure:
            draft.warn(f"The newest 10-K at SEC was not read: {failure.message}")
    if found is not None:
        draft.add(
            NAME, name, found.percent, "percent", as_of=found.as_of, period=found.period, source=found.source, source_url=found.url,
            method="reported", formula="as the filing states it", inputs=[found.quote],
        )  # fmt: skip
    elif looked:
        says = f"{looked[0]} states one" if held else f"{looked[0]} state one"
        draft.warn(f"The variable-rate share of the debt of {name} is not known: {', '.join([says, *looked[1:]])}.")


def of_index(fund: Fund, reports: int, context: Context, draft: Draft) -> None:
    """Add the share of an index, weighted by debt over the companies whose filings state one; "unknown" for none.

    ``reports``: of the largest companies that the base says nothing of, how many 10-Ks are read at SEC. Raises ToolFailure.
    """
    held = positions(context, draft, fund)
    stated, read = _of_base(held, context)
    if reports:
        more, tried = _of_sec(held, reports, set(stated), context, draft)
        stated |= more
        read |= tried
    debts = _debts(held, stated, context)
    weights = {name: sum(_weights(held, name)) for name in stated}
    known = [name for name in stated if debts.get(name)]
    of, share = len(_names(held)), sum(weights[name] for name in known)
    inputs = [
        {"company": name, "value": found.percent, "debt": debts.get(name), "fund_weight_pct": 100 * weights[name], **found.quote}
        for name, found in stated.items()
    ]  # fmt: skip
    debt = sum(debts[name] or 0.0 for name in known)
    value = sum(stated[name].percent * (debts[name] or 0.0) for name in known) / debt if debt else None
    draft.add(
        NAME, fund.index, value, "percent" if value is not None else "unknown",
        as_of=max((stated[name].as_of for name in known), default=held.day.isoformat()), source="annual reports",
        formula="sum of the share that a filing states x debt / sum of debt, over the companies whose filing states one",
        inputs=inputs, n=len(known), coverage_pct=min(100.0, 100 * share),
    )  # fmt: skip
    silent = len(read) - len(stated)
    said = f"The variable-rate share of {fund.index} is known for {len(known)} of {of} companies ({100 * share:.2g}% of the weight)"
    told = [f"{silent} filings that were read state none"] if silent else []
    told += [f"{len(stated) - len(known)} state one and their debt is not known"] if len(stated) > len(known) else []
    told += [f"of {of - len(read)} no filing was read"] if of > len(read) else []
    draft.warn(f"{said}; {', '.join(told)}." if told else f"{said}.")


def _of_base(held: Positions, context: Context) -> tuple[dict[str, Stated], set[str]]:
    """Return (what filings of the base state by the name of the holding, the names whose filings were read)."""
    if context.documents is None:
        return {}, set()
    names = _names(held)
    by_holding: dict[str, list[SourceInfo]] = {}
    for source in context.documents.sources(context.filters(kind=("filing",))):
        meta = source.metadata
        name = next((n for n, h in names.items() if meta.ticker and fold(meta.ticker) == fold(h.ticker)), None) or next(
            (n for n in names if meta.company and same_company(n, meta.company)), None
        )
        if name is not None and source.version:
            by_holding.setdefault(name, []).append(source)
    found = {}
    for name, sources in by_holding.items():
        sources.sort(key=lambda s: (s.metadata.published or "", s.document_id), reverse=True)
        if (stated := _in_base(sources, context)) is not None:
            found[name] = stated
    return found, set(by_holding)


def _of_sec(
    held: Positions, reports: int, known: set[str], context: Context, draft: Draft
) -> tuple[dict[str, Stated], set[str]]:
    table = by_ticker(listings(context, draft))
    found: dict[str, Stated] = {}
    read: set[str] = set()
    for name, holding in list(_names(held).items()):
        if len(read) >= reports or remaining(1e9) < _LEFT_S:
            break
        one = table.get(holding.ticker)
        if name in known or one is None:
            continue
        read.add(name)
        try:
            stated = _at_sec(one, context, draft)
        except ToolFailure as failure:
            draft.warn(f"{one.name}: {failure.message}")
            continue
        if stated is not None:
            found[name] = stated
    return found, read


def _in_base(held: Sequence[SourceInfo], context: Context) -> Stated | None:
    """Return what the newest of a company's filings states that states one share; None where none does."""
    for source in held[:_NEWEST]:
        try:
            assert context.documents is not None
            document = context.documents.document(source.document_id, source.version)
        except NotFound:
            continue
        hits = list(stated_shares(document.text))
        if len({value for value, _, _ in hits}) == 1:
            value, start, end = hits[0]
            meta = document.metadata
            quote = {
                "document_id": document.document_id, "version": document.version, "start": start, "end": end, "quote": document.text[start:end],
            }  # fmt: skip
            day = meta.period_end or meta.published or ""
            return Stated(value, day, meta.fiscal_period, f"{meta.form or 'filing'} in the base", quote)
    return None


def _at_sec(one: Listing, context: Context, draft: Draft) -> Stated | None:
    provider = context.providers.filings
    annual = [
        f for f in filing_list(one, _YEARS, context, draft).filings if f.form in ANNUAL and f.filed <= context.day
    ]
    if not annual:
        raise NoData("no annual report of late is on SEC's list of filings.", "Take a company that files 10-K.")
    newest = annual[0]
    want = Want("sec", f"report:{newest.accn}", f"10-K of {one.name}", dated=True, fresh_days=1e6)
    fetch = (lambda: provider.report(one.cik, newest.accn, newest.document)) if provider else None
    pulled = pull(context, want, FilingPage, fetch)
    page = draft.take(pulled)
    hits = list(stated_shares(page.text))
    if len({value for value, _, _ in hits}) != 1:
        return None
    value, start, end = hits[0]
    quote = {"accn": newest.accn, "filed": newest.filed.isoformat(), "url": pulled.url, "start": start, "end": end, "quote": page.text[start:end]}  # fmt: skip
    day = (newest.reported or newest.filed).isoformat()
    return Stated(value, day, f"{newest.form} of {newest.filed}", pulled.source, quote, pulled.url)


def _debts(held: Positions, stated: dict[str, Stated], context: Context) -> dict[str, float | None]:
    """Return the debt of each company that states a share: of its filing in the base, else of SEC's frames."""
    found = {name: _own_debt(one, context) for name, one in stated.items()}
    lacking = [name for name, debt in found.items() if debt is None]
    if not lacking or context.providers.facts is None:
        return found
    quiet = Draft(NAME, {})
    try:
        table = by_ticker(listings(context, quiet))
        owed = frame(context, quiet, DEBT, f"CY{last_year(context.day)}Q4I", quiet=True)
    except ToolFailure:
        return found
    names = _names(held)
    for name in lacking:
        one = table.get(names[name].ticker)
        point = owed.get(one.cik) if one else None
        found[name] = point.value if point else None
    return found


def _own_debt(one: Stated, context: Context) -> float | None:
    id_ = one.quote.get("document_id")
    if id_ is None or context.documents is None:
        return None
    document: Document = context.documents.document(id_, one.quote["version"])
    year, _ = fiscal(document)
    if year is None:
        return None
    try:
        return work(own_syntax("current_debt + long_term_debt"), year, Reader([document], year)).value
    except (Refused, Absent):
        return None


def _names(held: Positions) -> dict[str, Holding]:
    """Return the fund's holdings by name, largest first; of several share classes with one name the largest."""
    found: dict[str, Holding] = {}
    for one in held.holdings:
        found.setdefault(one.name, one)
    return found


def _weights(held: Positions, name: str) -> list[float]:
    return [share for one, share in zip(held.holdings, held.shares, strict=True) if one.name == name]


__all__ = ["NAME", "of_company", "of_index"]
