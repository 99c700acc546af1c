"""The companies of a fund, joined with SEC's figures: positions -> registrants -> frames.

A registrant with several share classes counts once, with all its weight.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from assistant.tools.base import Context, Draft, NoData, ToolFailure
from assistant.tools.entities import Fund, by_ticker, listings
from assistant.tools.positions import Positions, positions
from assistant.tools.providers.protocols import Frame, FramePoint
from assistant.tools.pulls import Want, pull

# By mid-April the annual reports of the year before are in; quarterly ones within 60 days.
_REPORTS_IN = (4, 15)
_QUARTER_LAG_DAYS = 60


@dataclass(frozen=True, slots=True)
class Member:
    """One registrant: its weight as a fraction of the fund's equity, its tickers, and the price of the first."""

    cik: int
    tickers: tuple[str, ...]
    name: str
    weight: float
    price: float | None


@dataclass(frozen=True, slots=True)
class Members:
    """The registrants of a fund, largest first. ``mapped``: the fraction of the equity's weight that they are."""

    positions: Positions
    members: tuple[Member, ...]
    mapped: float

    @property
    def fund(self) -> Fund:
        return self.positions.fund


def members(context: Context, draft: Draft, fund: Fund) -> Members:
    """Return the registrants of a fund. Raises ToolFailure."""
    held = positions(context, draft, fund)
    table = by_ticker(listings(context, draft))
    found: dict[int, Member] = {}
    for holding, share in zip(held.holdings, held.shares, strict=True):
        listing = table.get(holding.ticker) or table.get(re.sub(r"[.\-/ ]", "", holding.ticker))
        if listing is None or holding.location not in ("", "United States", "USA"):
            continue
        one = found.get(listing.cik)
        if one is None:
            found[listing.cik] = Member(listing.cik, (holding.ticker,), listing.name, share, holding.price)
        else:
            found[listing.cik] = Member(
                one.cik, (*one.tickers, holding.ticker), one.name, one.weight + share, one.price
            )
    if not found:
        raise NoData(f"None of the holdings of {fund.index} is on SEC's list of tickers.", "Take a fund of US shares.")
    kept = tuple(sorted(found.values(), key=lambda m: (-m.weight, m.cik)))
    return Members(held, kept, sum(m.weight for m in kept))


def frame(
    context: Context, draft: Draft, concepts: Sequence[str], period: str, unit: str = "USD", *, quiet: bool = False
) -> dict[int, FramePoint]:
    """Return the values of all registrants for a period: of the first concept that a registrant has.

    Raises ToolFailure where the first concept cannot be had; the others only add to it.
    """
    provider = context.providers.facts
    found: dict[int, FramePoint] = {}
    for at, concept in enumerate(concepts):
        want = Want("sec", f"frame:{concept}/{unit}/{period}", f"{concept} {period}", dated=False, fresh_days=30)
        try:
            fetch = partial(provider.frame, concept, unit, period) if provider else None
            pulled = pull(context, want, Frame, fetch)
        except ToolFailure as failure:
            if at == 0:
                raise
            if not quiet:
                draft.warn(f"{concept} {period}: {failure.message}")
            continue
        for point in draft.take(pulled).points:
            found.setdefault(point.cik, point)
    return found


def last_year(day: date) -> int:
    """Return the last calendar year whose annual reports are in."""
    return day.year - 1 if (day.month, day.day) >= _REPORTS_IN else day.year - 2


def quarters_since(year: int, day: date) -> list[tuple[int, int]]:
    """Return the (year, quarter)s after ``year`` whose reports are in, in order."""
    found = []
    for n in range(8):
        y, q = year + 1 + n // 4, n % 4 + 1
        end = date(y + q // 4, q % 4 * 3 + 1, 1)
        if (day - end).days < _QUARTER_LAG_DAYS:
            break
        found.append((y, q))
    return found[:3]
