"""Implied volatility and skew from the mid prices of an option chain. Pure.

Prices are undiscounted Black (1976) prices on the forward that put-call parity gives, so that no rate or dividend is assumed
beyond the discount factor. A volatility of 0.25 is 25% a year; delta is that of the forward.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from assistant.tools.providers.protocols import Contract

RATE = 0.04
HIGHEST_VOLATILITY = 3.0
OLD_TRADE_DAYS = 5
_YEAR = 365.0


@dataclass(frozen=True, slots=True)
class Smile:
    """One expiry: (delta, volatility) of the usable out-of-the-money options, delta ascending from -1 to 1."""

    expiry: date
    days: int
    forward: float
    points: tuple[tuple[float, float], ...]
    dropped: int


def black(forward: float, strike: float, years: float, volatility: float, *, call: bool) -> float:
    """Return the undiscounted price of a European option."""
    spread = volatility * math.sqrt(years)
    d1 = math.log(forward / strike) / spread + spread / 2
    value = forward * _normal(d1) - strike * _normal(d1 - spread)
    return value if call else value - forward + strike


def delta(forward: float, strike: float, years: float, volatility: float, *, call: bool) -> float:
    """Return the delta to the forward: 0..1 for a call, -1..0 for a put."""
    spread = volatility * math.sqrt(years)
    value = _normal(math.log(forward / strike) / spread + spread / 2)
    return value if call else value - 1


def implied_volatility(price: float, forward: float, strike: float, years: float, *, call: bool) -> float | None:
    """Return the volatility at which ``price`` (undiscounted) is fair; None where none up to 300% is."""
    inner = max(0.0, forward - strike if call else strike - forward)
    low, high = 1e-4, HIGHEST_VOLATILITY
    if price <= inner or black(forward, strike, years, high, call=call) < price:
        return None
    for _ in range(100):
        middle = (low + high) / 2
        if black(forward, strike, years, middle, call=call) < price:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def usable(contract: Contract, day: date) -> bool:
    """Whether a contract has a two-sided quote and a recent trade: a bid of 0 or an old trade says nothing."""
    return (
        contract.bid is not None and contract.ask is not None and 0 < contract.bid <= contract.ask
        and contract.strike > 0
        and (contract.last_trade is None or (day - contract.last_trade).days <= OLD_TRADE_DAYS)
    )  # fmt: skip


def smile(contracts: Sequence[Contract], day: date) -> Smile | None:
    """Return the smile of one expiry; None where parity gives no forward or fewer than 4 options are usable."""
    expiry = contracts[0].expiry
    days = (expiry - day).days
    years = days / _YEAR
    kept = [c for c in contracts if usable(c, day)]
    forward = _forward(kept, years)
    if forward is None:
        return None
    growth = math.exp(RATE * years)
    points = []
    for c in kept:
        call = c.kind == "call"
        if call != (c.strike >= forward):
            continue
        volatility = implied_volatility(_mid(c) * growth, forward, c.strike, years, call=call)
        if volatility is not None:
            points.append((delta(forward, c.strike, years, volatility, call=call), volatility))
    if len(points) < 4:
        return None
    return Smile(expiry, days, forward, tuple(sorted(points)), len(contracts) - len(kept))


def skew(found: Smile, at: float = 0.25) -> tuple[float, float] | None:
    """Return (volatility of the put, of the call) at a delta; None where the quotes do not reach it on both sides."""
    put = _between([(-d, v) for d, v in found.points if d < 0], at)
    call = _between([(d, v) for d, v in found.points if d > 0], at)
    return None if put is None or call is None else (put, call)


def _between(points: Sequence[tuple[float, float]], at: float) -> float | None:
    """Return the volatility at a delta by straight line between its neighbours."""
    below = max((p for p in points if p[0] <= at), default=None)
    above = min((p for p in points if p[0] >= at), default=None)
    if below is None or above is None:
        return None
    if above[0] == below[0]:
        return below[1]
    return below[1] + (above[1] - below[1]) * (at - below[0]) / (above[0] - below[0])


def _forward(kept: Sequence[Contract], years: float) -> float | None:
    """Return strike + growth x (call - put) at the strike where the two are closest."""
    calls = {c.strike: _mid(c) for c in kept if c.kind == "call"}
    puts = {c.strike: _mid(c) for c in kept if c.kind == "put"}
    both = sorted(set(calls) & set(puts), key=lambda k: (abs(calls[k] - puts[k]), k))
    if not both:
        return None
    strike = both[0]
    value = strike + math.exp(RATE * years) * (calls[strike] - puts[strike])
    return value if value > 0 else None


def _mid(contract: Contract) -> float:
    assert contract.bid is not None
    assert contract.ask is not None
    return (contract.bid + contract.ask) / 2


def _normal(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))
