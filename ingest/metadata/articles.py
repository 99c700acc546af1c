"""Facts of an article or a note: its headline, date, authors and the house that published it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ingest.metadata.bylines import (
    BYLINE,
    ORGANISATION,
    ROLE_AT_HOUSE,
    authors_of,
    bare,
    byline,
    date_of,
    listed,
    signed_by,
)
from ingest.metadata.filings import EXCHANGE_TICKER
from ingest.metadata.found import Found, Line, flat, lines
from ingest.metadata.names import is_person, is_role, tidy

_TOP_LINES = 45
_LABEL = re.compile(
    r"^(?:key\s+(?:takeaways|points|insights)|share|tags?|topics?|contents?|in\s+this\s+(?:article|issue|report)|menu|home|read\s+more|subscribe|"
    r"summary|executive\s+summary|overview|download|print|advertisement|search|log\s*in|sign\s*in|back|next|previous|related|"
    r"\d+\s*[- ]min(?:ute)?s?(?:\s+read)?|chart|image|photo|figure|source)\b.{0,40}$",
    re.IGNORECASE,
)
_MASTHEAD = re.compile(
    r"\b(?:daily|weekly|monthly|quarterly|newsletter|letter|digest|bulletin|journal|review|report|brief|briefing|blog|insights?|commentary|"
    r"notes?|news|research|perspectives?|viewpoints?|update|edition|series|podcast|essentials)$",
    re.IGNORECASE,
)
# "EQUITY RESEARCH | UNITED STATES", "Company Update": what a house prints above its headline.
_BANNER = re.compile(
    r"^[^|•·]*\b(?:research|strategy|commentary|note)\s*[|•·]|^(?:company|sector|industry|earnings|market)\s+(?:update|note|report|review|flash)$",
    re.IGNORECASE,
)
_PLATFORMS = re.compile(
    r"\b(?:wordpress|substack|ghost|shopify|squarespace|wix|beehiiv|mailchimp|medium|blogger|drupal|joomla|hubspot|webflow|disqus|google|"
    r"cloudflare|convertkit|jekyll|hugo|mailerlite)\b",
    re.IGNORECASE,
)
_HOUSE = r"(?P<house>[A-Z][\w&.'’-]{0,40}(?:,?\s+(?:[A-Z&][\w&.'’-]{0,40}|of|and|the|for)){0,7}?)"
_YEARS = r"(?:(?:19|20)\d\d(?:\s*[-–—]\s*(?:(?:19|20)\d\d|present))?)"
# Who speaks of a publication as its own, with the weight of the wording.
_CLAIMS: tuple[tuple[re.Pattern[str], int], ...] = tuple(
    (re.compile(pattern, flags), weight)
    for pattern, flags, weight in (
        (rf"^(?:publisher|published\s+by|issued\s+by)\s*:?\s+{_HOUSE}\s*\.?$", re.MULTILINE | re.IGNORECASE, 5),
        (rf"\bpowered\s+by\s+{_HOUSE}\s*[.\n]", re.IGNORECASE, 3),
        (
            rf"(?:©|\(c\)|\b(?:[Cc]opyright|COPYRIGHT)(?:\s*(?:©|\(c\)))?)\s*{_YEARS}?,?\s*(?:by\s+)?{_HOUSE}\s*,?\s*(?={_YEARS}|[.\n|,;]|[Aa]ll\s+[Rr]ights|ALL\s+RIGHTS|$)",
            re.MULTILINE,
            3,
        ),
        (rf"\b[Tt]he\s+{_HOUSE}\s+logo\s+is\b", 0, 3),
        (rf"\b{_HOUSE}\s+is\s+the\s+(?:operating|trading|brand)\s+name\b", 0, 3),
        (
            rf"\b(?:is\s+a\s+publication\s+of|(?:is|was|been)\s+(?:published|issued|prepared|produced|distributed)\s+by)\s+{_HOUSE}\s*(?=[.,;(\n]|\s+(?:and|solely|for|as|to|in)\b)",
            0,
            2,
        ),
        (rf"\bprior\s+(?:written\s+)?(?:permission|consent)\s+(?:from|of)\s+{_HOUSE}\s*(?=[.,;\n]|$)", re.MULTILINE, 1),
        (rf"^Source:\s+{_HOUSE}\s*$", re.MULTILINE, 1),
        (rf"\bThanks\s+for\s+(?:reading|subscribing\s+to)\s+{_HOUSE}\s*[!.]", 0, 4),
        (rf"^{_HOUSE}\s+is\s+a\s+reader-supported\s+publication\b", re.MULTILINE, 4),
    )
)
# What only a broker's note has on its front page.
_RECOMMENDS = re.compile(
    r"^[^\w\n]*(?:(?:our\s+)?rating|recommendation|(?:12[- ]month\s+)?price\s+target|target\s+price)\s*(?:\([^)\n]*\)\s*)?(?:[:|]|(?:US)?\$|(?:buy|hold|sell|outperform|underperform|overweight|underweight|neutral)\b)|\banalyst\s+certification\b",
    re.IGNORECASE | re.MULTILINE,
)
_COVERED = re.compile(r"^(?P<name>[A-Z][\w&.,'’ -]{2,50}?)\s+\((?P<symbol>[A-Z]{1,5}(?:[.-][A-Z]{1,2})?)\)(?=\W|$)")
_NOTE = re.compile(
    r"\b(?:research|investment|internal|analyst|company|thesis|meeting|field|idea|sample)\s+notes?\b|\bmemo(?:randum)?\b|\binvestment\s+(?:thesis|case)\b",
    re.IGNORECASE,
)


def _top(text: str, start: int) -> list[Line]:
    """Return the lines in front of the prose: up to the second long paragraph."""
    top: list[Line] = []
    long = 0
    for line in lines(text, start, start + 12000):
        long += len(line.text) > 220
        if long > 1 or len(top) >= _TOP_LINES:
            break
        top.append(line)
    return top


def _published(top: Sequence[Line], text: str, start: int) -> tuple[Found, int] | None:
    dated = [found for line in top if (found := date_of(line)) is not None]
    if dated:
        return max(dated, key=lambda item: item[1])
    tail = [
        found
        for line in lines(text, max(start, len(text) - 3000))
        if (found := date_of(line)) is not None and found[1] == 3
    ]
    return tail[0] if tail else None


def _publisher(text: str, start: int, top: Sequence[Line], house: Found | None, title: Found | None) -> Found | None:
    """Return the house with the most weight of wording; a legal entity's votes go to the brand that begins its name."""
    claims: list[tuple[Found, int]] = [(house, 4)] if house is not None else []
    for pattern, weight in _CLAIMS:
        for match in pattern.finditer(text, start):
            name = re.sub(r"(?<!\bInc)(?<!\bCorp)(?<!\bLtd)(?<!\bCo)(?<!\.\w)\.$", "", tidy(match["house"]))
            if (
                len(name) < 3
                or _PLATFORMS.search(name)
                or name.lower() in {"all", "the", "company", "this"}
                or len(name.split()) > 8
            ):
                continue
            claims.append((Found(name, match.start("house"), match.end("house")), weight))
    for line in top:
        content = bare(line.text)
        role = ROLE_AT_HOUSE.search(content)
        if role is not None and is_role(content):
            claims.append((Found(tidy(role["house"]), line.start, line.end), 2))
        elif (
            (
                (parts := re.split(r"\s*,\s+|\s+[|–—]\s+", content))
                and len(parts) in (2, 3)
                and ORGANISATION.search(parts[-1])
            )
            and (is_person(parts[0]) or BYLINE.match(parts[0]))
            and not is_role(parts[-1])
        ):
            claims.append((Found(tidy(parts[-1]), line.end - len(parts[-1]), line.end), 2))
    for line in top[:3]:
        if title is not None and line.start >= title.start:
            break
        for part in re.split(r"\s+[|•·–—]\s+", bare(line.text)):
            named = ORGANISATION.search(part) and not part.endswith(("?", ".", ":")) and date_of(line) is None
            if named and 2 <= len(part.split()) <= 5:
                claims.append((Found(tidy(part), line.start, line.end), 2))
                break
    if not claims:
        return None
    brands = sorted({c.value for c, _ in claims}, key=len)
    votes: dict[str, int] = {}
    for found, weight in claims:
        brand = next(b for b in brands if found.value == b or found.value.lower().startswith(b.lower() + " "))
        votes[brand] = votes.get(brand, 0) + weight
    best = max(votes, key=lambda b: (votes[b], len(b)))
    if votes[best] < 2:
        return None
    return next(f for f, _ in claims if f.value == best)


