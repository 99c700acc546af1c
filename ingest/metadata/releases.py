"""Facts of a press release, often Exhibit 99.1 of an 8-K: its headline, its dateline, its period."""

from __future__ import annotations

import re

from ingest.metadata.dates import find_dates, first_date
from ingest.metadata.filings import EXCHANGE_TICKER
from ingest.metadata.found import Found, Line, flat, lines, phrase
from ingest.metadata.names import SUFFIX, cased, has_suffix, is_upper, tidy
from ingest.metadata.periods import fiscal_years, full_year, lone_quarter, quarters

_HEAD = 6000
_EXHIBIT = re.compile(r"\bEX(?:HIBIT)?\s*[-–]?\s*(?P<number>99\.\d{1,2})\b", re.IGNORECASE)
_WIRE = re.compile(
    r"for\s+immediate\s+release|\(?business\s+wire\)?|pr\s?newswire|globe\s?newswire|accesswire|news\s*file\s+corp|marketwired?|"
    r"^(?:news|press)\s+release\b",
    re.IGNORECASE | re.MULTILINE,
)
_ANNOUNCED = re.compile(
    phrase(
        r"today (?:announced|reported|released|said|provided|issued)|(?:announced|reported|released) (?:today|its (?:financial )?results)"
    ),
    re.IGNORECASE,
)
_VERB = re.compile(
    r"\b(?:reports?|announces?|announced|reported|posts?|delivers?|provides?|releases?|declares?|completes?|enters?|names?|appoints?|"
    r"achieves?|raises?|reaffirms?|launches?|acquires?|prices?|results|signs?|awarded|wins?|secures?|expands?|receives?|opens?|closes?|sells?|"
    r"files?|begins?|starts?|updates?|increases?|extends?|agrees?|elects?|welcomes?|presents?|hosts?|sets?|cuts?|lowers?|to\s+[a-z]+)\b",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    rf"(?P<name>(?:[A-Z0-9][\w&.,'’-]*|of|and|&|the|de)(?:\s+(?:[A-Z0-9&][\w&.,'’-]*|of|and|&|the|de))*?(?:,?\s+{SUFFIX}\.?)?)\s*$"
)
_DATELINE = re.compile(r"\s*(?:[-–—/|(]|/[A-Z]|\.\.\.)")
_RELEASED = re.compile(
    phrase(r"(?:for immediate release|released?|date|dated|issued)") + r"\s*[:\-–—]?\s*$", re.IGNORECASE
)
_NOT_ISSUED = re.compile(
    phrase(
        r"(?:ended|ending|end|of|as of|through|until|since|at|from|by|on or about|to|and|dated|record on|payable on|for)"
    )
    + r"\s*$",
    re.IGNORECASE,
)
_ENDED = re.compile(
    phrase(
        r"(?:quarter|quarterly period|(?:three|six|nine|twelve) months|\d\d weeks|(?:fiscal )?year|period),? (?:that )?ended"
    ),
    re.IGNORECASE,
)
_SKIP = re.compile(
    r"immediate release|^contacts?\b|^phone\b|^fax\b|^web\b|^tel\b|https?:|www\.|@|^exhibit|^ex-?99|^document$|^\d+$|\d{3}[-.) ]+\d{3}[-. ]\d{4}|"
    r"p\.?o\.? box|^(?:news|press) release$|^source\b|^investors?\b|^media\b|\b[A-Z]{2}\s+\d{5}\b|^for more information",
    re.IGNORECASE,
)


def is_release(text: str, start: int) -> bool:
    """Return whether the text opens as a company's announcement."""
    head = text[start : start + _HEAD]
    cues = (
        bool(_WIRE.search(head)),
        bool(_ANNOUNCED.search(head)),
        bool(EXCHANGE_TICKER.search(head)),
        bool(_EXHIBIT.search(head[:300])),
    )
    return sum(cues) >= 2


def _headline(text: str, start: int, stop: int) -> Found | None:
    """Return the first line in front of the dateline that reads as a headline, with the lines it runs on to."""
    block = list(lines(text, start, stop))[:40]
    for number, line in enumerate(block):
        words = line.text.split()
        if _SKIP.search(line.text) or len(words) < 4 or len(line.text) > 250 or not _VERB.search(line.text):
            continue
        if line.text.endswith((".", ":")) and len(words) > 25:
            continue
        end = _run_on(text, line, block[number + 1 :])
        return Found(flat(text[line.start : end]), line.start, end)
    return None


def _run_on(text: str, line: Line, following: list[Line]) -> int:
    """Return where a headline ends that may go on in the next lines: these follow without a blank line, in the same case."""
    end, width = line.end, len(line.text)
    for other in following[:3]:
        gap = text[end : other.start]
        runs_on = gap.startswith(" ") or other.text[0].islower() or text[:end].rstrip()[-1] in ",;–—-&"
        same_case = is_upper(line.text) == is_upper(other.text)
        if gap.count("\n") > 1 or not same_case or _SKIP.search(other.text) or len(other.text) > 160:
            break
        if not runs_on and width < 60:
            break
        if re.search(r"\d(?:\.\d+)?\s*%|\$\d|\)$", other.text) and not runs_on:
            break
        end, last = other.end, len(other.text)
        if last < 0.75 * width:
            break
    return end


