"""A watchlist: a CSV file of tickers that narrows questions, the board, claims and companies to some companies. Pure but for ``load``.

A document counts where its ticker is on the list, or where it names the company of one that is: transcripts often have no ticker.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vectorstore.errors import SettingsError
from vectorstore.names import company_words, fold
from vectorstore.records import SourceInfo

COLUMN = "ticker"
MOST = 5_000  # tickers
_LARGEST = 1_000_000  # bytes of the file
_TICKER = re.compile(r"[A-Z0-9][A-Z0-9.\-/]{0,11}")
_EXAMPLE = 'A column "ticker" with one ticker a row, or one ticker a line, such as ACME.'


@dataclass(frozen=True, slots=True)
class Watchlist:
    """Tickers in the order of the file, each once, as filters take them: ``filters={"ticker": watchlist.tickers}``."""

    tickers: tuple[str, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a base holds of a list: the companies by ticker, and the tickers that no document carries."""

    companies: dict[str, str]
    missing: tuple[str, ...]


def load(path: Path) -> Watchlist:
    """Read a watchlist. Raises SettingsError, which names the line, for one that is none."""
    try:
        if path.stat().st_size > _LARGEST:
            raise SettingsError(f"The watchlist {path.name} is larger than 1 MB.", _EXAMPLE)
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(f"The watchlist {path} cannot be read: {reason}.", "Name a CSV file.") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise SettingsError(f"{path.name}, line {line} is not UTF-8 text.", "Save the file as UTF-8 CSV.") from error
    return parse(text, path.name)


def parse(text: str, name: str = "watchlist") -> Watchlist:
    """Return the tickers of a file's text. Raises SettingsError, which names the line."""
    rows = _rows(text.removeprefix("\ufeff"), name)
    if not rows:
        raise SettingsError(f"{name} holds no ticker.", _EXAMPLE)
    first = [cell.strip().lower() for cell in rows[0][1]]
    at = 0
    if COLUMN in first:
        at, rows = first.index(COLUMN), rows[1:]
        if first.count(COLUMN) > 1:
            raise SettingsError(f'{name}, line 1 has two columns "{COLUMN}".', _EXAMPLE)
    elif len(first) > 1:
        raise SettingsError(f'{name}, line {1} has several columns and none is called "{COLUMN}".', _EXAMPLE)
    found: dict[str, None] = {}
    for line, cells in rows:
        if at >= len(cells) or not cells[at].strip():
            raise SettingsError(f"{name}, line {line} has no ticker.", _EXAMPLE)
        ticker = cells[at].strip().upper().removeprefix("$")
        if not _TICKER.fullmatch(ticker):
            shown = cells[at].strip()[:40]
            raise SettingsError(f"{name}, line {line}: {shown!r} is no ticker.", _EXAMPLE)
        found[ticker] = None
    if not found:
        raise SettingsError(f"{name} holds no ticker.", _EXAMPLE)
    if len(found) > MOST:
        raise SettingsError(f"{name} holds {len(found)} tickers; {MOST} are taken.", "Split the list.")
    return Watchlist(tuple(found), name)


def _rows(text: str, name: str) -> list[tuple[int, list[str]]]:
    """Return the rows that are not empty with the line each begins on."""
    dialect = ";" if text.split("\n", 1)[0].count(";") > text.split("\n", 1)[0].count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=dialect, strict=True)
    out: list[tuple[int, list[str]]] = []
    line = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row) and not row[0].lstrip().startswith("#"):
                out.append((line, row))
            line = reader.line_num + 1
    except csv.Error as error:
        raise SettingsError(f"{name}, line {reader.line_num} is no CSV: {error}.", _EXAMPLE) from error
    return out


def resolve(watchlist: Watchlist, sources: Sequence[SourceInfo]) -> Resolved:
    """Return which companies of the base the tickers mean, by the documents that carry them."""
    wanted = {fold(t): t for t in watchlist.tickers}
    companies: dict[str, str] = {}
    for source in sources:
        ticker = wanted.get(fold(source.metadata.ticker or ""))
        if ticker is not None and source.version:
            companies.setdefault(ticker, source.metadata.company or ticker)
    return Resolved(companies, tuple(t for t in watchlist.tickers if t not in companies))


def keeps(watchlist: Watchlist, sources: Sequence[SourceInfo]) -> Callable[[SourceInfo], bool]:
    """Return what tells whether a document is of a company of the list."""
    tickers = frozenset(map(fold, watchlist.tickers))
    named = frozenset(company_words(name) for name in resolve(watchlist, sources).companies.values())

    def kept(source: SourceInfo) -> bool:
        meta = source.metadata
        if meta.ticker:
            return fold(meta.ticker) in tickers
        return bool(meta.company) and company_words(meta.company or "") in named

    return kept


def told(watchlist: Watchlist, sources: Sequence[SourceInfo]) -> str | None:
    """Return a note on the tickers that no document carries; None where all are in."""
    missing = resolve(watchlist, sources).missing
    if not missing:
        return None
    more = f" and {len(missing) - 10} more" if len(missing) > 10 else ""
    return f"No document carries the ticker {', '.join(missing[:10])}{more} of {watchlist.name}."
