"""What a question asks of the statements: which formula, of which years, in which unit. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from assistant.periods import Period, periods
from assistant.statements.formulas import Name, Node, Op, Unreadable, fold, leaves, mentions, parse
from assistant.statements.items import items, metrics
from assistant.statements.rows import plain

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
_DEFINED = (
    re.compile(r"(?:\b(?:define|calculate|compute)\s+)(?P<name>[^.?]{2,80}?)\s+as:?\s+(?P<body>[^?]+?)(?=\.(?:\s|$)|\?|$)", re.I),
    re.compile(r"(?:^|(?<=[.?!:]\s)|\band\s+)(?P<name>[\w&/' ()-]{2,80}?)\s+(?:here\s+)?(?:is|are|can be) (?:defined|calculated|computed) as:?\s+(?P<body>[^?]+?)(?=\.(?:\s|$)|\?|$)", re.I),
    re.compile(r"(?:^|(?<=[.?!:]\s))(?P<name>[\w&/' ()-]{2,60}?)\s+=\s+(?P<body>[^?]+?)(?=\.(?:\s|$)|\?|$)", re.I),
)  # fmt: skip
_USING = re.compile(r"\bcalculate\s+(?P<name>[\w&' ]{2,40}?)\s+using\s+(?P<body>[^?.]+)", re.I)
_NOT_ASKED = re.compile(
    r"\b(?:why|what (?:drove|drives|caused|explains|led|contributed|are the (?:main|key|primary|major))|drivers?|because|segments?|geograph\w*|regions?|business units?|product (?:lines?|categor\w+)|"
    r"excluding|organic\w*|constant currency|non-?gaap|adjusted|core\b|guidance|outlook|expect\w*|forecasts?|project(?:ed|ion)s?|estimate\w*|analysts? (?:expect|estimate)\w*|"
    r"plans?|target\w*|per share(?! \()|subsidiar\w+|acquisition of|customers? (?:account|represent)\w*|by (?:segment|region|geography|product|country)|policy|policies|describe|explain|legal|litigation|securities|"
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
    qualifier: str = ""  # the word before the name that may make it another figure ("bitcoin" revenue)


def definitions(text: str) -> dict[str, Node]:
    """Return the names that a question defines, folded, with their formulas. Raises Unreadable."""
    found: list[tuple[str, str]] = []
    for pattern in _DEFINED:
        for match in pattern.finditer(text):
            found.append((fold(match["name"]), match["body"]))
    out: dict[str, Node] = {}
    # A definition may use one that stands after it.
    waiting = [(n, b) for n, b in found if len(n.split()) < 9]
    for _ in range(len(waiting) + 1):
        later = []
        problem: Unreadable | None = None
        for name, body in waiting:
            names = _names_of(name)
            rest = [
                w
                for w in waiting
                if w[0] != name and any(re.search(rf"(?<!\w){re.escape(x)}(?!\w)", fold(body)) for x in _names_of(w[0]))
            ]
            if rest:
                later.append((name, body))
                continue
            try:
                node = parse(body, out)
            except Unreadable as error:
                problem = error
                later.append((name, body))
                continue
            for one in names:
                out[one] = node
        if not later:
            break
        if len(later) == len(waiting):
            raise problem or Unreadable(later[0][1])
        waiting = later
    return out


def _names_of(name: str) -> list[str]:
    """Return a defined name without brackets, and the short form inside them."""
    name = re.sub(r"^(?:the |a |an |here,? |and )+", "", name).strip()
    short = re.search(r"\(([\w&/ ]+)\)", name)
    plain = " ".join(re.sub(r"\([^)]*\)", " ", name).split())
    return [n for n in dict.fromkeys((plain, short.group(1) if short else "")) if n]


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
    node, label, unit, name, qualifier = _target(low, own)
    if node is None or (unit == "money" and re.search(r"\bhow many\b", low)):
        # "How many times was the inventory sold? Calculate the inventory turnover for FY2022."
        low = fold(_main(masked, whole=True))
        node, label, unit, name, qualifier = _target(low, own)
        if node is None or (unit == "money" and re.search(r"\bhow many\b", low)):
            return ()
    node = _replaced(node, overrides)
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
    return not any(p.search(rest) for p in (_NOT_ASKED, _CHANGE, _GROWTH, _AVERAGE, _CAGR)) and not _SHARE.search(rest)


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
    for pattern in (*_DEFINED, _USING):
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


_MODIFIED = re.compile(r"\(in [^)]*\)|\([^)]*decimal[^)]*\)|\(using [^)]*\)|\bin usd\b[^,?]*|\bunadjusted\b", re.I)
_ACTIVITIES = re.compile(
    r"\boperat\w+\b.*\binvest\w+\b.*\bfinanc\w+\b.*\b(?:cash ?flow|cash)\b|\bcash ?flow\b.*\boperat\w+\b.*\binvest\w+\b.*\bfinanc\w+",
    re.I,
)


# What may stand before a name without making it another figure.
_PLAIN = frozenset(
    """the a an its their of in on for and or total net gross consolidated overall annual reported company firm year end yearend ending fiscal unadjusted
    much what was is were are did does do has have had how which average avg mean year-over-year yoy y/y quarterly full-year change growth rate amount value
    level sum ratio percent percentage from to between by as with that this his her our your same cash capital 3-year 2-year 5-year three-year two-year
    positive negative paid generate report reported record recorded improving declining increasing decreasing pay out all any more less about show give
    calculate compute find me tell us up period balance figure size high higher low lower actual years year-end three two five current healthy reasonable strong based
    using plus minus divided over at make made earn earned generated generate book booked post posted achieve achieved realize realized incur incurred spend
    spent spends owe owed hold held carry carried increase increased decrease decreased grow grew grown improve improved decline declined change changed
    difference combined aggregate corresponding respective fy full following both if then next latest annualized basic diluted disclosed stated shown""".split()
)
_SHARE = re.compile(
    r"\b(?:percent(?:age)?|share|portion|proportion|%|part|fraction|how much|much|most|majority) of (?:(?:its|the|their|total|net|company's|[\w.]+'s?) )*$"
)
_FROM = re.compile(
    r"\s*(?:\(\w+\)\s*)?(?:was |is |were |came |comes |generated |derived |earned |coming )*(?:from|attributable to|in|related to|generated by|contributed by) (?:the |its )?(?P<what>[a-z][\w&'-]*)"
)
_PERIODS = re.compile(
    r"(?:fy\d*|fiscal|year|years|quarter|q\d|january|february|march|april|may|june|july|august|september|october|november|december|usd|us|millions?|thousands?|billions?|units?|percents?|period|same|prior|previous|last|full|operati\w+|continuing|shareholders|common|each|both|dollars|and|of)\b"
)


def _qualifier(text: str, start: int, end: int) -> str:
    """Return the word before or behind a name that may make it another figure ("bitcoin" revenue, revenue from "china")."""
    if _SHARE.search(text[:start]):
        return "share"
    before = re.search(r"([\w&/.'%-]+)[\s(]*$", text[:start])
    word = before.group(1).strip(".") if before else ""
    if (
        word
        and word not in _PLAIN
        and not word.endswith(("'s", "s'"))
        and not re.fullmatch(r"(?:fy)?'?\d[\w%-]*|q\d|[-–—+*/%]", word)
    ):
        return word
    behind = _FROM.match(text, end)
    if behind and not _PERIODS.match(behind["what"]):
        return behind["what"].removesuffix("'s")
    return ""


def _replaced(node: Node, overrides: dict[str, Node]) -> Node:
    """Put the question's own definitions in place of the standard ones."""
    if isinstance(node, Name) and node.name in overrides:
        return overrides[node.name]
    if isinstance(node, Op):
        return Op(node.sign, _replaced(node.left, overrides), _replaced(node.right, overrides))
    return node


