"""Facts of an article or a note: its headline, date, authors and the house that published it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ingest.metadata.dates import find_dates, parse_date
from ingest.metadata.filings import EXCHANGE_TICKER
from ingest.metadata.found import Found, Line, flat, lines
from ingest.metadata.names import is_person, is_role, people, tidy, without_credentials

_TOP_LINES = 45
_DATE_WORDS = re.compile(
    r"^(?P<label>(?:first\s+)?(?:published|posted|released|issued|created|updated|last\s+(?:updated|modified)|revised|date|as\s+of)"
    r"(?:\s+(?:on|date|at))?)?\s*[:\-–—]?\s*(?:on\s+)?",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r"\s*(?:\||·|•|–|—|/|\s-\s|,\s*(?=\d+\s+min))\s*")
_TIME = re.compile(
    r"(?:,|\bat\b)?\s*\d{1,2}:\d\d(?::\d\d)?\s*(?:[ap]\.?m\.?)?\s*\(?(?:[A-Z]{2,4}|GMT[+-]\d+)?\)?\s*$", re.IGNORECASE
)
_BY_INSIDE = re.compile(r"(?:^|[\s|•·,–—-])by\s+(?P<names>[^|•·\n]{3,120})$", re.IGNORECASE)
_BYLINE = re.compile(
    r"^(?:written\s+by|posted\s+by|authored\s+by|prepared\s+by|analysts?|authors?|by)\s*:?\s+(?P<names>[^|•·\n]{3,160})",
    re.IGNORECASE,
)
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
_ORGANISATION = re.compile(
    r"\b(?:research|capital|partners|investments?|securities|advis[oe]rs|asset\s+management|management|bank|group|associates|analytics|"
    r"institute|ventures|markets|wealth|financial|equity|holdings|company|llc|ltd|limited|inc|plc|lp)\b\.?",
    re.IGNORECASE,
)
_SALUTATION = re.compile(
    r"^(?:(?:best|kind|warm|kindest|warmest)(?:\s+(?:regards|wishes))?|regards|sincerely|yours(?:\s+\w+)?|respectfully|cheers|good\s+investing|"
    r"until\s+next\s+time|to\s+your\s+\w+|all\s+the\s+best|thank\s+you)\s*[,.!—–-]?$",
    re.IGNORECASE,
)
_AT_HOUSE = re.compile(r"^(?:at|for|of|with)\s+(?P<house>[A-Z].{2,70})$")
# "Director of Research" names no house: behind "of" or "for" it takes two words and one that houses bear.
_ROLE_AT_HOUSE = re.compile(
    r"\b(?:(?:at|with)|(?:of|for)(?=\s+\S+\s.*(?:Research|Capital|Partners|Investments?|Securities|Advis[oe]rs|Management|Bank|Group|LLC|Inc)))"
    r"\s+(?P<house>(?:the\s+)?[A-Z][\w&.'’-]*(?:\s+(?:[A-Z&][\w&.'’-]*|of|and)){0,7})\s*$"
)
_PLATFORMS = re.compile(
    r"\b(?:wordpress|substack|ghost|shopify|squarespace|wix|beehiiv|mailchimp|medium|blogger|drupal|joomla|hubspot|webflow|disqus|google|"
    r"cloudflare|convertkit|jekyll|hugo|mailerlite)\b",
    re.IGNORECASE,
)
_HOUSE = r"(?P<house>[A-Z][\w&.'’-]*(?:,?\s+(?:[A-Z&][\w&.'’-]*|of|and|the|for)){0,7}?)"
_YEARS = r"(?:(?:19|20)\d\d(?:\s*[-–—]\s*(?:(?:19|20)\d\d|present))?)"
# Who speaks of a publication as its own, with the weight of the wording.
_CLAIMS: tuple[tuple[re.Pattern[str], int], ...] = tuple(
    (re.compile(pattern, flags), weight)
    for pattern, flags, weight in (
        (rf"^(?:publisher|published\s+by|issued\s+by)\s*:?\s+{_HOUSE}\s*\.?$", re.MULTILINE | re.IGNORECASE, 5),
        (rf"\bpowered\s+by\s+{_HOUSE}\s*[.\n]", re.IGNORECASE, 3),
        (
            rf"(?:©|\(c\)|\b(?:[Cc]opyright|COPYRIGHT)(?:\s*(?:©|\(c\)))?)\s*{_YEARS}?,?\s*(?:by\s+)?{_HOUSE}\s*,?\s*(?={_YEARS}|[.\n|,;]|all\s+rights|$)",
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
    )
)
_NOTE = re.compile(
    r"\b(?:research|investment|internal|analyst|company|thesis|meeting|field|idea|sample)\s+notes?\b|\bmemo(?:randum)?\b|\binvestment\s+(?:thesis|case)\b",
    re.IGNORECASE,
)


def _bare(line: str) -> str:
    return re.sub(r"^#{1,6}\s+|\*\*|__|^>\s+|\[([^\]]+)\]\([^)]*\)", lambda m: m.group(1) or "", line).strip(" *_|")


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


def _date_of(line: Line) -> tuple[Found, int] | None:
    """Return the date of a line that says nothing else (but a byline, a reading time), with its rank."""
    if len(line.text) > 160:
        return None
    position = 0
    content = _bare(line.text)
    inside = _BY_INSIDE.search(content)
    for part in [*_SEPARATOR.split(content), content, *([content[: inside.start()]] if inside else [])]:
        match = _DATE_WORDS.match(part)
        assert match is not None
        rest = _TIME.sub("", part[match.end() :]).strip(" ()[]")
        iso = parse_date(rest)
        if iso is None:
            continue
        position = line.text.find(rest)
        label = (match["label"] or "").lower()
        rank = 1 if re.match(r"updated|last|revised|as", label) else 3 if label else 2
        return Found(iso, line.start + max(position, 0), line.start + max(position, 0) + len(rest)), rank
    tail = find_dates(line.text)
    if len(tail) == 1 and _BYLINE.match(line.text) and line.text[tail[0].end :].strip(" .)") == "":
        return Found(tail[0].iso, line.start + tail[0].start, line.start + tail[0].end), 2
    return None


def _published(top: Sequence[Line], text: str, start: int) -> tuple[Found, int] | None:
    dated = [found for line in top if (found := _date_of(line)) is not None]
    if dated:
        return max(dated, key=lambda item: item[1])
    tail = [
        found
        for line in lines(text, max(start, len(text) - 3000))
        if (found := _date_of(line)) is not None and found[1] == 3
    ]
    return tail[0] if tail else None


def _byline(line: Line) -> list[Found]:
    match = _BYLINE.match(_bare(line.text))
    if match is None and _date_of(line):
        match = _BY_INSIDE.search(_bare(line.text))
    if match is None or len(line.text) > 200:
        return []
    words = match["names"]
    dates = find_dates(words)
    if dates:
        words = words[: dates[0].start].rstrip(" ,–—-|")
    words = re.split(
        r"\s+[–—|-]\s+|\s*\(|,\s+(?=(?:senior|chief|head|portfolio|director|analyst|managing)\b)",
        words,
        flags=re.IGNORECASE,
    )[0]
    names = people(words)
    if not names and (role := re.match(r"(?P<name>[^,]+),\s*(?P<role>.+)", words)) and is_role(role["role"]):
        names = people(role["name"])
    return _located(names, line)


def _located(names: Sequence[str], line: Line) -> list[Found]:
    found = []
    for name in names:
        at = line.text.lower().find(name.lower())
        start, end = (line.start, line.end) if at < 0 else (line.start + at, line.start + at + len(name))
        found.append(Found(name, start, end))
    return found


def _listed(top: Sequence[Line]) -> list[Found]:
    """Return names on lines of their own that a role follows, as "About the team" blocks and mastheads list them."""
    found: list[Found] = []
    for number, line in enumerate(top):
        content = _bare(line.text)
        if not is_person(content):
            inline = re.match(r"(?P<name>[^,|–—-]{4,45})(?:\s*[,|–—]\s*|\s+-\s+)(?P<role>.{4,90})$", content)
            if (
                inline
                and is_person(inline["name"].strip())
                and is_role(inline["role"])
                and not _SALUTATION.match(content)
            ):
                found.extend(_located([without_credentials(inline["name"].strip())], line))
            continue
        following = [_bare(o.text) for o in top[number + 1 : number + 4]]
        name = without_credentials(content)
        following = [f for f in following if without_credentials(f) != name]
        if following and is_role(following[0]) and not is_person(following[0]):
            found.extend(_located([name], line))
    return found


def _signed(text: str, start: int) -> tuple[list[Found], Found | None]:
    """Return the names under the closing words of a letter, and the house that stands with them."""
    tail = list(lines(text, max(start, len(text) - 12000)))
    for number, line in enumerate(tail):
        if not _SALUTATION.match(line.text):
            continue
        names: list[Found] = []
        house: Found | None = None
        for other in tail[number + 1 : number + 9]:
            at = _AT_HOUSE.match(other.text)
            if at is not None:
                house = Found(tidy(at["house"]), other.start + at.start("house"), other.end)
                break
            signed = people(other.text.strip("—–- "))
            if signed:
                names.extend(_located(signed, other))
                continue
            if not names or len(other.text) > 110:
                break
            role = _ROLE_AT_HOUSE.search(other.text)
            parts = re.split(r",\s+|\s+[|–—-]\s+", other.text)
            if len(parts) == 2 and is_role(parts[0]) and _ORGANISATION.search(parts[1]) and parts[1][0].isupper():
                house = Found(tidy(parts[1]), other.end - len(parts[1]), other.end)
                break
            if role is not None and is_role(other.text):
                house = Found(tidy(role["house"]), other.start + role.start("house"), other.start + role.end("house"))
                break
            if not is_role(other.text.rstrip("&, ")):
                if _ORGANISATION.search(other.text) and len(other.text.split()) <= 6:
                    house = Found(tidy(other.text), other.start, other.end)
                break
        if names:
            return names, house
    return [], None


def _authors(top: Sequence[Line], text: str, start: int, signed: list[Found]) -> list[Found]:
    named: list[Found] = []
    for line in top:
        named.extend(_byline(line))
    named = named or _listed(top) or signed
    seen: set[str] = set()
    return [f for f in named if not (f.value.lower() in seen or seen.add(f.value.lower()))]  # type: ignore[func-returns-value]


def _publisher(text: str, start: int, top: Sequence[Line], house: Found | None, title: Found | None) -> Found | None:
    """Return the house with the most weight of wording; a legal entity's votes go to the brand that begins its name."""
    claims: list[tuple[Found, int]] = [(house, 4)] if house is not None else []
    for pattern, weight in _CLAIMS:
        for match in pattern.finditer(text, start):
            name = tidy(match["house"])
            if (
                len(name) < 3
                or _PLATFORMS.search(name)
                or name.lower() in {"all", "the", "company", "this"}
                or len(name.split()) > 8
            ):
                continue
            claims.append((Found(name, match.start("house"), match.end("house")), weight))
    for line in top:
        content = _bare(line.text)
        role = _ROLE_AT_HOUSE.search(content)
        if role is not None and is_role(content):
            claims.append((Found(tidy(role["house"]), line.start, line.end), 2))
        elif (
            (
                (parts := re.split(r"\s*,\s+|\s+[|–—]\s+", content))
                and len(parts) in (2, 3)
                and _ORGANISATION.search(parts[-1])
            )
            and (is_person(parts[0]) or _BYLINE.match(parts[0]))
            and not is_role(parts[-1])
        ):
            claims.append((Found(tidy(parts[-1]), line.end - len(parts[-1]), line.end), 2))
    for line in top[:3]:
        content = _bare(line.text)
        if title is not None and line.start >= title.start:
            break
        if (
            _ORGANISATION.search(content)
            and len(content.split()) <= 5
            and not _date_of(line)
            and not content.endswith(("?", ".", ":"))
        ):
            claims.append((Found(tidy(content), line.start, line.end), 2))
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
    content = _bare(line.text)
    words = content.split()
    if not 1 <= len(words) <= 30 or len(content) > 200 or not any(c.isalpha() for c in content):
        return None
    if _date_of(line) or _BYLINE.match(content) or _LABEL.match(content) or re.match(r"https?://|www\.", content):
        return None
    if (
        is_person(content)
        or _listed([line])
        or re.search(r"\s[>›»/]\s", content)
        or re.match(r"[-•*]\s|\d+[.)]\s", content)
    ):
        return None
    score = min(len(words), 6) / 2 - number * 0.25
    near = [o for o in top[number + 1 : number + 4] if len(o.text) < 200]
    score += 2 * any(_date_of(o) is not None for o in near)
    score += 1.5 * any(_byline(o) or is_person(_bare(o.text)) for o in near)
    score += 1.0 * content.endswith("?") - 1.5 * content.endswith(".") - 2.5 * content.endswith((":", ",", ";"))
    score += 3 * line.text.startswith("# ") - 2 * content[0].islower()
    score -= 2.5 * (len(words) <= 5 and bool(_MASTHEAD.search(content)))
    score -= 2 * (len(words) <= 2) + 2 * (len(words) <= 6 and f"{content}:" in text)
    score -= 1.5 * (is_role(content) and len(words) <= 6) + 2 * (len(content) > 140)
    score -= 1.5 * (len(words) <= 4 and bool(_ORGANISATION.search(words[-1])))
    return score


