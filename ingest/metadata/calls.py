"""Facts of the transcript of a call: from its header, else from the operator's greeting."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.metadata.dates import find_dates, parse_date
from ingest.metadata.filings import EXCHANGE_TICKER
from ingest.metadata.found import Found, Line, lines, phrase
from ingest.metadata.names import has_suffix, tidy
from ingest.metadata.periods import Quarter, full_year, lone_quarter, quarters

_SPEAKER = re.compile(
    r"^(?:Speaker\s+\d{1,3}|Operator|Moderator|Unidentified\s+\w+|Unknown\s+\w+|[A-Z][\w.'’-]+(?:\s+[A-Z][\w.'’-]*){1,3})"
    r"(?:\s*(?:\([^)]{2,80}\)|[-–—,]\s*[^:]{2,80}))?\s*(?:\[[\d:]+\]|\(?\d?\d:\d\d(?::\d\d)?\)?)?\s*(?::|$)",
    re.MULTILINE,
)
_LABELLED = re.compile(r"^(?:Speaker\s+\d{1,3}|Operator|Moderator)\b\s*(?:\[?\(?[\d:]+\)?\]?)?\s*(?::|$)", re.MULTILINE)
_CALL = (
    r"(?:conference\s+call|earnings\s+(?:\w+\s+)?call|earnings\s+conference|results\s+(?:conference\s+)?(?:call|teleconference|webcast)|teleconference|"
    r"(?:earnings|results)\s+(?:webcast|presentation|discussion|session)|question[\s-]+and[\s-]+answer\s+session|Q&A\s+session|investor\s+call|"
    r"shareholder\s+call|webcast|call\b)"
)
_IS_CALL = re.compile(
    r"\b(?:earnings\s+(?:conference\s+)?call|conference\s+call|listen[\s-]+only|teleconference|earnings\s+Q&A|call\s+transcript|"
    r"operator\s+instructions|fireside\s+chat|symposium|investor\s+conference)\b",
    re.IGNORECASE,
)
_HEADING = re.compile(
    r"^(?P<company>.{2,80}?)\s*(?:\((?P<ticker>[A-Z.: ]{1,20})\))?[\s,\-–—:|]*"
    r"(?:\b(?:Q[1-4]|[1-4]Q|first|second|third|fourth|fiscal|FY|full|year|quarter|(?:19|20)\d\d|\d\d|and|of|results)\b[\s\-–—,'’:|]*){0,10}"
    r"\b(?:earnings|results)\s+(?:conference\s+)?(?:call|webcast|teleconference)(?:\s+transcript)?",
    re.IGNORECASE,
)
_PERIOD_WORDS = re.compile(
    r"\b(?:(?:Q[1-4]|[1-4]Q)['’]?(?:\s*(?:FY)?\s*(?:20)?\d\d)?|FY\s?\d{2,4}|(?:first|second|third|fourth|1st|2nd|3rd|4th|final)[\s-]+(?:fiscal\s+)?"
    r"(?:quarters?|half)|(?:fiscal|full)[\s-]+(?:year|quarter)(?:[\s-]+end)?|fiscal|quarter(?:ly)?|year[\s-]end|half[\s-]year|(?:19|20)\d\d|"
    r"annual|results?|earnings|financial|operating|combined|investors?|shareholders?|conference|pre-?recorded|live|virtual)\b",
    re.IGNORECASE,
)
_WELCOME = re.compile(
    r"\b(?:welcome(?:\s+(?:everyone|you(?:\s+all)?|all))?(?:\s+back)?\s+to|welcome\s+(?:everyone|you(?:\s+all)?|all)\s+to|thank\s+you\s+for\s+joining\s+(?:us\s+(?:today\s+)?)?"
    r"(?:for|on|at)|(?:participating|join(?:ing)?)\s+(?:us\s+)?(?:in|for|on))\s+(?:today['’]s\s+)?(?P<what>[^?!]{3,220}?\b"
    + _CALL
    + r"(?:[^.?!]{0,80})?)",
    re.IGNORECASE,
)
_FOR = re.compile(
    r"\b(?:for|of|by|with|hosted\s+by)\s+(?P<company>(?:the\s+)?[A-Z][\w&.,'’ -]{1,60}?)\s*(?:[.,]?$|,?\s+(?:for|on|to|covering|where)\b)"
)
_NAME = re.compile(
    r"(?:[A-Z0-9][\w&.'’-]*|[a-z]+[A-Z]\w*)(?:,?\s+(?:(?:of|and|&|the|for|de|von)\s+)*(?:[A-Z0-9&][\w&.'’-]*|[a-z]+[A-Z]\w*))*,?(?:\s+(?:Inc|Corp|Co|Ltd|LLC|LP|plc)\.?)?"
)
_SAID_ON = re.compile(
    phrase(
        r"(?:being |was |is )?(?:recorded|held|webcast|broadcast|conducted|hosted|taking place)(?: live)?(?:,? today)?,?(?: on)?,?|today(?:['’]s date)? is|"
        r"today,(?: on)?|(?:conference )?call (?:on|dated?)|date of call:?|call date:?"
    )
    + r"\s*(?:today\s*,?\s*)?(?:on\s+)?$",
    re.IGNORECASE,
)
_DATE_LABEL = re.compile(
    r"^(?:date|call\s+date|event\s+date|published|posted|recorded(?:\s+on)?)\s*[:\-–]\s*", re.IGNORECASE
)
_TIME = re.compile(
    r"[,|·•\-–—/@]?\s*(?:at\s+)?\d{1,2}[:.]\d\d(?::\d\d)?\s*(?:[ap]\.?m\.?)?\s*(?:\(?(?:[ECMP][SD]?T|GMT|UTC|eastern|central|pacific)(?:\s+time)?\)?)?\s*$",
    re.IGNORECASE,
)


def is_call(text: str, start: int) -> bool:
    """Return whether the text is speech by labelled speakers that opens like a call with investors."""
    head = text[start : start + 6000]
    labelled = len(_LABELLED.findall(text, start))
    turns = max(labelled, len(_SPEAKER.findall(text, start, min(len(text), start + 60_000))))
    told = labelled >= 3 or re.search(r"\boperator\b|\btranscript\b", head, re.IGNORECASE)
    return turns >= 4 and bool(told) and bool(_IS_CALL.search(head))


def _header(text: str, start: int) -> list[Line]:
    """Return the short lines in front of the first words spoken."""
    first = _LABELLED.search(text, start)
    end = first.start() if first else start + 1500
    return [line for line in lines(text, start, min(end, start + 3000)) if len(line.text) <= 160][:20]


def _labelled(header: list[Line], *labels: str) -> Found | None:
    for line in header:
        match = re.match(rf"(?:{'|'.join(labels)})\s*:\s*(?P<value>\S.*)$", line.text, re.IGNORECASE)
        if match:
            return Found(match["value"].strip(), line.start + match.start("value"), line.end)
    return None


def _listed_company(header: list[Line]) -> Found | None:
    """Return the name of a header line that holds a name and its symbol, or a name with a company's ending, and nothing else."""
    for line in header[:6]:
        match = re.match(r"(?P<name>[A-Z0-9][^()]{1,60}?)\s*\((?:[A-Z ]{2,12}:\s*)?[A-Z.]{1,6}\)$", line.text)
        name = tidy(match["name"] if match else line.text)
        if match or (has_suffix(name) and len(name.split()) <= 6 and not re.search(r"[:;,] \w+ \w+ ", name)):
            return Found(name, line.start, line.start + (match.end("name") if match else len(line.text)))
    return None


