"""What return on assets the market value of a company or an index implies, against the one of now.

The formulas are this project's own (docs/tools/embedded_expectations.md; implied_roa, implied_inputs): they are not, and do
not reproduce, any vendor's measure. Financials and REITs (SIC 60-67) get a return on book equity instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from pydantic import Field

from assistant.tools.base import Arguments, Context, Draft, NoData, Tool, ToolFailure, Undefined, execute
from assistant.tools.closes import closes
from assistant.tools.deadline import remaining
from assistant.tools.entities import Fund, company, listings, own_fund
from assistant.tools.implied_facts import Company, inputs
from assistant.tools.implied_inputs import Datum, Inputs, Parts, data_of, equity_firm, parts, records
from assistant.tools.implied_roa import (
    CONTINUING,
    GROWTHS,
    HORIZONS,
    RATE_STEP,
    Aggregate,
    Assumptions,
    Firm,
    Implied,
    Member,
    aggregate,
    implied,
    paths,
)
from assistant.tools.implied_statements import inputs as statement_inputs
from assistant.tools.industry import industry
from assistant.tools.members import members
from assistant.tools.positions import Positions
from assistant.tools.providers.protocols import CompanyFacts, Submission
from assistant.tools.pulls import Want, pull
from vectorstore.names import same_company
from vectorstore.records import Document

NAME = "embedded_expectations"
FORMULA = "R* = (EV - V(0)) / (V(1) - V(0))"
OLD_DAYS = 7
_LEFT_S = 8.0  # of the call's time, kept for what follows the requests
PRICE_DAYS = 15


class EmbeddedExpectationsArguments(Arguments):
    """A company or an index, and what is assumed of it; rates in percent."""

    ticker: str = Field("Russell 2000", description="A company (ticker, CIK or name), or an index or fund")
    discount_rate: float = Field(8.0, gt=1, lt=50, description="r, percent a year; the range shows r ± 1 point")
    growth: float = Field(4.0, gt=-20, lt=50, description="Growth of assets g, percent a year")
    years: int = Field(5, ge=1, le=20, description="Years N until the implied return is reached")
    price: float | None = Field(
        None, gt=0, description="A share price to use in place of the market's (a company only)"
    )
    members: int = Field(40, ge=1, le=3000, description="Of an index: how many of the largest companies are read")

    @property
    def assumptions(self) -> Assumptions:
        return Assumptions(self.discount_rate / 100, self.growth / 100, self.years)


def _work(a: EmbeddedExpectationsArguments, context: Context, draft: Draft) -> None:
    fund = own_fund(a.ticker, context)
    if fund is not None:
        draft.resolved(ticker=fund.ticker, name=fund.index)
        _index(a, fund, context, draft)
    else:
        _company(a, context, draft)


# one company


def _company(a: EmbeddedExpectationsArguments, context: Context, draft: Draft) -> None:
    try:
        given = _from_sec(a, context, draft)
    except ToolFailure as failure:
        found = _from_base(a, context, draft)
        if found is None:
            if (name := draft.arguments.get("name")) is None:
                raise
            none = f"The base holds filings of {name}, and no annual report published by {context.day}."
            raise type(failure)(f"{failure.message} {none}", failure.what_to_do) from failure
        draft.warn(f"From filings in the base, because: {failure.message}")
        given = found
    absent = [name for name, d in data_of(given) if d.absent and not name.startswith("research_")]
    if absent:
        draft.warn(f"Not in the balance sheet, so 0: {', '.join(name.replace('_', ' ') for name in absent)}.")
    if given.financial:
        firm = equity_firm(given)
        draft.warn("A financial or a REIT (SIC 60–67): the return on book equity is shown, not on assets.")
        _add(implied(firm, a.assumptions), firm, given, a, draft, measure="roe", subject=given.subject)
        return
    sums = _parts(given)
    whole, bare = (implied(sums.firm(goodwill=g), a.assumptions) for g in (True, False))
    if whole.value is None and bare.value is None:
        raise Undefined(f"{given.subject}: {whole.reason}.", "The measure has no meaning for these figures.")
    for result, firm, told in ((whole, sums.firm(), ""), (bare, sums.firm(goodwill=False), ", without goodwill")):
        if result.value is None:
            draft.warn(f"{given.subject}{told}: undefined, {result.reason}.")
        else:
            _add(result, firm, given, a, draft, measure="roa", subject=given.subject + told, sums=sums)


def _parts(given: Inputs) -> Parts:
    """Return the parts of one company. Raises ToolFailure that names it."""
    try:
        return parts(given)
    except Undefined as failure:
        raise Undefined(
            f"{given.subject}: {failure.message}.",
            failure.what_to_do or "The measure has no meaning for these figures.",
        ) from failure


def _from_sec(a: EmbeddedExpectationsArguments, context: Context, draft: Draft) -> Inputs:
    listing = company(a.ticker, listings(context, draft))
    draft.resolved(ticker=listing.ticker, cik=listing.cik, name=listing.name)
    facts, sic = _facts(listing.cik, listing.name, context, draft)
    who = Company(listing.name, str(listing.cik), listing.ticker, sic)
    return inputs(who, facts, _price(a, listing.ticker, context, draft), context.day)


def _facts(cik: int, name: str, context: Context, draft: Draft) -> tuple[CompanyFacts, int | None]:
    """Return a registrant's facts and SIC. Raises ToolFailure where there are no facts."""
    provider = context.providers.facts
    want = Want("sec", f"facts:{cik}", f"XBRL facts of {name}", dated=True, fresh_days=OLD_DAYS)
    facts = draft.take(pull(context, want, CompanyFacts, (lambda: provider.company_facts(cik)) if provider else None))
    want = Want("sec", f"submission:{cik}", f"industry of {name}", dated=True, fresh_days=400)
    found = draft.take(pull(context, want, Submission, (lambda: provider.submission(cik)) if provider else None))
    return facts, found.sic


