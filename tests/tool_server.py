"""A data source on loopback that answers as it is told, and misbehaves as it is told; its payloads are synthetic."""

from __future__ import annotations

import contextlib
import gzip
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from assistant.tools.base import Context
from assistant.tools.providers.files import EstimatesFile, PriceFile, ReturnsFile, find
from assistant.tools.providers.holdings import HoldingsFiles, HoldingsUrls
from assistant.tools.providers.http import Http
from assistant.tools.providers.protocols import Providers
from assistant.tools.providers.sec import Sec
from assistant.tools.providers.series import Fred, Treasury
from assistant.tools.providers.usaspending import UsaSpending
from assistant.tools.snapshots import Snapshots
from vectorstore.settings import Settings

TODAY = date(2025, 7, 15)
CONTACT = "Test Person test@example.org"


@dataclass(frozen=True)
class Said:
    """One scripted answer. ``cut``: the connection ends after so many bytes of a body that was announced whole."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: int | None = None


@dataclass(frozen=True)
class Heard:
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any


class Source:
    """Scripted answers by path; the last one of a path stays. What was asked stands in ``heard``."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Said]] = {}
        self.heard: list[Heard] = []
        source = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer(None)

            def do_POST(self) -> None:
                size = int(self.headers.get("Content-Length", "0"))
                self._answer(json.loads(self.rfile.read(size)))

            def _answer(self, body: Any) -> None:
                parts = urlsplit(self.path)
                path = unquote(parts.path)
                source.heard.append(Heard(path, parse_qs(parts.query), dict(self.headers), body))
                said = source.next(path)
                time.sleep(said.delay)
                with contextlib.suppress(ConnectionError):
                    self.send_response(said.status)
                    for name, value in said.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(said.body)))
                    self.end_headers()
                    self.wfile.write(said.body[: said.cut])
                    if said.cut is not None:
                        self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def next(self, path: str) -> Said:
        queue = self.answers.get(path)
        if not queue:
            return Said(b"not here", 404)
        return queue.pop(0) if len(queue) > 1 else queue[0]

    def put(self, path: str, *answers: object) -> None:
        """Script a path: a Said as it stands, bytes and text as a body, everything else as JSON."""
        self.answers[path] = [_said(answer) for answer in answers]

    def asked(self, path: str) -> list[Heard]:
        return [h for h in self.heard if h.path == path]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _said(answer: object) -> Said:
    if isinstance(answer, Said):
        return answer
    if isinstance(answer, bytes):
        return Said(answer)
    return Said(answer.encode() if isinstance(answer, str) else json.dumps(answer).encode())


@contextlib.contextmanager
def source() -> Iterator[Source]:
    server = Source()
    try:
        yield server
    finally:
        server.close()


def make_http(folder: Path, *, contact: str = CONTACT, timeout_s: float = 10.0, **options: Any) -> Http:
    return Http(
        folder / "tools",
        contact=contact,
        timeout_s=timeout_s,
        first_wait_s=0.01,
        **({"pace": {"other": 0.0}} | options),
    )


def context(
    folder: Path,
    server: Source | None = None,
    *,
    as_of: date | None = None,
    today: date = TODAY,
    contact: str = CONTACT,
    fred_key: str = "",
    timeout_s: float = 10.0,
    data: Path | None = None,
    documents: Any = None,
    **given: Any,
) -> Context:
    """Return a Context whose providers ask ``server``, and the files in ``data``; ``given`` providers win."""
    providers: dict[str, Any] = {}
    if server is not None:
        http = make_http(folder, contact=contact, timeout_s=timeout_s)
        sec = Sec(http, data_url=server.url, www_url=server.url)
        funds = ("IWM", "IVV", "IWR", "URTH", "WSML", "IJR", "TEST", "LARGE")
        providers = {
            "facts": sec,
            "forms": sec,
            "filings": sec,
            "fred": Fred(http, key=fred_key, api_url=server.url, site_url=server.url),
            "treasury": Treasury(http, site_url=server.url, api_url=server.url),
            "awards": UsaSpending(http, api_url=server.url),
            "holdings": HoldingsUrls(http, {name: f"{server.url}/holdings/{name}.csv" for name in funds}),
        }
    if data is not None:
        if find(data, "prices"):
            providers["prices"] = PriceFile(find(data, "prices") or data, None)
        if find(data, "returns"):
            providers["returns"] = ReturnsFile(find(data, "returns") or data)
        if find(data, "estimates"):
            providers["estimates"] = EstimatesFile(find(data, "estimates") or data)
        providers["holdings"] = HoldingsFiles(data, providers.get("holdings"))
    return Context(
        settings=Settings(store=str(folder), tool_timeout_s=int(max(timeout_s, 1))),
        providers=Providers(**(providers | given)),
        snapshots=Snapshots(folder),
        today=today,
        as_of=as_of,
        documents=documents,
    )


