"""Margins, interest cover and debt of a company (SEC facts, else its filings in the base), or of an index as a whole.

operating margin = EBIT / revenue;  interest cover = EBIT / interest;  leverage = (debt - cash) / EBITDA
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from assistant.tools.base import Arguments, Context, Draft, NoData, Tool, Undefined, execute
from assistant.tools.entities import Fund, company, listings, own_fund, pair
from assistant.tools.facts import Amount, Book, total
from assistant.tools.filed_statements import OLD_DAYS, from_filings
from assistant.tools.members import frame, last_year, members
from assistant.tools.providers.protocols import CompanyFacts
from assistant.tools.pulls import Want, pull
from assistant.tools.variable_rate import of_company, of_index

NAME = "balance_sheet"
REVENUE = (
    "RevenueFromContractWithCustomerExcludingAssessedTax",
    "Revenues",
    "RevenueFromContractWithCustomerIncludingAssessedTax",
    "SalesRevenueNet",
)
EBIT = ("OperatingIncomeLoss",)
INTEREST = ("InterestExpense", "InterestExpenseNonoperating", "InterestAndDebtExpense", "InterestExpenseDebt")
DEPRECIATION = (
    "DepreciationDepletionAndAmortization",
    "DepreciationAmortizationAndAccretionNet",
    "DepreciationAndAmortization",
)
WHOLE_DEBT = ("DebtLongtermAndShorttermCombinedAmount", "LongTermDebt")
LATER_DEBT = ("LongTermDebtNoncurrent", "LongTermDebtAndCapitalLeaseObligations", "ConvertibleNotesPayableNoncurrent")
SOON_DEBT = ("DebtCurrent", "LongTermDebtCurrent", "LongTermDebtAndCapitalLeaseObligationsCurrent")
SHORT_DEBT = ("ShortTermBorrowings", "CommercialPaper")
CASH = ("CashAndCashEquivalentsAtCarryingValue", "CashCashEquivalentsRestrictedCashAndRestrictedCashEquivalents")
INVESTMENTS = ("ShortTermInvestments", "MarketableSecuritiesCurrent", "AvailableForSaleSecuritiesDebtSecuritiesCurrent")


class BalanceArguments(Arguments):
    ticker: str = Field("Russell 2000", description="A company by ticker, CIK or name, or an index")
    benchmark: str = Field("S&P 500", description="What the index is compared with; empty for nothing")
    reports: int = Field(
        0, ge=0, le=50, description="Of an index: how many 10-Ks are read at SEC for the variable-rate share"
    )


def _work(a: BalanceArguments, context: Context, draft: Draft) -> None:
    own = own_fund(a.ticker, context)
    if own is None:
        draft.resolved(benchmark="")
        draft.attempt(_from_sec, a.ticker, context, draft)
        if not any(m.value is not None for m in draft.metrics):
            draft.attempt(from_filings, a.ticker, context, draft)
        of_company(a.ticker, context, draft)
        return
    _, other = pair(a.ticker, a.benchmark, context, draft)
    draft.attempt(_index, own, context, draft)
    draft.attempt(of_index, own, a.reports, context, draft)
    # The benchmark does not stand in for what was asked.
    if other is not None and any(m.value is not None for m in draft.metrics):
        draft.attempt(_index, other, context, draft)
        draft.attempt(of_index, other, a.reports, context, draft)


def _from_sec(asked: str, context: Context, draft: Draft) -> None:
    one = company(asked, listings(context, draft))
    draft.resolved(ticker=one.ticker, cik=one.cik, name=one.name)
    provider = context.providers.facts
    want = Want("sec", f"facts:{one.cik}", f"XBRL facts of {one.name}", dated=True, fresh_days=7)
    pulled = pull(context, want, CompanyFacts, (lambda: provider.company_facts(one.cik)) if provider else None)
    facts = draft.take(pulled)
    book = Book(facts.facts, context.as_of)
    if book.last_filed() is None:
        raise NoData(f"{one.name} had filed no figures in USD by {context.day}.", "Take a later day.")
    name, common = facts.name, {"source": pulled.source, "source_url": pulled.url}
    draft.attempt(
        _ratio, draft, context, name, "operating_margin", "EBIT / revenue", _pair(book, EBIT, REVENUE), common
    )
    draft.attempt(
        _ratio, draft, context, name, "interest_cover", "EBIT / interest", _pair(book, EBIT, INTEREST), common
    )
    draft.attempt(_leverage, draft, context, name, book, common)


def _pair(book: Book, above: tuple[str, ...], below: tuple[str, ...]) -> tuple[Amount, Amount] | None:
    """Return two amounts of the same twelve months, or None."""
    a, b = book.trailing(above), book.trailing(below)
    if a is None or b is None:
        return None
    if a.end != b.end or a.trailing != b.trailing:
        a = book.year(above)
        b = book.year(below, a.end) if a else None
    return (a, b) if a and b else None


def _period(amount: Amount) -> str:
    return f"12 months to {amount.end}" if amount.trailing else f"fiscal year to {amount.end}"


def _ratio(
    draft: Draft,
    context: Context,
    name: str,
    metric: str,
    formula: str,
    pair: tuple[Amount, Amount] | None,
    common: dict[str, Any],
) -> None:
    above, below = formula.split(" / ")
    if pair is None:
        raise NoData(f"{name} states no {above} and {below} for one period.", "Its statements may use other items.")
    a, b = pair
    if b.value <= 0:
        raise Undefined(f"{metric} of {name}: {below} is {b.value:,.0f}.", "It is defined for a positive one only.")
    _age(draft, context, a)
    percent = metric == "operating_margin"
    draft.add(
        metric, name, (100 if percent else 1) * a.value / b.value, "percent" if percent else "x",
        as_of=a.end, period=_period(a), formula=formula, inputs=a.inputs(above) + b.inputs(below), **common,
    )  # fmt: skip


def _leverage(draft: Draft, context: Context, name: str, book: Book, common: dict[str, Any]) -> None:
    pair = _pair(book, EBIT, DEPRECIATION)
    if pair is None:
        raise NoData(f"{name} states no EBIT and depreciation for one period.", "Its statements may use other items.")
    earned = total(pair)
    debt = _debt(book)
    if debt is None:
        raise NoData(
            f"{name} states no debt in the items that are read: none, or under another name.", "See its filing."
        )
    cash = book.balance(CASH, debt.end)
    if cash is None:
        raise NoData(f"{name} states no cash for {debt.end}.", "See its filing.")
    kept = [c for c in (cash, book.balance(INVESTMENTS, debt.end)) if c]
    held = total(kept)
    inputs = debt.inputs("debt") + held.inputs("cash and short-term investments") + earned.inputs("EBITDA")
    net = debt.value - held.value
    draft.add(
        "net_debt", name, net, "USD", as_of=debt.end, period=debt.end.isoformat(),
        formula="debt - cash - short-term investments", inputs=inputs, **common,
    )  # fmt: skip
    if earned.value <= 0:
        raise Undefined(f"net_debt_to_ebitda of {name}: EBITDA is {earned.value:,.0f}.", "It needs a positive EBITDA.")
    _age(draft, context, debt)
    draft.add(
        "net_debt_to_ebitda", name, net / earned.value, "x", as_of=debt.end,
        period=f"debt of {debt.end}, EBITDA of {_period(earned)}",
        formula="(debt - cash - short-term investments) / (EBIT + depreciation and amortization)", inputs=inputs, **common,
    )  # fmt: skip


def _debt(book: Book) -> Amount | None:
    """Return the newest balance of debt: the whole where it is stated, else what is due later and soon."""
    every = [
        b for c in (WHOLE_DEBT, LATER_DEBT, SOON_DEBT, SHORT_DEBT) if (b := book.balance(c)) is not None
    ]  # fmt: skip
    if not every:
        return None
    end = max(b.end for b in every)
    whole, later = book.balance(WHOLE_DEBT, end), book.balance(LATER_DEBT, end)
    soon, short = book.balance(SOON_DEBT, end), book.balance(SHORT_DEBT, end)
    covers_short = soon is not None and soon.parts[0][1].concept == "DebtCurrent"
    if whole is not None and whole.parts[0][1].concept == WHOLE_DEBT[0]:
        return whole
    parts = [whole] if whole is not None else [p for p in (later, soon) if p]
    if short is not None and (whole is not None or not covers_short):
        parts.append(short)
    return total([p for p in parts if p]) if parts else None


def _age(draft: Draft, context: Context, amount: Amount) -> None:
    if (context.day - amount.end).days > OLD_DAYS:
        draft.stale = True
        draft.warn(f"The newest figures are of {amount.end}, more than 15 months ago.")


def _index(one: Fund, context: Context, draft: Draft) -> None:
    """Add the ratios of an index as a whole: sums over its companies first, never a mean of ratios."""
    group = members(context, draft, one)
    period = f"CY{last_year(context.day)}"
    ebit, revenue = frame(context, draft, EBIT, period), frame(context, draft, REVENUE, period, quiet=True)
    interest = draft.attempt(frame, context, draft, INTEREST, period, quiet=True) or {}
    subject = group.fund.index
    common: dict[str, Any] = {
        "as_of": group.positions.day, "period": period, "source": "SEC EDGAR frames; holdings of the fund",
        "source_url": "https://data.sec.gov/api/xbrl/frames/", "method": "derived",
    }  # fmt: skip
    both = [m for m in group.members if m.cik in ebit and m.cik in revenue]
    sales = sum(revenue[m.cik].value for m in both)
    if not both or sales <= 0:
        raise NoData(f"SEC has no revenue and EBIT of the companies of {subject}.", "Take a fund of US shares.")
    draft.add(
        "operating_margin", subject, 100 * sum(ebit[m.cik].value for m in both) / sales, "percent",
        formula="sum of EBIT / sum of revenue", n=len(both), coverage_pct=min(100.0, 100 * sum(m.weight for m in both)), **common,
    )  # fmt: skip
    owing = [m for m in group.members if m.cik in ebit and m.cik in interest and interest[m.cik].value > 0]
    if not owing:
        return
    coverage = min(100.0, 100 * sum(m.weight for m in owing))
    draft.add(
        "interest_cover", subject, sum(ebit[m.cik].value for m in owing) / sum(interest[m.cik].value for m in owing), "x",
        formula="sum of EBIT / sum of interest, over companies with interest", n=len(owing), coverage_pct=coverage, **common,
    )  # fmt: skip
    short = sum(ebit[m.cik].value < interest[m.cik].value for m in owing)
    draft.add(
        "interest_not_earned_share", subject, 100 * short / len(owing), "percent",
        formula="companies with EBIT < interest / companies with interest", n=len(owing), coverage_pct=coverage, **common,
    )  # fmt: skip


TOOL = Tool(
    NAME,
    "Operating margin, interest cover, net debt to EBITDA and variable-rate share of a company; margins and cover of an index.",
    BalanceArguments,
    ("sec", "holdings", "documents"),
    execute(NAME, _work),
)