def _score(line: Line, number: int, top: Sequence[Line], text: str) -> float | None:
    """Return how much a line near the top looks like the headline; None if it cannot be."""
    content = bare(line.text)
    words = content.split()
    if not 1 <= len(words) <= 30 or len(content) > 200 or not any(c.isalpha() for c in content):
        return None
    if (
        date_of(line)
        or BYLINE.match(content)
        or _LABEL.match(content)
        or _RECOMMENDS.match(content)
        or re.match(r"https?://|www\.", content)
    ):
        return None
    if (
        is_person(content)
        or listed([line])
        or re.search(r"\s[>›»/]\s", content)
        or re.match(r"[-•*]\s|\d+[.)]\s", content)
    ):
        return None
    score = min(len(words), 5) / 2 - number * 0.25
    near = [o for o in top[number + 1 : number + 4] if len(o.text) < 200]
    score += 2 * any(date_of(o) is not None for o in near)
    score += 1.5 * any(byline(o) or is_person(bare(o.text)) for o in near)
    score += (
        1.0 * content.endswith("?")
        - (3.5 if len(words) > 12 else 1.5) * content.endswith(".")
        - 2.5 * content.endswith((":", ",", ";"))
    )
    score += 3 * line.text.startswith("# ") - 2 * content[0].islower()
    score -= 2.5 * (len(words) <= 5 and bool(_MASTHEAD.search(content) or _BANNER.search(content)))
    score -= 2 * (len(words) <= 2) + 2 * (len(words) <= 6 and f"{content}:" in text)
    score -= 1.5 * (is_role(content) and len(words) <= 6) + 2 * (len(content) > 140)
    score -= 1.5 * (len(words) <= 4 and bool(ORGANISATION.search(words[-1])))
    return score


