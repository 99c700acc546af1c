"""From the settings to a Context: which providers are switched on, and over what."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.tools.base import Context, Documents
from assistant.tools.entities import funds
from assistant.tools.providers.files import EstimatesFile, PriceFile, ReturnsFile, find, folder_of
from assistant.tools.providers.protocols import Providers
from assistant.tools.snapshots import Snapshots
from vectorstore.errors import NotFound, SettingsError
from vectorstore.records import Chunk, Document, Filters, SourceInfo
from vectorstore.settings import Settings
from vectorstore.shared import Shared, shared_of

if TYPE_CHECKING:
    from vectorstore.ledger import Ledger

SOURCES = ("sec", "fred", "treasury", "usaspending", "holdings", "market")


def make_context(
    settings: Settings,
    *,
    documents: Documents | None = None,
    as_of: date | None = None,
    today: date | None = None,
    environ: Mapping[str, str] | None = None,
) -> Context:
    """Return what tools are run with. Raises SettingsError for a source that does not exist.

    ``documents``: the open base; without it the base in ``settings.store`` is read directly, owned by another or not.
    """
    return Context(
        settings=settings,
        providers=make_providers(settings, os.environ if environ is None else environ),
        snapshots=Snapshots(shared_of(settings) or settings.store),
        today=today or datetime.now(UTC).date(),
        as_of=as_of,
        documents=LedgerDocuments(shared_of(settings) or Path(settings.store)) if documents is None else documents,
    )


def make_providers(settings: Settings, environ: Mapping[str, str]) -> Providers:
    """Return the providers that the settings switch on."""
    unknown = [name for name in settings.sources if name not in SOURCES]
    if unknown:
        raise SettingsError(f"sources: there is no source {unknown[0]!r}.", f"Sources are: {', '.join(SOURCES)}.")
    on = set(settings.sources)
    folder = folder_of(settings.data)
    if settings.data.strip() and folder is None:
        raise SettingsError(f"data = {settings.data!r} is no folder.", "Name a folder, or leave the setting out.")
    if "market" in on and not settings.accept_market_terms:
        on.discard("market")
    prices_file, returns, estimates = (find(folder, n) if folder else None for n in ("prices", "returns", "estimates"))
    if not on and folder is None:
        return Providers()

    from assistant.tools.providers.holdings import HoldingsFiles, HoldingsUrls
    from assistant.tools.providers.http import Http
    from assistant.tools.providers.market import Market
    from assistant.tools.providers.sec import Sec
    from assistant.tools.providers.series import Fred, Treasury
    from assistant.tools.providers.usaspending import UsaSpending

    cache = Path(settings.store) / "tools"
    http = None
    if on - {"market"}:
        http = Http(
            cache, contact=settings.contact, ca_bundle=settings.ca_bundle, timeout_s=min(30.0, settings.tool_timeout_s)
        )
    market = Market(cache, ca_bundle=settings.ca_bundle) if "market" in on else None
    sec = Sec(http) if http and "sec" in on else None
    urls = HoldingsUrls(http, _addresses(settings.holdings_urls)) if http and "holdings" in on else None
    return Providers(
        prices=PriceFile(prices_file, market) if prices_file else market,
        options=market,
        facts=sec,
        forms=sec,
        filings=sec,
        fred=Fred(http, key=environ.get("FRED_API_KEY", "")) if http and "fred" in on else None,
        treasury=Treasury(http) if http and "treasury" in on else None,
        awards=UsaSpending(http) if http and "usaspending" in on else None,
        holdings=HoldingsFiles(folder, urls) if folder else urls,
        estimates=EstimatesFile(estimates) if estimates else market,
        returns=ReturnsFile(returns) if returns else None,
    )


def _addresses(given: Sequence[str]) -> dict[str, str]:
    found = {ticker: fund.url for ticker, fund in funds().items() if fund.url}
    for pair in given:
        fund, sign, url = pair.partition("=")
        if not sign or not url.strip().lower().startswith(("https://", "http://")):
            raise SettingsError(f"holdings_urls: {pair!r} is not FUND=address.", 'For example: "IWM=https://…".')
        found[fund.strip().upper()] = url.strip()
    return found


class LedgerDocuments:
    """The base, read without owning it: a tool on the command line may run beside the chat."""

    def __init__(self, place: Path | Shared) -> None:
        """``place``: the store's folder, or the PostgreSQL of a base that machines share."""
        self._place = place / "ledger.sqlite" if isinstance(place, Path) else place

    def sources(self, filters: Filters | None = None) -> Sequence[SourceInfo]:
        if self._missing():
            return []
        with _ledger(self._place) as ledger:
            return [s for s in ledger.infos(filters) if s.version]

    def document(self, document_id: str, version: str | None = None) -> Document:
        self._need()
        with _ledger(self._place) as ledger:
            return ledger.document(document_id, version)

    def chunks(self, document_id: str) -> Sequence[Chunk]:
        self._need()
        with _ledger(self._place) as ledger:
            return ledger.chunks(document_id)

    def _missing(self) -> bool:
        return isinstance(self._place, Path) and not self._place.exists()

    def _need(self) -> None:
        if isinstance(self._place, Path) and self._missing():
            raise NotFound(f"There is no base in {self._place.parent}.", "Make one with: thesis ingest PATH_OR_URL")


@contextlib.contextmanager
def _ledger(place: Path | Shared) -> Iterator[Ledger]:
    from vectorstore.ledger import Ledger

    ledger = Ledger(place, owned=False)
    try:
        yield ledger
    finally:
        ledger.close()
