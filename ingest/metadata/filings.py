"""Facts of an SEC filing, read from its cover, its signature page and, for the name of its year, its text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from ingest.metadata.covers import Cover
from ingest.metadata.dates import Dated, find_dates, first_date, month_day, pattern_of
from ingest.metadata.found import Found, flat, lines, phrase
from ingest.metadata.names import cased, has_suffix, is_upper, tidy
from ingest.metadata.periods import fiscal_years, quarters

ANNUAL = {"10-K", "10-K405", "10-KSB", "10-KSB40", "10-KT", "20-F", "40-F", "11-K"}
QUARTERLY = {"10-Q", "10-QSB", "10-QT"}
CURRENT = {"8-K", "6-K"}

_PERIOD = re.compile(
    phrase(
        r"for (?:the |its )?(?:(?:fiscal |transition |quarterly |annual |interim )?(?:year|quarter|period)|"
        r"(?:[\w-]+ )?(?:weeks|months))s?,? (?:ended|ending)"
    ),
    re.IGNORECASE,
)
_MEANS = re.compile(
    r"\b((?:19|20)\d\d)[\"”’]?\s+(?:represent(?:s|ed)?|refers?\s+to|means|was\s+the|is\s+the|consist(?:s|ed)\s+of)\b",
    re.IGNORECASE,
)
_TRANSITION = re.compile(phrase("transition period from"), re.IGNORECASE)
_REPORTED = re.compile(phrase(r"date of (?:the )?report|earliest event reported"), re.IGNORECASE)
_SIGNED = re.compile(
    phrase(r"(?:has|have|had) duly caused (?:and authorized )?(?:this|his|the|its|these|on|each)")
    + "|"
    + phrase(r"duly caused and authorized"),
    re.IGNORECASE,
)
_DATE_LABEL = re.compile(r"(?:^\W*dated?|\bdated?\s*:)\W*\Z", re.IGNORECASE | re.MULTILINE)
_PERSONS = re.compile(phrase(r"(?:has|have) been signed (?:below )?(?:by|on)"), re.IGNORECASE)
_AFTER_SIGNATURE = re.compile(
    phrase(
        r"pursuant to the requirements of|power of attorney|know all (?:men|persons|by)|exhibit (?:index|no|\d)|index to exhibits|"
        r"certifications?\b|has been signed|have been signed"
    ),
    re.IGNORECASE,
)
_CERTIFIED = re.compile(
    phrase(r"i have reviewed this (?:annual|quarterly|transition)? ?(?:report|amendment)"), re.IGNORECASE
)
_FILED = re.compile(
    phrase(r"(?:as )?filed with the (?:u\.?s\.? )?securities and exchange commission (?:via edgar )?on")
    + r"|FILED\s+AS\s+OF\s+DATE:|"
    + r"\bfil(?:ing|ed)\s+date\s*:",
    re.IGNORECASE,
)
_COMPACT = re.compile(r"\b((?:19|20)\d\d)(\d\d)(\d\d)\b")
_BOARD = re.compile(phrase("by order of the board"), re.IGNORECASE)
_SECTION_12B = re.compile(
    r"(?:pursuant\s+to|under)\s+section\s+12\s*\(\s*b\s*\)|title\s+of\s+each\s+class[\s|]+trading\s+symbol",
    re.IGNORECASE,
)
_EXCHANGE = (
    r"(?:the\s+)?(?:New\s+York\s+Stock|NYSE|N\.Y\.S\.E|NASDAQ|American\s+Stock|Chicago|Cboe|Toronto|TSX|London\s+Stock|Boston\s+Stock|"
    r"Philadelphia|Pacific|OTC)"
)
_SYMBOL = re.compile(
    rf"(?<![\w.])(?P<symbol>[A-Z][A-Z0-9]{{0,5}}(?:[./ -][A-Z]{{1,2}})?)[\"”’']*[\s|]+(?i:{_EXCHANGE})"
)
_NOT_SYMBOL = {
    "STOCK", "VALUE", "SHARE", "SHARES", "NONE", "PAR", "CLASS", "THE", "ON", "NEW", "YORK", "LLC", "INC", "UNITS", "RIGHTS", "NOTES",
    "COMMON", "EACH", "WHICH", "N/A", "A", "B", "C", "SYMBOL", "OF", "PER", "NO", "AND", "NAME", "SERIES", "CO", "CORP", "DUE", "ADS",
}  # fmt: skip
_UNDER_SYMBOL = re.compile(
    "(?i:"
    + phrase(
        r"(?:common|ordinary|class [a-c]|capital) (?:stock|shares?)(?:[^.]|\.(?=\w)){0,220}? under the (?:ticker |trading |stock )?symbol"
    )
    + r")\s*[\"“”'‘’]*(?P<symbol>[A-Z][A-Z0-9]{0,4}(?:\.[A-Z])?)\b(?![a-z])"
)
EXCHANGE_TICKER = re.compile(
    r"\(\s*(?:the\s+)?(?i:NYSE(?:\s+(?:American|Arca|MKT))?|NASDAQ(?:\s*(?:GS|GM|CM|Global(?:\s+Select)?(?:\s+Market)?))?|AMEX|TSX(?:[\s-]?V)?|CSE|ASX|AIM|OTC\w*|"
    r"LSE|Cboe|New\s+York\s+Stock\s+Exchange)\s*[:\-]\s*[\"“]?(?P<symbol>[A-Z][A-Z0-9]{0,5}(?:\.[A-Z]{1,2})?)\b"
)
_SPANS = (
    (3, phrase(r"(?:nine[- ]months?|39[- ]weeks?|thirty-?[ -]?nine[- ]weeks?|36[- ]weeks?|thirty-?[ -]?six[- ]weeks?|40[- ]weeks?)")),
    (2, phrase(r"(?:six[- ]months?|26[- ]weeks?|twenty-?[ -]?six[- ]weeks?|24[- ]weeks?|twenty-?[ -]?four[- ]weeks?|28[- ]weeks?)")),
)  # fmt: skip


def _plausible(found: list[Dated], floor: str | None) -> list[Dated]:
    return [d for d in found if floor is None or d.iso >= floor]


def _period_end(text: str, cover: Cover) -> Found | None:
    form = cover.form.value.removesuffix("/A")
    if form in {"10-KT", "10-QT"}:
        match = _TRANSITION.search(text, cover.start, cover.name_at)
        dates = find_dates(text, match.end(), match.end() + 120) if match else []
        if len(dates) >= 2:
            return Found(dates[1].iso, dates[1].start, dates[1].end)
    for match in _PERIOD.finditer(text, cover.form.end, cover.end):
        day = first_date(text, match.end(), match.end() + 160)
        return None if day is None else Found(day.iso, match.start(), day.end)
    return None


def _fiscal_year(text: str, end: Found) -> Found:
    """Return "FY2022": as the text calls the year that ended then, else by the calendar year of its end.

    Only a year that ended in January to April can bear the number of the year before: retailers mostly do
    so, others (a "fiscal 2022" that ended in January 2022) do not, so the text decides.
    """
    year, month = int(end.value[:4]), int(end.value[5:7])
    if month > 4:
        return Found(f"FY{year}", end.start, end.end)
    # A year of 52 or 53 weeks that ends in the first days of January is the calendar's year before.
    default = year - 1 if end.value[5:] <= "01-08" else year
    wanted = {year, year - 1}
    votes: Counter[int] = Counter()
    place: dict[int, tuple[int, int]] = {}
    for day in pattern_of(end.value):
        for match in re.finditer(day, text, re.IGNORECASE):
            for named, start, stop in fiscal_years(text, match.end(), match.end() + 60):
                if named in wanted and "." not in text[match.end() : start]:
                    votes[named] += 1
                    place.setdefault(named, (start, stop))
                break
            before = list(fiscal_years(text, max(0, match.start() - 90), match.start()))
            before = before or [
                (int(m[1]), *m.span()) for m in _MEANS.finditer(text, max(0, match.start() - 90), match.start())
            ]
            if before and re.search(r"\bend(?:ed|s|ing)\b", text[before[-1][2] : match.start()]):
                named, start, stop = before[0]
                if named in wanted and not re.search(r"[.;]\s", text[stop : match.start()]):
                    votes[named] += 1
                    place.setdefault(named, (start, stop))
    if not votes:
        for named, start, stop in fiscal_years(text):
            if named in wanted:
                votes[named] += 1
                place.setdefault(named, (start, stop))
        if sum(votes.values()) < 5:
            votes.clear()
    if not votes:
        return Found(f"FY{default}", end.start, end.end)
    best = votes.most_common(1)[0][0]
    return Found(f"FY{best}", *(place[best] if best != year else (end.start, end.end)))


def _to_date(text: str, end: str, named: Mapping[tuple[int, int], int]) -> int | None:
    """Return the quarter whose year-to-date span ("nine months ended September 30") closes on the period's end."""
    closing = rf"\s+(?:period\s+)?ended[^.]{{0,40}}?{month_day(end)}\b"
    total = len(re.findall(r"(?:months?|weeks|quarter(?:ly)?(?:\s+period)?)" + closing, text, re.IGNORECASE))
    for number, words in _SPANS:
        # A slip of the pen ("three and nine months ended March 31" in a first quarter's letter) is no evidence.
        if len(re.findall(words + closing, text, re.IGNORECASE)) >= max(2, total * 0.15):
            return number
    if total and named and not any(quarter == 1 for quarter, _ in named):
        return None  # columns of one quarter alone, in a text that never speaks of a first one
    return 1 if total else None