def _title(top: Sequence[Line], text: str, hint: str | None, heading: int | None) -> Found | None:
    if hint:
        plain = re.sub(r"\W+", " ", hint).lower().strip()
        for line in top:
            content = re.sub(r"\W+", " ", bare(line.text)).lower().strip()
            # An embedded title is the headline, with or without the site's name behind it.
            if (
                len(content) >= 8
                and (content == plain or plain.startswith(content + " "))
                and len(content.split()) >= 2
            ):
                return Found(flat(bare(line.text)), line.start, line.end)
    if top and heading is not None and top[0].start <= heading < top[0].end:
        # "# Weekly Digest" over "## Why gauges matter" is a masthead.
        masthead = _MASTHEAD.search(top[0].text) and len(top) > 1 and top[1].text.startswith("#")
        if not masthead and any(c.isalpha() for c in top[0].text):
            return Found(flat(bare(top[0].text)), top[0].start, top[0].end)
    scored = [(s, -n, line) for n, line in enumerate(top[:25]) if (s := _score(line, n, top, text)) is not None]
    if not scored:
        return None
    score, place, line = max(scored, key=lambda item: item[:2])
    if score <= 0:
        # "Acme annual letter" alone on the first line is what the document is called, though a masthead may look so too.
        score, place, line = scored[0]
        if place != 0 or len(line.text.split()) < 3 or line.text.endswith((".", ":", ",", ";")):
            return None
    return Found(flat(bare(line.text)), line.start, line.end)