def _title(top: Sequence[Line], text: str, hint: str | None) -> Found | None:
    if hint:
        plain = re.sub(r"\W+", " ", hint).lower().strip()
        for line in top:
            content = re.sub(r"\W+", " ", _bare(line.text)).lower().strip()
            # An embedded title is the headline, with or without the site's name behind it.
            if (
                len(content) >= 8
                and (content == plain or plain.startswith(content + " "))
                and len(content.split()) >= 2
            ):
                return Found(flat(_bare(line.text)), line.start, line.end)
    scored = [(s, -n, line) for n, line in enumerate(top[:25]) if (s := _score(line, n, top, text)) is not None]
    if not scored:
        return None
    score, _, line = max(scored, key=lambda item: item[:2])
    return Found(flat(_bare(line.text)), line.start, line.end) if score > 0 else None


def _labelled(top: Sequence[Line], key: str) -> Found | None:
    for line in top:
        match = re.match(rf"\W*{key}\W*:\W*\s*(?P<value>\S.*)$", line.text, re.IGNORECASE)
        if match:
            return Found(match["value"].strip(" *_"), line.start + match.start("value"), line.end)
    return None


def read(
    text: str, start: int, *, title_hint: str | None = None, web: bool = False
) -> tuple[dict[str, Found], list[Found], bool]:
    """Return (facts keyed as the fields of Metadata, authors, whether the date is only that of an update).

    ``title_hint`` is the title that the file format states: a line equal to it is the headline. ``web`` says that
    the source is a page of the web, which is an article whatever else it lacks.
    """
    top = _top(text, start)
    facts: dict[str, Found] = {}
    title = _title(top, text, title_hint)
    if title is not None:
        facts["title"] = title
    dated = _published(top, text, start)
    if dated is not None:
        facts["published"] = dated[0]
    signed, house = _signed(text, start)
    authors = _authors(top, text, start, signed)
    publisher = _publisher(text, start, top, house, title)
    if publisher is not None:
        facts["publisher"] = publisher
    for key in ("ticker", "company"):
        if (found := _labelled(top, key)) is not None and len(found.value) < 80:
            facts[key] = found
    if title is not None and (symbol := EXCHANGE_TICKER.search(text, title.start, title.end)):
        facts.setdefault("ticker", Found(symbol["symbol"], symbol.start("symbol"), symbol.end("symbol")))
        name = tidy(re.split(r"[:–—]\s", text[title.start : symbol.start()])[-1])
        if name and len(name.split()) <= 6:
            at = text.find(name, title.start, symbol.start())
            facts.setdefault("company", Found(name, max(at, title.start), symbol.start() if at < 0 else at + len(name)))
    source = _labelled(top, "(?:url|link|permalink|source)")
    if source is not None and re.match(r"https?://\S+$", source.value):
        facts["url"] = source
    if title is not None:
        noted = _NOTE.search(text[title.start : title.end]) or next(
            (m for o in top[:6] if len(o.text) < 80 and (m := _NOTE.search(o.text))), None
        )
        prose = len(text) - start > 400
        kind = "note" if noted or not (web or publisher or (dated and authors)) else "article"
        if prose:
            facts["kind"] = Found(kind, title.start, title.end)
    return facts, authors, dated is not None and dated[1] == 1
