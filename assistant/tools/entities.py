"""What a name means: an index or fund (data/funds.toml), or a company of SEC's list. Ambiguous or unknown is NoData, not a guess."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from assistant.tools.base import Context, Draft, NoData
from assistant.tools.providers.protocols import Listing, Listings
from assistant.tools.pulls import Want, pull
from vectorstore.names import company_words, fold, same_company

_CANDIDATES = 5


@dataclass(frozen=True, slots=True)
class Fund:
    """One entry of data/funds.toml. ``holdings``: the fund whose file of holdings stands for it."""

    ticker: str
    index: str
    symbol: str | None
    size: str
    also: tuple[str, ...]
    holdings: str
    url: str | None
    positions: tuple[int, int] | None


@cache
def funds() -> Mapping[str, Fund]:
    """Return the known funds by ticker."""
    text = files("assistant").joinpath("data", "funds.toml").read_text(encoding="utf-8")
    found = {}
    for ticker, entry in tomllib.loads(text).items():
        span = entry.get("positions")
        found[ticker] = Fund(
            ticker=ticker,
            index=entry["index"],
            symbol=entry.get("symbol"),
            size=entry["size"],
            also=tuple(entry.get("also", ())),
            holdings=entry.get("holdings", ticker),
            url=entry.get("url"),
            positions=(span[0], span[1]) if span else None,
        )
    return MappingProxyType(found)


@cache
def _names() -> Mapping[str, Fund]:
    names: dict[str, Fund] = {}
    for fund in funds().values():
        for name in (fund.ticker, fund.index, fund.symbol or "", *fund.also):
            if name:
                names.setdefault(_plain(name), fund)
    return names


def _plain(text: str) -> str:
    text = re.sub(r"^(?:the|an?) | (?:index|etf|fund)$", "", fold(text))
    return re.sub(r"[\s.\-®]+", "", text)


def find_fund(text: str) -> Fund | None:
    """Return the fund that stands for an index ("Russell 2000", "^RUT", "IWM"), or None."""
    return _names().get(_plain(text))


def own_fund(text: str, context: Context) -> Fund | None:
    """Return the fund meant: a known one, or a ticker whose holdings are at hand (a file, an address, a saved pull)."""
    found = find_fund(text)
    ticker = text.strip().upper()
    if found is not None or not re.fullmatch(r"[A-Z][A-Z0-9.]{0,7}", ticker):
        return found
    source = context.providers.holdings
    if (source is not None and source.knows(ticker)) or context.snapshots.latest("holdings", ticker) is not None:
        return Fund(ticker, ticker, None, "", (), ticker, None, None)
    return None


def fund(text: str, context: Context) -> Fund:
    """Return the fund meant. Raises NoData naming those that are known."""
    found = own_fund(text, context)
    if found is None:
        known = ", ".join(f"{f.index} ({f.ticker})" for f in funds().values())
        raise NoData(
            f"{text!r} is no index or fund that is known.",
            f"Known are: {known}. For another put holdings/TICKER.csv in the data folder, or set holdings_urls.",
        )
    return found


def pair(ticker: str, benchmark: str, context: Context, draft: Draft) -> tuple[Fund, Fund | None]:
    """Return a fund and what it is compared with, and echo both; None where that is nothing, or the fund itself.

    Raises NoData for a name that is not known.
    """
    first, second = fund(ticker, context), fund(benchmark, context) if benchmark else None
    draft.resolved(ticker=first.ticker, name=first.index)
    if second is None or second.holdings == first.holdings:
        draft.resolved(benchmark="")
        return first, None
    draft.resolved(benchmark=second.ticker, benchmark_name=second.index)
    return first, second


def instrument(text: str) -> tuple[str, str]:
    """Return (symbol for market data, name) of an index, fund or ticker; a ticker is taken as it stands."""
    found = find_fund(text)
    if found is not None:
        by_index = _plain(text) == _plain(found.symbol or "")
        return (found.symbol or found.ticker, found.index) if by_index else (found.ticker, found.index)
    symbol = text.strip().upper()
    if not re.fullmatch(r"\^?[A-Z0-9][A-Z0-9.\-=]{0,11}", symbol):
        raise NoData(f"{text!r} is no ticker, and no index that is known.", "Give a ticker, such as IWM.")
    return symbol, symbol


LISTINGS = Want("sec", "company_tickers", "list of tickers", dated=True, fresh_days=30)


def listings(context: Context, draft: Draft) -> Sequence[Listing]:
    """Return SEC's list of tickers. Raises ToolFailure."""
    provider = context.providers.facts
    pulled = pull(context, LISTINGS, Listings, provider.listings if provider else None)
    if context.as_of is not None:
        draft.warn(
            f"Tickers are resolved with the list of {pulled.retrieved_at[:10]}, not with that of {context.as_of}."
        )
    return draft.take(pulled).listings


def by_ticker(found: Sequence[Listing]) -> dict[str, Listing]:
    """Return listings by ticker; share classes are found with a dot, a dash, or nothing between."""
    table: dict[str, Listing] = {}
    for one in found:
        table[one.ticker] = one
        table.setdefault(re.sub(r"[.\-/ ]", "", one.ticker), one)
    return table


def company(text: str, found: Sequence[Listing]) -> Listing:
    """Return the one company that a ticker, CIK or name means. Raises NoData, with candidates where there are some."""
    asked = text.strip()
    table = by_ticker(found)
    exact = table.get(asked.upper()) or table.get(re.sub(r"[.\-/ ]", "", asked.upper()))
    if exact is not None and (asked.isupper() or len(asked) <= 5):
        named = [one for one in found if same_company(asked, one.name) and one.cik != exact.cik]
        if named and not asked.isupper():
            raise _ambiguous(asked, [exact, *named])
        return exact
    if asked.isdigit():
        hits = [one for one in found if one.cik == int(asked)]
    else:
        wanted = company_words(asked)
        hits = [one for one in found if company_words(one.name) == wanted] or [
            one for one in found if same_company(asked, one.name)
        ]
    ciks = {one.cik for one in hits}
    if len(ciks) == 1:
        return hits[0]
    if ciks:
        raise _ambiguous(asked, hits)
    raise NoData(f"No company of SEC's list is called {asked!r}.", "Give its ticker or its CIK.")


def _ambiguous(asked: str, hits: Sequence[Listing]) -> NoData:
    each = {one.cik: f"{one.ticker} ({one.name}, CIK {one.cik})" for one in reversed(hits)}
    shown = list(each.values())[::-1][:_CANDIDATES]
    more = f" and {len(each) - _CANDIDATES} more" if len(each) > _CANDIDATES else ""
    return NoData(f"{asked!r} may be {'; '.join(shown)}{more}.", "Give the ticker or the CIK.")
