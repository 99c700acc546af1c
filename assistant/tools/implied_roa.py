"""The return on assets that a market value implies: pure arithmetic, in fractions (0.07 is 7%) and one currency.

The formulas are this project's own (docs/tools/embedded_expectations.md); they are nobody's proprietary measure.
A firm with assets A0 that earns ROA0 grows them at g for N years while its return goes in a straight line to R:

    A_t = A0 (1+g)^t        ROA_t = ROA0 + (R - ROA0) t/N        FCF_t = (ROA_t - g) A_{t-1}
    V(R) = sum FCF_t / (1+r)^t + C(R) / (1+r)^N

The continuing value C is R A_N / r where new capital earns r, or R A_N (1 - g_inf/RONIC) / (r - g_inf). V is linear in R,
so the R at which V is the market's value is R* = (EV - V(0)) / (V(1) - V(0)): no solver, no start value.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

DISCOUNT_RATE = 0.08
GROWTH = 0.04
YEARS = 5
LONG_GROWTH = 0.02
# An implied return outside this range says that the inputs do not describe the firm.
LOWEST, HIGHEST = -0.20, 0.60
RATE_STEP, GROWTHS, HORIZONS = 0.01, (0.02, 0.04, 0.06), (5, 10)

Continuing = Literal["new capital earns r", "new capital earns R"]
CONTINUING: tuple[Continuing, ...] = ("new capital earns r", "new capital earns R")


@dataclass(frozen=True, slots=True)
class Assumptions:
    """``rate`` r, ``growth`` g of assets, ``years`` N. ``ronic`` is what new capital earns after year N: None where it is r."""

    rate: float = DISCOUNT_RATE
    growth: float = GROWTH
    years: int = YEARS
    continuing: Continuing = "new capital earns r"
    long_growth: float = LONG_GROWTH
    ronic: float | None = None

    def problem(self) -> str | None:
        """Return why these cannot be used, or None."""
        if not 0 < self.rate < 1 or not -0.5 < self.growth < 1 or self.years < 1:
            return "the discount rate must lie in 0–100%, the growth in −50–100%, the horizon be a year or more"
        if self._perpetual and self.long_growth >= self.rate:
            return f"long-run growth of {self.long_growth:.1%} is not below the discount rate of {self.rate:.1%}"
        if self.ronic is not None and self.ronic <= 0:
            return "the return on new capital must be above 0"
        return None

    @property
    def _perpetual(self) -> bool:
        return self.ronic is not None or self.continuing == "new capital earns R"


@dataclass(frozen=True, slots=True)
class Firm:
    """What is valued: market value ``ev``, operating assets ``assets`` and the after-tax profit ``nopat`` of the last year."""

    ev: float
    assets: float
    nopat: float

    @property
    def roa(self) -> float:
        return self.nopat / self.assets


@dataclass(frozen=True, slots=True)
class Implied:
    """R* and where it came from; ``value`` None where it is undefined, with the ``reason``."""

    value: float | None
    reason: str | None = None
    now: float | None = None  # ROA0
    grid: tuple[tuple[Assumptions, float], ...] = ()

    @property
    def percentiles(self) -> tuple[float, float, float] | None:
        """Return P10, P50 and P90 of the grid (linear interpolation)."""
        values = [value for _, value in self.grid]
        return (percentile(values, 10), percentile(values, 50), percentile(values, 90)) if values else None


def value(firm: Firm, target: float, given: Assumptions) -> float:
    """Return V(R): what the firm is worth today if its return reaches ``target`` in ``given.years`` years."""
    r, g, n = given.rate, given.growth, given.years
    total = 0.0
    for t in range(1, n + 1):
        roa = firm.roa + (target - firm.roa) * t / n
        total += (roa - g) * firm.assets * (1 + g) ** (t - 1) / (1 + r) ** t
    last = firm.assets * (1 + g) ** n
    if given.ronic is not None:
        rest = target * last * (1 - given.long_growth / given.ronic) / (r - given.long_growth)
    elif given.continuing == "new capital earns R":
        # RONIC = R makes R (1 - g/R) = R - g.
        rest = (target - given.long_growth) * last / (r - given.long_growth)
    else:
        rest = target * last / r
    return total + rest / (1 + r) ** n


def solve(firm: Firm, given: Assumptions) -> float:
    """Return R* of a firm with positive assets, however far out it lies."""
    zero, one = value(firm, 0.0, given), value(firm, 1.0, given)
    return (firm.ev - zero) / (one - zero)


def grid(given: Assumptions) -> tuple[Assumptions, ...]:
    """Return the 36 cases that show how much R* depends on what nobody knows: r ± 1 point, g, N and both continuing values."""
    rates = (given.rate - RATE_STEP, given.rate, given.rate + RATE_STEP)
    return tuple(
        replace(given, rate=r, growth=g, years=n, continuing=c, ronic=None)
        for r, g, n, c in product(rates, GROWTHS, HORIZONS, CONTINUING)
    )


def implied(firm: Firm, given: Assumptions | None = None) -> Implied:
    """Return R* with its grid, or the reason why there is none."""
    given = given or Assumptions()
    if not all(math.isfinite(x) for x in (firm.ev, firm.assets, firm.nopat)):
        return Implied(None, "an input is not a finite number")
    if firm.ev <= 0:
        return Implied(None, "the enterprise value is not above 0")
    if firm.assets <= 0:
        return Implied(None, "the operating assets are not above 0")
    if problem := given.problem():
        return Implied(None, problem, firm.roa)
    central = solve(firm, given)
    if not LOWEST <= central <= HIGHEST:
        return Implied(
            None, f"the implied return of {central:.0%} lies outside {LOWEST:.0%} to {HIGHEST:.0%}", firm.roa
        )
    return Implied(
        central, None, firm.roa, tuple((case, solve(firm, case)) for case in grid(given) if not case.problem())
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """Return a percentile of at least one value, with linear interpolation between ranks."""
    ranked = sorted(values)
    place = (len(ranked) - 1) * percent / 100
    low = math.floor(place)
    high = min(low + 1, len(ranked) - 1)
    return ranked[low] + (ranked[high] - ranked[low]) * (place - low)


@dataclass(frozen=True, slots=True)
class Member:
    """One company of an index: its weight (any unit), and its Firm or the reason why it has none."""

    name: str
    weight: float
    firm: Firm | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An index as one firm. ``coverage``: the weight of the members that are in it, of all, in 0..1."""

    implied: Implied
    firm: Firm | None
    members: int
    used: int
    coverage: float
    left_out: Mapping[str, int]  # reason -> number of members
    left_out_weight: Mapping[str, float]  # reason -> share of the weight


