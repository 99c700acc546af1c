"""Holdings of a fund as tools use them: equity positions with weights that add up to 100% of the equity."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from assistant.tools.base import Context, Draft, NoData
from assistant.tools.entities import Fund
from assistant.tools.providers.protocols import FundHoldings, Holding
from assistant.tools.pulls import Want, pull

OLD_DAYS = 10


@dataclass(frozen=True, slots=True)
class Positions:
    """Equity positions, largest first. ``equity_pct``: their share of the fund; ``shares`` are fractions that sum to 1."""

    fund: Fund
    day: date
    holdings: tuple[Holding, ...]
    shares: tuple[float, ...]
    equity_pct: float
    source: str
    url: str | None


def positions(context: Context, draft: Draft, fund: Fund) -> Positions:
    """Return the equity positions of a fund (or of the one that publishes for it). Raises ToolFailure."""
    provider = context.providers.holdings
    name = fund.holdings
    want = Want("holdings", name, f"holdings of {name}", dated=False, fresh_days=OLD_DAYS)
    pulled = pull(context, want, FundHoldings, (lambda: provider.holdings(name)) if provider else None)
    day = pulled.value.day
    draft.take(pulled)
    if (context.day - day).days > OLD_DAYS:
        draft.stale = True
        draft.warn(f"The holdings of {name} are of {day}.")
    if name != fund.ticker:
        draft.warn(f"The holdings of {name} stand for {fund.index}.")
    held = [h for h in pulled.value.holdings if h.asset_class.casefold() == "equity" and h.weight > 0]
    total = sum(h.weight for h in held)
    if not held or total <= 0:
        raise NoData(f"{name} holds no equity.", "Take a fund of shares.")
    held.sort(key=lambda h: (-h.weight, h.ticker))
    shares = tuple(h.weight / total for h in held)
    return Positions(fund, day, tuple(held), shares, total, pulled.source, pulled.url)
