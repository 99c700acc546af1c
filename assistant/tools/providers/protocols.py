"""What providers give, as frozen values that can be saved, and the protocols that they fill.

Every method may raise ToolFailure (assistant.tools.base): NoData, RateLimited, NotConfigured, SourceFailed, OutOfTime.
Money is in the currency named, weights and yields in percent, dates are calendar days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from pydantic import BaseModel, ConfigDict


class Payload(BaseModel):
    """What is saved as a snapshot; an infinite or missing number is refused at the door."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Closes(Payload):
    """Daily closes of one instrument, oldest first, adjusted for splits and not for dividends."""

    symbol: str
    currency: str
    days: tuple[date, ...]
    closes: tuple[float, ...]


class Contract(Payload):
    """One option. ``bid``/``ask``/``open_interest``/``volume`` are None where the source has none."""

    kind: str  # call | put
    strike: float
    expiry: date
    bid: float | None = None
    ask: float | None = None
    open_interest: int | None = None
    volume: int | None = None
    last_trade: date | None = None


class Chain(Payload):
    """The options of one underlying at one time."""

    symbol: str
    spot: float
    day: date
    contracts: tuple[Contract, ...]


class Listing(Payload):
    """A ticker, its CIK and the registrant's name, from SEC's list."""

    ticker: str
    cik: int
    name: str


class Listings(Payload):
    listings: tuple[Listing, ...]


class Fact(Payload):
    """One XBRL fact: keyed on concept, unit, start, end, accn and filed; ``start`` is None for a balance."""

    concept: str
    unit: str
    start: date | None
    end: date
    value: float
    accn: str
    filed: date
    form: str


class CompanyFacts(Payload):
    cik: int
    name: str
    facts: tuple[Fact, ...]


class Submission(Payload):
    """A registrant's profile; ``tickers`` may be empty, ``sic`` None for one without."""

    cik: int
    name: str
    tickers: tuple[str, ...]
    sic: int | None
    sic_description: str


class FramePoint(Payload):
    """One registrant's value of a frame: the fact last filed for the calendar period. Frames carry no filing date."""

    cik: int
    name: str
    end: date
    value: float
    accn: str


class Frame(Payload):
    concept: str
    unit: str
    period: str  # CY2024, CY2024Q1, CY2024Q1I
    points: tuple[FramePoint, ...]


class IndexEntry(Payload):
    """One filing of EDGAR's form index."""

    form: str
    company: str
    cik: int
    filed: date
    path: str


class QuarterIndex(Payload):
    """The offerings of a quarter, and the registrants that were already public in it."""

    year: int
    quarter: int
    entries: tuple[IndexEntry, ...]
    reporters: dict[int, date]  # CIK -> first periodic report in the quarter


class FilingPage(Payload):
    """The text of one filing or of one of its documents, tags taken out; ``tables``: spans of its tables of figures."""

    path: str
    text: str
    tables: tuple[tuple[int, int], ...] = ()


class Filing(Payload):
    """One filing of a registrant's list. ``items`` of an 8-K ("2.02"); ``document``: the file name of its main document."""

    form: str
    accn: str
    filed: date
    reported: date | None
    items: tuple[str, ...]
    document: str


class FilingList(Payload):
    """A registrant's annual reports and 8-Ks on results, newest first, from about ``since`` on."""

    cik: int
    name: str
    since: date
    filings: tuple[Filing, ...]


class Observation(Payload):
    day: date
    value: float


class SeriesData(Payload):
    """One series, oldest first; ``unit`` as the source names it. ``vintage``: as it was known on that day."""

    series: str
    unit: str
    observations: tuple[Observation, ...]
    vintage: date | None = None


class AwardTotal(Payload):
    """Obligations in USD of one name (agency, NAICS, recipient)."""

    name: str
    code: str | None
    amount: float


class AwardTotals(Payload):
    category: str
    totals: tuple[AwardTotal, ...]
    complete: bool  # False: further pages were left out


class Holding(Payload):
    """One position. ``weight`` in percent of the fund; None for price where the file has none."""

    ticker: str
    name: str
    asset_class: str
    weight: float
    price: float | None = None
    location: str = ""
    currency: str = ""


class FundHoldings(Payload):
    fund: str
    day: date
    holdings: tuple[Holding, ...]


class Estimate(Payload):
    """How many analysts follow a company on a day; ``analysts`` None where the source has no number."""

    ticker: str
    analysts: int | None
    day: date
    group: str = ""


class Estimates(Payload):
    estimates: tuple[Estimate, ...]


class MonthReturn(Payload):
    """A monthly total return in percent, net of fees for a fund; ``month`` is the month's last day."""

    month: date
    value: float


class FundReturns(Payload):
    fund: str
    benchmark: bool
    group: str
    returns: tuple[MonthReturn, ...]


class ReturnsTable(Payload):
    funds: tuple[FundReturns, ...]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A payload as fetched: ``stale`` when an HTTP cache answered for a source that failed, with its reason."""

    payload: Payload
    source: str
    url: str | None
    observed: date | None = None
    stale: bool = False
    retrieved_at: str | None = None  # None: now
    warnings: tuple[str, ...] = ()


class Prices(Protocol):
    source: str

    def closes(self, symbol: str, start: date, end: date) -> Fetched: ...


class Options(Protocol):
    source: str

    def chain(self, symbol: str) -> Fetched: ...


class Facts(Protocol):
    source: str

    def listings(self) -> Fetched: ...
    def company_facts(self, cik: int) -> Fetched: ...
    def submission(self, cik: int) -> Fetched: ...
    def frame(self, concept: str, unit: str, period: str) -> Fetched: ...


class FormIndex(Protocol):
    source: str

    def quarter(self, year: int, quarter: int) -> Fetched: ...


class FilingText(Protocol):
    source: str

    def text(self, path: str) -> Fetched: ...
    def filings(self, cik: int, since: date) -> Fetched: ...
    def release(self, cik: int, accn: str) -> Fetched: ...
    def report(self, cik: int, accn: str, document: str) -> Fetched: ...


class Series(Protocol):
    source: str

    def series(self, name: str, start: date, end: date, vintage: date | None) -> Fetched: ...


class Awards(Protocol):
    source: str

    def totals(self, category: str, filters: dict[str, object], limit: int) -> Fetched: ...


class Holdings(Protocol):
    source: str

    def holdings(self, fund: str) -> Fetched: ...
    def knows(self, fund: str) -> bool: ...


class EstimatesSource(Protocol):
    source: str

    def estimates(self, tickers: tuple[str, ...]) -> Fetched: ...


class ReturnsSource(Protocol):
    source: str

    def returns(self) -> Fetched: ...


@dataclass(frozen=True, slots=True)
class Providers:
    """Providers by what they give; None where nothing that gives it is switched on."""

    prices: Prices | None = None
    options: Options | None = None
    facts: Facts | None = None
    forms: FormIndex | None = None
    filings: FilingText | None = None
    fred: Series | None = None
    treasury: Series | None = None
    awards: Awards | None = None
    holdings: Holdings | None = None
    estimates: EstimatesSource | None = None
    returns: ReturnsSource | None = None
