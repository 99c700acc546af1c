"""Numbers in running text: value in base units, unit, and where they stand. Pure."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache

from vectorstore import months

SCALES = {
    "hundred": 1e2, "thousand": 1e3, "k": 1e3, "million": 1e6, "millions": 1e6, "mn": 1e6, "mm": 1e6, "m": 1e6,
    "billion": 1e9, "billions": 1e9, "bn": 1e9, "b": 1e9, "trillion": 1e12, "trillions": 1e12, "tn": 1e12, "t": 1e12,
}  # fmt: skip
_CURRENCIES = {"$": "USD", "us$": "USD", "usd": "USD", "€": "EUR", "eur": "EUR", "£": "GBP", "gbp": "GBP", "¥": "JPY", "jpy": "JPY",
               "c$": "CAD", "cad": "CAD", "dollars": "USD", "dollar": "USD", "euros": "EUR", "pounds": "GBP"}  # fmt: skip
_DATE = re.compile(
    rf"\b(?:(?:{months.PATTERN})\.?\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+(?:19|20)\d\d|\d{{1,2}}(?:st|nd|rd|th)?\s+(?:{months.PATTERN})\.?,?\s+(?:19|20)\d\d|"
    rf"(?:19|20)\d\d-\d\d-\d\d|(?:{months.PATTERN})\.?,?\s+(?:19|20)\d\d)\b",
    re.I,
)
_NUMBER = re.compile(
    r"(?P<outer>(?:US|C)?\$(?=\())?(?P<open>\()?(?P<sign>(?<![\w)%])[-–−](?=[$€£¥\d.]))?"
    r"(?:(?P<currency>(?:US|C)?\$|[€£¥]|\b(?:USD|EUR|GBP|JPY|CAD)\s?[$€£¥]?)\s?(?P<sign2>[-−](?=\d))?)?"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|(?<!\d)\.\d+)(?P<close>\))?"
    r"(?P<tail>\s?%|(?:\s|-)(?:percentage\s+points?|percent|per\s?cent|pts?|points?|pp|bps?|basis\s+points?)\b|bps?\b|pp\b|"
    r"\s?[x×](?![\w’'])|(?:\s|-)?(?:thousand|million|billion|trillion|mn|bn|tn|mm)s?\b|[kmbtKMBT](?![\w’']))?"
    r"(?P<after>\s(?:dollars?|euros?|pounds|USD|EUR|GBP)\b)?"
)
# "15-20%", "$5 to 10 billion": the first number has the unit and scale of the second. "7,547 -4%" are two cells of a row.
_RANGE = re.compile(r"[-–—]|\s[-–—]\s|\s?to\s?")
_FORM = re.compile(r"-[A-Z]\b")
# The number in the name of an index counts its members, it states nothing: Russell 2000, S&P SmallCap 600, Nasdaq-100.
_INDEX_NAME = re.compile(
    r"\b(?:Russell|S&P(?:\s(?:Small|Mid)\s?Cap)?|Nasdaq|Nikkei|TOPIX|CSI|FTSE|(?:EURO\s)?STOXX(?:\sEurope)?|CAC|Wilshire|Fortune)[\s-]$",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number at [start, end): ``value`` in base units, ``unit`` such as USD, %, pp, bp, x, year, date or ""."""

    text: str
    value: float
    unit: str
    start: int
    end: int


_SENTENCE = 1_000  # characters: sentences come again from question to question, whole documents do not


def quantities(text: str) -> tuple[Quantity, ...]:
    """Return the numbers of ``text`` in order. A date counts once, as its ``yyyymmdd`` value with unit "date"."""
    return _kept(text) if len(text) <= _SENTENCE else _read(text)


@lru_cache(maxsize=1 << 15)
def _kept(text: str) -> tuple[Quantity, ...]:
    return _read(text)


def _read(text: str) -> tuple[Quantity, ...]:
    found: list[Quantity] = []
    # A date has fewer than 32 characters, a number far fewer: only dates that begin close by can touch one.
    dates = [m.span() for m in _DATE.finditer(text)]
    begins = [a for a, _ in dates]
    for match in _DATE.finditer(text):
        digits = re.findall(r"\d{4}", match.group())
        found.append(Quantity(match.group(), float(digits[0]), "date", *match.span()))
    open_range: Quantity | None = None
    for match in _NUMBER.finditer(text):
        start, end = match.span()
        if any(start < b for _, b in dates[bisect_left(begins, start - 64) : bisect_left(begins, end)]):
            continue
        before = text[start - 1] if start else " "
        tail = (match["tail"] or "").strip().lower().lstrip("-")
        if before.isalnum() or (
            before in "-–/.'’"
            and start > 1
            and text[start - 2].isalpha()
            and not re.fullmatch(r"(?:19|20)\d\d", match["digits"])
        ):
            continue  # part of a name: Q3, FY2022, EX-99.1, COVID-19
        if not tail and not match["currency"] and _INDEX_NAME.search(text, max(0, start - 24), start):
            continue
        if not tail and (text[end : end + 1].isalpha() or _FORM.match(text, end)):
            continue  # 3M, 1st, 10-K
        if tail in {"k", "m", "b", "t"} and not (match["currency"] or match["outer"]):
            continue  # 3M, 5G's kin: a letter is a scale only behind a currency
        raw = match["digits"]
        value = float(raw.replace(",", ""))
        money = (match["currency"] or match["outer"] or match["after"] or "").lower().split()
        unit = _CURRENCIES.get(money[0], "") if money else ""
        scale = SCALES.get(tail, SCALES.get(tail.rstrip("s"), 0.0))
        if not math.isfinite(value * (scale or 1.0)):
            continue  # a run of digits that is no quantity
        if scale:
            value *= scale
        elif tail in {"%", "percent", "per cent"}:
            unit = "%"
        elif tail.startswith(("percentage", "point")) or tail in {"pp", "pt", "pts"}:
            unit = "pp"
        elif tail.startswith(("bp", "basis")):
            unit = "bp"
        elif tail in {"x", "×"}:
            unit = "x"
        elif not unit and re.fullmatch(r"(?:19|20)\d\d", raw):
            unit = "year"
        bracketed = bool(match["open"] and match["close"]) and (bool(unit or scale) or "," in raw or "." in raw)
        ranged = open_range is not None and _RANGE.fullmatch(text[open_range.end : start + (1 if match["sign"] else 0)])
        if ((match["sign"] and not ranged) or match["sign2"] or bracketed) and unit != "year":
            value = -value
        if match["open"] and not match["close"]:
            start += 1
        if match["close"] and not match["open"] and not tail:
            end = match.end("digits")
        if match["sign"] and ranged:
            start += 1
        if (
            open_range is not None
            and ranged
            and (unit == "%" or scale or unit in {"pp", "bp", "x"})
            and open_range.unit in {"", unit, "USD"}
        ):
            first = found.pop()
            scaled = first.value * (scale or 1.0)
            kept = scaled if math.isfinite(scaled) else first.value
            found.append(Quantity(first.text, kept, first.unit or unit, first.start, first.end))
            unit = unit or first.unit
        one = Quantity(text[start:end], value, unit, start, end)
        found.append(one)
        open_range = one if not tail else None
    return tuple(sorted(found, key=lambda q: q.start))