def _target(text: str, own: dict[str, Node]) -> tuple[Node | None, str, str, str, str]:
    """Return the formula asked for, its label, its unit, the name it was asked by and what qualifies that."""
    text = " ".join(_MODIFIED.sub(" ", text).split())
    text = re.sub(r"(?<=\w) (?:from|per) the (?=\()|(?<=\w) (?:from|per) the(?= *$)", " ", text)
    # A name in brackets behind what it names adds nothing.
    bracket = re.search(r"\(([^()]*)\)", text)
    if bracket and mentions(bracket.group(1)) and mentions(text[: bracket.start()]):
        text = text[: bracket.start()] + text[bracket.end() :]
    if _ACTIVITIES.search(text) and re.search(r"\b(?:most|highest|largest|least|lowest|biggest)\b", text):
        how = "lowest" if re.search(r"\b(?:lowest|lost the most)\b", text) and "most" not in text else "highest"
        return Name("cfo"), how, "activities", "activities", ""
    spots: list[tuple[int, int, Node, str, str, str]] = []
    for name, node in own.items():
        for match in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text):
            known = next((n for a, b, n in mentions(name) if a == 0 and b == len(name)), "")
            metric = metrics().get(known)
            spots.append((match.start(), match.end(), node, name, metric.unit if metric else _dimension(node), known))
    for start, end, name in mentions(text):
        if any(a < end and start < b for a, b, *_ in spots):
            continue
        spots.append((start, end, Name(name), label_of(name), unit_of(name), name))
    if not spots:
        return None, "", "", "", ""
    spots.sort(key=lambda s: s[0])
    start, end, node, label, unit, name = spots[0]
    first_end = end
    at = 1
    while True:
        tail = text[end:]
        margin = re.match(r"\s*(?:\(\w+\)\s*)?(?:as an? )?%?\s*margins?\b", tail)
        if margin and unit == "money":
            node, label, unit, end = Op("/", node, Name("revenue")), f"{label} margin", "percent", end + margin.end()
            continue
        if at < len(spots):
            following = spots[at]
            between = text[end : following[0]]
            joint = re.fullmatch(
                r"\s*(?:\(\w+\)\s*)?(?P<op>\+|plus|less|minus|-|/|divided by|as an? (?:%|percent|percentage|share|proportion) of|to)\s*(?:the |its |total |net |fy ?\d{4} )*",
                between,
            )
            if joint:
                sign = {"+": "+", "plus": "+", "less": "-", "minus": "-", "-": "-"}.get(joint["op"], "/")
                part = joint["op"].startswith("as a")
                node, label, end = Op(sign, node, following[2]), f"{label} {joint['op']} {following[3]}", following[1]
                unit = "percent" if part else "ratio" if sign == "/" else unit
                at += 1
                continue
        break
    ratio = re.match(r"\s*ratio of\b", text[: spots[0][0]]) if spots else None
    if ratio is None and len(spots) > at and not _same(spots[at:], name) and not own and not metrics().get(name):
        rest = spots[at:]
        if any(s[5] != name for s in rest):
            return None, "", "", "", ""  # speaks of several figures: not one formula
    qualifier = _qualifier(text, start, end) or (_qualifier(text, start, first_end) if first_end != end else "")
    return node, label, unit, name, qualifier


def _same(rest: list[tuple[int, int, Node, str, str, str]], name: str) -> bool:
    return all(s[5] == name for s in rest)


def label_of(name: str) -> str:
    """Return the readable name of an item or metric."""
    return items()[name].label if name in items() else metrics()[name].label


def unit_of(name: str) -> str:
    """Return money, ratio, percent, days, per_share or shares."""
    return items()[name].kind if name in items() else metrics()[name].unit


def _dimension(node: Node) -> str:
    """Return money or ratio for a formula over money."""
    if isinstance(node, Op) and node.sign == "/":
        both = [any(unit_of(n) == "money" for n in leaves(x)) for x in (node.left, node.right)]
        return "ratio" if all(both) else "money"
    if isinstance(node, Op) and node.sign == "*":
        left, right = _dimension(node.left), _dimension(node.right)
        return "ratio" if "ratio" in (left, right) and "money" not in (left, right) else "money"
    if isinstance(node, Op):
        return _dimension(node.left) if leaves(node.left) else _dimension(node.right)
    return unit_of(node.name) if isinstance(node, Name) else "money"


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