def aggregate(members: Sequence[Member], given: Assumptions | None = None) -> Aggregate:
    """Sum EV, assets and profit over the members that have all three, and solve once: never a mean of ratios.

    A member whose own R* lies out of range stays in: the sum needs no ratio of its own. What has no EV or assets above 0 is
    left out and counted with its weight.
    """
    whole = sum(m.weight for m in members)
    used: list[tuple[Member, Firm]] = []
    count: Counter[str] = Counter()
    weight: dict[str, float] = {}
    for member in members:
        firm = member.firm
        reason = member.reason or "" if firm is None else _unusable(firm)
        if firm is not None and not reason:
            used.append((member, firm))
            continue
        count[reason or "no data"] += 1
        share = member.weight / whole if whole > 0 else 0.0
        weight[reason or "no data"] = weight.get(reason or "no data", 0.0) + share
    covered = sum(m.weight for m, _ in used) / whole if whole > 0 else 0.0
    if not used:
        none = Implied(None, "no member has the figures that it needs")
        return Aggregate(none, None, len(members), 0, 0.0, dict(count), weight)
    total = Firm(*(math.fsum(getattr(f, name) for _, f in used) for name in ("ev", "assets", "nopat")))
    return Aggregate(implied(total, given), total, len(members), len(used), covered, dict(count), weight)


def _unusable(firm: Firm) -> str:
    if not all(math.isfinite(x) for x in (firm.ev, firm.assets, firm.nopat)):
        return "an input is not a finite number"
    if firm.ev <= 0:
        return "the enterprise value is not above 0"
    return "" if firm.assets > 0 else "the operating assets are not above 0"


def paths(result: Implied, given: Assumptions | None = None) -> tuple[dict[str, float | int | str], ...]:
    """Return the points of a plot: the return from now to year N on the way to P10, P50 and P90, and to R* itself, in percent."""
    given = given or Assumptions()
    found = result.percentiles
    if found is None or result.now is None or result.value is None:
        return ()
    ends = dict(zip(("P10", "P50", "P90"), found, strict=True)) | {"central": result.value}
    return tuple(
        {"line": name, "year": t, "roa_pct": 100 * (result.now + (end - result.now) * t / given.years)}
        for name, end in ends.items()
        for t in range(given.years + 1)
    )