def _clean_company(words: str, text: str) -> str | None:
    """Return the name in a greeting's words once period and call are taken out, or None."""
    words = _PERIOD_WORDS.sub(" ", words)
    words = re.sub(r"\b(?:today|this morning|this afternoon)\b['’]?s?", " ", words, flags=re.IGNORECASE)
    words = re.sub(r"\s+", " ", words).strip(" ,.-–—")
    words = re.sub(r"^(?:the|our|a|an)\s+(?=\S)", "", words, flags=re.IGNORECASE).strip(" ,")
    words = re.split(r",\s+(?:and|as well as)\s|\s+and\s+(?=$)", words)[0]
    words = re.sub(r"\s+and$", "", words)
    words = re.sub(r"(?<=\w)['’]s$", "", words)
    match = _NAME.match(words)
    if match is None:
        return None
    name = tidy(re.sub(r"(?<=\w)['’]s?$", "", match.group().strip(" ,")))
    if (
        len(name) < 2
        or name.lower() in {"call", "session", "everyone", "and", "question", "question and answer"}
        or not any(c.isalpha() for c in name)
    ):
        return None
    # "SiTimes third quarter": a transcriber dropped the apostrophe, when the text has the name without its s.
    if name[-1] == "s" and name[-2] not in "s'’" and " " not in name:
        bare = len(re.findall(rf"\b{re.escape(name[:-1])}\b(?!['’])", text))
        if bare > len(re.findall(rf"\b{re.escape(name)}\b", text)):
            name = name[:-1]
    return name


def _greetings(text: str, start: int) -> Iterator[re.Match[str]]:
    yield from _WELCOME.finditer(text, start, start + 7000)