# Synthetic payloads in the documented shapes


def tickers(*rows: tuple[str, int, str]) -> dict[str, Any]:
    """SEC's company_tickers.json."""
    return {str(i): {"cik_str": cik, "ticker": ticker, "title": name} for i, (ticker, cik, name) in enumerate(rows)}


def fact(
    value: float, end: str, *, start: str | None = None, filed: str, accn: str = "", form: str = "10-K"
) -> dict[str, Any]:
    """One fact of companyfacts; ``fy`` and ``fp`` are those of the filing, as SEC gives them."""
    entry: dict[str, Any] = {
        "end": end, "val": value, "accn": accn or f"0000000000-{filed[2:4]}-{filed[5:7]}{filed[8:]}00",
        "fy": int(filed[:4]), "fp": "FY", "form": form, "filed": filed,
    }  # fmt: skip
    return ({"start": start} if start else {}) | entry


def company_facts(cik: int, name: str, concepts: dict[str, list[dict[str, Any]]], unit: str = "USD") -> dict[str, Any]:
    """SEC's companyfacts of one registrant; a concept may name its unit ("shares:EntityCommonStockSharesOutstanding")."""
    facts: dict[str, Any] = {}
    for key, entries in concepts.items():
        own, _, concept = key.rpartition(":")
        facts[concept] = {"label": concept, "description": concept, "units": {own or unit: entries}}
    return {"cik": cik, "entityName": name, "facts": {"us-gaap": facts}}


def frame(concept: str, period: str, points: dict[int, float], unit: str = "USD") -> dict[str, Any]:
    """SEC's frame of one concept and period."""
    return {
        "taxonomy": "us-gaap", "tag": concept, "ccp": period, "uom": unit, "label": concept, "pts": len(points),
        "data": [
            {"accn": f"a-{cik}", "cik": cik, "entityName": f"Company {cik}", "loc": "US-DE", "end": "2024-12-31", "val": value}
            for cik, value in points.items()
        ],
    }  # fmt: skip


def submission(cik: int, name: str, sic: str, tickers: list[str]) -> dict[str, Any]:
    """SEC's submissions of one registrant."""
    return {"cik": f"{cik:010d}", "name": name, "sic": sic, "sicDescription": f"industry {sic}", "tickers": tickers}


def filing_list(cik: int, name: str, *rows: tuple[str, str, str, str], older: tuple[str, ...] = ()) -> dict[str, Any]:
    """SEC's submissions with their columns of filings: (accession, day, form, items), newest first; ``older``: (name, to) pages."""
    return submission(cik, name, "3990", []) | {
        "filings": {
            "recent": filing_columns(*rows),
            "files": [
                {"name": page, "filingCount": 1, "filingFrom": "1994-01-01", "filingTo": to}
                for page, to in zip(older[::2], older[1::2], strict=True)
            ],
        }
    }


def filing_columns(*rows: tuple[str, str, str, str]) -> dict[str, list[Any]]:
    """The columns of a page of filings, those that are read and some that are not."""
    return {
        "accessionNumber": [r[0] for r in rows], "filingDate": [r[1] for r in rows], "reportDate": ["" for _ in rows],
        "acceptanceDateTime": [f"{r[1]}T16:05:00.000Z" for r in rows], "form": [r[2] for r in rows], "items": [r[3] for r in rows],
        "size": [1000 for _ in rows], "isXBRL": [1 for _ in rows], "primaryDocument": [f"{r[0][-2:]}main.htm" for r in rows],
    }  # fmt: skip


