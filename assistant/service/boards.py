"""The catalyst board of a user: over what they may read, as if nothing else were in the base."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from assistant.access import User
from assistant.service.door import Door

if TYPE_CHECKING:
    from assistant.catalysts.face import Catalysts
    from assistant.catalysts.shapes import Board, Changes

READING_S = 3.0  # that a request spends on documents that no board has read yet: a server's own thread reads the rest


class CatalystBoards(Door):
    """What `thesis board` shows, for each user."""

    def board(
        self,
        user: User,
        only: str | None = None,
        *,
        as_of: str | None = None,
        since: str | None = None,
        tickers: Sequence[str] = (),
    ) -> Board:
        """Return the board, or that of the catalyst ``only``; parameters and errors as ``Catalysts.board``. Raises Forbidden."""
        face = self._face(user)
        self._assistant.catalysts.update(seconds=READING_S)
        found = face.board(only, as_of=as_of, since=since, tickers=tickers)
        self.event(user, "board_read", {"catalyst": only, "as_of": as_of, "since": since})
        return found

    def board_changes(
        self,
        user: User,
        only: str | None = None,
        *,
        since: str | None = None,
        as_of: str | None = None,
        limit: int = 200,
        tickers: Sequence[str] = (),
    ) -> Changes:
        """Return what changed on the board, as far as this user may know; as ``Catalysts.changes``. Raises Forbidden."""
        found = self._face(user).changes(only, since=since, as_of=as_of, limit=limit, tickers=tickers)
        self.event(user, "board_changes_read", {"catalyst": only, "as_of": as_of, "since": since})
        return found

    def _face(self, user: User) -> Catalysts:
        self.need(user, "read")
        self.need(user, "tools")
        face: Catalysts = self.view(user).catalysts
        return face


__all__ = ["CatalystBoards"]
