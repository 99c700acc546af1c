"""SEC EDGAR: list of tickers, company facts, frames, submissions, form index and the text of filings.

Keyless; SEC wants a contact in the User-Agent and at most 10 requests a second (https://www.sec.gov/os/accessing-edgar-data).
"""

from __future__ import annotations

import gzip
import html
import re
import zlib
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from assistant.tools.base import NoData, SourceFailed
from assistant.tools.providers import edgar_pages as pages
from assistant.tools.providers._read import day, field, listed, maybe, number, whole
from assistant.tools.providers.http import Http, Reply
from assistant.tools.providers.protocols import (
    CompanyFacts,
    Fact,
    Fetched,
    FilingList,
    FilingPage,
    Frame,
    FramePoint,
    IndexEntry,
    Listing,
    Listings,
    Payload,
    QuarterIndex,
    Submission,
)

DATA_URL = "https://data.sec.gov"
WWW_URL = "https://www.sec.gov"
DAY_S, YEAR_S = 86_400, 31_536_000
GZIP = b"\x1f\x8b"
MOST_PAGES = 4  # of a registrant's older filings
# Bytes of an index page, of a release, of an annual report: larger ones are not read.
MOST_INDEX, MOST_RELEASE, MOST_REPORT = 2_000_000, 8_000_000, 40_000_000
TAXONOMIES = ("us-gaap", "ifrs-full", "dei")
# Registration statements for a first offering, what prices or withdraws it, and the reports of those already public.
OFFERINGS = frozenset({"S-1", "S-1/A", "F-1", "F-1/A", "424B4", "RW"})
REPORTS = frozenset({"10-K", "10-K405", "10-KT", "10-Q", "20-F", "40-F", "6-K"})