def _price(a: EmbeddedExpectationsArguments, symbol: str, context: Context, draft: Draft) -> Datum:
    if a.price is not None:
        return Datum(a.price, context.day.isoformat(), "USD", concept="given", source="your price")
    history = closes(context, draft, symbol, context.day - timedelta(days=PRICE_DAYS))
    return Datum(
        history.values[-1],
        history.days[-1].isoformat(),
        history.currency or "USD",
        concept="close",
        source=history.source,
    )


def _from_base(a: EmbeddedExpectationsArguments, context: Context, draft: Draft) -> Inputs | None:
    """Return what the filings in the base say of the company, or None where it is not in it."""
    if context.documents is None:
        return None
    held = [s for s in context.documents.sources(context.filters(kind=("filing",))) if s.version]
    ticker = a.ticker.strip().upper()
    own = [
        s
        for s in held
        if s.metadata.ticker == ticker or (s.metadata.company and same_company(a.ticker, s.metadata.company))
    ]
    names = sorted({s.metadata.company or "" for s in own})
    if len({s.metadata.ticker or s.metadata.company for s in own}) != 1:
        if own:
            raise NoData(f"{a.ticker!r} may be any of: {', '.join(names)}.", "Give the ticker.")
        return None
    documents = [context.documents.document(s.document_id, s.version) for s in own]
    symbol = own[0].metadata.ticker or ticker
    draft.resolved(ticker=symbol, name=names[-1])
    found = statement_inputs(documents, None, context.day)
    if found is None:
        return None
    found = _classified(found, documents, draft)
    # What is lacking is said before a price is asked for.
    priced = replace(found, price=Datum(1.0, context.day.isoformat()))
    if found.financial:
        equity_firm(priced)
    else:
        _parts(priced)
    return replace(found, price=_price(a, symbol, context, draft))


