"""What the market-implied return is made of: one company's figures with their dates, and what they come to. Pure.

    EV   = price x diluted shares + debt + operating leases + preferred + minority interest - excess cash
    excess cash = max(0, cash + short-term investments - 2% of revenue)
    RD asset    = sum_{k=0..4} RD_{t-k} (1 - k/5)                 research capitalised over 5 years, straight line
    A0   = assets - excess cash - payables, accruals and deferred revenue + RD asset
    NOPAT = (EBIT + RD_t - sum_{k=1..5} RD_{t-k} / 5) (1 - tau)   tau = tax / pre-tax, within 0..30%, 0 in a loss

All amounts are in one currency and in base units. For financials (SIC 60 to 67) book equity, net income and the market
value of the equity take the place of A0, NOPAT and EV.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any

from assistant.tools.base import NoData, Undefined
from assistant.tools.implied_roa import Firm

OPERATING_CASH = 0.02  # of revenue: what the business needs to run on
RESEARCH_LIFE = 5
HIGHEST_TAX = 0.30
OLDEST_MONTHS = 15
FINANCIAL_SIC = range(6000, 6800)


@dataclass(frozen=True, slots=True)
class Datum:
    """One input as it was found. ``end``: the day it holds for, or the last day of the period that began on ``start``.

    ``filed`` and ``accession`` name the filing. ``absent``: the filing has no such item, so it is 0 and said to be.
    """

    value: float
    end: str
    unit: str = "USD"
    start: str | None = None
    filed: str | None = None
    accession: str | None = None
    concept: str = ""
    source: str = ""
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Inputs:
    """One company at one time. An amount is None where it is not known, which is not the same as 0.

    ``research`` is the expense of the last six years, newest first. ``kind``: bank, insurer or REIT where the company's own
    statements say so and no SIC code is at hand.
    """

    subject: str
    as_of: str
    ticker: str | None = None
    cik: str | None = None
    sic: int | None = None
    kind: str = ""
    price: Datum | None = None
    shares: Datum | None = None
    debt: Datum | None = None
    operating_leases: Datum | None = None
    preferred: Datum | None = None
    minority_interest: Datum | None = None
    cash: Datum | None = None
    short_term_investments: Datum | None = None
    revenue: Datum | None = None
    assets: Datum | None = None
    goodwill: Datum | None = None
    payables: Datum | None = None
    accruals: Datum | None = None
    deferred_revenue: Datum | None = None
    ebit: Datum | None = None
    tax: Datum | None = None
    pretax: Datum | None = None
    research: tuple[Datum | None, ...] = ()
    book_equity: Datum | None = None
    net_income: Datum | None = None

    @property
    def financial(self) -> bool:
        return (self.sic is not None and self.sic in FINANCIAL_SIC) or self.kind in {"bank", "insurer", "REIT"}


@dataclass(frozen=True, slots=True)
class Parts:
    """The sums on the way, so that each can be checked."""

    market_value: float
    excess_cash: float
    ev: float
    research_asset: float
    assets: float
    assets_without_goodwill: float
    tax_rate: float
    nopat: float

    def firm(self, *, goodwill: bool = True) -> Firm:
        return Firm(self.ev, self.assets if goodwill else self.assets_without_goodwill, self.nopat)


# What every company reports; the rest may be absent, which the mapping has to say with a Datum of its own.
_NEEDED = (
    ("price", "share price"), ("shares", "diluted shares"), ("assets", "total assets"), ("cash", "cash"), ("revenue", "revenue"),
    ("ebit", "operating income"), ("debt", "debt"), ("operating_leases", "operating lease liabilities"), ("preferred", "preferred stock"),
    ("minority_interest", "minority interest"), ("short_term_investments", "short-term investments"), ("goodwill", "goodwill"),
    ("payables", "payables"), ("accruals", "accruals"), ("deferred_revenue", "deferred revenue"), ("pretax", "income before tax"),
)  # fmt: skip


def parts(given: Inputs) -> Parts:
    """Return the sums of a company that is no financial. Raises Undefined with the reason, NoData for what is missing."""
    if given.financial:
        raise Undefined("a financial or a REIT (SIC 60–67): the return on book equity is shown in its place")
    missing = [label for name, label in _NEEDED if getattr(given, name) is None]
    if missing:
        raise NoData(f"{given.subject}: not known: {', '.join(missing)}.")
    _not_old(given, given.assets, given.ebit, given.revenue)
    _same_money(given)
    if _of(given.revenue) <= 0:
        raise Undefined("no revenue")
    research = _research(given)
    market = _market_value(given)
    excess = max(0.0, _of(given.cash) + _of(given.short_term_investments) - OPERATING_CASH * _of(given.revenue))
    ev = (
        market
        + _of(given.debt)
        + _of(given.operating_leases)
        + _of(given.preferred)
        + _of(given.minority_interest)
        - excess
    )
    asset = math.fsum(x * (1 - k / RESEARCH_LIFE) for k, x in enumerate(research[:RESEARCH_LIFE]))
    operating = (
        _of(given.assets) - excess - _of(given.payables) - _of(given.accruals) - _of(given.deferred_revenue) + asset
    )
    written_off = math.fsum(research[1:]) / RESEARCH_LIFE
    rate = tax_rate(given)
    nopat = (_of(given.ebit) + research[0] - written_off) * (1 - rate)
    return Parts(market, excess, ev, asset, operating, operating - _of(given.goodwill), rate, nopat)


def equity_firm(given: Inputs) -> Firm:
    """Return (market value, book equity, net income) of a financial as a Firm, so that R* is its implied return on equity.

    Raises Undefined, NoData.
    """
    names = (
        ("price", "share price"),
        ("shares", "diluted shares"),
        ("book_equity", "book equity"),
        ("net_income", "net income"),
    )
    missing = [label for name, label in names if getattr(given, name) is None]
    if missing:
        raise NoData(f"{given.subject}: not known: {', '.join(missing)}.")
    _not_old(given, given.book_equity, given.net_income)
    if _of(given.book_equity) <= 0:
        raise Undefined("book equity is not above 0")
    return Firm(_market_value(given), _of(given.book_equity), _of(given.net_income))


def tax_rate(given: Inputs) -> float:
    """Return tau = tax / pre-tax within 0..30%, and 0 in a loss. Raises Undefined where a profit has no known tax."""
    before = _of(given.pretax)
    if before <= 0:
        return 0.0
    if given.tax is None:
        raise NoData(f"{given.subject}: not known: income tax.")
    return min(max(given.tax.value / before, 0.0), HIGHEST_TAX)


def _of(datum: Datum | None) -> float:
    return 0.0 if datum is None else datum.value


def _market_value(given: Inputs) -> float:
    price, shares = _of(given.price), _of(given.shares)
    if price <= 0 or shares <= 0:
        raise Undefined("the price or the number of shares is not above 0")
    return price * shares


def _research(given: Inputs) -> list[float]:
    """Return six years of research, newest first; a year that is not known makes the measure undefined."""
    years = given.research[: RESEARCH_LIFE + 1]
    if len(years) <= RESEARCH_LIFE or any(x is None for x in years):
        known = sum(x is not None for x in years)
        raise NoData(
            f"{given.subject}: research expense is known for {known} of the {RESEARCH_LIFE + 1} years that it is spread over"
        )
    return [_of(x) for x in years]


def _not_old(given: Inputs, *data: Datum | None) -> None:
    oldest = min(datum.end for datum in data if datum is not None)
    age = months_between(oldest, given.as_of)
    if age > OLDEST_MONTHS:
        raise Undefined(
            f"the newest figures are of {oldest}, more than {OLDEST_MONTHS} months before {given.as_of}",
            "Add the newest annual report, switch on sec, or ask as of an earlier day.",
        )


def _same_money(given: Inputs) -> None:
    units = {d.unit.partition("/")[0] for name, d in data_of(given) if name != "shares" and not d.absent}
    if len(units) > 1:
        raise Undefined(f"the inputs are in several currencies: {', '.join(sorted(units))}")


def months_between(earlier: str, later: str) -> float:
    """Return the months from one ISO date to another, a month being a twelfth of 365.25 days."""
    return (date.fromisoformat(later[:10]) - date.fromisoformat(earlier[:10])).days / (365.25 / 12)


def data_of(given: Inputs) -> Iterator[tuple[str, Datum]]:
    """Yield each input that is known, with its name ("research_2" is that of two years before)."""
    for field in fields(given):
        held = getattr(given, field.name)
        if isinstance(held, Datum):
            yield field.name, held
        elif field.name == "research":
            yield from ((f"research_{k}", d) for k, d in enumerate(held) if d is not None)


def records(given: Inputs) -> list[dict[str, Any]]:
    """Return every input as a flat record: the export, and the ``inputs`` of the metric."""
    return [{"subject": given.subject, "name": name, **asdict(datum)} for name, datum in data_of(given)]
