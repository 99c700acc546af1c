"""Market data from Yahoo through yfinance, which is unofficial and for personal use: off until the user accepts its terms.

Its keys are all optional and its zeros often mean "not known", so a missing value is None here, never 0.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import stamina

from assistant.tools.base import NoData, OutOfTime, RateLimited, SourceFailed, ToolFailure
from assistant.tools.deadline import remaining
from assistant.tools.providers.causes import UNKNOWN, cause
from assistant.tools.providers.protocols import Chain, Closes, Contract, Estimate, Estimates, Fetched

SITE = "https://finance.yahoo.com/quote"
MOST_EXPIRIES = 12
T = TypeVar("T")


class Market:
    """Closes, option chains and numbers of analysts. ``library`` stands in for yfinance in tests."""

    source = "market"

    def __init__(
        self, folder: Path, *, library: Any = None, today: Callable[[], date] | None = None, ca_bundle: str = ""
    ) -> None:
        self._folder = folder
        self._ca_bundle = ca_bundle
        self._library = library
        self._today = today or (lambda: datetime.now(UTC).date())

    def _yfinance(self) -> Any:
        if self._library is None:
            if self._ca_bundle:
                # It makes its own connections, and takes certificates from here alone.
                os.environ.setdefault("CURL_CA_BUNDLE", self._ca_bundle)
            import yfinance

            folder = self._folder / "yfinance"
            folder.mkdir(parents=True, exist_ok=True)
            # It would keep its cookies and time zones in the user's cache folder.
            yfinance.set_tz_cache_location(str(folder))
            yfinance.config.debug.hide_exceptions = False
            self._library = yfinance
        return self._library

    def closes(self, symbol: str, start: date, end: date) -> Fetched:
        def work() -> Fetched:
            ticker = self._yfinance().Ticker(_own(symbol))
            frame = ticker.history(
                start=start.isoformat(),
                end=(end + timedelta(days=1)).isoformat(),
                auto_adjust=False,
                timeout=remaining(20.0),
            )
            about = getattr(ticker, "history_metadata", None) or {}
            _same(_own(symbol), about.get("symbol"))
            if "Close" not in getattr(frame, "columns", ()):
                raise SourceFailed(f"Yahoo sent closes of {symbol} without the column Close.", "Try again later.")
            found = {at.date(): float(value) for at, value in frame["Close"].items() if _finite(value)}
            days = tuple(sorted(d for d in found if start <= d <= end))
            if not days:
                raise NoData(f"Yahoo has no closes of {symbol} in the period.", "Check the ticker.")
            currency = str(about.get("currency") or "")
            payload = Closes(symbol=symbol, currency=currency, days=days, closes=tuple(found[d] for d in days))
            return Fetched(payload, "Yahoo Finance", f"{SITE}/{symbol}/history", days[-1])

        return self._guarded(symbol, work)

    def chain(self, symbol: str) -> Fetched:
        def work() -> Fetched:
            ticker = self._yfinance().Ticker(_own(symbol))
            contracts: list[Contract] = []
            spot: float | None = None
            today = self._today()
            near = [e for e in ticker.options if 0 < (date.fromisoformat(e) - today).days <= 75]
            for expiry in near[:MOST_EXPIRIES]:
                got = ticker.option_chain(expiry)
                about = got.underlying or {}
                _same(_own(symbol), about.get("symbol"))
                price = about.get("regularMarketPrice")
                spot = float(price) if price is not None and _finite(price) else spot
                for kind, frame in (("call", got.calls), ("put", got.puts)):
                    rows = [] if frame is None else frame.to_dict("records")
                    contracts += [_contract(kind, expiry, row) for row in rows]
            if not contracts:
                raise NoData(
                    f"Yahoo has no options of {symbol} that expire within 75 days.", "Take a fund with options."
                )
            if spot is None:
                raise SourceFailed(f"Yahoo sent the options of {symbol} without its price.", "Try again later.")
            payload = Chain(symbol=symbol, spot=spot, day=today, contracts=tuple(contracts))
            return Fetched(payload, "Yahoo Finance", f"{SITE}/{symbol}/options", today)

        return self._guarded(symbol, work)

    def estimates(self, tickers: tuple[str, ...]) -> Fetched:
        today = self._today()

        def one(symbol: str) -> Estimate:
            info = self._yfinance().Ticker(_own(symbol)).info or {}
            _same(_own(symbol), info.get("symbol"))
            count = info.get("numberOfAnalystOpinions")
            return Estimate(ticker=symbol, analysts=_count(count), day=today)

        found: list[Estimate] = []
        failed = 0
        for symbol in tickers:
            try:
                found.append(self._guarded(symbol, lambda name=symbol: one(name)))  # type: ignore[misc]
            except (RateLimited, OutOfTime):
                if not found:
                    raise
                break
            except ToolFailure:
                failed += 1
        if not found:
            raise NoData("Yahoo gave no number of analysts of any of the companies.", "Check the tickers.")
        left = len(tickers) - len(found)
        told = (f"{left} of {len(tickers)} companies were not reached ({failed} failed).",) if left else ()
        return Fetched(Estimates(estimates=tuple(found)), "Yahoo Finance", f"{SITE}/", today, warnings=told)

    @staticmethod
    def _guarded(symbol: str, work: Callable[[], T]) -> T:
        """Run ``work``, again where Yahoo limits the rate; what goes wrong is a ToolFailure."""
        try:
            for attempt in stamina.retry_context(
                on=_limited, attempts=3, timeout=remaining(60.0), wait_initial=1.0, wait_max=8.0, wait_jitter=0.5
            ):
                with attempt:
                    return work()
        except ToolFailure:
            raise
        except Exception as error:  # an unofficial library: any of its parts may fail in its own way
            if _limited(error):
                raise RateLimited("Yahoo limits the rate of requests.", "Try again later.") from error
            raise _failure(symbol, error) from error
        raise AssertionError("a retry context ends with a return or an exception")


def _limited(error: Exception) -> bool:
    return type(error).__name__ == "YFRateLimitError" or "Too Many Requests" in str(error)


def _failure(symbol: str, error: Exception) -> ToolFailure:
    """Return what an error of the library, or of the connection under it, means for the user."""
    name = type(error).__name__
    code = getattr(getattr(error, "response", None), "status_code", None)
    if name in {"YFPricesMissingError", "YFTzMissingError", "YFTickerMissingError"} or code == 404:
        return NoData(f"Yahoo has no data of {symbol}.", "Check the ticker.")
    if code in {401, 403}:
        return SourceFailed(
            f"Yahoo refused the request ({code}).",
            "It blocks some networks and proxies: try later or from another one, or put your own prices in the data folder (docs/tools/data.md).",
        )
    if "imeout" in name or isinstance(error, TimeoutError):
        return OutOfTime("Yahoo did not answer in time.", "Check the network and HTTPS_PROXY, or try again later.")
    why = cause(error)
    if why is not UNKNOWN:
        return SourceFailed(f"Yahoo could not be reached: {why.said}.", why.what_to_do)
    return SourceFailed(f"Yahoo's data of {symbol} could not be read ({name}).", "Try again later.")


def _own(symbol: str) -> str:
    """Return a symbol as Yahoo writes it: a US share class stands behind a dash, and behind a dot the exchange."""
    return re.sub(r"\.([A-E])$", r"-\1", symbol)


def _same(asked: str, got: object) -> None:
    if got is not None and str(got).upper() != asked.upper():
        raise SourceFailed(f"Yahoo was asked for {asked} and answered for {got}.", "Try again later.")


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _positive(value: Any) -> float | None:
    return float(value) if _finite(value) and value > 0 else None


def _count(value: Any) -> int | None:
    return int(value) if _finite(value) and value >= 0 else None


def _contract(kind: str, expiry: str, row: dict[str, Any]) -> Contract:
    strike = row.get("strike")
    if not _finite(strike):
        raise SourceFailed("Yahoo sent an option without a strike.", "Try again later.")
    traded = row.get("lastTradeDate")
    return Contract(
        kind=kind,
        strike=float(strike),  # type: ignore[arg-type]
        expiry=date.fromisoformat(expiry),
        bid=_positive(row.get("bid")),
        ask=_positive(row.get("ask")),
        open_interest=_count(row.get("openInterest")),
        volume=_count(row.get("volume")),
        last_trade=traded.date() if isinstance(traded, datetime) and not _null(traded) else None,
    )


def _null(moment: datetime) -> bool:
    # pandas' NaT is a datetime that is not equal to itself.
    return moment != moment
