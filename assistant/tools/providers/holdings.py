"""Holdings of a fund as a CSV: the issuer's file, from its address or from the user's folder.

Such a file has a preamble of up to 9 lines, a header, one row a position, and a disclaimer behind a blank line. What the columns
are called: iShares (Ticker, Name, Asset Class, Weight (%)), State Street (Name, Ticker, Weight; no asset class, cash with the ticker "-"),
Vanguard (HOLDINGS, TICKER, % OF FUNDS*; small weights as "<0.01%"), Invesco (Holding Ticker, Name, Weight, and a Date in each row).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from assistant.tools.base import BadFile, NoData, SourceFailed
from assistant.tools.entities import Fund, funds
from assistant.tools.providers._read import day, maybe, table
from assistant.tools.providers.http import Http
from assistant.tools.providers.protocols import Fetched, FundHoldings, Holding

# (ticker, name, weight) as the issuers call them.
_COLUMNS = tuple(
    (ticker, name, weight)
    for ticker in ("Ticker", "Holding Ticker")
    for name in ("Name", "Holdings", "Security name")
    for weight in (
        "Weight (%)",
        "Weight",
        "% Weight",
        "Weight%",
        "% of funds*",
        "% of fund*",
        "% of funds",
        "% of fund",
    )
)
_AS_OF = re.compile(
    r"(?:(?:holdings )?as of(?: date)?|^\"?date)[\s,:\"]*(?P<day>\d[\d/.-]{6,9}|\d{1,2}-[a-z]{3}-\d{4}|[a-z]{3,9}\.? \d{1,2}, \d{4}|\d{1,2} [a-z]{3,9} \d{4}|-)",
    re.I | re.M,
)
# Tickers of what is no share: cash, and futures without a symbol.
_NO_SHARE = frozenset({"", "-", "--", "—", "USD", "CASH", "CASH_USD"})
_EXCEL = "PK\x03\x04"


class HoldingsUrls:
    """Holdings from the issuers' addresses: those of the settings, else those that are known."""

    source = "holdings"

    def __init__(self, http: Http, urls: dict[str, str]) -> None:
        self._http = http
        self._urls = urls

    def knows(self, fund: str) -> bool:
        """Whether an address of the fund's holdings is known."""
        return fund in self._urls

    def holdings(self, fund: str) -> Fetched:
        url = self._urls.get(fund)
        if url is None:
            raise NoData(
                f"No address of the holdings of {fund} is known.",
                f'Set holdings_urls = ["{fund}=https://…"], or put holdings/{fund}.csv in the data folder.',
            )
        reply = self._http.get(self.source, url, keep_s=6 * 3600)
        payload = read_holdings(reply.text, fund)
        return Fetched(payload, f"holdings of {fund}", url, payload.day, reply.stale, reply.retrieved_at)


class HoldingsFiles:
    """Holdings from ``holdings/FUND.csv`` in the user's folder, as downloaded from the issuer."""

    source = "holdings"

    def __init__(self, folder: Path, then: HoldingsUrls | None) -> None:
        self._folder = folder
        self._then = then

    def knows(self, fund: str) -> bool:
        """Whether there is a file of the fund, or another source that knows it."""
        there = (self._folder / "holdings" / f"{fund}.csv").is_file()
        return there or (self._then is not None and self._then.knows(fund))

    def holdings(self, fund: str) -> Fetched:
        path = self._folder / "holdings" / f"{fund}.csv"
        if not path.is_file():
            if self._then is not None:
                return self._then.holdings(fund)
            raise NoData(f"There is no file {path.name} of holdings in the data folder.", f"Put it at {path}.")
        try:
            payload = read_holdings(path.read_text(encoding="utf-8-sig", errors="replace"), fund)
        except (SourceFailed, NoData) as failure:
            again = f"Download the issuer's file of holdings again, and put it at {path}."
            raise BadFile(failure.message, failure.what_to_do if "CSV" in failure.what_to_do else again) from failure
        return Fetched(payload, f"your file {path.name}", None, payload.day)


def read_holdings(text: str, fund: str) -> FundHoldings:
    """Return the positions of a fund's file. Raises SourceFailed for one that is cut short, empty or of another kind."""
    if text.startswith(_EXCEL):
        raise SourceFailed(
            f"The file of holdings of {fund} is an Excel file, not a CSV.",
            f"Save it as CSV, and put it in the data folder as holdings/{fund}.csv.",
        )
    for names in _COLUMNS:
        try:
            rows = table(text, f"holdings of {fund}", names)
        except SourceFailed:
            continue
        ticker, name, weight = (column.casefold() for column in names)
        break
    else:
        # Says what the file is, or which columns of the commonest kind it lacks.
        table(text, f"holdings of {fund}", _COLUMNS[0])
        raise AssertionError("the columns were looked for before")
    found = []
    for row in rows:
        share = _share(row[weight], fund)
        if share is None:
            continue
        symbol = row[ticker].upper()
        kind = row.get("asset class") or ("Cash" if symbol in _NO_SHARE else "Equity")
        found.append(
            Holding(
                ticker=symbol,
                name=row[name],
                asset_class=kind,
                weight=share,
                price=maybe(row.get("price"), "Price", fund),
                location=row.get("location", ""),
                currency=row.get("currency", "") or row.get("market currency", ""),
            )
        )
    payload = FundHoldings(fund=fund, day=_day(text, rows, fund), holdings=tuple(found))
    _counted(payload, funds().get(fund))
    return payload


def _share(value: str, fund: str) -> float | None:
    """Return a weight; "<0.01%" is one that rounds to nothing."""
    return 0.0 if value.strip().startswith("<") else maybe(value, "Weight", fund)


def _day(text: str, rows: Sequence[Mapping[str, str]], fund: str) -> date:
    match = _AS_OF.search(text[:3000])
    said = match["day"] if match else rows[0].get("date", "") if rows else ""
    if said.strip(' "-') == "":
        raise SourceFailed(f"The file of holdings of {fund} does not say of which day it is.", "Download it again.")
    return day(said, "the day of the holdings", fund)


def _counted(payload: FundHoldings, known: Fund | None) -> None:
    equity = [h for h in payload.holdings if h.asset_class.casefold() == "equity"]
    total = sum(h.weight for h in payload.holdings)
    if not equity:
        raise NoData(f"The file of holdings of {payload.fund} has no equity position.", "Download it again.")
    if (
        known is not None
        and known.positions is not None
        and not known.positions[0] <= len(equity) <= known.positions[1]
    ):
        low, high = known.positions
        raise SourceFailed(
            f"The file of holdings of {payload.fund} has {len(equity)} equity positions; {low} to {high} are expected.",
            "It may be cut short or of another fund: download it again.",
        )
    if not 90 <= total <= 110:
        raise SourceFailed(
            f"The weights in the file of holdings of {payload.fund} add up to {total:.1f}%, not to 100%.",
            "It may be cut short, or its weights may be no percentages: download it again.",
        )