def filing_index(cik: int, accn: str, *documents: tuple[str, str]) -> str:
    """The index page of a filing: (file, type); the first is linked through the viewer of inline XBRL, as EDGAR does."""
    where = f"/Archives/edgar/data/{cik}/{accn.replace('-', '')}"
    rows = "".join(
        f'<tr><td scope="row">{n}</td><td scope="row"></td><td scope="row"><a href="{"/ix?doc=" if n == 1 else ""}{where}/{name}">{name}</a></td>'
        f'<td scope="row">{kind}</td><td scope="row">1000</td></tr>'
        for n, (name, kind) in enumerate(documents, start=1)
    )
    last = f'<tr><td scope="row">&nbsp;</td><td scope="row">Complete submission text file</td><td scope="row"><a href="{where}/{accn}.txt">{accn}.txt</a></td><td scope="row">&nbsp;</td><td scope="row">9</td></tr>'
    return (
        '<html><body><table class="tableFile" summary="Document Format Files"><tr><th scope="col">Seq</th><th scope="col">Description</th>'
        f'<th scope="col">Document</th><th scope="col">Type</th><th scope="col">Size</th></tr>{rows}{last}</table></body></html>'
    )


def master_index(*rows: tuple[int, str, str, str, str]) -> bytes:
    """EDGAR's master.gz of a quarter: (CIK, company, form, day, path)."""
    head = "Description: Master Index of EDGAR Dissemination Feed\nSynthetic\n\nCIK|Company Name|Form Type|Date Filed|Filename\n"
    lines = "\n".join("|".join(map(str, row)) for row in rows)
    return gzip.compress(f"{head}{'-' * 80}\n{lines}\n".encode("latin-1"))


def holdings_csv(
    rows: list[tuple[str, str, float]], *, day: str = "Jun 30, 2025", cash: float = 0.0, price: str = "10.00"
) -> str:
    """An issuer's file of holdings: a preamble of 9 lines, the header, a row a position, a disclaimer."""
    head = [
        "\ufeffSynthetic Fund", f'Fund Holdings as of,"{day}"', 'Inception Date,"May 22, 2000"',
        'Shares Outstanding,"1,000,000.00"', 'Stock,"-"', 'Bond,"-"', 'Cash,"-"', 'Other,"-"', "\u00a0",
        "Ticker,Name,Sector,Asset Class,Market Value,Weight (%),Notional Value,Quantity,Price,Location,Exchange,Currency,FX Rate,Market Currency,Accrual Date",
    ]  # fmt: skip
    body = [
        f'"{t}","{n}","Industrials","Equity","1,000.00","{w}","1,000.00","100.00","{price}","United States","NYSE","USD","1.00","USD","-"'
        for t, n, w in rows
    ]
    if cash:
        body.append(
            f'"XTSLA","SYNTHETIC CASH FUND","Cash and/or Derivatives","Money Market","1.00","{cash}","1.00","1.00","1.00","United States","-","USD","1.00","USD","-"'
        )
    return "\n".join([*head, *body, "\u00a0", '"The content of this synthetic file is made up."']) + "\n"


def fred_csv(series: str, *rows: tuple[str, str], header: str = "observation_date") -> str:
    """FRED's keyless CSV."""
    return "\n".join([f"{header},{series}", *(f"{day},{value}" for day, value in rows)]) + "\n"


def fred_json(*rows: tuple[str, str]) -> dict[str, Any]:
    """FRED's observations."""
    return {
        "units": "lin", "count": len(rows),
        "observations": [{"realtime_start": "x", "realtime_end": "x", "date": day, "value": value} for day, value in rows],
    }  # fmt: skip


def treasury_csv(*rows: tuple[str, str, str]) -> str:
    """The Treasury's par yields: (day as MM/DD/YYYY, 2 Yr, 10 Yr), newest first."""
    head = (
        'Date,"1 Mo","1.5 Month","2 Mo","3 Mo","4 Mo","6 Mo","1 Yr","2 Yr","3 Yr","5 Yr","7 Yr","10 Yr","20 Yr","30 Yr"'
    )
    return (
        "\n".join([head, *(f"{d},4.3,,4.3,4.3,4.3,4.2,4.0,{two},3.8,3.9,4.1,{ten},4.9,4.8" for d, two, ten in rows)])
        + "\n"
    )


def awards(category: str, rows: list[tuple[str, str | None, float]], more: bool = False) -> dict[str, Any]:
    """USAspending's spending by category."""
    return {
        "category": category, "limit": 100, "page_metadata": {"page": 1, "next": None, "previous": None, "hasNext": more, "hasPrevious": False},
        "results": [{"id": i, "name": n, "code": c, "amount": a} for i, (n, c, a) in enumerate(rows)], "messages": [],
    }  # fmt: skip
