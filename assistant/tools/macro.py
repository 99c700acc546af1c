"""The economy as the articles speak of it: tariffs, interest rates, credit for small firms, factory construction.

customs duty rate = customs duties / imports of goods (both BEA, billions of USD, seasonally adjusted annual rates)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

from pydantic import Field

from assistant.tools.base import Arguments, Context, Draft, NoData, Pulled, Tool, ToolFailure, execute
from assistant.tools.closes import thinned, years_before
from assistant.tools.providers.protocols import Observation, SeriesData
from assistant.tools.pulls import Want, pull

NAME = "macro"
DUTIES, IMPORTS = "B235RC1Q027SBEA", "A255RC1Q027SBEA"
YEARS = 6
# The Monthly Treasury Statement of a month is out by the 20th of the next, all of it within 31 days.
STATEMENT_LAG = timedelta(days=31)
_MONTHS = {"daily": 0, "monthly": 1, "quarterly": 3}
_OLD_DAYS = {"daily": 10, "monthly": 95, "quarterly": 200}


class MacroArguments(Arguments):
    series: str = Field(
        "all",
        description="FEDFUNDS, DGS2, DGS10, DRTSCIS, TLMFGCONS, customs or another FRED id, several with commas; "
        "or tariffs, rates, lending, construction, all",
    )


@dataclass(frozen=True, slots=True)
class Told:
    """A series with where it is from; ``step``: daily, monthly or quarterly, each observation dated by its first day."""

    points: tuple[Observation, ...]
    step: str
    source: str
    url: str | None

    def end(self, at: int) -> date:
        """Return the last day of an observation's period."""
        first = self.points[at].day
        months = _MONTHS[self.step]
        if not months:
            return first
        year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
        return date(year, month + 1, 1) - timedelta(days=1)

    def period(self, at: int) -> str:
        day = self.points[at].day
        return {
            "daily": day.isoformat(),
            "monthly": f"{day:%Y-%m}",
            "quarterly": f"{day.year} Q{(day.month + 2) // 3}",
        }[self.step]

    def year_before(self, at: int) -> Observation:
        """Return the observation a year earlier. Raises NoData where there is none."""
        day = years_before(self.points[at].day, 1)
        near = [p for p in self.points if abs((p.day - day).days) <= (6 if self.step == "daily" else 0)]
        if not near:
            raise NoData(f"There is no observation a year before {self.points[at].day}.", "Ask again later.")
        return min(near, key=lambda p: (abs((p.day - day).days), p.day))


def _work(a: MacroArguments, context: Context, draft: Draft) -> None:
    parts: dict[str, Callable[[Context, Draft], None]] = {
        "CUSTOMS": _customs,
        "FEDFUNDS": _fed_funds,
        "DGS2": partial(_yield, "treasury_2y", "DGS2", "2y"),
        "DGS10": partial(_yield, "treasury_10y", "DGS10", "10y"),
        "DRTSCIS": _lending,
        "TLMFGCONS": _construction,
    }
    groups = {
        "ALL": tuple(parts), "TARIFFS": ("CUSTOMS",), "RATES": ("FEDFUNDS", "DGS2", "DGS10"),
        "LENDING": ("DRTSCIS",), "CONSTRUCTION": ("TLMFGCONS",), DUTIES: ("CUSTOMS",),
    }  # fmt: skip
    asked = [name.strip().upper() for name in a.series.split(",") if name.strip()]
    if not asked:
        raise NoData("No series was named.", "Give series, such as FEDFUNDS or CUSTOMS,DGS10.")
    names = list(dict.fromkeys(n for name in asked for n in groups.get(name, (name,))))
    draft.resolved(series=",".join(names))
    for name in names:
        if name in parts:
            draft.attempt(parts[name], context, draft)
        elif re.fullmatch(r"[A-Z0-9_]{2,30}", name):
            draft.attempt(_other, name, context, draft)
        else:
            raise NoData(f"{name!r} is no series of FRED.", f"Take {', '.join(parts)} or a FRED id.")


def _customs(context: Context, draft: Draft) -> None:
    draft.attempt(_duty_rate, context, draft)
    draft.attempt(_receipts, context, draft)


def _other(name: str, context: Context, draft: Draft) -> None:
    told = _series(context, draft, name, "daily")
    _level(told, name.lower(), "United States", "as FRED states for the series", name, context, draft)