def _quarter(text: str, end: Found) -> Found | None:
    """Return "Q1 2021": the quarter from the year-to-date columns, the year as the text calls it.

    A text that speaks of "fiscal 2023" means by the latest year that it couples with this quarter its own
    (the other is the year before); else the year is that of the period's end.
    """
    year = int(end.value[:4])
    named = Counter((q.quarter, q.year) for q in quarters(text) if abs(q.year - year) <= 1)
    number = _to_date(text, end.value, named)
    if number is None:
        if not named:
            return None
        number = named.most_common(1)[0][0][0]
    chosen = year
    called = Counter(y for y, _, _ in fiscal_years(text) if abs(y - year) <= 1)
    if sum(called.values()) >= 5:
        years = {y: times for (n, y), times in named.items() if n == number} or called
        chosen = max(y for y, times in years.items() if times * 2 >= max(years.values()))
    label = f"Q{number} {chosen}"
    place = next((q for q in quarters(text, end.end) if q.label == label), None)
    return Found(label, place.start, place.end) if place else Found(label, end.start, end.end)


def _report_date(text: str, cover: Cover) -> Found | None:
    """Return the date of the earliest event reported; without a caption, the only date between heading and name."""
    captions = list(_REPORTED.finditer(text, cover.start, cover.name_at + 300))
    found: list[Dated] = []
    if captions:
        first, last = captions[0].start(), captions[-1].end()
        stop = cover.name_at if last < cover.name_at else last + 120
        found = find_dates(text, first, min(stop, last + 120))
        if not found:
            found = find_dates(text, max(cover.form.end, first - 120), first)[-1:]
    else:
        found = find_dates(text, cover.form.end, cover.name_at)
    if not found:
        return None
    earliest = min(found, key=lambda d: d.iso)
    return Found(earliest.iso, earliest.start, earliest.end)


