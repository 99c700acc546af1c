"""What a question asks of the statements: which formula, of which years, in which unit. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from assistant.periods import Period, periods
from assistant.statements.formulas import Name, Node, fold, mentions
from assistant.statements.items import metrics
from assistant.statements.rows import plain
from assistant.statements.target import DEFINED, SHARE, USING, definitions, label_of, replaced, target, unit_of

How = Literal["value", "average", "growth", "cagr", "change", "highest", "lowest"]

_STATEMENT = re.compile(
    r"(?<!\bon )(?<!\bon its )(?<!\bon the )\b(?:(?:from|in|within|per) the )?(?:consolidated )?(?:(?:statements? of|p&l|profit and loss|income|cash[- ]flows?|balance) (?:consolidated )?(?:income|operations|earnings|financial position|financial condition|cash[- ]flows?|statements?|sheets?)(?: statements?)?|p&l)\b",
    re.I,
)
_KINDS = (
    (
        "income",
        re.compile(
            r"\b(?:income statement|statements? of (?:consolidated )?(?:income|operations|earnings)|earnings statement|p&l|profit (?:and|&) loss)\b",
            re.I,
        ),
    ),
    (
        "balance",
        re.compile(r"\b(?:balance sheets?|statements? of (?:consolidated )?financial (?:position|condition))\b", re.I),
    ),
    ("cash", re.compile(r"\b(?:cash[- ]flows? statements?|statements? of (?:consolidated )?cash[- ]flows?)\b", re.I)),
)
# Sentences that say how to answer, not what for.
_MANNER = re.compile(
    r"(?:^|(?<=[.?!:] ))(?:please )?(?:round|answer (?:in|with)|base your|basing your|respond|approach|provide a response|give a response|calculate (?:what|\(or|your)|compute or|"
    r"calculate or|assume|address|you are|we need|we want|utili[sz]|limit|use only|rely|express|if you|if the answer|for this)\b[^.?]*(?:\.(?=\s|$)|$)",
    re.I,
)
_NOT_ASKED = re.compile(
    r"\b(?:why|what (?:drove|drives|caused|explains|led|contributed|are the (?:main|key|primary|major))|drivers?|because|segments?|geograph\w*|regions?|business units?|product (?:lines?|categor\w+)|"
    r"excluding|organic\w*|constant currency|non-?gaap|adjusted|core\b|guidance|outlook|expect\w*|forecasts?|project(?:ed|ion)s?|estimate\w*|analysts? (?:expect|estimate)\w*|"
    r"plans?|target\w*|subsidiar\w+|acquisition of|customers? (?:account|represent)\w*|by (?:segment|region|geography|product|country)|policy|policies|describe|explain|legal|litigation|securities|"
    r"retire\w*|pension\w*|lease costs?|maturit\w*|future|next (?:year|fiscal)|repurchase program|authori[sz]\w+|russell|s&p|small[- ]?caps?|large[- ]?caps?|index|indices|market cap\w*)\b",
    re.I,
)  # fmt: skip
_ASKS = re.compile(
    r"\b(?:what|how much|how many|how did|how has|calculate|compute|find|give|show|tell|report(?:ed)?|which|is|does|did|has|have|was|were|were)\b",
    re.I,
)
# An amount is asked for, not whether or why.
_AMOUNT = re.compile(
    r"\b(?:what (?:is|was|were|are|amount|did)|how much|(?:give|show|tell|find|report)(?: me| us)?|value of|amount of)\b",
    re.I,
)
_PLACES = re.compile(
    r"\bround\w*\b[^.]*?\b(?:to )?(?P<n>one|two|three|four|zero|no|\d) (?:decimal|digit)|\b(?P<m>one|two|three|\d) decimals?\b",
    re.I,
)
_COUNT = {"zero": 0, "no": 0, "one": 1, "two": 2, "three": 3, "four": 4}
_SCALE = re.compile(
    r"\b(?:usd|us\$|\$|dollars?|eur|gbp)?\s?(?:in )?(?P<s>thousand|million|billion|trillion|mm|bn)s?\b", re.I
)
_SCALES = {"thousand": 1e3, "million": 1e6, "mm": 1e6, "billion": 1e9, "bn": 1e9, "trillion": 1e12}
_RANGE = re.compile(
    r"\b(?:FY|fiscal(?: years?)? )?\s?['’]?((?:19|20)\d\d)\s*(?:-|–|—|to|through|until)\s*(?:FY|fiscal(?: years?)? )?\s?['’]?((?:19|20)\d\d)\b",
    re.I,
)
_AVERAGE = re.compile(r"\b(?:(?:three|two|four|five|\d)[- ]years?(?:'s?)? (?:avg|average|mean)|average|avg\.?)\b", re.I)
_SPAN = re.compile(r"\b(?P<n>two|three|four|five|\d+)[- ]years?\b", re.I)
_CAGR = re.compile(r"\bCAGR\b|compound(?:ed)? annual growth", re.I)
_GROWTH = re.compile(
    r"\b(?:growth(?: rate)?|year[- ]over[- ]year (?:% |percent(?:age)? )?change|y-?o-?y (?:change|growth)|(?:%|percent(?:age)?) (?:change|growth|increase|decrease)|grow|grew|grown|year[- ]on[- ]year)\b",
    re.I,
)
_CHANGE = re.compile(
    r"\b(?:chang\w*|increas\w*|decreas\w*|difference|declin\w*|improv\w*|(?:rise|rose|risen|fall|fell|fallen)|higher|lower)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing to work out. ``years``: fiscal years, oldest first; ``scale`` and ``places`` None: as the statement has it."""

    label: str
    node: Node
    how: How
    years: tuple[int, ...]
    quarter: int | None
    unit: str  # money, ratio, percent, days, per_share, shares
    scale: float | None
    places: int | None
    percent: bool = False
    alternative: str = ""
    yes_no: str = ""  # positive, increased
    qualifier: tuple[str, ...] = ()  # words beside the name that may make it another figure ("bitcoin" revenue)


