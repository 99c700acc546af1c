"""Which index, fund, company, agency or region a text names. Pure: what the base knows comes in as values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from assistant.lexicon import stopwords
from assistant.question import aliases, named_in
from assistant.question import names as proper_names
from assistant.routing.concepts import concepts
from assistant.tools.entities import funds
from vectorstore.records import SourceInfo

AGENCIES: Mapping[str, str] = {
    r"navy": "Department of the Navy",
    r"army": "Department of the Army",
    r"air force": "Department of the Air Force",
    r"pentagon|dod|department of defen[sc]e|defen[sc]e department|defen[sc]e|military": "Department of Defense",
    r"nasa|space administration": "National Aeronautics and Space Administration",
    r"department of energy|energy department|doe": "Department of Energy",
    r"homeland security|dhs": "Department of Homeland Security",
    r"department of transportation|transportation department": "Department of Transportation",
    r"department of commerce|commerce department": "Department of Commerce",
    r"veterans affairs|va department": "Department of Veterans Affairs",
    r"health and human services|hhs": "Department of Health and Human Services",
    r"general services administration|gsa": "General Services Administration",
    r"department of the interior|interior department": "Department of the Interior",
    r"department of agriculture|usda": "Department of Agriculture",
    r"department of state|state department": "Department of State",
    r"department of justice|justice department": "Department of Justice",
    r"department of education|education department": "Department of Education",
    r"army corps of engineers": "Department of the Army",
}
REGIONS: Mapping[str, str] = {
    r"europe(?:an)?|euro ?zone|continental": "Europe",
    r"japan(?:ese)?": "Japan",
    r"u\.?k\.?|brit(?:ain|ish)|united kingdom": "UK",
    r"canad(?:a|ian)": "Canada",
    r"emerging(?: markets?)?|em": "Emerging markets",
    r"global(?:ly)?|world(?:wide)?|international": "Global",
    r"asia(?:n)?|pacific|asia[- ]pacific": "Asia",
    r"australia(?:n)?": "Australia",
    r"u\.?s\.?(?:a\.?)?|america(?:n)?|united states": "US",
}
# Capitals that are no tickers, though they look like them.
_NO_TICKER = frozenset(
    """
    A I US USA UK EU UN SEC FRED GDP CPI PPI PMI IPO IPOS ETF ETFS CEO CFO COO CTO ROA ROE ROIC EPS EBIT EBITDA EV PE PB PS FCF NAICS HHI FY Q YTD
    AI IT R&D SG&A DOD NASA NAVY DHS HHS GSA FDA FOMC ECB BOJ SIC CIK API USD EUR GBP JPY OK TV PDF CSV JSON IRA CHIPS MSCI FTSE S&P SP AND OR NOT
    IS THE OF IN ON TO VS NOW ARE WAS FED SPAC SPACS M&A Q1 Q2 Q3 Q4 H1 H2 NAV AUM VIX OTC NYSE DGS DRTSCIS FEDFUNDS TLMFGCONS EEA USDA DOE VA DOT NATO
    """.split()  # noqa: SIM905 - reads better
)
_TICKER = re.compile(r"(?<![\w&/$.-])\$?([A-Z]{1,5}(?:[.-][AB])?)(?![\w&/-]|\.\w)")
_LEGAL = re.compile(r",?\s+(?:inc|incorporated|corp|corporation|company|co|ltd|limited|plc)\.?$", re.I)
_BARE_GROUP = {"small": "IWM", "mid": "IWR", "large": "SPY"}
_SMALL = re.compile(r"\bsmall(?:er)?\b", re.I)
_LARGE = re.compile(r"\b(?:large|larger|big|bigger)\b", re.I)
_AGAINST = re.compile(
    r"\b(?:against|versus|vs\.?|relative to|compared? (?:to|with)|compares (?:to|with)|in comparison (?:to|with)|than|over|to that of|with (?:that|those) of|next to|beside|alongside|and)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Named:
    """``tickers``: indices and funds (as the fund's ticker) and companies (ticker, or the name), in the order of the text.

    ``groups``: those of them that are a size group by its plain name ("small caps"); ``symbols``: those written as a ticker.
    """

    tickers: tuple[str, ...]
    companies: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()


@cache
def _fund_pattern() -> tuple[re.Pattern[str], Mapping[str, str]]:
    """Return the pattern of all names of indices and funds, longest first, and what each means."""
    names: dict[str, str] = {}
    for ticker, fund in funds().items():
        for name in (fund.index, *fund.also):
            names.setdefault(_key(name), ticker)
    names = {
        k: v for k, v in names.items() if k and not re.fullmatch(r"(?:us)?(?:small|mid|large)caps|smallcapindex", k)
    }
    spelled = sorted(names, key=lambda k: -len(k))
    # Between the letters of a name any of " -." may stand: "S&P 500", "S&P500", "Nasdaq-100".
    pattern = "|".join(r"[\s\-.]*".join(map(re.escape, key)) for key in spelled)
    return re.compile(rf"(?<![\w&])(?:{pattern})(?![\w&])", re.I), names


def _key(name: str) -> str:
    return re.sub(r"[\s\-.®]+", "", name.lower().removeprefix("the ").removesuffix(" index").removesuffix(" etf"))


def named(text: str, sources: Sequence[SourceInfo] = ()) -> Named:
    """Return what ``text`` names; an index wins over a size group, and a company over both."""
    found: dict[str, int] = {}
    pattern, names = _fund_pattern()
    covered: list[tuple[int, int]] = []
    for match in pattern.finditer(text):
        found.setdefault(names[_key(match.group())], match.start())
        covered.append(match.span())
    known = {s.metadata.ticker for s in sources if s.metadata.ticker} | set(funds())
    by_company = {s.metadata.company: s.metadata.ticker or s.metadata.company for s in sources if s.metadata.company}
    held = {str(company) for company in by_company}
    companies: dict[str, int] = {}
    rest = text
    for start, end in covered:
        rest = rest[:start] + " " * (end - start) + rest[end:]
    for company in named_in(rest, held):
        place = _place(company, rest)
        # "CULP" is written as a ticker, though the base may know the name only.
        written = by_company[company]
        if written == company and place and re.fullmatch(r"[A-Z]{2,5}", place.group()) and place.group() not in company:
            written = place.group()
        companies.setdefault(written, place.start() if place else 0)
        if place:
            rest = rest[: place.start()] + " " * len(place.group()) + rest[place.end() :]
    mostly_capitals = sum(c.isupper() for c in text) > 0.6 * max(1, sum(c.isalpha() for c in text))
    for match in _TICKER.finditer(rest):
        symbol = match[1]
        if symbol in funds():
            found.setdefault(symbol, match.start())
        elif (
            symbol in known
            or match.group().startswith("$")
            or (len(symbol) > 1 and symbol not in _NO_TICKER and not mostly_capitals)
        ):
            companies.setdefault(symbol, match.start())
    symbols = [m[1] for m in _TICKER.finditer(text) if m[1] in found or m[1] in companies]
    groups: dict[str, int] = {}
    for one in concepts(rest):
        if one.name in _BARE_GROUP and not any(a <= one.start < b for a, b in covered):
            groups.setdefault(_BARE_GROUP[one.name], one.start)
    small, large = _SMALL.search(rest), _LARGE.search(rest)
    if small and large and not found:
        # "small and large companies": one noun for two groups.
        groups.setdefault(_BARE_GROUP["small"], small.start())
        groups.setdefault(_BARE_GROUP["large"], large.start())
    sized = [ticker for ticker in groups if not any(funds()[t].size == funds()[ticker].size for t in found)]
    order = {**companies, **found, **{t: groups[t] for t in sized}}
    return Named(tuple(sorted(order, key=lambda t: order[t])), tuple(companies), tuple(sized), tuple(symbols))


def _place(company: str, text: str) -> re.Match[str] | None:
    """Return where a company stands in a text: by the longest of the ways to name it."""
    for alias in sorted(aliases(company), key=lambda a: -len(a)):
        found = re.search(r"\b" + r"[\s,.'’]+".join(map(re.escape, re.findall(r"[\w&-]+", alias))) + r"\b", text, re.I)
        if found:
            return found
    return None


@cache
def _publishers() -> frozenset[str]:
    """Return the words that name who published the articles: they are asked about, and no company to look up."""
    from assistant.tools.claims import claims

    return frozenset(word for claim in claims().values() for word in claim.publisher.lower().split())


def unknown_company(text: str, sources: Sequence[SourceInfo]) -> str | None:
    """Return a proper name that is no index, agency, region or thing of the trade: a company that the base does not hold."""
    common = stopwords() | _publishers()
    pattern, _ = _fund_pattern()
    for name in proper_names(text):
        plain = re.sub(r"['’]s?$", "", name)
        if (
            pattern.search(plain)
            or agency(plain)
            or region(plain)
            or plain.upper() in _NO_TICKER
            or plain.lower() in common
        ):
            continue
        if concepts(plain) or re.search(r"\d", plain) or named(plain, sources).tickers:
            continue
        return plain
    return None


def recipient(text: str, found: Named, sources: Sequence[SourceInfo]) -> str | None:
    """Return the company that a text names, by the name that a register of contracts would have: no ticker."""
    if not found.companies:
        return unknown_company(text, sources)
    first = found.companies[0]
    name = next((s.metadata.company for s in sources if first in (s.metadata.ticker, s.metadata.company)), None)
    if not name:
        return first
    place = _place(name, text)
    return place.group() if place and not _TICKER.fullmatch(place.group()) else _LEGAL.sub("", name)


def agency(text: str) -> str | None:
    """Return the federal agency that ``text`` names."""
    return next((full for p, full in AGENCIES.items() if re.search(rf"\b(?:{p})\b", text, re.I)), None)


def region(text: str) -> str | None:
    """Return the region that ``text`` names. "us" in lower case is a pronoun."""
    for pattern, name in REGIONS.items():
        found = re.search(rf"\b(?:{pattern})(?![\w])", text, re.I)
        if found and found.group() != "us" and found.group() != "em":
            return name
    return None


def against(text: str, tickers: Sequence[str]) -> bool:
    """Whether a text sets the first thing named against the second."""
    return len(tickers) > 1 and bool(_AGAINST.search(text))
