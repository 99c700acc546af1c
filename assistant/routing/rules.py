"""Which concepts call which tool. Pure.

A rule is a set of concepts that must all be there. The tools stand from the most particular to the most general: what
a tool took as its own ("without earnings … weight") calls no more general one ("weight").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from assistant.routing.concepts import Found, concepts

# Said by nobody but who wants the measure itself: no word for "now" is needed.
PLAIN = frozenset({"put_call", "skew", "herfindahl", "usaspending"})
_SERIES_ID = re.compile(r"\b(?:DGS10|DGS2|FEDFUNDS|DRTSCIS|TLMFGCONS)\b")
_NAICS = re.compile(r"\bNAICS\b", re.I)
_ABOVE_SHARE = re.compile(r"\b(?:above|over|exceeds?|more than|bigger than|larger than|beyond)\b.{0,20}\d", re.I)
_TOP_N = re.compile(
    r"\btop[- ]?(?:\d+|three|five|ten|twenty)\b|\b(?:\d+|three|five|ten|twenty) (?:largest|biggest|heaviest|top)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """``all``: groups of alternatives, one of each; ``none``: none of these; ``takes``: tools that it keeps out."""

    tool: str
    groups: tuple[frozenset[str], ...]
    none: frozenset[str] = frozenset()


def _rule(tool: str, *groups: str, none: str = "") -> Rule:
    return Rule(tool, tuple(frozenset(g.split("|")) for g in groups), frozenset(none.split()))


RULES = (
    _rule("hedging", "put_call"),
    _rule("hedging", "skew"),
    _rule("hedging", "option", "protect|fall|demand|fund|group"),
    _rule("hedging", "protect", "fund|group|fall", none="debt floating"),
    _rule("call_sentiment", "tone", "call|management"),
    _rule("embedded_expectations", "expectations"),
    _rule("embedded_expectations", "implied", "profitability"),
    _rule("embedded_expectations", "discount", "profitability"),
    _rule("embedded_expectations", "quote", "profitability", none="unprofitable margin"),
    _rule("embedded_expectations", "implied", "quote", "entity|group"),
    _rule("tariff_exposure", "tariff", "exposed", none="customs"),
    _rule("tariff_exposure", "tariff_sector", "weight|exposed|top"),
    _rule("federal_awards", "usaspending"),
    _rule("federal_awards", "award", "federal|defense|agency|entity|small|top|share|naics"),
    _rule("federal_awards", "defense|federal", "spending|award|contract"),
    _rule("federal_awards", "agency", "award|spending|contract"),
    _rule("unprofitable_share", "unprofitable", "share|entity|group|exposed", none="manager implied"),
    _rule("manager_excess", "manager", "excess"),
    _rule("analyst_coverage", "analyst", "covering", none="profitability"),
    _rule("analyst_coverage", "analyst", "gap|entity|group", none="profitability implied"),
    _rule("ipo_pipeline", "ipo"),
    _rule("macro", "fed_funds"),
    _rule("macro", "ten_year", "yield|interest|series"),
    _rule("macro", "two_year", "yield|interest|series"),
    _rule("macro", "ten_year_note|two_year_note"),
    _rule("macro", "ten_year|two_year", "quote", none="entity group fund"),
    _rule("macro", "lending"),
    _rule("macro", "bank", "tighten"),
    _rule("macro", "construction"),
    _rule("macro", "customs"),
    _rule("macro", "interest", none="debt cover manager floating"),
    _rule("balance_sheet", "cover"),
    _rule("balance_sheet", "leverage"),
    _rule("balance_sheet", "margin", none="manager excess"),
    _rule("balance_sheet", "floating", "debt"),
    _rule("balance_sheet", "debt", "ebitda|entity|group", none="tariff lending tighten award"),
    _rule("balance_sheet", "balance_sheet"),
    _rule("concentration", "herfindahl"),
    _rule("concentration", "top"),
    _rule("concentration", "topn", "weight|entity|group", none="award"),
    _rule("concentration", "weight|any", "bigger", "entity|group", none="fall drawdown unprofitable manager"),
    _rule("concentration", "superlative", "thing", "entity|group", none="award ipo manager analyst multiple"),
    _rule("concentration", "concentrated", "entity|group|weight"),
    _rule("relative_valuation", "multiple"),
    _rule("relative_valuation", "valuation", "entity|group"),
    _rule("relative_valuation", "cheap", "entity|group"),
    _rule("drawdown", "drawdown"),
    _rule("drawdown", "peak", "below|fall|regain"),
    _rule("drawdown", "low", "regain"),
    _rule("drawdown", "since_peak", "entity|group"),
    _rule("drawdown", "fall", "entity|group", none="target"),
    _rule("drawdown", "quote", "entity|group", none="small_and_large target"),
)

# A tool that is called keeps these out in the same sentence: its words stand in their rules too.
_KEEPS_OUT: Mapping[str, frozenset[str]] = {
    "hedging": frozenset({"drawdown", "relative_valuation", "call_sentiment", "concentration"}),
    "call_sentiment": frozenset({"drawdown", "relative_valuation", "balance_sheet"}),
    "embedded_expectations": frozenset(
        {"drawdown", "unprofitable_share", "relative_valuation", "balance_sheet", "tariff_exposure"}
    ),
    "tariff_exposure": frozenset({"concentration", "macro", "drawdown"}),
    "federal_awards": frozenset({"concentration", "macro", "ipo_pipeline"}),
    "unprofitable_share": frozenset({"concentration", "drawdown", "balance_sheet", "analyst_coverage"}),
    "manager_excess": frozenset({"drawdown", "relative_valuation", "concentration"}),
    "analyst_coverage": frozenset({"balance_sheet", "drawdown", "concentration"}),
    "ipo_pipeline": frozenset({"relative_valuation", "drawdown", "concentration"}),
    "balance_sheet": frozenset({"drawdown", "macro", "relative_valuation"}),
    "relative_valuation": frozenset({"drawdown"}),
    "concentration": frozenset({"drawdown"}),
    "macro": frozenset({"drawdown", "relative_valuation"}),
}


# … unless the measure itself is named.
_BY_NAME: Mapping[str, frozenset[str]] = {
    "drawdown": frozenset({"drawdown"}),
    "relative_valuation": frozenset({"multiple"}),
    "concentration": frozenset({"herfindahl"}),
    "macro": frozenset(
        {"fed_funds", "ten_year", "two_year", "ten_year_note", "two_year_note", "lending", "construction", "customs"}
    ),
    "balance_sheet": frozenset({"cover", "leverage", "margin"}),
    "analyst_coverage": frozenset({"analyst"}),
    "unprofitable_share": frozenset({"unprofitable"}),
    "tariff_exposure": frozenset({"tariff"}),
    "ipo_pipeline": frozenset({"ipo"}),
}


@dataclass(frozen=True, slots=True)
class Hits:
    """The tools that a text asks for, in the order of its words, with the concepts found."""

    tools: tuple[str, ...]
    names: frozenset[str]
    plain: bool


def hits(text: str, *, entity: bool, fund: bool, agency: bool) -> Hits:
    """Return the tools whose concepts stand in ``text``; ``entity``: it names an index, fund or company, ``fund``: not only a company."""
    found = concepts(text)
    names = {one.name for one in found}
    extra = {
        "entity": entity,
        "fund": fund,
        "agency": agency,
        "group": bool(names & {"small", "mid", "large"}),
        "small_and_large": {"small", "large"} <= names,
        "series": bool(_SERIES_ID.search(text)),
        "naics": bool(_NAICS.search(text)),
        "bigger": bool(_ABOVE_SHARE.search(text)),
        "topn": bool(_TOP_N.search(text)),
        "demand": bool(re.search(r"\b(?:demand|buy|buying|bought|spik\w+|elevated|volume|activity)\b", text, re.I)),
        "gap": "gap" in text.lower(),
        # Its stem is that of "expense".
        "cheap": "cheap" in names or bool(re.search(r"\b(?:in)?expensive\b", text, re.I)),
    }
    names |= {name for name, there in extra.items() if there}
    called: dict[str, int] = {}
    for rule in RULES:
        if rule.none & names or not all(group & names for group in rule.groups):
            continue
        called.setdefault(rule.tool, _first(found, rule))
    kept = [
        t
        for t in called
        if _BY_NAME.get(t, frozenset()) & names
        or not any(t in _KEEPS_OUT.get(other, ()) for other in called if other != t)
    ]
    kept.sort(key=lambda tool: called[tool])
    return Hits(tuple(kept), frozenset(names), bool(names & PLAIN) or extra["series"] or extra["naics"])


def _first(found: tuple[Found, ...], rule: Rule) -> int:
    wanted = frozenset().union(*rule.groups)
    return min((one.start for one in found if one.name in wanted), default=0)