def _filed(text: str, cover: Cover) -> Found | None:
    for match in _FILED.finditer(text, max(0, cover.start - 4000), cover.name_at):
        compact = _COMPACT.match(text, match.end() + len(text[match.end() :]) - len(text[match.end() :].lstrip()))
        if compact:
            return Found("-".join(compact.groups()), compact.start(), compact.end())
        day = first_date(text, match.end(), match.end() + 60)
        if day is not None:
            return Found(day.iso, day.start, day.end)
    return None


def _signed(text: str, start: int, floor: str | None) -> Found | None:
    """Return the latest date in the registrant's own signature block; else in the block of its officers and directors."""
    blocks = [(_SIGNED, 1800), (_PERSONS, 6000), (_CERTIFIED, 9000)]
    for pattern, reach in blocks:
        for match in pattern.finditer(text, start):
            stop = _AFTER_SIGNATURE.search(text, match.end(), match.end() + reach) if pattern is _SIGNED else None
            end = stop.start() if stop else min(len(text), match.end() + reach)
            dates = _plausible(find_dates(text, match.start(), end, short_years=True), floor)
            if pattern is _CERTIFIED:
                dates = dates[:1]
            # A date of the signing is labelled; any other in the block may belong to what follows it.
            dates = [d for d in dates if _DATE_LABEL.search(text, max(match.start(), d.start - 30), d.start)] or dates
            if dates:
                latest = max(dates, key=lambda d: d.iso)
                return Found(latest.iso, latest.start, latest.end)
    return None


