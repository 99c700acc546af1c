"""How many companies of an index lose money, by count and by weight.

trailing net income = calendar year + quarters since - the same quarters of that year, else the calendar year
share = companies with trailing net income < 0 / companies with one
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from assistant.tools.base import Arguments, Context, Draft, NoData, Tool, ToolFailure, execute
from assistant.tools.entities import pair
from assistant.tools.members import Members, frame, last_year, members, quarters_since

NAME = "unprofitable_share"
INCOME = ("NetIncomeLoss", "ProfitLoss")
SOURCE = "SEC EDGAR frames; holdings of the fund"
URL = "https://data.sec.gov/api/xbrl/frames/us-gaap/NetIncomeLoss/USD/"


class UnprofitableArguments(Arguments):
    ticker: str = Field("Russell 2000", description="An index or fund")
    benchmark: str = Field("Russell Midcap", description="What it is compared with; empty for nothing")


def _work(a: UnprofitableArguments, context: Context, draft: Draft) -> None:
    first, second = pair(a.ticker, a.benchmark, context, draft)
    groups = [members(context, draft, first)]
    other = draft.attempt(members, context, draft, second) if second else None
    groups += [other] if other else []
    incomes, period = _incomes(context, draft)
    for group in groups:
        draft.attempt(_add, group, incomes, period, draft)


def _incomes(context: Context, draft: Draft) -> tuple[dict[int, float], str]:
    """Return trailing net income by CIK, and the period that it is for."""
    year = last_year(context.day)
    base = {cik: p.value for cik, p in frame(context, draft, INCOME, f"CY{year}").items()}
    steps: list[tuple[dict[int, float], dict[int, float]]] = []
    last = ""
    for y, q in quarters_since(year, context.day):
        if y - 1 != year:
            break
        try:
            now, before = (frame(context, draft, INCOME[:1], f"CY{n}Q{q}") for n in (y, y - 1))
        except ToolFailure as failure:
            draft.warn(f"Net income of {y} Q{q} could not be had: {failure.message} Older figures stand.")
            break
        steps.append(({c: p.value for c, p in now.items()}, {c: p.value for c, p in before.items()}))
        last = f" and quarters to {y} Q{q}"
    out = {}
    for cik, value in base.items():
        total = value
        for now_, before_ in steps:
            if cik not in now_ or cik not in before_:
                break
            total += now_[cik] - before_[cik]
        out[cik] = total
    return out, f"CY{year}{last}"


def _add(group: Members, incomes: dict[int, float], period: str, draft: Draft) -> None:
    known = [m for m in group.members if m.cik in incomes]
    if not known:
        raise NoData(f"SEC has no net income of the companies of {group.fund.index}.", "Take a fund of US shares.")
    losing = [m for m in known if incomes[m.cik] < 0]
    weight = sum(m.weight for m in known)
    lost = sum(m.weight for m in losing)
    common: dict[str, Any] = {
        "as_of": group.positions.day, "period": period, "source": SOURCE, "source_url": URL, "n": len(known),
        "coverage_pct": min(100.0, 100 * weight),
    }  # fmt: skip
    largest = [
        {
            "ticker": m.tickers[0],
            "name": m.name,
            "weight_pct": round(100 * m.weight, 4),
            "net_income_usd": incomes[m.cik],
        }
        for m in losing[:10]
    ]
    counts = ({"name": "companies", "value": len(known)}, {"name": "with a loss", "value": len(losing)})
    draft.add(
        "unprofitable_count_share", group.fund.index, 100 * len(losing) / len(known), "percent",
        formula="companies with trailing net income < 0 / companies with one", inputs=(*counts, *largest), **common,
    )  # fmt: skip
    draft.add(
        "unprofitable_weight_share", group.fund.index, 100 * lost / weight, "percent",
        formula="weight of companies with trailing net income < 0 / weight of those with one", inputs=largest, **common,
    )  # fmt: skip


TOOL = Tool(
    NAME,
    "How many companies of an index lose money, by count and by weight, beside another index.",
    UnprofitableArguments,
    ("sec", "holdings"),
    execute(NAME, _work),
)