def _company(text: str, start: int, symbol: re.Match[str] | None) -> Found | None:
    if symbol is not None:
        before = text[max(start, symbol.start() - 120) : symbol.start()]
        clause = re.split(r"[–—]|\s-{1,2}\s|\)\s|\n\s*\n|/\s|(?<=\d{4}),?\s", before.rstrip())[-1]
        match = _SUBJECT.search(clause)
        if match is not None:
            name = re.sub(r"^SOURCE\s+", "", tidy(match["name"]))
            if name and (has_suffix(name) or len(name.split()) <= 6):
                offset = symbol.start() - len(before) + before.rstrip().rfind(clause) + match.start("name")
                return Found(name, offset, offset + len(match["name"]))
    for line in list(lines(text, start, start + 3000))[:25]:
        if has_suffix(line.text) and len(line.text.split()) <= 8 and not re.search(r"[:;?]", line.text):
            return Found(tidy(line.text), line.start, line.end)
    verb = re.compile(rf"(?P<name>[A-Z][^\n]{{1,60}}?)\s+(?:{_VERB.pattern})")
    match = verb.search(text, start, start + 2000)
    return Found(tidy(match["name"]), match.start("name"), match.end("name")) if match else None


def _published(text: str, start: int) -> Found | None:
    """Return the date of issue: labelled, or followed by the dash of a dateline; never a period's end."""
    days = find_dates(text, start, start + _HEAD)
    for day in days:
        if _RELEASED.search(text[max(start, day.start - 40) : day.start]):
            return Found(day.iso, day.start, day.end)
    for day in days:
        before = text[max(start, day.start - 60) : day.start]
        if (
            _DATELINE.match(text, day.end)
            and not _NOT_ISSUED.search(before)
            and re.search(r"[,\-–—)/:]\s*$|[A-Z]{3,}[.,]?\s*$|\n\s*$", before)
        ):
            return Found(day.iso, day.start, day.end)
    for day in days:
        own_line = text[max(start, text.rfind("\n", 0, day.start)) : day.start].strip() == "" and text[
            day.end : day.end + 2
        ].strip(" ")[:1] in ("\n", "")
        if own_line and not _NOT_ISSUED.search(text[max(start, day.start - 60) : day.start]):
            return Found(day.iso, day.start, day.end)
    return None


def _period(text: str, start: int, headline: Found | None) -> Found | None:
    if headline is not None:
        for named in quarters(text, headline.start, headline.end):
            return Found(named.label, named.start, named.end)
    lone = lone_quarter(text, headline.start, headline.end) if headline else None
    named_in_text = list(quarters(text, start, start + _HEAD))
    if lone is not None:
        same = next((q for q in named_in_text if q.quarter == lone[0]), None)
        if same is not None:
            return Found(same.label, same.start, same.end)
        years = [y for y, _, _ in fiscal_years(text, start, start + _HEAD)]
        return Found(f"Q{lone[0]} {max(years)}", lone[1], lone[2]) if years else None
    year = full_year(text, headline.start, headline.end) if headline else None
    if year is not None:
        return Found(f"FY{year[0]}", year[1], year[2])
    if named_in_text and headline is not None and re.search(r"result|earning|quarter", headline.value, re.IGNORECASE):
        best = named_in_text[0]
        return Found(best.label, best.start, best.end)
    return None


def read(text: str, start: int) -> dict[str, Found]:
    """Return the facts of a release, keyed as the fields of Metadata."""
    first = next(lines(text, start))
    facts: dict[str, Found] = {"kind": Found("release", first.start, first.end)}
    exhibit = _EXHIBIT.search(text, start, start + 300)
    if exhibit is not None:
        facts["form"] = Found(f"EX-{exhibit['number']}", exhibit.start(), exhibit.end())
    symbol = EXCHANGE_TICKER.search(text, start, start + _HEAD)
    if symbol is not None:
        facts["ticker"] = Found(symbol["symbol"], symbol.start("symbol"), symbol.end("symbol"))
    company = _company(text, start, symbol)
    if company is not None:
        value = cased(company.value, text) if is_upper(company.value) else company.value
        facts["company"] = facts["publisher"] = Found(value, company.start, company.end)
    published = _published(text, start)
    if published is not None:
        facts["published"] = published
    headline = _headline(text, start, start + 3000)
    if headline is not None:
        facts["title"] = headline
    period = _period(text, start, headline)
    if period is not None:
        facts["fiscal_period"] = period
        ended = _ENDED.search(text, start, start + 20000)
        day = first_date(text, ended.end(), ended.end() + 40) if ended else None
        if day is not None and (published is None or day.iso <= published.value):
            facts["period_end"] = Found(day.iso, day.start, day.end)
    return facts