class Sec:
    """The SEC's public data."""

    source = "sec"

    def __init__(self, http: Http, *, data_url: str = DATA_URL, www_url: str = WWW_URL) -> None:
        self._http = http
        self._data = data_url
        self._www = www_url

    def _get(self, url: str, keep_s: int, most_bytes: int | None = None) -> Reply:
        self._http.need_contact("SEC")
        return self._http.get(self.source, url, keep_s=keep_s, most_bytes=most_bytes)

    def listings(self) -> Fetched:
        """Return every ticker of SEC's list with its CIK."""
        reply = self._get(f"{self._www}/files/company_tickers.json", DAY_S)
        records = reply.json()
        if not isinstance(records, dict):
            raise SourceFailed("sec: the list of tickers is no record.", "Try again later.")
        found = tuple(
            Listing(
                ticker=str(field(r, "ticker", "sec")).upper(),
                cik=whole(field(r, "cik_str", "sec"), "cik_str", "sec"),
                name=str(field(r, "title", "sec")),
            )
            for r in records.values()
        )
        if not found:
            raise NoData("SEC's list of tickers is empty.", "Try again later.")
        return _fetched(Listings(listings=found), reply, f"{WWW_URL}/files/company_tickers.json")

    def company_facts(self, cik: int) -> Fetched:
        """Return all XBRL facts of a registrant. NoData for one that never filed any."""
        reply = self._get(f"{self._data}/api/xbrl/companyfacts/CIK{cik:010d}.json", 3600)
        body = reply.json()
        self._same(cik, field(body, "cik", "sec"))
        facts = tuple(_facts(field(body, "facts", "sec")))
        if not facts:
            raise NoData(f"SEC has no XBRL facts of CIK {cik}.", "Take a company that files 10-K or 20-F.")
        payload = CompanyFacts(cik=cik, name=str(field(body, "entityName", "sec")), facts=facts)
        return _fetched(
            payload, reply, f"{DATA_URL}/api/xbrl/companyfacts/CIK{cik:010d}.json", max(f.filed for f in facts)
        )

    def submission(self, cik: int) -> Fetched:
        """Return a registrant's name, tickers and industry (SIC)."""
        reply = self._get(f"{self._data}/submissions/CIK{cik:010d}.json", DAY_S // 2)
        body = reply.json()
        self._same(cik, field(body, "cik", "sec"))
        sic = str(field(body, "sic", "sec") or "").strip()
        payload = Submission(
            cik=cik,
            name=str(field(body, "name", "sec")),
            tickers=tuple(str(t) for t in listed(body.get("tickers") or [], "tickers", "sec")),
            sic=int(sic) if sic.isdigit() else None,
            sic_description=str(body.get("sicDescription") or ""),
        )
        return _fetched(payload, reply, f"{WWW_URL}/cgi-bin/browse-edgar?action=getcompany&CIK={cik:010d}")

    def frame(self, concept: str, unit: str, period: str) -> Fetched:
        """Return one concept of all registrants for a calendar period (CY2024, CY2024Q1, CY2024Q1I)."""
        taxonomy = "dei" if concept.startswith("Entity") else "us-gaap"
        path = f"/api/xbrl/frames/{taxonomy}/{concept}/{unit}/{period}.json"
        reply = self._get(self._data + path, DAY_S)
        body = reply.json()
        if field(body, "tag", "sec") != concept or field(body, "ccp", "sec") != period:
            raise SourceFailed(f"sec: asked for {concept} {period}, got another frame.", "Try again later.")
        points = tuple(
            FramePoint(
                cik=whole(field(p, "cik", "sec"), "cik", "sec"),
                name=str(field(p, "entityName", "sec")),
                end=day(field(p, "end", "sec"), "end", "sec"),
                value=number(field(p, "val", "sec"), "val", "sec"),
                accn=str(field(p, "accn", "sec")),
            )
            for p in listed(field(body, "data", "sec"), "data", "sec")
        )
        return _fetched(Frame(concept=concept, unit=unit, period=period, points=points), reply, DATA_URL + path)

    def quarter(self, year: int, quarter: int) -> Fetched:
        """Return the offerings in EDGAR's index of a quarter, and who filed reports in it."""
        path = f"/Archives/edgar/full-index/{year}/QTR{quarter}/master.gz"
        over = date(year + quarter // 4, quarter % 4 * 3 + 1, 1) < date.today()  # noqa: DTZ011 - only how long it is kept
        reply = self._get(self._www + path, YEAR_S if over else DAY_S // 2)
        try:
            # Where the server calls the gzip an encoding of the answer, it is unpacked already.
            packed = reply.content[:2] == GZIP
            text = (gzip.decompress(reply.content) if packed else reply.content).decode("latin-1")
        except (OSError, EOFError, zlib.error):
            raise SourceFailed("sec: the form index is cut short.", "Try again later.") from None
        entries: list[IndexEntry] = []
        reporters: dict[int, date] = {}
        lines = iter(text.splitlines())
        if not any(line.strip().startswith("CIK|Company Name|Form Type|Date Filed|") for line in lines):
            raise SourceFailed("sec: the form index has other columns than it documents.", "Report it if this stays.")
        for line in lines:
            parts = line.split("|")
            if len(parts) != 5:
                continue
            cik, company, form, filed, name = parts
            if form in OFFERINGS:
                entries.append(
                    IndexEntry(
                        form=form, company=company.strip(), cik=whole(cik, "CIK", "sec"),
                        filed=day(filed, "Date Filed", "sec"), path=name.strip(),
                    )
                )  # fmt: skip
            elif form in REPORTS:
                first = day(filed, "Date Filed", "sec")
                known = reporters.get(int(cik))
                reporters[int(cik)] = first if known is None or first < known else known
        payload = QuarterIndex(year=year, quarter=quarter, entries=tuple(entries), reporters=reporters)
        return _fetched(payload, reply, WWW_URL + path)

    def text(self, path: str) -> Fetched:
        """Return the text of a filing (``path`` as in the form index), its markup taken out."""
        reply = self._get(f"{self._www}/Archives/{path}", YEAR_S)
        text = html.unescape(re.sub(r"<[^>]{0,2000}>", " ", reply.text))
        payload = FilingPage(path=path, text=" ".join(text.split()))
        return _fetched(payload, reply, f"{WWW_URL}/Archives/{path}")

    def filings(self, cik: int, since: date) -> Fetched:
        """Return a registrant's annual reports and 8-Ks on results (item 2.02) filed from ``since`` on, newest first."""
        reply = self._get(f"{self._data}/submissions/CIK{cik:010d}.json", DAY_S // 2)
        body = reply.json()
        self._same(cik, field(body, "cik", "sec"))
        held = field(body, "filings", "sec")
        found = list(pages.filings(field(held, "recent", "sec")))
        older = [
            str(field(page, "name", "sec")) for page in listed(held.get("files") or [], "files", "sec")
            if day(field(page, "filingTo", "sec"), "filingTo", "sec") >= since
        ]  # fmt: skip
        for name in older[:MOST_PAGES]:
            if not re.fullmatch(r"CIK\d{10}-submissions-\d{3}\.json", name):
                raise SourceFailed(f"sec: {name!r} is no page of filings.", "Report it if this stays.")
            found += pages.filings(self._get(f"{self._data}/submissions/{name}", 30 * DAY_S).json())
        kept = sorted((f for f in found if f.filed >= since), key=lambda f: (f.filed, f.accn), reverse=True)
        payload = FilingList(cik=cik, name=str(field(body, "name", "sec")), since=since, filings=tuple(kept))
        return _fetched(payload, reply, f"{WWW_URL}/cgi-bin/browse-edgar?action=getcompany&CIK={cik:010d}&type=8-K")

    def release(self, cik: int, accn: str) -> Fetched:
        """Return the text of the release (EX-99.1) of an 8-K. Raises NoData for a filing without one."""
        where = pages.folder(cik, accn)
        index = self._get(f"{self._www}{where}/{accn}-index.htm", YEAR_S, MOST_INDEX)
        path = pages.exhibit(index.text, where)
        if path is None:
            raise NoData(f"The 8-K {accn} has no EX-99.1 as a text.", "Its results may stand in the 8-K itself.")
        return self._page(path, MOST_RELEASE)

    def report(self, cik: int, accn: str, document: str) -> Fetched:
        """Return the text of the main document of a filing."""
        if not re.fullmatch(r"[\w.\-]+\.(?:htm|html|txt)", document):
            raise NoData(f"The filing {accn} has no main document as a text.", "Add it with: thesis ingest FILE")
        return self._page(f"{pages.folder(cik, accn)}/{document}", MOST_REPORT)

    def _page(self, path: str, most_bytes: int) -> Fetched:
        reply = self._get(f"{self._www}{path}", YEAR_S, most_bytes)
        text, tables = pages.plain(reply.text)
        if not text:
            raise NoData(f"The document {path} has no text.", "It may be a picture.")
        return _fetched(FilingPage(path=path, text=text, tables=tables), reply, f"{WWW_URL}{path}")

    @staticmethod
    def _same(asked: int, got: Any) -> None:
        if str(got).lstrip("0") != str(asked):
            raise SourceFailed(f"sec: asked for CIK {asked}, got {got}.", "Try again later.")


def _facts(taxonomies: Any) -> Iterator[Fact]:
    for taxonomy in TAXONOMIES:
        concepts = taxonomies.get(taxonomy) if isinstance(taxonomies, dict) else field(taxonomies, taxonomy, "sec")
        for concept, entry in (concepts or {}).items():
            for unit, facts in field(entry, "units", "sec").items():
                for fact in listed(facts, "a list of facts", "sec"):
                    value = maybe(field(fact, "val", "sec"), concept, "sec")
                    if value is None:
                        continue
                    start = fact.get("start")
                    yield Fact(
                        concept=concept,
                        unit=unit,
                        start=_iso(start) if start else None,
                        end=_iso(field(fact, "end", "sec")),
                        value=value,
                        accn=str(field(fact, "accn", "sec")),
                        filed=_iso(field(fact, "filed", "sec")),
                        form=str(fact.get("form") or ""),
                    )


def _iso(text: Any) -> date:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        raise SourceFailed(f"sec: {text!r} is no date.", "Report it if this stays.") from None


def _fetched(payload: Payload, reply: Reply, url: str, observed: date | None = None) -> Fetched:
    at = reply.retrieved_at
    return Fetched(payload, "SEC EDGAR", url, observed or datetime.fromisoformat(at).date(), reply.stale, at)
