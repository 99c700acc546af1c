"""`thesis doctor --live`: one light request to each source that is switched on, within a limit, and what it said.

Nothing is kept: the requests are made over a folder of their own, so that no cache answers for a source that is down.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from assistant.tools.base import NoData, NotConfigured, OutOfTime, ToolFailure
from assistant.tools.deadline import time_limit
from assistant.tools.providers.files import COLUMNS, check, find, folder_of
from assistant.tools.providers.holdings import read_holdings
from assistant.tools.providers.protocols import Fetched, Providers
from assistant.tools.pulls import HOW
from assistant.tools.wiring import make_providers
from vectorstore.errors import ThesisError
from vectorstore.settings import Settings

SECONDS = 15.0  # of one source
APPLE = 320193  # a registrant whose profile is always there
BACK = timedelta(days=120)  # a quarter and its lag
NONE_ON = "No source of live metrics is switched on: nothing goes out, and the tools answer from saved pulls and your own files."
SWITCH_ON = (
    'To switch some on, set sources = ["sec", "fred", "treasury", "usaspending", "holdings"] and contact = "your name and '
    'e-mail" in thesis.toml; or name a folder with your own files in the setting data (docs/tools/README.md).'
)


@dataclass(frozen=True, slots=True)
class Probe:
    """What one source said: ``status`` as of a ToolResult; ``message`` never holds a key or a query."""

    status: str
    message: str
    what_to_do: str
    seconds: float


def probe(
    settings: Settings,
    *,
    environ: Mapping[str, str] | None = None,
    providers: Providers | None = None,
    today: date | None = None,
) -> dict[str, Any]:
    """Return a Probe as a record by source, and ``data`` for the user's files; {note, what_to_do} where nothing is on.

    ``providers`` stands in for those of the settings. Raises SettingsError for a source that does not exist.
    """
    given = os.environ if environ is None else environ
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        # The user's files would answer in the place of a source.
        made = providers or make_providers(replace(settings, store=folder, data=""), given)
        requests = _requests(made, today or datetime.now(UTC).date())
        for name in dict.fromkeys(settings.sources):
            found[name] = asdict(_tried(requests.get(name), name, min(SECONDS, settings.tool_timeout_s)))
    if settings.data.strip():
        found["data"] = asdict(_files(settings.data))
    return found or {"note": NONE_ON, "what_to_do": SWITCH_ON}


def _requests(on: Providers, today: date) -> dict[str, Callable[[], Fetched]]:
    """Return the lightest request of each source that the providers reach."""
    found: dict[str, Callable[[], Fetched]] = {}
    since = today - BACK
    if (facts := on.facts) is not None:
        found["sec"] = lambda: facts.submission(APPLE)
    if (fred := on.fred) is not None:
        found["fred"] = lambda: fred.series("FEDFUNDS", since, today, None)
    if (treasury := on.treasury) is not None:
        found["treasury"] = lambda: treasury.series("customs", since, today, None)
    if (awards := on.awards) is not None:
        period = {"time_period": [{"start_date": since.isoformat(), "end_date": today.isoformat()}]}
        found["usaspending"] = lambda: awards.totals("awarding_agency", period | {"award_type_codes": ["A"]}, 1)
    if (holdings := on.holdings) is not None:
        found["holdings"] = lambda: holdings.holdings("IWM")  # a file of about 2,000 rows
    if (prices := on.prices) is not None:
        found["market"] = lambda: prices.closes("SPY", today - timedelta(days=10), today)
    return found


def _tried(request: Callable[[], Fetched] | None, name: str, seconds: float) -> Probe:
    if request is None:
        return Probe("not_configured", f"{name} is named in sources, but not used.", HOW[name], 0.0)
    said: list[Probe] = []
    start = time.monotonic()

    def work() -> None:
        with time_limit(seconds):
            try:
                fetched = request()
            except ToolFailure as failure:
                said.append(Probe(failure.status, failure.message, failure.what_to_do, _since(start)))
            except Exception as error:  # noqa: BLE001 - what a library raises is told by its kind: its text may hold an address
                said.append(
                    Probe("error", f"{name} failed: {type(error).__name__}.", "Try again later.", _since(start))
                )
            else:
                day = f", data to {fetched.observed}" if fetched.observed else ""
                said.append(Probe("ok", f"{fetched.source} answered{day}.", "", _since(start)))

    # A library that waits without a limit of its own must not hold the command.
    thread = threading.Thread(target=work, name=f"probe-{name}", daemon=True)
    thread.start()
    thread.join(seconds + 1)
    if said:
        return said[0]
    late = OutOfTime(f"{name} did not answer within {seconds:g} s.", "Check the network and HTTPS_PROXY, or try later.")
    return Probe(late.status, late.message, late.what_to_do, _since(start))


def _files(folder: str) -> Probe:
    """Read the user's files as far as their columns."""
    start = time.monotonic()
    try:
        root = folder_of(folder)
        if root is None:
            raise NotConfigured(f"data = {folder!r} is no folder.", "Name a folder, or leave the setting out.")
        held = [path for name in COLUMNS if (path := find(root, name))]
        for path in held:
            check(path)
        for path in sorted(root.glob("holdings/*.csv")):
            read_holdings(path.read_text(encoding="utf-8-sig", errors="replace"), path.stem.upper())
        names = [path.name for path in held] + sorted(f"holdings/{p.name}" for p in root.glob("holdings/*.csv"))
        if not names:
            raise NoData(f"{root} holds none of the files that are read.", HOW["data"])
    except ThesisError as failure:
        status = failure.status if isinstance(failure, ToolFailure) else "error"
        return Probe(status, failure.message, failure.what_to_do, _since(start))
    return Probe("ok", f"Files read: {', '.join(names)}.", "", _since(start))


def _since(start: float) -> float:
    return round(time.monotonic() - start, 2)


__all__ = ["NONE_ON", "Probe", "probe"]
