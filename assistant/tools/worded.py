"""A claim in words as one that a tool can check: its figure, how it is compared, and which tool measures it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from assistant.tools.base import NoData
from assistant.tools.claims import Claim, Compare, claims, find
from vectorstore.records import SourceInfo

if TYPE_CHECKING:
    from assistant.routing import ToolCall

# What looks like a figure and is none: names of indices, maturities, ranks, years, quarters.
_NAMES = re.compile(
    r"\brussell ?\d+|\bs ?& ?p ?\d+|\bnasdaq[- ]?100|\bsp ?\d00\b|\btop[- ]?(?:10|ten|\d+)\b|\b\d+[- ](?:year|yr|day|month|quarter|week|delta)s?\b"
    r"|\b(?:19|20)\d\d\b|\bq[1-4]\b|\bfy ?\d+|\br2000\b",
    re.I,
)
_NUMBER = re.compile(
    r"(?P<sign>[-−]?)(?P<number>\d[\d,]*(?:\.\d+)?)\s*(?P<unit>%|percent\b|bn\b|billion\b|million\b|trillion\b|x\b|times\b)?",
    re.I,
)
_RANGE = re.compile(
    r"(?P<low>\d+(?:\.\d+)?)\s*(?:%|percent)?\s*(?:-|–|to|and)\s*(?P<high>\d+(?:\.\d+)?)\s*(?:%|percent|x\b)", re.I
)
_MORE = re.compile(
    r"(?:more than|over|above|at least|exceed(?:s|ed|ing)?|greater than|higher than|no less than|>=?)\s*(?:about |roughly |the |usd |us\$|\$)*$",
    re.I,
)
_LESS = re.compile(
    r"(?:less than|below|under|at most|fewer than|lower than|no more than|up to|<=?)\s*(?:about |roughly |the |usd |us\$|\$)*$",
    re.I,
)
_SCALE = {"bn": 1e9, "billion": 1e9, "million": 1e6, "trillion": 1e12}
_SPELLED = {
    r"\bhalf\b": "50%",
    r"\b(?:a|one)[- ]third\b": "33.3%",
    r"\b(?:a|one)[- ]quarter of\b": "25% of",
    r"\btwo[- ]thirds\b": "66.7%",
}
_FLIPPED: dict[Compare, Compare] = {"at_least": "at_most", "at_most": "at_least"}

# The metric that is meant where no word says which; (words, metric) come first, best first.
_METRICS: dict[str, tuple[tuple[str, str], ...]] = {
    "drawdown": (("recover", "recovery_needed"), ("", "drawdown")),
    "relative_valuation": (("book", "relative_price_to_book"), ("ebitda", "relative_ev_to_ebitda"), ("", "relative_price_to_earnings")),
    "hedging": (("skew", "skew_25_delta"), ("volume", "put_call_volume"), ("", "put_call_open_interest")),
    "balance_sheet": (
        ("variable|floating", "variable_rate_share"), ("interest|cover", "interest_cover"), ("debt|leverage", "net_debt_to_ebitda"), ("", "operating_margin"),
    ),
    "embedded_expectations": (("", "implied_roa"),),
    "call_sentiment": (("", "call_sentiment_difference"),),
    "tariff_exposure": (("", "tariff_exposure"),),
    "concentration": (("largest|biggest|no (?:name|stock|company)", "largest_weight"), ("effective", "effective_number"), ("", "top10_weight")),
    "unprofitable_share": (("weight", "unprofitable_weight_share"), ("", "unprofitable_count_share")),
    "analyst_coverage": (("median", "analysts_median"), ("", "analysts_mean")),
    "manager_excess": (("", "median_manager_excess"),),
    "ipo_pipeline": (("billion|million|size", "median_offering"), ("", "initial_registrations")),
    "federal_awards": (("small", "small_business_share"), ("gr[eo]w|rose|fell|increas|than a year", "obligations_yoy"), ("", "obligations")),
}  # fmt: skip
_SERIES = {
    "CUSTOMS": (("billion", "customs_receipts"), ("", "customs_duty_rate")),
    "FEDFUNDS": (("", "fed_funds_rate"),),
    "DGS2": (("", "treasury_2y"),),
    "DGS10": (("", "treasury_10y"),),
    "DRTSCIS": (("", "banks_tightening_small_firms"),),
    "TLMFGCONS": (("billion|trillion", "manufacturing_construction"), ("", "manufacturing_construction_yoy")),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """What a text claims: a value with how it is compared, or a range."""

    compare: Compare
    value: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""  # as the text states it: percent, x or none


def figure(text: str) -> Figure | None:
    """Return the one figure that a text claims; None where it has none, or several."""
    plain = _NAMES.sub(" ", text)
    for words, number in _SPELLED.items():
        plain = re.sub(words, number, plain, flags=re.I)
    span = _RANGE.search(plain)
    if span:
        rest = plain[: span.start()] + plain[span.end() :]
        unit = "x" if span.group().lower().endswith("x") else "percent"
        return None if _NUMBER.search(rest) else Figure("between", None, float(span["low"]), float(span["high"]), unit)
    found = list(_NUMBER.finditer(plain))
    if len(found) != 1:
        return None
    (match,) = found
    value = float(match["number"].replace(",", "")) * _SCALE.get((match["unit"] or "").lower(), 1.0)
    before = plain[: match.start()]
    compare: Compare = "at_least" if _MORE.search(before) else "at_most" if _LESS.search(before) else "about"
    unit = {"%": "percent", "percent": "percent", "x": "x", "times": "x"}.get((match["unit"] or "").lower(), "")
    return Figure(compare, -value if match["sign"] else value, unit=unit)


def worded(text: str, day: date, sources: Sequence[SourceInfo] = ()) -> Claim:
    """Return the claim that an id or a text means: one of the articles', or one of its own with the text's figure.

    Raises NoData where no tool measures what it says, or where it states no figure and is no article's claim.
    """
    if text.strip().lower() in claims():
        return find(text)
    said, calls = figure(text), _calls(text, day, sources)
    known = _known(text)
    if (
        known is not None
        and (not calls or known.tool in {c.name for c in calls})
        and (said is None or _same(known, said))
    ):
        return known
    if not calls:
        raise NoData(
            f"No tool measures what {text!r} says.",
            f"Name a claim ({', '.join(claims())}), or give tool, metric and value.",
        )
    return _measured(text, said, calls[0], day)


def _known(text: str) -> Claim | None:
    try:
        return find(text)
    except NoData:
        return None


def _calls(text: str, day: date, sources: Sequence[SourceInfo]) -> list[ToolCall]:
    """Return the calls that measure what a text says; "now": whatever tense it stands in."""
    from assistant.routing import route

    asked = f"What is it now: {text.rstrip(' .?!')}?"
    return list(route(asked, today=day, sources=sources, checks=False))


def _same(known: Claim, said: Figure) -> bool:
    """Whether the text states the article's own figure."""
    if said.compare == "between":
        return (known.low, known.high) == (said.low, said.high)
    return known.value is not None and said.value is not None and abs(abs(known.value) - abs(said.value)) < 1e-9


