"""The figures of a sentence as claims state them: ranges joined, how each is compared, level or change. Pure.

The numbers themselves are read by assistant.numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from assistant.catalysts.claims import Change, Compare
from assistant.numbers import Quantity, quantities

_TO = re.compile(r"(?:\s*cents?)?\s*(?:to|-|–|—|and)\s*(?:approximately\s+|about\s+|roughly\s+|around\s+)?")
_FILL = r"(?:the\s+|an?\s+|about\s+|approximately\s+|roughly\s+|only\s+|just\s+|USD\s+|our\s+|its\s+|average\s+(?:of\s+)?)*$"
_LESS = re.compile(
    rf"(?:less\s+than(?:\s+or\s+equal\s+to)?|below|under|at\s+most|fewer\s+than|lower\s+than|(?:no|not)\s+more\s+than|up\s+to|not\s+(?:to\s+)?exceed|within|as\s+(?:high|much|many)\s+as|"
    rf"(?:a\s+)?maximum\s+of)\s+{_FILL}",
    re.I,
)
_MORE = re.compile(
    rf"(?:more\s+than|over|above|at\s+least|exceed(?:s|ed|ing)?|(?:in\s+)?excess\s+of|greater\s+than(?:\s+or\s+equal\s+to)?|higher\s+than|no\s+less\s+than|north\s+of|upwards?\s+of|"
    rf"(?:a\s+)?minimum\s+of|not\s+less\s+than|surpass(?:es|ed|ing)?)\s+{_FILL}",
    re.I,
)
_ABOUT = re.compile(
    r"(?:approximately|about|around|roughly|nearly|some|close\s+to|almost|circa|~|(?:an?\s+)?(?:estimated|approximate)|in\s+the\s+(?:range|neighborhood|area)\s+of)\s*(?:the\s+|an?\s+)?$",
    re.I,
)
_OR_MORE = re.compile(r"\s*(?:or\s+(?:more|higher|greater|better|above)\b|\+|plus\b(?!\s+or))", re.I)
_OR_LESS = re.compile(r"\s*or\s+(?:less|lower|fewer|below)\b", re.I)
_STEP = r"\s*(?:by|of|in\s+the\s+range\s+of|between|from)?\s*(?:another\s+|an\s+additional\s+)?(?:approximately|about|around|roughly|nearly|over|more\s+than|less\s+than|at\s+least|up\s+to|only|almost)?\s*$"
_UP = re.compile(
    rf"\b(?:(?<!make )(?<!makes )(?<!made )up|increas(?:e|es|ed|ing)|ris(?:e|es|en|ing)|rose|gr(?:ow|ows|owing|own|ew|owth)|gain(?:s|ed)?|climb(?:s|ed)?|jump(?:s|ed)?|rall(?:y|ied)|expand(?:s|ed)?|advanced?|add(?:s|ed)?|incremental|additional|returned|outperform(?:s|ed)?){_STEP}",
    re.I,
)
_DOWN = re.compile(
    rf"\b(?:down|decreas(?:e|es|ed|ing)|declin(?:e|es|ed|ing)|f(?:all|alls|allen|alling|ell)|sl(?:id|ides?|ipped)|drop(?:s|ped)?|lost|shr(?:ink|ank|unk)|reduc(?:e|es|ed|ing|tion)|contract(?:s|ed)?|cut|lower|tumbled|plunged|sank){_STEP}",
    re.I,
)
_THEN_UP = re.compile(r"\s*(?:[\w-]+\s+){0,4}?(?:growth|increase|gain|improvement|higher|up)\b", re.I)
_THEN_DOWN = re.compile(r"\s*(?:[\w-]+\s+){0,3}?(?:decline|decrease|reduction|drop|lower|down)\b", re.I)
_NO_FIGURE_BEFORE = re.compile(
    r"(?:\b(?:notes?|items?|sections?|rules?|forms?|slides?|pages?|topics?|asc|asu|levels?|tiers?|phases?|top|star|press|speakers?|parts?|tables?|exhibits?|figures?|class|series|"
    r"type|no\.|number|chapter|title|article|schedule|proposal|model|version|covid|days?|channel|room|building|unit|block|lot|wave|stage|step|generation|gen|grade|act|code|"
    r"section|paragraph|footnotes?|ages?|aged|%)\s*|[#*$€£]\s?)$",
    re.I,
)
_NO_FIGURE_AFTER = re.compile(
    r"\s*[-–]?\s*(?:years?|months?|days?|weeks?|quarters?|hours?|minutes?|basis\s+points?\s+change|[ap]\.?m\.?\b|(?:st|nd|rd|th)\b|k\b|g\b|nm\b|nanometer|inch|foot|feet|miles?|degrees?|:\d)",
    re.I,
)
_WORDS = r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|a|half)"
_SPELLED_BEFORE = re.compile(rf"\b{_WORDS}\s*(?:to|and|-|–|or)\s*$", re.I)
_FLAT = re.compile(r"\s+to\s+flat\b", re.I)
_CENTS = re.compile(r"\s+cents?\b", re.I)
_VAGUE_BEFORE = re.compile(r"\b(?:low|mid|high)(?:\s+to\s+(?:low|mid|high))?[\s-]+[$€£]?$", re.I)
_TIMES = re.compile(r"\s+times\b", re.I)
_SCALE_WORD = re.compile(r"(?:thousand|million|billion|trillion|mn|bn|tn|mm|[kmbt])s?\s*$", re.I)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure at [start, end): ``value`` None with ``low`` and ``high`` for a range; ``unit`` as assistant.numbers has it."""

    text: str
    start: int
    end: int
    compare: Compare
    change: Change
    value: float | None
    low: float | None
    high: float | None
    unit: str
    quantity: Quantity


