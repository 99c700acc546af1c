"""Daily closes as tools use them: pulled, cut at the last day that may be used, their age told."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from assistant.tools.base import Context, Draft, NoData
from assistant.tools.providers.protocols import Closes
from assistant.tools.pulls import Want, pull

# Over a long weekend no close is missing.
OLD_DAYS = 5
YEARS_KEPT = 10


@dataclass(frozen=True, slots=True)
class History:
    """Closes of one instrument, oldest first, at least one."""

    symbol: str
    currency: str
    days: tuple[date, ...]
    values: tuple[float, ...]
    source: str
    url: str | None

    def since(self, day: date) -> History:
        """Return the part from ``day`` on. Raises NoData where nothing is left."""
        at = next((i for i, d in enumerate(self.days) if d >= day), len(self.days))
        if at == len(self.days):
            raise NoData(f"There is no close of {self.symbol} since {day}.", "Take an earlier day.")
        return History(self.symbol, self.currency, self.days[at:], self.values[at:], self.source, self.url)

    def at(self, day: date) -> float | None:
        """Return the last close on or before ``day``, at most ``OLD_DAYS`` older."""
        i = bisect_right(self.days, day) - 1
        return self.values[i] if i >= 0 and (day - self.days[i]).days <= OLD_DAYS else None


def closes(context: Context, draft: Draft, symbol: str, start: date) -> History:
    """Return the closes of a symbol from about ``start`` to the last day that may be used. Raises ToolFailure."""
    provider = context.providers.prices
    first = min(start, date(context.today.year - YEARS_KEPT, 1, 1))
    want = Want("market", f"closes:{symbol}", f"closes of {symbol}", dated=True, fresh_days=OLD_DAYS)
    pulled = pull(context, want, Closes, (lambda: provider.closes(symbol, first, context.today)) if provider else None)
    found = pulled.value
    kept = [(d, v) for d, v in zip(found.days, found.closes, strict=True) if start <= d <= context.day and v > 0]
    if not kept:
        raise NoData(f"There is no close of {symbol} between {start} and {context.day}.", "Take another period.")
    draft.take(pulled)
    last = kept[-1][0]
    if (context.day - last).days > OLD_DAYS:
        draft.stale = True
        draft.warn(f"The last close of {symbol} is of {last}.")
    if (kept[0][0] - start).days > 2 * OLD_DAYS:
        draft.warn(f"The closes of {symbol} begin on {kept[0][0]} only.")
    days, values = zip(*kept, strict=True)
    return History(symbol, found.currency, tuple(days), tuple(values), pulled.source, pulled.url)


def thinned(points: Sequence[tuple[date, float]], most: int = 260) -> list[list[object]]:
    """Return at most about ``most`` points for a plot, always with the last, the lowest and the highest."""
    step = -(-len(points) // most) if points else 1
    keep = set(range(0, len(points), step))
    if points:
        order = sorted(range(len(points)), key=lambda i: points[i][1])
        keep |= {order[0], order[-1], len(points) - 1}
    return [[points[i][0].isoformat(), round(points[i][1], 6)] for i in sorted(keep)]


def years_before(day: date, years: int) -> date:
    """Return the same day of an earlier year (28 February for the 29th)."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day - timedelta(days=1) if years == 0 else day.replace(year=day.year - years, day=28)
