"""Numbers in answers and references, read for comparison. Pure.

This is a second reader of numbers beside ``assistant.numbers``, on purpose: a scorer that shared the parser of what
it scores would share its blind spots, and answers of other systems are written in other ways ("1.58B", "1577 mn").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Dimension = Literal["money", "percent", "points", "ratio", "time", "plain", "year", "date"]

SCALES = {
    "thousand": 1e3, "k": 1e3, "million": 1e6, "mn": 1e6, "mm": 1e6, "mio": 1e6, "m": 1e6,
    "billion": 1e9, "bn": 1e9, "b": 1e9, "trillion": 1e12, "tn": 1e12, "t": 1e12,
}  # fmt: skip
WORD = re.compile(r"[^\W\d_]+(?:['’.&][^\W\d_]+)*")
_MONTH = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
_DATE = re.compile(
    rf"\b{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s+(?:19|20)\d\d)?\b|\b\d{{1,2}}(?:st|nd|rd|th)?\s+{_MONTH},?(?:\s+(?:19|20)\d\d)?\b|"
    rf"\b{_MONTH},?\s+(?:19|20)\d\d\b|\b(?:19|20)\d\d-\d\d-\d\d\b|\b\d{{1,2}}/\d{{1,2}}/(?:19|20)?\d\d\b",
    re.I,
)
# A number that names something: a page, an index, a marker of a citation.
_LABEL = re.compile(
    r"(?:\b(?:item|items|note|notes|page|pages|p\.|pp\.|table|exhibit|section|part|chapter|step|no\.|#|s&p|russell|nasdaq|fortune|ftse|nikkei|stoxx|form)\s*)$",
    re.I,
)
_MARKER = re.compile(r"\[\s*[A-Z]?\d+(?:\s*,\s*[A-Z]?\d+)*\s*\]")
_AMOUNT = re.compile(
    r"(?P<sign>(?<![\w)%])[-–−]\s?)?"
    r"(?P<currency>\b(?:US|C|A)\$|[$€£¥]|\b(?:USD|EUR|GBP|JPY|CAD)\b\s?[$€£¥]?)?\s?"
    r"(?P<open>\(\s?(?:[$€£¥]\s?)?)?(?P<sign2>[-–−]\s?)?"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?P<close>\s?\))?"
    r"(?:\s?(?P<percent>%|(?:percent|per\scent|pct)(?!\w|\s?-?points?))|"
    r"[\s-]?(?P<points>percentage[\s-]points?|percent[\s-]points?|ppts?|pp|pts?|points?)\b|"
    r"[\s-]?(?P<bps>bps?|basis\spoints?)\b|"
    r"\s?(?P<ratio>[x×]|times)(?!\w)|"
    r"[\s-]?(?P<time>years?|months?|weeks?|days?|quarters?)\b|"
    r"[\s-]?(?P<word>thousand|million|billion|trillion|mio|mn|mm|bn|tn)s?\b|"
    r"\s?(?P<letter>[kmbtKMBT])(?!\w))?"
    r"(?P<after>\s(?:US\s)?(?:dollars?|euros?|pounds|USD|EUR|GBP|JPY|CAD)\b)?",
    re.I,
)
# "in USD millions", "($ in billions)", "in thousands of dollars": the scale of numbers that give none.
_HINT = re.compile(
    r"(?:\bin|\(|\b(?:USD|EUR|GBP)|[$€£]|\bdollars?)\s*(?:(?:units\s+of|in|of|US|USD|EUR|GBP|dollars?|\$|€|£)\s*)*\b(thousand|million|billion|trillion)s\b",
    re.I,
)
_PERCENT_HINT = re.compile(
    r"\b(?:in|as)\s+(?:units\s+of\s+)?(?:a\s+)?(?:percents?|percentages?|%)(?!\w)|\b(?:percents?|percentage)\b|%", re.I
)
_POINTS_HINT = re.compile(r"percentage\s+points?|basis\s+points?", re.I)
_MONEY_HINT = re.compile(r"\b(?:USD|EUR|GBP|dollars?)\b|[$€£]", re.I)


@dataclass(frozen=True, slots=True)
class Amount:
    """A number at [start, end): ``value`` in base units of its own scale word, ``digits`` as printed.

    ``scaled``: it has a scale word; ``cell``: printed as the cells of a table are, without a currency or with the sign set
    apart ("$ 411"); ``step``: the unit of its last printed digit, in base units.
    """

    value: float
    dimension: Dimension
    scaled: bool
    cell: bool
    step: float
    significant: int
    start: int
    end: int


def scale_hint(text: str) -> float | None:
    """Return the scale that a text asks for or announces ("in USD millions"); None without one."""
    found = _HINT.search(text)
    return SCALES[found.group(1).lower()] if found else None


def asks_percent(question: str) -> bool:
    """Whether a question asks for a number in percent, as far as its words say."""
    return bool(_PERCENT_HINT.search(question)) and not _POINTS_HINT.search(question)


def asks_money(question: str) -> bool:
    """Whether a question names a currency."""
    return bool(_MONEY_HINT.search(question))


def amounts(text: str) -> tuple[Amount, ...]:
    """Return the numbers of ``text`` in order; citation markers, names and labels ("[S1]", "10-K", "Item 7") are none."""
    text = _MARKER.sub(lambda m: " " * len(m.group()), text)
    found: list[Amount] = []
    dates = []
    for match in _DATE.finditer(text):
        dates.append(match.span())
        year = re.search(r"(?:19|20)\d\d", match.group())
        found.append(Amount(float(year.group()) if year else 0.0, "date", False, True, 1.0, 4, *match.span()))
    for match in _AMOUNT.finditer(text):
        first = match.start("digits")
        if any(a < match.end() and first < b for a, b in dates):
            continue
        one = _read(text, match)
        if one is not None:
            found.append(one)
    return tuple(sorted(found, key=lambda a: a.start))


def _read(text: str, match: re.Match[str]) -> Amount | None:
    digits, first = match["digits"], match.start("digits")
    currency = bool(match["currency"] or match["after"] or (match["open"] and re.search(r"[$€£¥]", match["open"])))
    before = text[first - 1] if first else " "
    if before.isalnum() or (before == "." and first > 1 and text[first - 2].isalnum()):
        return None  # part of a name: FY2022, Q3
    if before in "-–/" and first > 1 and text[first - 2].isalpha():
        return None  # EX-99, COVID-19
    following = text[match.end("digits") : match.end("digits") + 2]
    tail = any(match[g] for g in ("percent", "points", "bps", "ratio", "time", "word", "letter"))
    if not tail and (following[:1].isalpha() or re.match(r"-[A-Z]", following)):
        return None  # 1st, 10-K
    if not currency and not match["percent"] and _LABEL.search(text[:first]):
        return None
    raw = digits.replace(",", "")
    letter = match["letter"]
    if letter and not currency and len(raw.replace(".", "").lstrip("0")) < 2:
        return None  # 3M is a company
    scale = SCALES[(match["word"] or letter or "").lower()] if match["word"] or letter else 1.0
    decimals = len(raw.partition(".")[2])
    value, step = float(raw) * scale, 10.0**-decimals * scale
    dimension: Dimension = "plain"
    if match["percent"]:
        dimension = "percent"
    elif match["points"]:
        dimension = "points"
    elif match["bps"]:
        dimension, value, step = "points", value / 100, step / 100
    elif currency:
        dimension = "money"
    elif match["ratio"]:
        dimension = "ratio"
    elif match["time"]:
        dimension = "time"
    elif scale == 1.0 and re.fullmatch(r"(?:19|20)\d\d", digits):
        dimension = "year"
    bracketed = bool(match["open"] and match["close"])
    # "(2)" in running text is a mark, and "(2021)" a year.
    if bracketed and dimension in {"plain", "year"} and len(raw) < 3 and text.strip() != match.group().strip():
        return None
    if value and (match["sign"] or match["sign2"] or bracketed) and dimension != "year":
        value = -value
    if value in (float("inf"), float("-inf")):
        return None
    end = match.end("digits") if match["close"] and not match["open"] else match.end()
    significant = len(raw.replace(".", "").lstrip("0")) or 1
    apart = not currency or bool(re.search(r"[$€£¥]\s\(?$", text[:first]))
    return Amount(value, dimension, scale != 1.0, apart, step, significant, match.start(), end)