def _signing_company(text: str, start: int) -> Found | None:
    """Return the name over the registrant's signature, for a cover whose name is a picture."""
    for match in _SIGNED.finditer(text, start):
        authorized = re.compile(phrase(r"(?:t?hereunto )?duly authorized[^\n]*"), re.IGNORECASE).search(
            text, match.end(), match.end() + 400
        )
        for line in list(lines(text, authorized.end(), authorized.end() + 400))[:6] if authorized else []:
            name = tidy(line.text)
            if (has_suffix(name) or (is_upper(name) and not find_dates(name))) and not re.search(
                r"/s/|\b(?:by|date[d]?|registrant)\b\W*", name, re.IGNORECASE
            ):
                return Found(cased(name, text), line.start, line.end)
    return None


def _board(text: str, start: int) -> Found | None:
    match = _BOARD.search(text, start)
    if match is None:
        return None
    dates = find_dates(text, max(start, match.start() - 300), match.end() + 500)
    nearest = min(dates, key=lambda d: abs(d.start - match.start()), default=None)
    return None if nearest is None else Found(nearest.iso, nearest.start, nearest.end)


def ticker(text: str, cover: Cover) -> Found | None:
    """Return the symbol of the first class listed under Section 12(b), else the one that the text names for its common stock."""
    table = _SECTION_12B.search(text, cover.form.end, cover.end + 4000)
    if table is not None:
        for match in _SYMBOL.finditer(text, table.end(), table.end() + 2500):
            symbol = re.sub(r"\s+", " ", match["symbol"])
            # "Class A SQ New York": the symbol is the last word of a run of capitals.
            head, _, tail = symbol.rpartition(" ")
            if head in _NOT_SYMBOL:
                symbol = tail
            if symbol not in _NOT_SYMBOL and symbol.split()[0] not in _NOT_SYMBOL:
                return Found(symbol, match.end("symbol") - len(symbol), match.end("symbol"))
    for pattern in (EXCHANGE_TICKER, _UNDER_SYMBOL):
        named = pattern.search(text, cover.start, cover.end if pattern is EXCHANGE_TICKER else len(text))
        if named is not None and named["symbol"] not in _NOT_SYMBOL:
            return Found(named["symbol"], named.start("symbol"), named.end("symbol"))
    return None


def read(text: str, cover: Cover) -> dict[str, Found]:
    """Return the facts of the filing under ``cover``, keyed as the fields of Metadata."""
    facts: dict[str, Found] = {"form": cover.form, "kind": Found("filing", cover.form.start, cover.form.end)}
    form = cover.form.value.removesuffix("/A")
    company = cover.company or _signing_company(text, cover.form.end)
    if company is not None:
        facts["company"] = facts["publisher"] = company
    floor: str | None = None
    if form in ANNUAL or form in QUARTERLY:
        end = _period_end(text, cover)
        if end is not None:
            facts["period_end"] = end
            floor = end.value
            period = _fiscal_year(text, end) if form in ANNUAL else _quarter(text, end)
            # A transition period is no year or quarter that anyone would ask for by its number.
            if period is not None and form not in {"10-KT", "10-QT"}:
                facts["fiscal_period"] = period
    elif form in CURRENT:
        reported = _report_date(text, cover)
        if reported is not None:
            facts["report_date"] = reported
            floor = reported.value
    published = _filed(text, cover) or _signed(text, cover.form.end, floor)
    if published is None and "14" in form:
        published = _board(text, cover.form.end)
    if published is not None and (floor is None or published.value >= floor):
        facts["published"] = published
    symbol = ticker(text, cover)
    if symbol is not None:
        facts["ticker"] = symbol
    # No filing has a headline: its title is put together from what its cover says.
    named = [facts[key].value for key in ("company",) if key in facts]
    when = facts.get("fiscal_period") or facts.get("report_date")
    title = " ".join([*named, cover.form.value, *([when.value] if when else [])])
    facts["title"] = Found(flat(title), cover.form.start, cover.form.end)
    return facts
