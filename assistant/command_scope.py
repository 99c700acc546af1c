"""Over which documents a command works: what its filter flags, its watchlist and ``--within`` leave."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from typing import Any

from assistant.filters import readers_of
from assistant.wiring import Wiring
from vectorstore.settings import Settings

_FLAGS = ("kind", "publisher", "company", "ticker", "form", "collection", "since", "until")


def scope_of(a: argparse.Namespace, wiring: Wiring) -> dict[str, Any]:
    """Return the filters that the flags gave; the tickers of a watchlist join those of ``--ticker``. Raises SettingsError."""
    given: dict[str, Any] = {name: getattr(a, name) for name in _FLAGS if getattr(a, name)}
    if a.watchlist:
        from assistant.catalysts.watchlist import load

        given["ticker"] = [*given.get("ticker", ()), *load(wiring.at(a.watchlist)).tickers]
    return given


@contextlib.contextmanager
def opened(a: argparse.Namespace, settings: Settings, wiring: Wiring) -> Iterator[Any]:
    """Open the assistant, over what ``--within`` leaves."""
    within = readers_of(a.within)
    with wiring.open_assistant(settings) as assistant:
        yield assistant if within is None else assistant.within(within)


__all__ = ["opened", "scope_of"]
