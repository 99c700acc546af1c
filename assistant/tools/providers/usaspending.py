"""USAspending: obligations of prime awards by agency, industry or recipient (keyless)."""

from __future__ import annotations

from datetime import datetime

from assistant.tools.base import SourceFailed
from assistant.tools.providers._read import field, listed, maybe
from assistant.tools.providers.http import Http
from assistant.tools.providers.protocols import AwardTotal, AwardTotals, Fetched

API_URL = "https://api.usaspending.gov"
SITE_URL = "https://www.usaspending.gov/search"
PAGE = 100


class UsaSpending:
    """The search of USAspending.gov."""

    source = "usaspending"

    def __init__(self, http: Http, *, api_url: str = API_URL) -> None:
        self._http = http
        self._api = api_url

    def totals(self, category: str, filters: dict[str, object], limit: int) -> Fetched:
        """Return the ``limit`` largest sums of a category (awarding_agency, naics, recipient) under ``filters``."""
        url = f"{self._api}/api/v2/search/spending_by_category/{category}/"
        found: list[AwardTotal] = []
        page, more = 1, True
        while more and len(found) < limit:
            body = {"filters": filters, "category": category, "limit": min(PAGE, limit), "page": page}
            reply = self._http.post(self.source, url, body, keep_s=6 * 3600)
            answer = reply.json()
            if field(answer, "category", "usaspending") != category:
                raise SourceFailed(f"usaspending: asked for {category}, got another category.", "Try again later.")
            for record in listed(field(answer, "results", "usaspending"), "results", "usaspending"):
                code = record.get("code") if isinstance(record, dict) else None
                found.append(
                    AwardTotal(
                        name=str(field(record, "name", "usaspending") or "not named"),
                        code=str(code) if code is not None else None,
                        # A name under which nothing was obligated has null.
                        amount=maybe(field(record, "amount", "usaspending"), "amount", "usaspending") or 0.0,
                    )
                )
            more = bool(field(field(answer, "page_metadata", "usaspending"), "hasNext", "usaspending"))
            page += 1
        payload = AwardTotals(category=category, totals=tuple(found[:limit]), complete=not more and len(found) <= limit)
        seen = datetime.fromisoformat(reply.retrieved_at).date()
        return Fetched(payload, "USAspending", SITE_URL, seen, reply.stale, reply.retrieved_at)
