"""Inputs of the market-implied return from XBRL facts: of the last fiscal year that is known on a day. Pure.

Balances are those of the last day of that fiscal year, so that profit and assets are of the same time. What a balance sheet
does not list is 0 and said to be absent; what every company has to report and is not there stays unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from assistant.tools.facts import Amount, Book
from assistant.tools.implied_inputs import RESEARCH_LIFE, Datum, Inputs
from assistant.tools.providers.protocols import CompanyFacts, Fact

SOURCE = "SEC EDGAR"
REVENUE = (
    "Revenues", "RevenueFromContractWithCustomerExcludingAssessedTax", "SalesRevenueNet",
    "RevenueFromContractWithCustomerIncludingAssessedTax", "RevenuesNetOfInterestExpense",
)  # fmt: skip
EBIT = ("OperatingIncomeLoss",)
PRETAX = (
    "IncomeLossFromContinuingOperationsBeforeIncomeTaxesExtraordinaryItemsNoncontrollingInterest",
    "IncomeLossFromContinuingOperationsBeforeIncomeTaxesMinorityInterestAndIncomeLossFromEquityMethodInvestments",
)
TAX = ("IncomeTaxExpenseBenefit",)
RESEARCH = (
    "ResearchAndDevelopmentExpense", "ResearchAndDevelopmentExpenseExcludingAcquiredInProcessCost",
    "ResearchAndDevelopmentExpenseSoftwareExcludingAcquiredInProcessCost",
)  # fmt: skip
SHARES = ("WeightedAverageNumberOfDilutedSharesOutstanding",)
OUTSTANDING = ("EntityCommonStockSharesOutstanding",)
NET_INCOME = ("NetIncomeLossAvailableToCommonStockholdersBasic", "NetIncomeLoss", "ProfitLoss")
# For each item: alternatives, best first; the concepts of one alternative are added up, the first of them must be there.
BALANCES: dict[str, tuple[tuple[str, ...], ...]] = {
    "operating_leases": (("OperatingLeaseLiability",), ("OperatingLeaseLiabilityNoncurrent", "OperatingLeaseLiabilityCurrent"), ("OperatingLeaseLiabilityCurrent",)),
    "preferred": (("PreferredStockValue",), ("PreferredStockValueOutstanding",)),
    "minority_interest": (("MinorityInterest", "RedeemableNoncontrollingInterestEquityCarryingAmount"), ("RedeemableNoncontrollingInterestEquityCarryingAmount",)),
    "short_term_investments": (("ShortTermInvestments",), ("MarketableSecuritiesCurrent",), ("AvailableForSaleSecuritiesDebtSecuritiesCurrent",), ("AvailableForSaleSecuritiesCurrent",)),
    "goodwill": (("Goodwill",),),
    "payables": (("AccountsPayableCurrent",), ("AccountsPayableAndAccruedLiabilitiesCurrent",), ("AccountsPayableTradeCurrent",), ("AccountsPayableCurrentAndNoncurrent",)),
    "accruals": (("AccruedLiabilitiesCurrent",), ("EmployeeRelatedLiabilitiesCurrent", "OtherAccruedLiabilitiesCurrent"), ("OtherAccruedLiabilitiesCurrent",), ("AccruedLiabilitiesCurrentAndNoncurrent",)),
    "deferred_revenue": (("ContractWithCustomerLiability",), ("ContractWithCustomerLiabilityCurrent", "ContractWithCustomerLiabilityNoncurrent"), ("ContractWithCustomerLiabilityNoncurrent",), ("DeferredRevenue",), ("DeferredRevenueCurrent", "DeferredRevenueNoncurrent")),
}  # fmt: skip
CASH = (
    "CashAndCashEquivalentsAtCarryingValue",
    "CashCashEquivalentsRestrictedCashAndRestrictedCashEquivalents",
    "Cash",
)
# Debt: what is due later, and what is due within a year.
LONG_DEBT = (
    ("LongTermDebtNoncurrent",), ("LongTermDebtAndCapitalLeaseObligations",), ("LongTermNotesPayable",),
    ("ConvertibleNotesPayableNoncurrent", "ConvertibleLongTermNotesPayable"), ("ConvertibleLongTermNotesPayable",), ("OtherLongTermDebtNoncurrent",),
)  # fmt: skip
SHORT_DEBT = (
    ("DebtCurrent",), ("LongTermDebtCurrent", "ShortTermBorrowings", "CommercialPaper"),
    ("LongTermDebtAndCapitalLeaseObligationsCurrent", "ShortTermBorrowings", "CommercialPaper"), ("ShortTermBorrowings", "CommercialPaper"),
    ("NotesPayableCurrent",), ("ConvertibleNotesPayableCurrent",), ("CommercialPaper",),
)  # fmt: skip
WHOLE_DEBT = (
    ("LongTermDebt", "ShortTermBorrowings", "CommercialPaper"),
    ("DebtInstrumentCarryingAmount",),
    ("NotesPayable",),
)
_NEAR = timedelta(days=10)
_SPLIT = 1.5  # share counts further apart than this are not of the same shares


@dataclass(frozen=True, slots=True)
class Company:
    """Whose facts they are."""

    name: str
    cik: str | None = None
    ticker: str | None = None
    sic: int | None = None


def inputs(company: Company, facts: CompanyFacts, price: Datum | None, day: date) -> Inputs:
    """Return the inputs as known on ``day``: nothing filed later is used; of one fact the version filed last counts."""
    unit = _currency(facts.facts, day)
    book = Book(facts.facts, day, unit)
    given = Inputs(
        company.name,
        day.isoformat(),
        company.ticker,
        company.cik,
        company.sic,
        price=price,
        shares=_shares(facts.facts, day),
    )
    revenue, ebit, net = book.year(REVENUE), book.year(EBIT), book.year(NET_INCOME)
    ends = [a.end for a in (ebit, revenue, net) if a is not None]
    if not ends:
        return given
    end = max(ends)
    assets = book.balance(("Assets",), end)
    interest, pretax = book.year(("InterestExpense",), end), book.year(PRETAX, end)
    ebit = book.year(EBIT, end)
    held: dict[str, Any] = {name: _sum(book, tiers, end) for name, tiers in BALANCES.items()}
    if assets is not None:
        # A balance sheet that is there and does not list an item has none of it.
        held = {name: datum or _absent(end, unit) for name, datum in held.items()}
    if held["payables"] and "AndAccrued" in held["payables"].concept:
        held["accruals"] = _absent(end, unit, "in payables")
    return replace(
        given,
        revenue=_datum(book.year(REVENUE, end)),
        assets=_datum(assets),
        cash=_datum(book.balance(CASH, end)),
        debt=_debt(book, end, unit) if assets is not None else None,
        ebit=_datum(ebit) or _derived(pretax, interest),
        pretax=_datum(pretax),
        tax=_datum(book.year(TAX, end)),
        research=_research(book, end, unit),
        book_equity=_common_equity(book, end, held["preferred"]),
        net_income=_datum(book.year(NET_INCOME, end)),
        **held,
    )


def _currency(facts: Sequence[Fact], day: date) -> str:
    """Return the currency of the newest total assets; USD where there are none."""
    known = [f for f in facts if f.concept == "Assets" and f.filed <= day]
    return max(known, key=lambda f: (f.end, f.unit == "USD")).unit if known else "USD"


def _datum(amount: Amount | None) -> Datum | None:
    if amount is None:
        return None
    filed = [f for _, f in amount.parts]
    last = max(filed, key=lambda f: f.filed)
    return Datum(
        amount.value,
        amount.end.isoformat(),
        last.unit,
        last.start.isoformat() if last.start else None,
        last.filed.isoformat(),
        last.accn,
        " + ".join(f"{f.concept}" if sign > 0 else f"-{f.concept}" for sign, f in amount.parts),
        SOURCE,
    )


def _absent(end: date, unit: str, why: str = "not in the balance sheet") -> Datum:
    return Datum(0.0, end.isoformat(), unit, concept=why, source=SOURCE, absent=True)


def _sum(book: Book, tiers: Sequence[tuple[str, ...]], end: date) -> Datum | None:
    for tier in tiers:
        first, *more = (book.balance((concept,), end) for concept in tier)
        if first is None:
            continue
        found = [first, *(a for a in more if a is not None)]
        return _datum(Amount(sum(a.value for a in found), end, tuple(p for a in found for p in a.parts)))
    return None


def _debt(book: Book, end: date, unit: str) -> Datum:
    later, soon = _sum(book, LONG_DEBT, end), _sum(book, SHORT_DEBT, end)
    if later is None:
        # "LongTermDebt" counts what is due within a year too.
        whole = _sum(book, WHOLE_DEBT, end)
        later, soon = (whole, None) if whole is not None else (None, soon)
    finance = None if later is not None and "Lease" in later.concept else _sum(book, (("FinanceLeaseLiability",),), end)
    found = [d for d in (later, soon, finance) if d is not None]
    if not found:
        return _absent(end, unit)
    return replace(found[0], value=sum(d.value for d in found), concept=" + ".join(d.concept for d in found))


def _derived(pretax: Amount | None, interest: Amount | None) -> Datum | None:
    """Return income before tax plus interest, where operating income is not reported."""
    if pretax is None or interest is None:
        return None
    return _datum(Amount(pretax.value + interest.value, pretax.end, (*pretax.parts, *interest.parts)))


def _shares(facts: Sequence[Fact], day: date) -> Datum | None:
    """Return the newest diluted average, of a quarter or a year; None where the cover's count says that shares were split since."""
    known = [f for f in facts if f.unit == "shares" and f.filed <= day]
    averages = [f for f in known if f.concept in SHARES and f.start is not None]
    if not averages:
        return None
    # Of periods with the same end the shortest is the newest.
    newest = max(averages, key=lambda f: (f.end, f.start or f.end, f.filed, f.accn))
    covers = [f for f in known if f.concept in OUTSTANDING and f.end >= newest.end and f.value > 0]
    if covers:
        ratio = newest.value / max(covers, key=lambda f: (f.end, f.filed)).value
        if not 1 / _SPLIT < ratio < _SPLIT:
            return None
    return _datum(Amount(newest.value, newest.end, ((1, newest),)))


def _research(book: Book, end: date, unit: str) -> tuple[Datum | None, ...]:
    """Return six years, newest first. A year that is reported on without research has none; one not reported on is unknown."""
    years: list[Datum | None] = []
    any_reported = book.year(RESEARCH) is not None
    for k in range(RESEARCH_LIFE + 1):
        at = _years_before(end, k)
        found = _datum(book.year(RESEARCH, at))
        if found is None and (not any_reported or any(book.year(c, at) for c in (REVENUE, EBIT, NET_INCOME))):
            why = (
                "no research in any year that is reported on"
                if not any_reported
                else "no research reported for the year"
            )
            found = _absent(at, unit, why)
        years.append(found)
    return tuple(years)


def _years_before(end: date, years: int) -> date:
    # Years of 52 and 53 weeks end within days of the same date.
    return end - timedelta(days=round(365.25 * years))


def _common_equity(book: Book, end: date, preferred: Datum | None) -> Datum | None:
    equity = _datum(book.balance(("StockholdersEquity",), end))
    if equity is None or preferred is None or preferred.absent:
        return equity
    return replace(equity, value=equity.value - preferred.value, concept=f"{equity.concept} - {preferred.concept}")
