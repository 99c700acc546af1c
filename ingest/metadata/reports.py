"""Facts of a company's annual report that bears no SEC cover (a report to shareholders)."""

from __future__ import annotations

import re
from collections import Counter

from ingest.metadata.dates import first_date
from ingest.metadata.filings import EXCHANGE_TICKER
from ingest.metadata.found import Found, lines, phrase
from ingest.metadata.names import SUFFIX, cased, is_upper, tidy

_ABBREVIATED = re.compile(r"\b(?:Inc|Corp|Co|Ltd)$", re.IGNORECASE)
_HEAD = 15_000
_ANNUAL = re.compile(
    phrase(
        r"(?:(?P<before>(?:19|20)\d\d) )?annual report(?: (?:and accounts|to (?:share|stock)holders))?(?: (?P<after>(?:19|20)\d\d)\b)?"
    ),
    re.IGNORECASE,
)
_STATEMENTS = re.compile(
    phrase(
        r"(?:consolidated )?(?:balance sheets?|statements? of (?:income|operations|earnings|cash flows?|financial position))"
    ),
    re.IGNORECASE,
)
_LETTER = re.compile(phrase(r"(?:to|dear) (?:our |fellow )*(?:share|stock)holders"), re.IGNORECASE)
_YEAR_ENDED = re.compile(phrase(r"(?:fiscal )?years? ended"), re.IGNORECASE)
_NAME = re.compile(
    rf"\b(?P<name>(?:[A-Z][\w&.'’-]*|&)(?:\s+(?:[A-Z&][\w&.'’-]*|of|and)){{0,5}},?\s+{SUFFIX})\b(?P<stop>\.?)"
)


def is_report(text: str, start: int) -> bool:
    """Return whether the text is an annual report: it says so near its top and holds financial statements."""
    head = text[start : start + _HEAD]
    return (
        bool(_ANNUAL.search(head))
        and len(_STATEMENTS.findall(text, start)) >= 4
        and (bool(_LETTER.search(head)) or len(text) > 60_000)
    )


def read(text: str, start: int) -> dict[str, Found]:
    """Return the facts of the report, keyed as the fields of Metadata; its form is "ARS", as the SEC calls it."""
    annual = _ANNUAL.search(text, start, start + _HEAD)
    assert annual is not None
    facts = {"kind": Found("filing", annual.start(), annual.end()), "form": Found("ARS", annual.start(), annual.end())}
    names = Counter(
        tidy(m["name"]) + (m["stop"] if _ABBREVIATED.search(m["name"]) else "") for m in _NAME.finditer(text, start)
    )
    if names:
        head = text[start : start + _HEAD].lower()
        name = max(names, key=lambda n: (names[n] * (3 if n.lower() in head else 1), n))
        at = next((line.start + line.text.find(name) for line in lines(text, start) if name in line.text), None)
        span = (at, at + len(name)) if at is not None else annual.span()
        shown = cased(name, text) if is_upper(name) else name
        facts["company"] = facts["publisher"] = Found(shown, *span)
    ended = _YEAR_ENDED.search(text, start)
    day = first_date(text, ended.end(), ended.end() + 60) if ended else None
    year = annual["before"] or annual["after"]
    if day is not None and (year is None or day.iso[:4] == year):
        facts["period_end"] = Found(day.iso, day.start, day.end)
        facts["fiscal_period"] = Found(f"FY{day.iso[:4]}", day.start, day.end)
    elif year is not None:
        facts["fiscal_period"] = Found(f"FY{year}", annual.start(), annual.end())
    symbol = EXCHANGE_TICKER.search(text, start, start + _HEAD)
    if symbol is not None:
        facts["ticker"] = Found(symbol["symbol"], symbol.start("symbol"), symbol.end("symbol"))
    parts = [facts[key].value for key in ("company",) if key in facts] + ["annual report"]
    parts += [facts["fiscal_period"].value] if "fiscal_period" in facts else []
    facts["title"] = Found(" ".join(parts), annual.start(), annual.end())
    return facts
