"""The claim ledger and the companies of a catalyst, of a user: over what they may read, as if nothing else were in the base."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from assistant.access import User
from assistant.filters import parse_date
from assistant.service.boards import READING_S, CatalystBoards

if TYPE_CHECKING:
    from assistant.catalysts.claim_face import Listing, Wanted
    from assistant.catalysts.companies import Table


class Theses(CatalystBoards):
    """What `thesis claims` and `thesis companies` show, for each user."""

    def claims(self, user: User, wanted: Wanted) -> Listing:
        """Return the claims that are wanted, newest first; errors as ``Claims.listed``. Raises Forbidden."""
        face = self._face(user)
        face.claims.update(seconds=READING_S)
        found = face.claims.listed(wanted)
        told = {"author": wanted.author, "status": wanted.status, "catalyst": wanted.catalyst, "as_of": wanted.as_of}
        self.event(user, "claims_read", told)
        return found

    def check_claims(self, user: User, ids: Sequence[str] = (), *, as_of: str | None = None) -> Listing:
        """Check claims against live data and keep the checks; as ``Claims.check``. Raises Forbidden."""
        face = self._face(user)
        self.event(user, "claims_checked", {"claims": list(ids), "as_of": as_of})
        return face.claims.check(ids, as_of=as_of)

    def companies(
        self,
        user: User,
        catalyst: str,
        *,
        where: Sequence[str] = (),
        as_of: str | None = None,
        tickers: Sequence[str] = (),
    ) -> Table:
        """Return the companies that speak of a catalyst, with their figures; ``where`` as ``companies.condition``.

        Raises NotFound for a catalyst there is not, SettingsError for a condition or date that is none, Forbidden.
        """
        from assistant.catalysts import companies

        conditions = [companies.condition(text) for text in where]
        day = parse_date("as_of", as_of) if as_of else None
        face, view = self._face(user), self.view(user)
        face.update(seconds=READING_S)
        found, sources, _ = face.found(catalyst, as_of=day, tickers=tickers)
        table = companies.table(
            catalyst,
            companies.spoken(found, sources),
            lambda name, arguments: view.tool(name, arguments, as_of=day),
            where=conditions,
            as_of=day,
        )
        self.event(user, "companies_read", {"catalyst": catalyst, "where": list(where), "as_of": as_of})
        return table


__all__ = ["Theses"]
