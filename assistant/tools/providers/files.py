"""The user's own files, CSV or Parquet, in the folder that the setting ``data`` names (docs/tools/data.md).

What is wrong in one is a BadFile that names the place: nothing is guessed, and no earlier pull stands in for it.

prices.csv      date, symbol, close [, currency]; or date and a column of closes for each symbol
returns.csv     month, fund, return_pct [, benchmark (yes/no), group]
estimates.csv   date, ticker, analysts [, group]
"""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from assistant.tools.base import BadFile, NoData, SourceFailed
from assistant.tools.providers._read import day, maybe
from assistant.tools.providers.protocols import (
    Closes,
    Estimate,
    Estimates,
    Fetched,
    FundReturns,
    MonthReturn,
    Prices,
    ReturnsTable,
)

_YES = {"yes", "true", "1", "y"}
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "prices": ("date", "symbol", "close"), "returns": ("month", "fund", "return_pct"), "estimates": ("date", "ticker", "analysts"),
}  # fmt: skip


def find(folder: Path, name: str) -> Path | None:
    """Return the file of that name, as CSV or Parquet."""
    return next((p for p in (folder / f"{name}.csv", folder / f"{name}.parquet") if p.is_file()), None)


_MEND = "Write dates as YYYY-MM-DD and numbers with a decimal point; leave empty what is not known."


@contextlib.contextmanager
def own_file(what_to_do: str = _MEND) -> Iterator[None]:
    """What cannot be read inside is the file's fault, not a source's."""
    try:
        yield
    except SourceFailed as failure:
        raise BadFile(failure.message, what_to_do) from failure


