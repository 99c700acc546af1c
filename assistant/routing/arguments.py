"""The arguments of a call, read from the question. Pure. What is not said is left to the tool's default."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from assistant.routing.entities import Named, against, agency, recipient, region, unknown_company
from vectorstore import months as calendar
from vectorstore.records import SourceInfo

_NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12,
    "fifteen": 15, "twenty": 20, "twenty-five": 25, "fifty": 50, "hundred": 100,
}  # fmt: skip
_N = rf"(?:\d{{1,3}}|{'|'.join(sorted(_NUMBERS, key=len, reverse=True))})"
_FIRST = re.compile(rf"(?<![\w.]){_N}(?=[ym]\b|(?![\w.%]|,\d))", re.I)
_YEARS = re.compile(
    rf"\b(?:past|last|previous|over the) (?:{_N} )?years?\b|\b(?:over|for|within|in)(?: the)?(?: (?:past|last|previous))? {_N} years?\b|\b{_N}(?:[- ]?y(?:ea)?rs?|y)\b(?! (?:yield|treasur|note|bond|rate))",
    re.I,
)
_PAST_YEAR = re.compile(r"\b(?:past|last|previous) year\b|\b(?:52|fifty-two)[- ]weeks?\b|\b1-?y\b", re.I)
_QUARTERS = re.compile(
    rf"\b(?:past|last|previous|recent|latest|over)\b(?: the)?(?: (?:past|last|previous))? {_N} quarters?\b|\b{_N} quarters\b",
    re.I,
)
_TOP = re.compile(
    rf"\b(?:top|largest|biggest|heaviest)[- ]?{_N}\b|\b{_N} (?:largest|biggest|heaviest|top|leading|most)\b", re.I
)
_NAICS = re.compile(
    r"\bNAICS(?: codes?| sectors?| industr(?:y|ies))?[ :#]*(\d{2,6}(?:(?:\s*[,/&]\s*|,? (?:and|or) )(?:NAICS )?\d{2,6})*)\b|\b(\d{6})\b(?= NAICS)",
    re.I,
)
_CALL_QUARTER = re.compile(
    r"\b(?:(?P<y1>20\d\d)\s*-?Q(?P<q1>[1-4])|Q(?P<q2>[1-4])[ /-]?(?P<y2>20\d\d)|(?P<w>first|second|third|fourth) quarter(?: of)? (?P<y3>20\d\d))\b",
    re.I,
)
_RATE = re.compile(
    r"\b(?:discount rate|discounting|cost of capital|wacc|discounted at|hurdle rate|discount(?:ing)? at|dcf[^?]{0,30}? at|r ?=)(?: of| at| is)? ?(\d+(?:\.\d+)?) ?%|(\d+(?:\.\d+)?) ?% (?:discount(?: rate)?|cost of capital|hurdle(?: rate)?|wacc)\b",
    re.I,
)
_GROWTH = re.compile(
    r"\b(?:asset growth|growth|(?:grow|grows|growing)(?: by| at)?)(?: rate)?(?: of| at| is)? ?(\d+(?:\.\d+)?) ?%|(\d+(?:\.\d+)?) ?% (?:asset )?growth\b",
    re.I,
)
_SINCE = re.compile(
    rf"\b(?:since|from) (?:the )?(?:(?P<day>(?:19|20)\d\d-\d\d-\d\d)\b|(?:(?P<d1>\d{{1,2}})(?:st|nd|rd|th)? (?:of )?)?(?P<m>{calendar.PATTERN})\.?"
    r"(?: (?P<d2>\d{1,2})(?:st|nd|rd|th)?)?,? (?:of )?(?P<y>(?:19|20)\d\d)\b|(?:(?:start|beginning) of )?(?P<y2>(?:19|20)\d\d)\b(?!-))",
    re.I,
)
_MONTHS = re.compile(rf"\b(?:past|last|previous|latest|trailing|preceding|recent) {_N} months\b", re.I)
_WINDOW = re.compile(rf"\b{_N}(?:[- ]?months?|m)\b", re.I)
_HORIZON = re.compile(
    rf"\b(?:over|in|within|for|after)(?: the)?(?: next| coming)? {_N} years?\b|\bhorizon (?:of|is|at) {_N}\b|\b{_N}[- ]years?(?: long)? (?:horizon|period|fade|forecast)\b|\b{_N} years?\b",
    re.I,
)
_PRICE = re.compile(
    r"\b(?:traded?|trading|trades|stood|stands|sold|sells|were|was|fell|rose|price of|price at|priced|costs?)(?: (?:down|up|to|at|of|for|only|just|about|is|a))* (?:(?:usd|us\$|\$) ?(?P<a>\d[\d,]*(?:\.\d+)?)"
    r"|(?P<b>\d[\d,]*(?:\.\d+)?) ?(?:dollars?|usd|bucks|\$))|\b(?:share |stock )?price (?:of|at|is|=|were|was|being)? ?(?:usd |\$)?(?P<c>\d[\d,]*(?:\.\d+)?)(?! ?%)\b|\bat \$ ?(?P<d>\d[\d,]*(?:\.\d+)?)",
    re.I,
)
_MEMBERS = re.compile(rf"\b{_N} (?:largest |biggest |heaviest )?(?:members|companies|constituents|names)\b", re.I)
_SAMPLE = re.compile(
    rf"\bsample (?:size )?(?:of |is |= ?)?{_N}\b|\b(?:ask|asking|sampling) {_N} companies\b|\b{_N}[- ]company sample\b",
    re.I,
)
_READ = re.compile(
    rf"\bread(?:ing)?(?: only)?(?: the)?(?: (?:latest|newest|last|most recent|first))? {_N}\b|\b(?:latest|newest|most recent|last) {_N} (?:ipo |s-1 )?(?:filings?|registrations?|offerings?|prospectuses|ipos)\b|"
    rf"\b{_N} (?:latest|newest|most recent) (?:ipo |s-1 )?(?:filings?|registrations?|offerings?|prospectuses|ipos)\b",
    re.I,
)
_QUOTES = re.compile(
    rf"\b{_N} (?:most |best |worst |strongest )?(?:positive|negative|upbeat|gloom\w+|optimistic|pessimistic|sentences|quotes)\b|\btop[- ]?{_N}\b",
    re.I,
)
_RELEASES = re.compile(
    r"\breleases? only\b|\b(?:only|just) (?:the )?(?:earnings |press )?releases\b|\b(?:earnings|press) releases?\b",
    re.I,
)
_CALLS = re.compile(r"\b(?:calls?|transcripts?)\b", re.I)
_KNOWN_ID = re.compile(r"DGS\d|FEDFUNDS|DRTSCIS|TLMFGCONS|EBITDA|IPOS$|NAICS|USDA|TREASUR")
_TRANSCRIPTS = re.compile(r"\btranscripts? only\b|\b(?:only|just) (?:the )?(?:call )?transcripts\b", re.I)
_SERIES = re.compile(r"(?<![\w&$/.-])[A-Z][A-Z0-9]{4,19}(?![\w&/-])")
# Bounds of the tools' arguments.
_MOST_MONTHS, _LEAST_WINDOW, _MOST_WINDOW, _MOST_QUARTERS, _MOST_YEARS = 60, 12, 240, 20, 30
_MOST_SHOWN = {"concentration": 100, "federal_awards": 50, "call_sentiment": 20}
_MOST_MEMBERS = 3000
_MOST_HORIZON, _MOST_READ, _LEAST_SAMPLE, _MOST_SAMPLE = 20, 100, 5, 200
_WORDS = {"first": 1, "second": 2, "third": 3, "fourth": 4}
SERIES = {
    "fed_funds": "FEDFUNDS", "ten_year": "DGS10", "ten_year_note": "DGS10", "two_year": "DGS2", "two_year_note": "DGS2", "lending": "DRTSCIS", "tighten": "DRTSCIS", "construction": "TLMFGCONS", "customs": "customs",
}  # fmt: skip
Call = dict[str, Any]


def arguments(
    tool: str, text: str, named: Named, concepts: frozenset[str], today: date, sources: Sequence[SourceInfo]
) -> list[Call]:
    """Return the arguments of each call of ``tool`` that a text asks for (one, or one a series)."""
    return _MAKERS[tool](text, named, concepts, today, sources)


def _number(match: re.Match[str], otherwise: int = 1) -> int:
    """Return the number in what was matched, in digits or as a word."""
    said = _FIRST.search(match.group().replace("-", " "))
    return (_NUMBERS.get(said.group().lower()) or int(said.group())) if said else otherwise


def _subject(text: str, named: Named, sources: Sequence[SourceInfo]) -> str | None:
    if named.companies:
        return named.companies[0]
    if named.tickers:
        return named.tickers[0]
    return None


def _pair(text: str, named: Named, *, always: bool = False) -> Call:
    """Return the subject and what it is set against: a smaller-cap index against the larger one, whichever comes first."""
    tickers = list(named.tickers)
    if not tickers:
        return {}
    if against(text, tickers):
        return {"ticker": tickers[0], "benchmark": tickers[1]}
    return {"ticker": tickers[0], "benchmark": "SPY"} if always and tickers[0] != "SPY" else {"ticker": tickers[0]}


def _drawdown(
    text: str, named: Named, concepts: frozenset[str], today: date, sources: Sequence[SourceInfo]
) -> list[Call]:
    call = _pair(text, named)
    leads = re.match(r"\s*(?:compared (?:with|to)|relative to|against|versus) ", text, re.I)
    if leads and "benchmark" in call:
        call = {"ticker": call["benchmark"], "benchmark": call["ticker"]}
    if (match := _SINCE.search(text)) and (day := _day(match)):
        call["since"] = day
    elif match := _YEARS.search(text):
        call["years"] = max(1, min(_number(match), _MOST_YEARS))
    elif _PAST_YEAR.search(text):
        call["years"] = 1
    return [call]


def _day(match: re.Match[str]) -> str | None:
    """Return the day since when, in ISO form; a month or year alone begins on its first."""
    if match["day"]:
        return match["day"]
    try:
        if match["y2"]:
            return date(int(match["y2"]), 1, 1).isoformat()
        day = int(match["d1"] or match["d2"] or 1)
        return date(int(match["y"]), calendar.NUMBERS[match["m"].lower()], day).isoformat()
    except ValueError:
        return None


def _relative_valuation(
    text: str, named: Named, concepts: frozenset[str], today: date, sources: Sequence[SourceInfo]
) -> list[Call]:
    tickers = list(named.tickers)
    if not tickers:
        return [{}]
    if len(tickers) > 1:
        return [{"ticker": tickers[0], "benchmark": tickers[1]}]
    return [{"ticker": tickers[0]}]


def _one(text: str, named: Named, concepts: frozenset[str], today: date, sources: Sequence[SourceInfo]) -> list[Call]:
    subject = _subject(text, named, sources)
    return [{"ticker": subject} if subject else {}]


def _company(
    text: str, named: Named, concepts: frozenset[str], today: date, sources: Sequence[SourceInfo]
) -> list[Call]:
    if named.companies:
        return [{"ticker": one} for one in named.companies[:4]]
    if not named.tickers or named.tickers == named.groups:
        other = unknown_company(text, sources)
        if other:
            return [{"ticker": other}]
    return [_pair(text, named)]


def _embedded(
    text: str, named: Named, concepts: frozenset[str], today: date, sources: Sequence[SourceInfo]
) -> list[Call]:
    (call, *_) = _company(text, named, concepts, today, sources)
    call.pop("benchmark", None)
    if (match := _RATE.search(text)) and 1 < float(match[1] or match[2]) < 50:
        call["discount_rate"] = float(match[1] or match[2])
    if (match := _GROWTH.search(text)) and float(match[1] or match[2]) < 50:
        call["growth"] = float(match[1] or match[2])
    if (match := _HORIZON.search(text)) and 1 <= (years := _number(match)) <= _MOST_HORIZON:
        call["years"] = years
    if not named.companies and (match := _MEMBERS.search(text)):
        call["members"] = max(1, min(_number(match), _MOST_MEMBERS))
    if named.companies and (match := _PRICE.search(text)):
        price = next(g for g in match.group("a", "b", "c", "d") if g)
        call["price"] = float(price.replace(",", ""))
    return [call]


def _call_sentiment(
    text: str, named: Named, concepts: frozenset[str], today: date, sources: Sequence[SourceInfo]
) -> list[Call]:
    call: Call = {}
    companies = list(named.companies)
    if not companies and not named.tickers and (other := unknown_company(text, sources)):
        companies = [other]
    if companies:
        call["ticker"] = companies[0]
    if match := _CALL_QUARTER.search(text):
        number = match["q1"] or match["q2"] or _WORDS[match["w"].lower()]
        call["quarter"] = f"{match['y1'] or match['y2'] or match['y3']}Q{number}"
    if (match := _RELEASES.search(text)) and ("only" in match.group().lower() or not _CALLS.search(text)):
        call["kind"] = "release"
    elif _TRANSCRIPTS.search(text):
        call["kind"] = "transcript"
    if match := _QUOTES.search(text):
        call["top"] = min(_number(match), _MOST_SHOWN["call_sentiment"])
    return [call]


def _against(
    text: str, named: Named, concepts: frozenset[str], today: date, sources: Sequence[SourceInfo]
) -> list[Call]:
    return [_pair(text, named)]


def _analysts(
    text: str, named: Named, concepts: frozenset[str], today: date, sources: Sequence[SourceInfo]
) -> list[Call]:
    call = _pair(text, named)
    if match := _SAMPLE.search(text):
        call["sample"] = max(_LEAST_SAMPLE, min(_number(match), _MOST_SAMPLE))
    return [call]


def _macro(text: str, named: Named, concepts: frozenset[str], today: date, sources: Sequence[SourceInfo]) -> list[Call]:
    found = [name for name in SERIES if name in concepts]
    if "customs" in found and len(found) > 1 and not re.search(r"\bcustoms|tariff|duties\b", text, re.I):
        found.remove("customs")
    # Another series of FRED, by its id.
    others = [
        m.group() for m in _SERIES.finditer(text) if m.group() not in named.tickers and not _KNOWN_ID.match(m.group())
    ]
    if found or others:
        return [{"series": one} for one in dict.fromkeys([*(SERIES[name] for name in found), *others])]
    return [{"series": "rates"}] if {"interest", "yield"} & concepts else [{}]


def _awards(
    text: str, named: Named, concepts: frozenset[str], today: date, sources: Sequence[SourceInfo]
) -> list[Call]:
    call: Call = {}
    found = agency(text)
    if match := _NAICS.search(text):
        call["naics"] = ",".join(re.findall(r"\d+", match[1] or match[2]))
    # The tool's own default is the Department of Defense.
    call["agency"] = found or ""
    if not found and "federal" not in concepts and "naics" not in call and not recipient(text, named, sources):
        del call["agency"]
    if company := recipient(text, named, sources):
        call["company"] = company
    if match := _TOP.search(text):
        call["top"] = max(1, min(_number(match), _MOST_SHOWN["federal_awards"]))
    if months := _months(text):
        call["months"] = max(1, min(months, _MOST_MONTHS))
    return [call]


def _months(text: str) -> int | None:
    if match := _MONTHS.search(text):
        return _number(match)
    if match := _YEARS.search(text):
        return 12 * _number(match)
    return None


def _managers(
    text: str, named: Named, concepts: frozenset[str], today: date, sources: Sequence[SourceInfo]
) -> list[Call]:
    call: Call = {}
    if found := region(text):
        call["region"] = found
    window = _WINDOW.search(text)
    months = _number(window) if window else _months(text)
    if months and _LEAST_WINDOW <= months <= _MOST_WINDOW:
        call["months"] = months
    return [call]


def _concentration(
    text: str, named: Named, concepts: frozenset[str], today: date, sources: Sequence[SourceInfo]
) -> list[Call]:
    call = _pair(text, named)
    if match := _TOP.search(text):
        call["top"] = max(1, min(_number(match), _MOST_SHOWN["concentration"]))
    return [call]


def _ipos(text: str, named: Named, concepts: frozenset[str], today: date, sources: Sequence[SourceInfo]) -> list[Call]:
    call: Call = {}
    if match := _QUARTERS.search(text):
        call = _quarters(_number(match))
    elif match := _YEARS.search(text):
        call = _quarters(4 * _number(match))
    if match := _READ.search(text):
        call["read"] = min(_number(match), _MOST_READ)
    return [call]


def _quarters(count: int) -> Call:
    """Return the argument within the tool's bounds; "this quarter" is part of its default."""
    return {"quarters": min(count, _MOST_QUARTERS)} if count > 1 else {}


_MAKERS: dict[str, Callable[[str, Named, frozenset[str], date, Sequence[SourceInfo]], list[Call]]] = {
    "drawdown": _drawdown,
    "relative_valuation": _relative_valuation,
    "hedging": _one,
    "balance_sheet": _company,
    "embedded_expectations": _embedded,
    "call_sentiment": _call_sentiment,
    "tariff_exposure": _against,
    "macro": _macro,
    "federal_awards": _awards,
    "manager_excess": _managers,
    "analyst_coverage": _analysts,
    "unprofitable_share": _against,
    "concentration": _concentration,
    "ipo_pipeline": _ipos,
}