def _labelled(top: Sequence[Line], key: str) -> Found | None:
    for line in top:
        match = re.match(rf"\W*{key}\W*:\W*\s*(?P<value>\S.*)$", line.text, re.IGNORECASE)
        if match:
            return Found(match["value"].strip(" *_"), line.start + match.start("value"), line.end)
    return None


def _covered(top: Sequence[Line]) -> tuple[Found, Found] | None:
    """Return company and ticker of the first line "Acme Robotics Inc. (ACRB)"."""
    for line in top:
        match = _COVERED.match(bare(line.text))
        if match is not None:
            at, symbol = line.text.find(match["name"]), line.text.find(match["symbol"])
            name = Found(tidy(match["name"]), line.start + at, line.start + at + len(match["name"]))
            return name, Found(match["symbol"], line.start + symbol, line.start + symbol + len(match["symbol"]))
    return None


def read(
    text: str, start: int, *, title_hint: str | None = None, heading: int | None = None, web: bool = False
) -> tuple[dict[str, Found], list[Found], bool]:
    """Return (facts keyed as the fields of Metadata, authors, whether the date is only that of an update).

    ``title_hint`` is the title that the file format states: a line equal to it is the headline. ``heading`` is where
    the mark-up has the heading of the whole document, which is the headline too. ``web`` says that the source is a page of the web, which is an article whatever else it lacks.
    """
    top = _top(text, start)
    facts: dict[str, Found] = {}
    title = _title(top, text, title_hint, heading)
    if title is not None:
        facts["title"] = title
    dated = _published(top, text, start)
    if dated is not None:
        facts["published"] = dated[0]
    signed, house = signed_by(text, start)
    authors = authors_of(top, signed)
    publisher = _publisher(text, start, top, house, title)
    if publisher is not None:
        facts["publisher"] = publisher
        if title is not None and title.value.lower() == publisher.value.lower():
            # The letterhead is no headline where there is another line for it.
            title = _title([line for line in top if line.start != title.start], text, title_hint, heading) or title
            facts["title"] = title
    for key in ("ticker", "company"):
        if (found := _labelled(top, key)) is not None and len(found.value) < 80:
            facts[key] = found
    if title is not None and (symbol := EXCHANGE_TICKER.search(text, title.start, title.end)):
        facts.setdefault("ticker", Found(symbol["symbol"], symbol.start("symbol"), symbol.end("symbol")))
        name = tidy(re.split(r"[:–—]\s", text[title.start : symbol.start()])[-1])
        if name and len(name.split()) <= 6:
            at = text.find(name, title.start, symbol.start())
            facts.setdefault("company", Found(name, max(at, title.start), symbol.start() if at < 0 else at + len(name)))
    recommends = _RECOMMENDS.search(text, start, start + 6000) is not None
    if recommends and (covered := _covered(top)) is not None:
        for key, found in zip(("company", "ticker"), covered, strict=True):
            facts.setdefault(key, found)
    source = _labelled(top, "(?:url|link|permalink|source)")
    if source is not None and re.match(r"https?://\S+$", source.value):
        facts["url"] = source
    if title is not None:
        noted = (
            recommends
            or _NOTE.search(text[title.start : title.end])
            or next((m for o in top[:6] if len(o.text) < 80 and (m := _NOTE.search(o.text))), None)
        )
        prose = len(text) - start > 400
        kind = "note" if noted or not (web or publisher or (dated and authors)) else "article"
        if prose:
            facts["kind"] = Found(kind, title.start, title.end)
    return facts, authors, dated is not None and dated[1] == 1