def figures(text: str) -> tuple[Figure, ...]:
    """Return the figures of a sentence in order: no dates, durations, references; a range is one figure."""
    found = [q for q in quantities(text) if q.unit not in {"year", "date"}]
    taken: list[Figure] = []
    broken: set[int] = set()
    for a, b in pairwise(found):
        if not text[a.end : b.start].strip():
            broken |= {a.start, b.start}  # "1 billion $275 million": one number in two parts
    index = 0
    while index < len(found):
        first = found[index]
        second = found[index + 1] if index + 1 < len(found) else None
        joined = second is not None and _ranged(text, first, second)
        one = replace(first, unit="x") if not first.unit and _TIMES.match(text, first.end) else first
        if joined and second is not None:
            low, high = _scaled(first, second)
            unit = second.unit or first.unit
            if unit == "" and _TIMES.match(text, second.end):
                unit = "x"
            if not unit and _CENTS.match(text, second.end):
                low, high, unit = low / 100, high / 100, "USD"
            if not {first.start, second.start} & broken and not _no_figure(text, first, second.end):
                taken.append(
                    Figure(
                        text[first.start : second.end], first.start, second.end, "between",
                        _change(text, first.start, second.end, unit), None, low, high, unit, replace(second, unit=unit),
                    )
                )  # fmt: skip
            index += 2
            continue
        if first.start not in broken and not _no_figure(text, first, first.end):
            start = first.start
            if not one.unit and _CENTS.match(text, first.end):
                one = replace(one, value=one.value / 100, unit="USD")
            taken.append(
                Figure(
                    text[start : first.end], start, first.end, _compare(text, start, first.end),
                    _change(text, start, first.end, one.unit), one.value, None, None, one.unit, one,
                )
            )  # fmt: skip
        index += 1
    return tuple(_signless(text, taken))


def _signless(text: str, found: list[Figure]) -> Iterator[Figure]:
    """Yield figures; a fall that is written with its sign is a fall by the amount, and one "to flat" begins at none."""
    for one in found:
        if one.value is not None and one.change and _FLAT.match(text, one.end):
            yield replace(one, compare="between", low=0.0, high=abs(one.value), value=None)
        elif one.change == "fell" and one.value is not None and one.value < 0:
            yield replace(one, value=-one.value)
        else:
            yield one


def _no_figure(text: str, q: Quantity, end: int) -> bool:
    before = text[max(0, q.start - 24) : q.start]
    if _SPELLED_BEFORE.search(before):
        return True  # "between eight and 10%": its other end is not read
    if _VAGUE_BEFORE.search(before):
        return True  # "high 20s to low $30 million"
    bare = q.unit == "" and not _SCALE_WORD.search(q.text)
    return bool((bare and _NO_FIGURE_BEFORE.search(before)) or _NO_FIGURE_AFTER.match(text, end))


def _ranged(text: str, a: Quantity, b: Quantity) -> bool:
    between = text[a.end : b.start]
    if between.strip() in {",", "or"} and re.match(r"\s+range\b", text[b.end :]):
        return a.unit == b.unit
    if not _TO.fullmatch(between):
        return False
    if "and" in between and not re.search(r"\bbetween\s+(?:approximately\s+|about\s+)?$", text[: a.start], re.I):
        return False
    return not a.unit or not b.unit or a.unit == b.unit


def _scaled(a: Quantity, b: Quantity) -> tuple[float, float]:
    """Return both ends; the first has the scale of the second where it states none ("between 500 and 520 million")."""
    digits = re.search(r"[\d.,]*\d", b.text)
    own = re.search(r"[\d.,]*\d", a.text)
    if digits and own and not _SCALE_WORD.search(a.text) and a.value == abs(float(own.group().replace(",", ""))):
        factor = float(round(abs(b.value) / (float(digits.group().replace(",", "")) or 1.0)))
        if factor > 1:
            return a.value * factor, b.value
    return a.value, b.value


def _compare(text: str, start: int, end: int) -> Compare:
    before = text[max(0, start - 48) : start]
    if _LESS.search(before) or _OR_LESS.match(text, end):
        return "at_most"
    if _MORE.search(before) or _OR_MORE.match(text, end):
        return "at_least"
    return "about" if _ABOUT.search(before) else "is"


def _change(text: str, start: int, end: int, unit: str) -> Change:
    before = text[max(0, start - 56) : start]
    if _UP.search(before):
        return "rose"
    if _DOWN.search(before):
        return "fell"
    if unit in {"%", "pp", "bp"}:
        if _THEN_UP.match(text, end):
            return "rose"
        if _THEN_DOWN.match(text, end):
            return "fell"
    return ""
