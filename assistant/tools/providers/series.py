"""Economic series: FRED (with a key: vintages; without: the CSV of the site) and the US Treasury."""

from __future__ import annotations

from datetime import date, datetime

from assistant.tools.base import NoData, SourceFailed
from assistant.tools.providers._read import day, field, listed, maybe, table
from assistant.tools.providers.http import Http, Reply
from assistant.tools.providers.protocols import Fetched, Observation, SeriesData

FRED_API = "https://api.stlouisfed.org"
FRED_SITE = "https://fred.stlouisfed.org"
TREASURY_SITE = "https://home.treasury.gov"
FISCAL_API = "https://api.fiscaldata.treasury.gov"
YIELDS = {"2y": "2 Yr", "10y": "10 Yr"}
CUSTOMS = "customs"


class Fred:
    """FRED. Only with a key can it say what a series was on an earlier day."""

    source = "fred"

    def __init__(self, http: Http, *, key: str = "", api_url: str = FRED_API, site_url: str = FRED_SITE) -> None:
        self._http = http
        self._key = key
        self._api = api_url
        self._site = site_url

    def series(self, name: str, start: date, end: date, vintage: date | None) -> Fetched:
        """Return a series; ``vintage``: as it was known on that day (needs a key)."""
        if self._key:
            return self._by_key(name, start, end, vintage)
        if vintage is not None:
            raise NoData(
                f"FRED's keyless file of {name} holds today's values only, not what was known on {vintage}.",
                "Set FRED_API_KEY in the environment: FRED's API gives each series as of a day.",
            )
        params = {"id": name, "cosd": start.isoformat(), "coed": end.isoformat()}
        reply = self._http.get(self.source, f"{self._site}/graph/fredgraph.csv", params=params, keep_s=6 * 3600)
        first = reply.text.split(",", 1)[0].strip()
        rows = table(
            reply.text,
            self.source,
            (first if first.casefold() in {"date", "observation_date"} else "observation_date", name),
        )
        found = [(day(r[first.casefold()], "date", "fred"), maybe(r[name.casefold()], name, "fred")) for r in rows]
        return self._made(name, found, None, reply)

    def _by_key(self, name: str, start: date, end: date, vintage: date | None) -> Fetched:
        params = {
            "series_id": name, "api_key": self._key, "file_type": "json",
            "observation_start": start.isoformat(), "observation_end": end.isoformat(),
        }  # fmt: skip
        if vintage is not None:
            params |= {"realtime_start": vintage.isoformat(), "realtime_end": vintage.isoformat()}
        reply = self._http.get(self.source, f"{self._api}/fred/series/observations", params=params, keep_s=6 * 3600)
        records = listed(field(reply.json(), "observations", "fred"), "observations", "fred")
        found = [
            (day(field(r, "date", "fred"), "date", "fred"), maybe(field(r, "value", "fred"), name, "fred"))
            for r in records
        ]
        return self._made(name, found, vintage, reply)

    def _made(self, name: str, found: list[tuple[date, float | None]], vintage: date | None, reply: Reply) -> Fetched:
        points = _observations(found, name, "FRED")
        payload = SeriesData(series=name, unit="", observations=points, vintage=vintage)
        return _fetched(payload, reply, "FRED", f"{FRED_SITE}/series/{name}")


class Treasury:
    """The Treasury: par yields by maturity (daily, not revised) and customs duties (Monthly Treasury Statement)."""

    source = "treasury"

    def __init__(self, http: Http, *, site_url: str = TREASURY_SITE, api_url: str = FISCAL_API) -> None:
        self._http = http
        self._site = site_url
        self._api = api_url

    def series(self, name: str, start: date, end: date, vintage: date | None) -> Fetched:
        """Return "2y" or "10y" (percent), or "customs" (net receipts of a month, USD). ``vintage`` is not known here."""
        if name == CUSTOMS:
            return self._customs(start, end)
        if name not in YIELDS:
            raise NoData(f"The Treasury source has no series {name!r}.", f"It has {', '.join([*YIELDS, CUSTOMS])}.")
        found: list[tuple[date, float | None]] = []
        for year in range(start.year, end.year + 1):
            url = (
                f"{self._site}/resource-center/data-chart-center/interest-rates/daily-treasury-rates.csv/{year}/all"
                f"?type=daily_treasury_yield_curve&field_tdr_date_value={year}&page&_format=csv"
            )
            reply = self._http.get(self.source, url, keep_s=6 * 3600)
            if not reply.text.strip():
                continue  # a year of which no day is published yet
            for row in table(reply.text, self.source, ("Date", YIELDS[name])):
                value = maybe(row[YIELDS[name].casefold()], YIELDS[name], "treasury")
                found.append((day(row["date"], "Date", "treasury"), value))
        points = _observations([p for p in found if start <= p[0] <= end], name, "Treasury")
        page = (
            f"{TREASURY_SITE}/resource-center/data-chart-center/interest-rates/TextView?type=daily_treasury_yield_curve"
        )
        return _fetched(SeriesData(series=name, unit="percent", observations=points), reply, "US Treasury", page)

    def _customs(self, start: date, end: date) -> Fetched:
        params = {
            "fields": "record_date,classification_desc,current_month_net_rcpt_amt",
            "filter": f"classification_desc:eq:Customs Duties,record_date:gte:{start},record_date:lte:{end}",
            "sort": "record_date",
            "page[size]": "1000",
        }
        url = f"{self._api}/services/api/fiscal_service/v1/accounting/mts/mts_table_4"
        reply = self._http.get(self.source, url, params=params, keep_s=6 * 3600)
        found = []
        for record in listed(field(reply.json(), "data", "treasury"), "data", "treasury"):
            if field(record, "classification_desc", "treasury") != "Customs Duties":
                raise SourceFailed("treasury: asked for customs duties, got another line.", "Try again later.")
            amount = maybe(field(record, "current_month_net_rcpt_amt", "treasury"), "net receipts", "treasury")
            found.append((day(field(record, "record_date", "treasury"), "record_date", "treasury"), amount))
        points = _observations(found, CUSTOMS, "Treasury")
        page = "https://fiscaldata.treasury.gov/datasets/monthly-treasury-statement/"
        return _fetched(SeriesData(series=CUSTOMS, unit="USD", observations=points), reply, "US Treasury", page)


def _observations(found: list[tuple[date, float | None]], name: str, who: str) -> tuple[Observation, ...]:
    points = {at: Observation(day=at, value=value) for at, value in found if value is not None}
    if not points:
        raise NoData(f"{who} has no observation of {name} in the period.", "Ask for an earlier period.")
    return tuple(points[at] for at in sorted(points))


def _fetched(payload: SeriesData, reply: Reply, who: str, url: str) -> Fetched:
    last = payload.observations[-1].day
    seen = min(last, datetime.fromisoformat(reply.retrieved_at).date())
    return Fetched(payload, who, url, seen, reply.stale, reply.retrieved_at)