def wanted(text: str) -> tuple[Wanted, ...]:
    """Return what is asked of the statements; () for nothing. Raises Unreadable for a definition not understood."""
    text = " ".join(text.replace("’", "'").split())
    asked_percent = bool(
        re.search(r"\bunits? of percents?\b|\bin percent|as an? (?:%|percent)|\(in %|% margin|as a %", text, re.I)
    )
    scale_match = _SCALE.search(text)
    scale = _SCALES[scale_match["s"].lower()] if scale_match else None
    places_match = _PLACES.search(text)
    places = None
    if places_match:
        word = (places_match["n"] or places_match["m"]).lower()
        places = _COUNT.get(word, int(word) if word.isdigit() else 2)
    masked = _STATEMENT.sub(" ", text)
    own = definitions(masked)
    overrides = {n: node for name, node in own.items() for a, b, n in mentions(name) if (a, b) == (0, len(name))}
    main = _main(masked)
    if _NOT_ASKED.search(main) or not _ASKS.search(main):
        return ()
    listed = [p for p in periods(main) if p.year]
    found_years = sorted({p.year for p in listed}) or sorted({p.year for p in periods(masked)})
    if not found_years:
        return ()
    quarter = next((p.quarter for p in listed if p.quarter), None)
    low = fold(main)
    node, label, unit, name, qualifier = target(low, own)
    if node is None or (unit == "money" and re.search(r"\bhow many\b", low)):
        # "How many times was the inventory sold? Calculate the inventory turnover for FY2022."
        low = fold(_main(masked, whole=True).replace(main, " "))
        node, label, unit, name, qualifier = target(low, own)
        if node is None or (unit == "money" and re.search(r"\bhow many\b", low)):
            return ()
    if unit != "per_share" and re.search(r"\bper (?:\w+ ){0,2}(?:share|employee|store|customer|unit)\b", low):
        return ()
    node = replaced(node, overrides)
    how, years = _how(main, found_years, unit, node, _yes_no(low, name))
    metric = metrics().get(name)
    one = Wanted(
        label=label, node=node, how=how, years=years, quarter=quarter, unit="percent" if asked_percent and unit == "ratio" else unit, scale=scale,
        places=places, percent=asked_percent, alternative=metric.alternative if metric and name not in own else "", yes_no=_yes_no(low, name), qualifier=qualifier,
    )  # fmt: skip
    return (one,)


def names_figure(text: str) -> bool:
    """Whether a question names a line item or ratio and a year at all."""
    return bool(mentions(fold(text)) and periods(text))


def longest(text: str) -> int:
    """Return the length of the longest line item that a text names, 0 for none."""
    return max((b - a for a, b, _ in mentions(fold(text))), default=0)


