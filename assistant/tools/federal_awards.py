"""Contracts of the federal government: obligations of an agency by industry and recipient, and the part that small firms get.

small-firm share = obligations to recipients that are small businesses / all obligations, over the same awards
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from pydantic import Field

from assistant.tools.base import Arguments, Context, Draft, NoData, Tool, Undefined, execute
from assistant.tools.closes import years_before
from assistant.tools.providers.protocols import AwardTotals
from assistant.tools.pulls import Want, pull

NAME = "federal_awards"
CONTRACTS = ["A", "B", "C", "D"]
# The Department of Defense publishes its awards 90 days late.
LAG = timedelta(days=90)
MOST_AGENCIES = 500


class AwardArguments(Arguments):
    agency: str = Field("Department of Defense", description="The awarding agency; empty for all")
    naics: str = Field(
        "", pattern=r"^(?:\d{2,6}(?:,\d{2,6})*)?$", description="Industries by NAICS code, such as 3364,3366"
    )
    company: str = Field("", description="A recipient by name; the names that matched are shown")
    months: int = Field(12, ge=1, le=60, description="The length of the period in months")
    top: int = Field(5, ge=1, le=50, description="How many industries and recipients are shown")


def _work(a: AwardArguments, context: Context, draft: Draft) -> None:
    end = context.day - LAG
    months = end.year * 12 + end.month - 1 - a.months
    start = min(date(months // 12, months % 12 + 1, min(end.day, 28)) + timedelta(days=1), end)
    draft.resolved(start=start.isoformat(), end=end.isoformat())
    filters = _filters(a, start, end)
    name = a.company or a.agency or "federal government"
    all_ = _totals("awarding_agency", filters, MOST_AGENCIES, context, draft)
    total = sum(t.amount for t in all_.totals)
    if not all_.totals:
        raise NoData(f"USAspending has no contract of {name} between {start} and {end}.", "Check the names and codes.")
    common: dict[str, Any] = {
        "as_of": end, "period": f"{start} to {end}", "source": "USAspending", "source_url": "https://www.usaspending.gov/search",
    }  # fmt: skip
    draft.add(
        "obligations", name, total, "USD", formula="sum of obligations of prime contracts (types A to D)",
        inputs=[{"name": t.name, "amount_usd": t.amount} for t in all_.totals[: a.top]], n=len(all_.totals), **common,
    )  # fmt: skip
    draft.attempt(_small, name, filters, total, common, context, draft)
    draft.attempt(_before, a, name, start, end, total, common, context, draft)
    for category, metric in (("naics", "largest_industry"), ("recipient", "largest_recipient")):
        draft.attempt(_largest, category, metric, name, filters, a.top, common, context, draft)
    draft.warn(f"The Department of Defense publishes its awards 90 days late, so the period ends on {end}.")


def _filters(a: AwardArguments, start: date, end: date) -> dict[str, object]:
    found: dict[str, object] = {
        "time_period": [{"start_date": start.isoformat(), "end_date": end.isoformat()}],
        "award_type_codes": CONTRACTS,
    }
    if a.agency:
        found["agencies"] = [{"type": "awarding", "tier": "toptier", "name": a.agency}]
    if a.naics:
        found["naics_codes"] = {"require": a.naics.split(",")}
    if a.company:
        found["recipient_search_text"] = [a.company]
    return found


def _totals(category: str, filters: dict[str, object], limit: int, context: Context, draft: Draft) -> AwardTotals:
    provider = context.providers.awards
    key = f"{category}:{limit}:" + ";".join(f"{k}={filters[k]}" for k in sorted(filters) if k != "time_period")
    period = filters["time_period"]
    assert isinstance(period, list)
    # Offline the last period that was asked for answers; its days stand in the saved value's key.
    want = Want("usaspending", f"{key}:{period[0]}", f"federal awards by {category}", dated=False, fresh_days=30)
    pulled = pull(context, want, AwardTotals, (lambda: provider.totals(category, filters, limit)) if provider else None)
    found = draft.take(pulled)
    if category == "awarding_agency" and not found.complete:
        draft.warn(f"Only the {limit} largest agencies are added up.")
    return found


def _small(
    name: str, filters: dict[str, object], total: float, common: dict[str, Any], context: Context, draft: Draft
) -> None:
    small = _totals(
        "awarding_agency", filters | {"recipient_type_names": ["small_business"]}, MOST_AGENCIES, context, draft
    )
    if total <= 0:
        raise Undefined(f"The obligations of {name} are {total:,.0f} USD.", "Take a longer period.")
    amount = sum(t.amount for t in small.totals)
    draft.add(
        "small_business_share", name, 100 * amount / total, "percent",
        formula="obligations to small businesses / all obligations",
        inputs=({"name": "to small businesses", "value": amount, "unit": "USD"}, {"name": "all", "value": total, "unit": "USD"}),
        **common,
    )  # fmt: skip


def _before(
    a: AwardArguments,
    name: str,
    start: date,
    end: date,
    total: float,
    common: dict[str, Any],
    context: Context,
    draft: Draft,
) -> None:
    earlier = _filters(a, years_before(start, 1), years_before(end, 1))
    before = sum(t.amount for t in _totals("awarding_agency", earlier, MOST_AGENCIES, context, draft).totals)
    if before <= 0:
        raise Undefined(f"The obligations of {name} a year before are {before:,.0f} USD.", "Take a longer period.")
    draft.add(
        "obligations_yoy", name, 100 * (total / before - 1), "percent", formula="obligations / obligations of the same period a year before - 1",
        inputs=({"name": "a year before", "value": before, "unit": "USD"}, {"name": "now", "value": total, "unit": "USD"}), **common,
    )  # fmt: skip


def _largest(
    category: str,
    metric: str,
    name: str,
    filters: dict[str, object],
    top: int,
    common: dict[str, Any],
    context: Context,
    draft: Draft,
) -> None:
    found = _totals(category, filters, top, context, draft).totals
    if not found:
        raise NoData(f"USAspending has no {category} of these awards.", "Check the names and codes.")
    first = found[0]
    draft.add(
        metric, f"{name}: {first.name}", first.amount, "USD", method="reported",
        formula=f"largest sum of obligations by {category}",
        inputs=[{"name": t.name, "code": t.code, "amount_usd": t.amount} for t in found], n=len(found), **common,
    )  # fmt: skip


TOOL = Tool(
    NAME,
    "Federal contract obligations by agency, industry and recipient, and the share of small firms.",
    AwardArguments,
    ("usaspending",),
    execute(NAME, _work),
)