def _classified(found: Inputs, documents: Sequence[Document], draft: Draft) -> Inputs:
    """Return the inputs with what the filings say of the industry, and say what decided, or that nothing did."""
    newest = sorted(documents, key=lambda d: d.metadata.published or "", reverse=True)
    told = industry(newest)
    if told.financial:
        draft.resolved(industry=f"{told.kind}: {told.why}")
        by = "by its SIC code" if told.sic else "by its own statements"
        draft.warn(f"{found.subject} is {'an' if told.kind == 'insurer' else 'a'} {told.kind} {by} ({told.why}).")
    elif told.kind:
        draft.resolved(industry=f"no bank, insurer or REIT: {told.why}")
    else:
        draft.resolved(industry="unknown")
        draft.warn(
            f"Whether {found.subject} is a bank, an insurer or a REIT cannot be told from its filings (no SIC code, and {told.why}): "
            "for one of these a return on assets has no meaning. Switch on sec, which knows its industry."
        )
    return replace(found, sic=told.sic, kind=told.kind if told.financial else "")


# an index


def _index(a: EmbeddedExpectationsArguments, fund: Fund, context: Context, draft: Draft) -> None:
    if a.price is not None:
        raise NoData("A price belongs to one company.", "Leave the price out, or name a company.")
    group = members(context, draft, fund)
    read: list[Member] = []
    banks: list[Member] = []
    # What is said of each company's pull would drown what is said of the index.
    pulls = Draft(NAME, {})
    for member in group.members:
        late = remaining(1e9) < _LEFT_S and bool(read or banks)
        if len(read) + len(banks) >= a.members or late:
            unread = "no time was left" if late else "not among those that were read"
            read.append(Member(member.name, member.weight, None, unread))
            continue
        price = (
            Datum(member.price, group.positions.day.isoformat(), source=group.positions.source)
            if member.price
            else None
        )
        firm, bank, reason = _member(member.cik, member.name, price, context, pulls)
        (banks if bank else read).append(Member(member.name, member.weight, firm, reason))
    draft.retrieved += pulls.retrieved
    draft.cached |= pulls.cached
    draft.stale |= pulls.stale
    if pulls.warnings:
        draft.warn(f"{len(pulls.warnings)} notes on companies, the first: {pulls.warnings[0]}")
    outside = Member("not on SEC's list", max(0.0, 1 - group.mapped), None, "not on SEC's list of tickers")
    # A company of the other measure is no member of this one, but its weight is lacking here.
    others = [Member(m.name, m.weight, None, "a financial or a REIT") for m in banks]
    _aggregated(aggregate([*read, *others, outside], a.assumptions), fund, group.positions, a, draft, "roa")
    if any(m.firm for m in banks):
        rest = [Member(m.name, m.weight, None, m.reason or "no financial") for m in read]
        _aggregated(aggregate([*banks, *rest, outside], a.assumptions), fund, group.positions, a, draft, "roe")


def _member(
    cik: int, name: str, price: Datum | None, context: Context, draft: Draft
) -> tuple[Firm | None, bool, str | None]:
    bank = False
    try:
        facts, sic = _facts(cik, name, context, draft)
        given = inputs(Company(name, str(cik), None, sic), facts, price, context.day)
        bank = given.financial
        return (equity_firm(given) if bank else parts(given).firm()), bank, None
    except ToolFailure as failure:
        return None, bank, failure.message.removeprefix(f"{name}: ").rstrip(".")


def _aggregated(
    found: Aggregate, fund: Fund, held: Positions, a: EmbeddedExpectationsArguments, draft: Draft, measure: str
) -> None:
    left = [
        {"name": "left out", "reason": r, "companies": n, "weight_pct": 100 * found.left_out_weight[r]}
        for r, n in found.left_out.items()
    ]
    if found.firm is None or found.implied.value is None:
        reasons = "; ".join(f"{x['companies']} companies: {x['reason']}" for x in left[:4])
        draft.warn(f"{fund.index}, {measure}: {found.implied.reason}. {reasons}.")
        return
    subject = fund.index if measure == "roa" else f"{fund.index}, financials and REITs"
    _add(
        found.implied,
        found.firm,
        None,
        a,
        draft,
        measure=measure,
        subject=subject,
        left_out=left,
        found=found,
        day=held.day.isoformat(),
    )