def _series(context: Context, draft: Draft, name: str, step: str) -> Told:
    """Return a FRED series as it was known on the last day that may be used. Raises ToolFailure."""
    pulled = _pulled(context, name)
    if (
        context.as_of is not None
        and pulled.value.vintage is None
        and date.fromisoformat(pulled.retrieved_at[:10]) > context.as_of
    ):
        raise NoData(f"{name} as it was known on {context.as_of} is not at hand.", "Set FRED_API_KEY.")
    told = Told(tuple(p for p in pulled.value.observations if p.day <= context.day), step, pulled.source, pulled.url)
    if not told.points:
        raise NoData(f"{name} has no observation by {context.day}.", "Ask for a later day.")
    draft.take(pulled)
    _aged(told, name, context, draft)
    return told


def _pulled(context: Context, name: str) -> Pulled[SeriesData]:
    provider, start = context.providers.fred, years_before(context.day, YEARS)
    plain = Want("fred", name, f"FRED series {name}", dated=False, fresh_days=7)
    if context.as_of is None or provider is None:
        fetch = (lambda: provider.series(name, start, context.day, None)) if provider else None
        return pull(context, plain, SeriesData, fetch)
    # FRED says what was known on a day; that is no datum of a later one.
    vintage = Want("fred", f"{name}@{context.as_of}", plain.what, dated=True, fresh_days=36500)
    try:
        return pull(context, vintage, SeriesData, lambda: provider.series(name, start, context.day, context.as_of))
    except ToolFailure as failure:
        try:
            return pull(context, plain, SeriesData, None)
        except ToolFailure:
            raise failure from None


def _treasury(context: Context, draft: Draft, name: str, step: str, lag: timedelta) -> Told:
    provider = context.providers.treasury
    start = years_before(context.day, 2)
    want = Want("treasury", name, f"Treasury series {name}", dated=True, fresh_days=7)
    fetch = (lambda: provider.series(name, start, context.day, None)) if provider else None
    pulled = pull(context, want, SeriesData, fetch)
    points = tuple(p for p in pulled.value.observations if p.day + lag <= context.day)
    if not points:
        raise NoData(f"The Treasury has published no {name} by {context.day}.", "Ask for a later day.")
    draft.take(pulled)
    told = Told(points, step, pulled.source, pulled.url)
    _aged(told, name, context, draft)
    return told


def _aged(told: Told, name: str, context: Context, draft: Draft) -> None:
    end = told.end(len(told.points) - 1) if told.step != "daily" else told.points[-1].day
    if (context.day - end).days > _OLD_DAYS[told.step]:
        draft.stale = True
        draft.warn(f"The last observation of {name} is for the period to {end}.")


def _curve(told: Told, name: str, unit: str, scale: float = 1.0) -> dict[str, object]:
    return {"name": name, "unit": unit, "series": thinned([(p.day, scale * p.value) for p in told.points])}


def _duty_rate(context: Context, draft: Draft) -> None:
    duties, imports = _series(context, draft, DUTIES, "quarterly"), _series(context, draft, IMPORTS, "quarterly")
    below = {p.day: p.value for p in imports.points}
    rates = tuple(
        Observation(day=p.day, value=100 * p.value / below[p.day]) for p in duties.points if below.get(p.day, 0.0) > 0
    )
    if not rates:
        raise NoData("Customs duties and imports of goods have no quarter in common.", "Ask again later.")
    told = Told(rates, "quarterly", duties.source, duties.url)
    last = rates[-1]
    above = {p.day: p.value for p in duties.points}
    inputs = (
        {"name": f"customs duties ({DUTIES})", "value": above[last.day], "unit": "billion USD a year", "period": told.period(-1)},
        {"name": f"imports of goods ({IMPORTS})", "value": below[last.day], "unit": "billion USD a year", "period": told.period(-1)},
    )  # fmt: skip
    common: dict[str, Any] = {"as_of": min(told.end(-1), context.day), "source": told.source, "source_url": told.url}
    draft.add(
        "customs_duty_rate", "United States", last.value, "percent", period=told.period(-1),
        formula="customs duties / imports of goods", inputs=(*inputs, _curve(told, "customs duty rate", "percent")), **common,
    )  # fmt: skip
    draft.attempt(_change, told, "customs_duty_rate", draft, context)