def _greeted_company(text: str, start: int) -> Found | None:
    for match in _greetings(text, start):
        what = match["what"]
        call = list(re.finditer(_CALL, what, re.IGNORECASE))
        before, after = what[: call[0].start()], what[call[0].end() :]
        named = _FOR.search(after)
        for words, offset in (
            (before, 0),
            (named["company"] if named else "", call[0].end() + named.start("company") if named else 0),
        ):
            name = _clean_company(words, text)
            if name is None:
                continue
            at = what.find(name.split()[0], offset)
            begin = match.start("what") + max(at, 0)
            end = begin + len(name) if text[begin : begin + len(name)] == name else match.end()
            return Found(name, begin, end)
    return None


def _quarter(text: str, start: int, header: list[Line]) -> Found | None:
    if header:
        named = next(iter(quarters(text, header[0].start, header[-1].end)), None)
        if named:
            return Found(named.label, named.start, named.end)
        year = full_year(text, header[0].start, header[-1].end)
        if year:
            return Found(f"FY{year[0]}", year[1], year[2])
    spoken: list[Quarter] = []
    for match in _greetings(text, start):
        spoken.extend(quarters(text, match.start(), match.end()))
    # A call on a quarter says so in its first minutes; a comparison with another quarter comes later.
    spoken.extend(quarters(text, start, start + 5000))
    if not spoken:
        return None
    best = spoken[0]
    for match in _greetings(text, start):
        lone = lone_quarter(text, match.start(), match.end())
        if lone:
            best = next((q for q in spoken if q.quarter == lone[0]), best)
            break
    return Found(best.label, best.start, best.end)


def _published(text: str, start: int, header: list[Line]) -> Found | None:
    """Return the date of the call where it is stated; a weekday that contradicts its date makes it no date."""
    for line in header:
        content = _DATE_LABEL.sub("", line.text)
        iso = parse_date(_TIME.sub("", content))
        if iso is not None:
            return Found(iso, line.start, line.end)
        dates = find_dates(text, line.start, line.end)
        if (
            len(dates) == 1
            and re.search(r"call|transcript|earnings", line.text, re.IGNORECASE)
            and dates[0].weekday_agrees is not False
        ):
            return Found(dates[0].iso, dates[0].start, dates[0].end)
    for day in find_dates(text, start, start + 8000):
        if day.weekday_agrees is not False and _SAID_ON.search(text[max(start, day.start - 70) : day.start]):
            return Found(day.iso, day.start, day.end)
    return None


def read(text: str, start: int) -> dict[str, Found]:
    """Return the facts of a transcript, keyed as the fields of Metadata."""
    header = _header(text, start)
    facts: dict[str, Found] = {}
    first = header[0] if header else next(lines(text, start))
    facts["kind"] = Found("transcript", first.start, first.end)
    heading = next(((line, m) for line in header if (m := _HEADING.match(line.text))), None)
    company = _labelled(header, "company", "company name", "issuer", "participating company")
    if company is None and heading is not None:
        line, match = heading
        name = tidy(_PERIOD_WORDS.sub(" ", match["company"]))
        name = re.sub(r"\s*\([^)]*\)$", "", name)
        if name and name.lower() not in {"transcript", "call", "the"}:
            end = line.start + match.end("company")
            company = Found(name, line.start, end)
    company = company or _listed_company(header) or _greeted_company(text, start)
    if company is not None:
        facts["company"] = company
    symbol = EXCHANGE_TICKER.search(text, start, start + 3000)
    if symbol is not None:
        facts["ticker"] = Found(symbol["symbol"], symbol.start("symbol"), symbol.end("symbol"))
    elif heading is not None and heading[1]["ticker"] and re.fullmatch(r"[A-Z.]{1,6}", heading[1]["ticker"]):
        line, match = heading
        facts["ticker"] = Found(match["ticker"], line.start + match.start("ticker"), line.start + match.end("ticker"))
    period = _quarter(text, start, header)
    if period is not None:
        facts["fiscal_period"] = period
    published = _published(text, start, header)
    if published is not None:
        facts["published"] = published
    if heading is not None:
        line = heading[0]
        named = period is not None and not list(quarters(line.text))
        title = f"{line.text}, {period.value}" if named and period else line.text
        if company is not None and company.value.lower() not in title.lower():
            title = f"{company.value} {title}"
        facts["title"] = Found(title, line.start, line.end)
    elif company is not None:
        title = " ".join([company.value, *([period.value] if period else []), "earnings call" if period else "call"])
        facts["title"] = Found(title, company.start, company.end)
    return facts