def read(path: Path, columns: Sequence[str], needs: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return the rows with lower-case names. Raises BadFile for a file that is no table or lacks a column.

    ``needs``: what is said to be needed, where that is more than ``columns``.
    """
    rows: list[dict[str, Any]]
    try:
        if path.suffix == ".parquet":
            import pyarrow.parquet

            rows = pyarrow.parquet.read_table(path).to_pylist()
        else:
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = [dict(row) for row in csv.DictReader(file)]
    except (OSError, ValueError, csv.Error) as error:
        raise BadFile(f"{path} cannot be read: {error}.", "Give a CSV in UTF-8, or Parquet.") from error
    named = [{str(k).strip().lower(): v for k, v in row.items() if k is not None} for row in rows]
    missing = [c for c in columns if named and c not in named[0]]
    if missing and len(named[0]) == 1 and ";" in next(iter(named[0])):
        # With semicolons goes a decimal comma, which reads as a separator of thousands.
        raise BadFile(
            f"{path} is separated by semicolons.", "Save it with commas between the columns, and a decimal point."
        )
    if missing or not named:
        raise BadFile(
            f"{path} lacks {', '.join(missing) or 'rows'}.", f"It needs the columns {', '.join(needs or columns)}."
        )
    return named


def check(path: Path) -> None:
    """Raise BadFile where a file of COLUMNS is no table or lacks a column."""
    if path.stem == "prices":
        price_rows(path)
    else:
        read(path, COLUMNS[path.stem])


def price_rows(path: Path) -> list[dict[str, Any]]:
    """Return rows of date, symbol, close; a table with a column of closes for each symbol becomes such rows."""
    rows = read(path, ("date",), COLUMNS["prices"])
    if {"symbol", "close"} & set(rows[0]):
        return read(path, COLUMNS["prices"])
    symbols = [name for name in rows[0] if name and name not in {"date", "currency"}]
    if not symbols:
        raise BadFile(
            f"{path} has dates and nothing beside them.",
            "It needs the columns date, symbol, close; or date and a column for each symbol.",
        )
    return [
        {"date": row["date"], "symbol": name, "close": row[name], "currency": row.get("currency")}
        for row in rows
        for name in symbols
    ]


class PriceFile:
    """Closes from the user's file; what it does not hold is asked of ``then``, where there is one."""

    source = "data"

    def __init__(self, path: Path, then: Prices | None) -> None:
        self._path = path
        self._then = then

    def closes(self, symbol: str, start: date, end: date) -> Fetched:
        found: dict[date, float] = {}
        currency = ""
        for row in price_rows(self._path):
            if str(row["symbol"]).strip().upper() != symbol:
                continue
            with own_file():
                at, close = day(row["date"], "date", self._path.name), maybe(row["close"], "close", self._path.name)
            if close is not None and close <= 0:
                raise BadFile(f"{self._path}: the close of {symbol} on {at} is {close}.", "A close is above 0.")
            if close is not None and found.get(at, close) != close:
                raise BadFile(
                    f"{self._path} has two closes of {symbol} on {at}: {found[at]:g} and {close:g}.",
                    "Keep the right one.",
                )
            if close is not None and start <= at <= end:
                found[at] = close
            currency = str(row.get("currency") or currency)
        if not found:
            if self._then is not None:
                return self._then.closes(symbol, start, end)
            raise NoData(f"{self._path.name} has no closes of {symbol} in the period.", f"Add them to {self._path}.")
        days = tuple(sorted(found))
        payload = Closes(symbol=symbol, currency=currency, days=days, closes=tuple(found[d] for d in days))
        return Fetched(payload, f"your file {self._path.name}", None, days[-1])


class ReturnsFile:
    """Monthly returns of funds and benchmarks from the user's file."""

    source = "data"

    def __init__(self, path: Path) -> None:
        self._path = path

    def returns(self) -> Fetched:
        funds: dict[tuple[str, bool, str], dict[date, float]] = {}
        for row in read(self._path, COLUMNS["returns"]):
            with own_file():
                value = maybe(row["return_pct"], "return_pct", self._path.name)
                month = _month(row["month"], self._path.name)
            if value is None:
                continue
            bench = str(row.get("benchmark") or "").strip().lower() in _YES
            key = (str(row["fund"]).strip(), bench, str(row.get("group") or "").strip())
            if funds.setdefault(key, {}).setdefault(month, value) != value:
                raise BadFile(
                    f"{self._path} has two returns of {key[0]} in {month:%Y-%m}: {funds[key][month]:g} and {value:g}.",
                    "Keep the right one.",
                )
        table = ReturnsTable(
            funds=tuple(
                FundReturns(
                    fund=name, benchmark=bench, group=group,
                    returns=tuple(MonthReturn(month=m, value=v) for m, v in sorted(months.items())),
                )
                for (name, bench, group), months in sorted(funds.items())
            )
        )  # fmt: skip
        last = max((r.month for f in table.funds for r in f.returns), default=None)
        return Fetched(table, f"your file {self._path.name}", None, last)


class EstimatesFile:
    """Numbers of analysts from the user's file: the newest row of each ticker by the day asked for."""

    source = "data"

    def __init__(self, path: Path) -> None:
        self._path = path

    def estimates(self, tickers: tuple[str, ...]) -> Fetched:
        found = []
        for row in read(self._path, COLUMNS["estimates"]):
            with own_file():
                count = maybe(row["analysts"], "analysts", self._path.name)
                at = day(row["date"], "date", self._path.name)
            ticker = str(row["ticker"]).strip().upper()
            if count is not None and (count < 0 or count != int(count)):
                raise BadFile(f"{self._path}: the analysts of {ticker} on {at} are {count:g}.", "Give a whole number.")
            found.append(
                Estimate(
                    ticker=ticker,
                    analysts=None if count is None else int(count),
                    day=at,
                    group=str(row.get("group") or "").strip().lower(),
                )
            )
        last = max((e.day for e in found), default=None)
        return Fetched(Estimates(estimates=tuple(found)), f"your file {self._path.name}", None, last)


def _month(value: Any, where: str) -> date:
    text = str(value).strip()
    first = day(f"{text}-01" if len(text) == 7 else text, "month", where).replace(day=1)
    return (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def folder_of(setting: str) -> Path | None:
    """Return the user's data folder; None where none is set or it does not exist."""
    path = Path(setting) if setting.strip() else None
    return path if path is not None and path.is_dir() else None
