"""How many analysts follow the companies of an index: mean and median; a company without a number is not a company with none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from statistics import fmean, median
from typing import Any

from pydantic import Field

from assistant.tools.base import Arguments, Context, Draft, NoData, Pulled, Tool, execute
from assistant.tools.entities import Fund, pair
from assistant.tools.positions import positions
from assistant.tools.providers.protocols import Estimate, Estimates
from assistant.tools.pulls import Want, pull

NAME = "analyst_coverage"
OLD = timedelta(days=400)
LEAST = 5


class AnalystArguments(Arguments):
    ticker: str = Field("Russell 2000", description="An index or fund")
    benchmark: str = Field("S&P 500", description="What it is compared with; empty for nothing")
    sample: int = Field(25, ge=LEAST, le=200, description="Companies asked about, where the source is asked one by one")


def _work(a: AnalystArguments, context: Context, draft: Draft) -> None:
    first, second = pair(a.ticker, a.benchmark, context, draft)
    _fund(first, a.sample, context, draft)
    if second is not None:
        draft.attempt(_fund, second, a.sample, context, draft)


def _fund(one: Fund, sample: int, context: Context, draft: Draft) -> None:
    provider = context.providers.estimates
    if provider is not None and provider.source == "data":
        want = Want("data", "estimates", "numbers of analysts", dated=True, fresh_days=100)
        pulled = pull(context, want, Estimates, lambda: provider.estimates(()))
        rows = _newest(draft.take(pulled).estimates, context.day)
        mine = [e for e in rows if e.group in (one.size, one.ticker.lower(), one.index.lower())]
        if not mine:
            names = {h.ticker for h in positions(context, draft, one).holdings}
            mine = [e for e in rows if e.ticker in names]
        _add(one, mine, len(mine), pulled, draft)
        return
    held = positions(context, draft, one).holdings
    step = max(1, len(held) // sample)
    # Every n-th by weight: from the largest to the smallest, the same each time.
    tickers = tuple(h.ticker for h in held[step // 2 :: step][:sample])
    want = Want(
        "market", f"analysts:{one.ticker}:{sample}", f"numbers of analysts of {one.index}", dated=False, fresh_days=100
    )
    pulled = pull(context, want, Estimates, (lambda: provider.estimates(tickers)) if provider else None)
    rows = list(draft.take(pulled).estimates)
    draft.warn(f"{one.index}: {len(rows)} of {len(held)} companies, every {step}th by weight, stand for all.")
    _add(one, rows, len(held), pulled, draft)


def _newest(rows: Sequence[Estimate], day: date) -> list[Estimate]:
    """Return the newest row of each ticker on or before ``day``, none older than 400 days."""
    found: dict[str, Estimate] = {}
    for row in sorted(rows, key=lambda e: e.day):
        if day - OLD <= row.day <= day:
            found[row.ticker] = row
    return [found[ticker] for ticker in sorted(found)]


def _add(one: Fund, rows: Sequence[Estimate], of: int, pulled: Pulled[Estimates], draft: Draft) -> None:
    counts = [e.analysts for e in rows if e.analysts is not None]
    if len(counts) < LEAST:
        raise NoData(
            f"Numbers of analysts of {len(counts)} companies of {one.index} are known; at least {LEAST} are needed.",
            "Add rows to estimates.csv in the data folder (docs/tools/data.md).",
        )
    missing = len(rows) - len(counts)
    if missing:
        draft.warn(f"{one.index}: {missing} companies have no number; they are left out, not counted as 0.")
    common: dict[str, Any] = {
        "as_of": max(e.day for e in rows), "source": pulled.source, "source_url": pulled.url, "n": len(counts),
        "coverage_pct": min(100.0, 100 * len(counts) / of),
        "inputs": [{"name": "companies with a number", "value": len(counts)}, {"name": "without one", "value": missing}],
    }  # fmt: skip
    draft.add(
        "analysts_mean",
        one.index,
        fmean(counts),
        "analysts",
        formula="mean of the number of analysts of a company",
        **common,
    )
    draft.add(
        "analysts_median", one.index, float(median(counts)), "analysts",
        formula="median of the number of analysts of a company", **common,
    )  # fmt: skip


TOOL = Tool(
    NAME,
    "How many analysts follow a company of an index, on average and in the middle, beside another index.",
    AnalystArguments,
    ("market", "holdings", "data"),
    execute(NAME, _work),
)