def _own(base: Claim, text: str, said: Figure, day: date) -> Claim:
    compare, value, low, high = said.compare, said.value, said.low, said.high
    if base.metric == "drawdown":
        # "15% below its peak" is a drawdown of -15%, and "over 15%" one of at most that.
        compare = _FLIPPED.get(compare, compare)
        value = -abs(value) if value is not None else None
        low, high = (-abs(high), -abs(low)) if low is not None and high is not None else (None, None)
    return replace(
        base, id="own", text=text, publisher="as given", claimed_on=day, compare=compare, value=value, low=low, high=high,
        tolerance=None, reading="", words="",
    )  # fmt: skip


def _measured(text: str, said: Figure | None, call: ToolCall, day: date) -> Claim:
    if said is None:
        raise NoData(
            f"{text!r} states no single figure that could be checked.",
            "State one figure, or give tool, metric and value.",
        )
    table = _METRICS.get(call.name) or _SERIES.get(str(call.arguments.get("series", "")).upper())
    if table is None:
        raise NoData(f"It is not clear which figure of {call.name} {text!r} means.", "Give tool, metric and value.")
    metric = next(name for words, name in table if re.search(words, text, re.I))
    if metric == "top10_weight" and "top" in call.arguments:
        metric = f"top{call.arguments['top']}_weight"
    base = Claim(
        id="own", text=text, publisher="as given", claimed_on=day, tool=call.name, metric=metric, subject="",
        compare="about", unit=said.unit, arguments=dict(call.arguments),
    )  # fmt: skip
    return _own(base, text, said, day)
