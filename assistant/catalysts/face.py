"""The board as one reader asks for it: over the documents that they may read, with the tools run over the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from assistant.catalysts import watchlist
from assistant.catalysts.boards import Boards, identity
from assistant.catalysts.evidence import Found
from assistant.catalysts.library import load
from assistant.catalysts.schema import Catalyst
from assistant.catalysts.shapes import Board, Changes
from assistant.catalysts.watchlist import Watchlist
from assistant.filters import parse_date
from assistant.models import ToolResult
from vectorstore.database import AnyDatabase
from vectorstore.errors import SettingsError, StoreEmpty
from vectorstore.records import SourceInfo
from vectorstore.settings import Settings
from vectorstore.view import Base

if TYPE_CHECKING:
    from assistant.catalysts.claim_face import Claims

MOST_CHANGES = 1000


class Catalysts:
    """One reader's board. Cheap: what is kept is shared by all."""

    def __init__(
        self, boards: Boards, view: Base, settings: Settings, tool: Callable[..., ToolResult], *, whole: bool
    ) -> None:
        """``tool``: Assistant.tool over ``view``; ``whole``: whether the view is all of the base."""
        self._boards, self._view, self._settings, self._tool, self._whole = boards, view, settings, tool, whole

    def listed(self) -> tuple[Catalyst, ...]:
        """Return the catalysts in force. Raises CatalystsError."""
        return load(self._settings)

    def documents(self) -> tuple[object, ...]:
        """Return what tells one state of these documents from another; () for none."""
        return tuple(identity(source) for source in self._view.sources() if source.version)

    def database(self) -> AnyDatabase:
        """Return what all boards of the store share. Raises StoreError."""
        return self._boards.database()

    @property
    def claims(self) -> Claims:
        """The claim ledger over these documents (docs/claims_ledger.md)."""
        from assistant.catalysts.claim_face import Claims
        from assistant.catalysts.claim_ledger import ClaimLedger

        def call(name: str, arguments: Mapping[str, Any], as_of: str | None) -> ToolResult:
            return self._tool(name, arguments, as_of=as_of)

        return Claims(ClaimLedger(self.database()), self._view, self._settings, call)

    def update(
        self,
        *,
        seconds: float | None = None,
        stop: Callable[[], bool] = lambda: False,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> int:
        """Read the documents that are not read yet, also those of others; as ``Boards.update``."""
        return self._boards.update(seconds=seconds, stop=stop, progress=progress)

    def measure(self, *, refresh: bool = True) -> None:
        """Ask the tools, and note which thresholds were crossed; a reader of a part of the base does only the first."""
        if self._whole:
            self._boards.measure(self.call(None), refresh=refresh)
        else:
            self._boards.board(self._view, self.call(None), refresh=refresh)

    def board(
        self,
        only: str | None = None,
        *,
        as_of: str | None = None,
        since: str | None = None,
        measure: bool = True,
        tickers: Sequence[str] = (),
    ) -> Board:
        """Return the board, or that of the one catalyst ``only``; dates are ISO. ``measure``: as ``Boards.board``; ``tickers``: over
        the documents of these companies only, where there are any.

        Raises SettingsError for a date that is none, NotFound for a catalyst there is not, StoreEmpty, CatalystsError.
        """
        if self._view.is_empty():
            raise StoreEmpty("The base holds no documents.", "Add some with: thesis ingest PATH_OR_URL")
        day, first = _dates(as_of, since)
        found = self._boards.board(
            self._view,
            self.call(day),
            as_of=day,
            since=first,
            only=only,
            measure=measure,
            keep=self._of(tickers),
        )
        missing = watchlist.told(Watchlist(tuple(tickers), "the watchlist"), self._view.sources()) if tickers else None
        return found.model_copy(update={"warnings": (*found.warnings, missing)}) if missing else found

    def found(
        self, only: str, *, as_of: str | None = None, tickers: Sequence[str] = ()
    ) -> tuple[list[Found], Mapping[str, SourceInfo], int]:
        """Return every sentence on one catalyst with the documents by id, and how many of these are not read yet; as ``Boards.found``."""
        return self._boards.found(self._view, only, as_of=_dates(as_of, None)[0], keep=self._of(tickers))

    def results(self, catalysts: Sequence[Catalyst], as_of: str | None = None) -> dict[tuple[str, str], ToolResult]:
        """Return what the tools gave for the conditions of ``catalysts``, by Condition.call."""
        return self._boards.results(catalysts, self._view, self.call(as_of), as_of=as_of)[0]

    def changes(
        self,
        only: str | None = None,
        *,
        since: str | None = None,
        as_of: str | None = None,
        limit: int = 200,
        tickers: Sequence[str] = (),
    ) -> Changes:
        """Return what changed, newest first: noted on the day ``since`` or later, and by the day ``as_of``. ``tickers``: as ``board``;
        figures are of no company, and stay.

        Raises SettingsError, NotFound as ``board``.
        """
        day, first = _dates(as_of, since)
        if not 1 <= limit <= MOST_CHANGES:
            raise SettingsError(f"limit = {limit} is not a number of changes.", f"Give one from 1 to {MOST_CHANGES}.")
        return self._boards.changes(
            self._view, since=first, until=day, catalyst=only, limit=limit, keep=self._of(tickers)
        )

    def _of(self, tickers: Sequence[str]) -> Callable[[SourceInfo], bool] | None:
        return watchlist.keeps(Watchlist(tuple(tickers)), self._view.sources()) if tickers else None

    def call(self, as_of: str | None) -> Callable[[str, Mapping[str, Any]], ToolResult]:
        """Return what asks a tool by name and arguments."""
        return lambda name, arguments: self._tool(name, arguments, as_of=as_of)


def _dates(as_of: str | None, since: str | None) -> tuple[str | None, str | None]:
    """Raises SettingsError for a date that is none, or a first day after the last."""
    day = parse_date("as_of", as_of) if as_of else None
    first = parse_date("since", since) if since else None
    if day and first and first > day:
        raise SettingsError(f"since = {first} lies after as_of = {day}.", "Give a since on or before the as_of.")
    return day, first


__all__ = ["MOST_CHANGES", "Catalysts"]
