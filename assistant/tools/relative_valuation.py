"""Whether small companies are cheap against large ones: P/E, P/B and EV/EBITDA of two indices, and their ratio.

A multiple of an index is the weighted harmonic mean of its companies' multiples, so that losses count:

    P/E = sum of w / sum of (w x net income / market value);  P/B likewise
    EV/EBITDA = sum of (w x EV / market value) / sum of (w x EBITDA / market value), without financials
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import Field

from assistant.tools.base import Arguments, Context, Draft, NoData, Tool, Undefined, execute
from assistant.tools.entities import Fund, fund
from assistant.tools.history import rank, remember
from assistant.tools.members import Member, Members, frame, last_year, members
from assistant.tools.providers.protocols import FramePoint

NAME = "relative_valuation"
LEAST = 60
LEAST_WEIGHT = 0.5
SOURCE = "prices of the fund's file of holdings; SEC EDGAR frames"
URL = "https://data.sec.gov/api/xbrl/frames/"
SHARES = ("WeightedAverageNumberOfDilutedSharesOutstanding",)
INCOME = ("NetIncomeLoss", "ProfitLoss")
EQUITY = ("StockholdersEquity",)
EBIT = ("OperatingIncomeLoss",)
DEPRECIATION = (
    "DepreciationDepletionAndAmortization",
    "DepreciationAmortizationAndAccretionNet",
    "DepreciationAndAmortization",
)
DEBT = ("LongTermDebt", "LongTermDebtNoncurrent")
CASH = ("CashAndCashEquivalentsAtCarryingValue",)
NAMES = {"price_to_earnings": "P/E", "price_to_book": "P/B", "ev_to_ebitda": "EV/EBITDA"}

Points = Mapping[int, FramePoint]


class ValuationArguments(Arguments):
    ticker: str = Field("Russell 2000", description="An index or fund of small companies")
    benchmark: str = Field("S&P 500", description="The index that it is compared with")


@dataclass(frozen=True, slots=True)
class Multiple:
    """A multiple of an index, with the companies and the weight that it rests on; ``why``: why it has no value."""

    value: float | None
    n: int
    weight: float
    why: str = ""


def _work(a: ValuationArguments, context: Context, draft: Draft) -> None:
    small, large = fund(a.ticker, context), fund(a.benchmark, context)
    draft.resolved(ticker=small.ticker, name=small.index, benchmark=large.ticker, benchmark_name=large.index)
    # A fund against itself has its levels, and no ratio.
    alone = small.holdings == large.holdings
    groups = [members(context, draft, one) for one in ((small,) if alone else (small, large))]
    year = last_year(context.day)
    data = {
        "shares": frame(context, draft, SHARES, f"CY{year}", "shares"),
        "income": frame(context, draft, INCOME, f"CY{year}"),
        "equity": draft.attempt(frame, context, draft, EQUITY, f"CY{year}Q4I") or {},
        "ebit": draft.attempt(frame, context, draft, EBIT, f"CY{year}") or {},
        "depreciation": draft.attempt(frame, context, draft, DEPRECIATION, f"CY{year}", quiet=True) or {},
        "debt": draft.attempt(frame, context, draft, DEBT, f"CY{year}Q4I", quiet=True) or {},
        "cash": draft.attempt(frame, context, draft, CASH, f"CY{year}Q4I") or {},
    }
    each = [multiples(group, data) for group in groups]
    day = min(g.positions.day for g in groups)
    period = f"CY{year}"
    for group, found in zip(groups, each, strict=True):
        for name, one in found.items():
            draft.attempt(_level, group.fund, name, one, group.positions.day, period, draft)
    ratios: dict[str, float] = {}
    for name in () if alone else NAMES:
        top, bottom = each[0][name], each[1][name]
        if top.value is not None and bottom.value is not None:
            ratios[name] = top.value / bottom.value
            draft.add(
                f"relative_{name}", f"{small.index} against {large.index}", ratios[name], "x", as_of=day, period=period,
                source=SOURCE, source_url=URL, formula=f"{NAMES[name]} of {small.index} / {NAMES[name]} of {large.index}",
                inputs=({"name": small.index, "value": top.value}, {"name": large.index, "value": bottom.value}),
                n=top.n + bottom.n, coverage_pct=min(100.0, 100 * min(top.weight, bottom.weight)),
            )  # fmt: skip
    _percentiles(ratios, small, large, day, context, draft)


def multiples(group: Members, data: Mapping[str, Points]) -> dict[str, Multiple]:
    """Return the three multiples of an index. Pure."""
    valued = [(m, v) for m in group.members if (v := _market_value(m, data["shares"])) is not None]
    found: dict[str, Multiple] = {}
    for name, key in (("price_to_earnings", "income"), ("price_to_book", "equity")):
        kept = [(m, v) for m, v in valued if m.cik in data[key]]
        yielded = sum(m.weight * data[key][m.cik].value / v for m, v in kept)
        found[name] = _multiple(kept, sum(m.weight for m, _ in kept), yielded)
    kept = [(m, v) for m, v in valued if all(m.cik in data[k] for k in ("ebit", "depreciation", "cash"))]
    value = earned = 0.0
    for m, v in kept:
        # A company that states no long-term debt in the frame has none there.
        debt = data["debt"][m.cik].value if m.cik in data["debt"] else 0.0
        value += m.weight * (v + debt - data["cash"][m.cik].value) / v
        earned += m.weight * (data["ebit"][m.cik].value + data["depreciation"][m.cik].value) / v
    found["ev_to_ebitda"] = _multiple(kept, value, earned)
    return found


def _market_value(member: Member, shares: Points) -> float | None:
    """Return price times diluted shares; None where either is missing or not positive."""
    if member.price is None or member.cik not in shares:
        return None
    value = member.price * shares[member.cik].value
    return value if value > 0 else None


def _multiple(kept: list[tuple[Member, float]], above: float, below: float) -> Multiple:
    weight = sum(m.weight for m, _ in kept)
    if weight < LEAST_WEIGHT:
        return Multiple(None, len(kept), weight, f"figures cover {weight:.0%} of the weight, less than half")
    if below <= 0 or above <= 0:
        return Multiple(None, len(kept), weight, "what it is divided by is not positive in sum")
    return Multiple(above / below, len(kept), weight)


def _level(one: Fund, name: str, found: Multiple, day: date, period: str, draft: Draft) -> None:
    if found.value is None:
        kind = NoData if "cover" in found.why else Undefined
        raise kind(f"{NAMES[name]} of {one.index} has no value: {found.why}.", "See the coverage.")
    formulas = {
        "price_to_earnings": "sum of w / sum of (w x net income / market value), losses counted",
        "price_to_book": "sum of w / sum of (w x equity / market value)",
        "ev_to_ebitda": "sum of (w x EV / market value) / sum of (w x EBITDA / market value)",
    }
    draft.add(
        name, one.index, found.value, "x", as_of=day, period=period, source=SOURCE, source_url=URL, method="proxy",
        formula=formulas[name], n=found.n, coverage_pct=min(100.0, 100 * found.weight),
    )  # fmt: skip


def _percentiles(
    ratios: Mapping[str, float], small: Fund, large: Fund, day: date, context: Context, draft: Draft
) -> None:
    """Add where today's ratio stands in its own saved history, once that is long enough."""
    history = remember(context, draft, f"valuation:{small.ticker}/{large.ticker}", day, dict(ratios))
    for name, value in ratios.items():
        before = [h.values[name] for h in history if name in h.values and h.day < day]
        if len(before) < LEAST:
            draft.warn(f"Level only: {len(before)} days of the ratios are saved, a percentile needs {LEAST}.")
            continue
        share = rank(value, before)
        inputs: list[dict[str, Any]] = [
            {"name": "ratio now", "value": value},
            {"name": "days saved", "value": len(before)},
        ]
        draft.add(
            f"relative_{name}_percentile", f"{small.index} against {large.index}", share, "percent", as_of=day,
            period=f"{history[0].day} to {day}", source="own saved history", formula="share of earlier days with a lower ratio",
            inputs=inputs, n=len(before),
        )  # fmt: skip


TOOL = Tool(
    NAME,
    "P/E, P/B and EV/EBITDA of small companies against large ones, and where the ratio stands in its own history.",
    ValuationArguments,
    ("holdings", "sec"),
    execute(NAME, _work),
)