def beside_label(text: str, label: str) -> bool:
    """Whether a question asks for nothing but the row whose plain ``label`` it holds: no change, mean or share of it."""
    rest = plain(text).replace(label, " ", 1)
    return not any(p.search(rest) for p in (_NOT_ASKED, _CHANGE, _GROWTH, _AVERAGE, _CAGR)) and not SHARE.search(rest)


def statements_named(text: str) -> frozenset[str]:
    """Return which of income, balance and cash a question names."""
    return frozenset(kind for kind, pattern in _KINDS if pattern.search(text))


def by_label(text: str) -> Wanted | None:
    """Return what a question asks for by a label that is no listed item: ``label`` is the question proper."""
    text = " ".join(text.replace("’", "'").split())
    main = _main(_STATEMENT.sub(" ", text))
    listed = [p for p in periods(main) if p.year]
    years = sorted({p.year for p in listed})
    if not years or not _AMOUNT.search(main):
        return None
    scale = _SCALE.search(text)
    quarter = next((p.quarter for p in listed if p.quarter), None)
    return Wanted(
        main,
        Name("revenue"),
        "value",
        tuple(years),
        quarter,
        "money",
        _SCALES[scale["s"].lower()] if scale else None,
        None,
    )


def _main(text: str, *, whole: bool = False) -> str:
    """Return the question proper: without its definitions and without the sentences on how to answer.

    ``whole``: with its other sentences.
    """
    for pattern in (*DEFINED, USING):
        text = pattern.sub(" ", text)
    text = re.sub(
        r"^.*?\b(?:following question|here's the question|question)[^:?.]*?:\s*", "", text, count=1, flags=re.I
    )
    text = _MANNER.sub(" ", text)
    sentences = [s.strip() for s in re.split(r"(?<=[?])\s+|(?<=\.)\s+(?=[A-Z])", text) if s.strip()]
    asks = [s for s in sentences if s.endswith("?")]
    if asks and not whole:
        return " ".join(asks[:1])
    return " ".join(sentences)


def _how(text: str, years: list[int], unit: str, node: Node, yes_no: str) -> tuple[How, tuple[int, ...]]:
    span = _RANGE.search(text)
    if unit == "activities":
        return "value", (years[-1],)
    if _CAGR.search(text) and len(years) >= 2:
        return "cagr", (years[0], years[-1])
    if _AVERAGE.search(text) and (span or len(years) > 1 or _SPAN.search(text)):
        count = _SPAN.search(text)
        first = int(span.group(1)) if span else years[0]
        last = int(span.group(2)) if span else years[-1]
        if count and first == last:
            word = count["n"].lower()
            many = {"two": 2, "three": 3, "four": 4, "five": 5}.get(word) or int(word)
            first = last - many + 1
        return "average", tuple(range(first, last + 1))
    if _GROWTH.search(text):
        return "growth", (years[0], years[-1]) if len(years) > 1 else (years[0] - 1, years[0])
    if _CHANGE.search(text) and (
        len(years) > 1 or re.search(r"year[- ]over[- ]year|prior year|previous year|compared|versus|vs\b", text, re.I)
    ):
        return "change", (years[0], years[-1]) if len(years) > 1 else (years[0] - 1, years[0])
    if (
        _CHANGE.search(text)
        and re.search(r"\b(?:increase|decrease|change|grow)\w* (?:its|in|the)\b", text, re.I)
        and len(years) == 1
    ):
        return "change", (years[0] - 1, years[0])
    if yes_no in {"increased", "decreased"} and len(years) == 1:
        return "change", (years[0] - 1, years[0])
    return "value", tuple(years)


def _yes_no(text: str, name: str) -> str:
    if not re.match(r"(?:\W*)(?:does|do|did|is|are|was|were|has|have|had)\b", text):
        return ""
    if "positive" in text:
        return "positive"
    if "negative" in text:
        return "negative"
    if re.search(r"\b(?:increas\w+|rise|rose|risen|grow\w*|grew|improv\w*|higher)\b", text):
        return "increased"
    if re.search(r"\b(?:decreas\w+|declin\w+|fall|fell|fallen|reduc\w+|lower)\b", text):
        return "decreased"
    return "shown"


__all__ = ["Period", "Wanted", "definitions", "label_of", "unit_of", "wanted"]