def _receipts(context: Context, draft: Draft) -> None:
    told = _treasury(context, draft, "customs", "monthly", STATEMENT_LAG)
    # The statement dates a month by its last day.
    last = told.points[-1]
    draft.add(
        "customs_receipts", "United States", last.value, "USD", as_of=last.day, period=f"{last.day:%Y-%m}",
        source=told.source, source_url=told.url, method="reported", formula="net customs duties of the month",
    )  # fmt: skip


def _level(told: Told, name: str, subject: str, unit: str, series: str, context: Context, draft: Draft) -> None:
    draft.add(
        name, subject, told.points[-1].value, unit, as_of=min(told.end(-1), context.day), period=told.period(-1),
        source=told.source, source_url=told.url, method="reported", formula=f"{series}, last observation",
        inputs=(_curve(told, series, unit),), n=len(told.points),
    )  # fmt: skip


def _change(told: Told, name: str, draft: Draft, context: Context) -> None:
    before, last = told.year_before(-1), told.points[-1]
    draft.add(
        f"{name}_change", "United States", last.value - before.value, "percentage points",
        as_of=min(told.end(-1), context.day), period=f"{before.day} to {last.day}", source=told.source,
        source_url=told.url, formula="last observation - the one a year before",
        inputs=({"name": "last", "value": last.value, "day": last.day.isoformat()},
                {"name": "a year before", "value": before.value, "day": before.day.isoformat()}),
    )  # fmt: skip


def _fed_funds(context: Context, draft: Draft) -> None:
    told = _series(context, draft, "FEDFUNDS", "monthly")
    _level(told, "fed_funds_rate", "United States", "percent", "FEDFUNDS", context, draft)
    draft.attempt(_change, told, "fed_funds_rate", draft, context)


def _yield(name: str, series: str, maturity: str, context: Context, draft: Draft) -> None:
    """Add a yield from FRED and from the Treasury itself; each stands under its own source."""
    draft.attempt(_fred_yield, name, series, context, draft)
    draft.attempt(_par_yield, name, maturity, context, draft)


def _fred_yield(name: str, series: str, context: Context, draft: Draft) -> None:
    told = _series(context, draft, series, "daily")
    _level(told, name, "United States", "percent", series, context, draft)


def _par_yield(name: str, maturity: str, context: Context, draft: Draft) -> None:
    told = _treasury(context, draft, maturity, "daily", timedelta(0))
    _level(told, f"{name}_par", "United States", "percent", f"par yield {maturity}", context, draft)


def _lending(context: Context, draft: Draft) -> None:
    told = _series(context, draft, "DRTSCIS", "quarterly")
    _level(told, "banks_tightening_small_firms", "United States", "net percent of banks", "DRTSCIS", context, draft)


def _construction(context: Context, draft: Draft) -> None:
    told = _series(context, draft, "TLMFGCONS", "monthly")
    last = told.points[-1]
    common: dict[str, Any] = {
        "as_of": min(told.end(-1), context.day),
        "period": told.period(-1),
        "source": told.source,
        "source_url": told.url,
    }
    draft.add(
        "manufacturing_construction", "United States", 1e6 * last.value, "USD a year", method="reported",
        formula="TLMFGCONS, last observation (seasonally adjusted annual rate)",
        inputs=(_curve(told, "TLMFGCONS", "USD a year", 1e6),), **common,
    )  # fmt: skip
    before = told.year_before(-1)
    if before.value <= 0:
        raise NoData(f"TLMFGCONS was {before.value} a year before.", "Ask again later.")
    draft.add(
        "manufacturing_construction_yoy", "United States", 100 * (last.value / before.value - 1), "percent",
        formula="TLMFGCONS_t / TLMFGCONS_{t-12 months} - 1",
        inputs=({"name": "last", "value": last.value, "unit": "million USD", "day": last.day.isoformat()},
                {"name": "a year before", "value": before.value, "unit": "million USD", "day": before.day.isoformat()}),
        **common,
    )  # fmt: skip


TOOL = Tool(
    NAME,
    "Customs duties against imports, the federal funds rate, Treasury yields, bank lending to small firms, factory construction.",
    MacroArguments,
    ("fred", "treasury"),
    execute(NAME, _work),
)