# metrics


def _add(
    result: Implied,
    firm: Firm,
    given: Inputs | None,
    a: EmbeddedExpectationsArguments,
    draft: Draft,
    *,
    measure: str,
    subject: str,
    sums: Parts | None = None,
    left_out: Sequence[dict[str, Any]] = (),
    found: Aggregate | None = None,
    day: str | None = None,
) -> None:
    assert result.value is not None
    assert result.now is not None
    spread = result.percentiles
    assert spread is not None
    used: list[dict[str, Any]] = records(given) if given else list(left_out)
    if sums is not None:
        used += [{"name": name, "value": value} for name, value in asdict(sums).items()]
    used += [
        {"name": name, "value": value} for name, value in (("EV", firm.ev), ("A0", firm.assets), ("NOPAT", firm.nopat))
    ]
    of = day or (given.price.end if given and given.price else "")
    common: dict[str, Any] = {
        "as_of": of, "source": _sources(given), "n": found.used if found else None,
        "coverage_pct": min(100.0, 100 * found.coverage) if found else None,
    }  # fmt: skip
    assumed = f"r {a.discount_rate:g}%, g {a.growth:g}%, N {a.years}"
    draft.add(
        f"implied_{measure}", subject, 100 * result.value, "percent", period=f"in {a.years} years", formula=f"{FORMULA}; {assumed}",
        inputs=[*used, *_plot(result, a), _grid(result)], **common,
    )  # fmt: skip
    ranged = f"r ± {100 * RATE_STEP:g} point, g in {{{', '.join(f'{100 * g:g}' for g in GROWTHS)}}}%, N in {{{', '.join(map(str, HORIZONS))}}}, {len(CONTINUING)} continuing values"
    for name, value in zip(("p10", "p50", "p90"), spread, strict=True):
        draft.add(
            f"implied_{measure}_{name}",
            subject,
            100 * value,
            "percent",
            formula=f"{FORMULA} over {ranged}",
            **(common | {"n": len(result.grid)}),
        )
    draft.add(
        f"{measure}_now", subject, 100 * result.now, "percent", period="last fiscal year",
        formula="NOPAT / A0" if measure == "roa" else "net income / book equity", inputs=used, **(common | {"as_of": _year_end(given) or of}),
    )  # fmt: skip


def _year_end(given: Inputs | None) -> str | None:
    """Return the day of the balance sheet; None for an index, whose companies end their years on different days."""
    ends = [d.end for name, d in data_of(given) if name in {"assets", "equity"} and d.end] if given else []
    return max(ends, default=None)


def _sources(given: Inputs | None) -> str:
    if given is None:
        return "SEC EDGAR; holdings of the fund"
    return "; ".join(dict.fromkeys(d.source for _, d in data_of(given) if d.source and not d.absent))


def _plot(result: Implied, a: EmbeddedExpectationsArguments) -> list[dict[str, Any]]:
    """Return the lines of the plot, a point a year: [year, percent]."""
    points = paths(result, a.assumptions)
    lines = dict.fromkeys(str(p["line"]) for p in points)
    return [
        {
            "name": f"return to {line}",
            "unit": "percent",
            "series": [[p["year"], p["roa_pct"]] for p in points if p["line"] == line],
        }
        for line in lines
    ]


def _grid(result: Implied) -> dict[str, Any]:
    rows = [
        {
            "r_pct": 100 * c.rate,
            "g_pct": 100 * c.growth,
            "years": c.years,
            "continuing": c.continuing,
            "implied_pct": 100 * v,
        }
        for c, v in result.grid
    ]
    return {"name": "grid", "unit": "percent", "rows": rows}


TOOL = Tool(
    NAME,
    "What return on assets the market value of a company or an index implies, against the one of now (own formulas).",
    EmbeddedExpectationsArguments,
    ("sec", "market", "holdings", "data", "documents"),
    execute(NAME, _work),
)
