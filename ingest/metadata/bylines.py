"""Bylines, lists of authors and sign-offs: who wrote an article, and which house stands beside their names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ingest.metadata.dates import find_dates, parse_date
from ingest.metadata.found import Found, Line, lines
from ingest.metadata.names import is_person, is_role, people, tidy, without_credentials

_HEADS_LIST = re.compile(
    r"^(?:(?:research|lead|senior|covering)\s+)?(?:analysts?|authors?|contributors?)\s*:?$", re.IGNORECASE
)
_HEADS_CONTACT = re.compile(r"\b(?:contacts?|relations|inquiries|enquiries|information)\b", re.IGNORECASE)
_REACHED_AT = re.compile(r"^\S+@\S+\.\S+$|^(?:\+\d{1,3}[\s.-]?)?\(?\d{2,4}\)?[\s.-]\d{3,4}[\s.-]\d{3,4}$")
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
BYLINE = re.compile(
    r"^(?:written\s+by|posted\s+by|authored\s+by|prepared\s+by|analysts?|authors?|contributors?|by)\s*:?\s+(?P<names>[^|•·\n]{3,160})",
    re.IGNORECASE,
)
ORGANISATION = re.compile(
    r"\b(?:research|capital|partners|investments?|securities|advis[oe]rs|asset\s+management|management|bank|group|associates|analytics|"
    r"institute|ventures|markets|wealth|financial|equity|holdings|company|llc|ltd|limited|inc|plc|lp)\b\.?",
    re.IGNORECASE,
)
_SALUTATION = re.compile(
    r"^(?:(?:best|kind|warm|kindest|warmest)(?:\s+(?:regards|wishes))?|regards|sincerely|yours(?:\s+\w+)?|respectfully|cheers|good\s+investing|"
    r"until\s+next\s+time|to\s+your\s+\w+|all\s+the\s+best|thank\s+you)\s*[,.!—–-]?$",
    re.IGNORECASE,
)
_IS_A = re.compile(
    r"(?P<name>\S+(?:\s+\S+){1,3}?),?\s+is\s+(?:an?|the)\s+(?P<role>[^.,]{4,70}?)"
    r"(?:\s+(?:at|of|for|with)\s+(?P<house>[A-Z][\w&'’-]*(?:\s+[A-Z&][\w&'’-]*){0,5}?))?(?:[.,;]|$)"
)
_AT_HOUSE = re.compile(r"^(?:at|for|of|with)\s+(?P<house>[A-Z].{2,70})$")
# "Director of Research" names no house: behind "of" or "for" it takes two words and one that houses bear.
ROLE_AT_HOUSE = re.compile(
    r"\b(?:(?:at|with)|(?:of|for)(?=\s+\S+\s.*(?:Research|Capital|Partners|Investments?|Securities|Advis[oe]rs|Management|Bank|Group|LLC|Inc)))"
    r"\s+(?P<house>(?:the\s+)?[A-Z][\w&.'’-]*(?:\s+(?:[A-Z&][\w&.'’-]*|of|and)){0,7})\s*$"
)


def bare(line: str) -> str:
    """Return a line without the marks of Markdown."""
    return re.sub(
        r"^#{1,6}\s+|\*\*|__|^>\s+|\[([^\]]{1,400})\]\([^)]{0,1000}\)", lambda m: m.group(1) or "", line
    ).strip(" *_|")


def date_of(line: Line) -> tuple[Found, int] | None:
    """Return the date of a line that says nothing else (but a byline, a reading time), with its rank."""
    if len(line.text) > 160:
        return None
    position = 0
    content = bare(line.text)
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
    if len(tail) == 1 and BYLINE.match(line.text) and line.text[tail[0].end :].strip(" .)") == "":
        return Found(tail[0].iso, line.start + tail[0].start, line.start + tail[0].end), 2
    return None


def byline(line: Line) -> list[Found]:
    """Return the names in "By A and B, CFA | May 3, 2024" or "May 3, 2024 | A"; empty for any other line."""
    content = bare(line.text)
    match = BYLINE.match(content)
    dated = date_of(line) is not None
    if match is None and dated:
        match = _BY_INSIDE.search(content)
    if len(line.text) > 200:
        return []
    if match is None:
        parts = [part.strip() for part in _SEPARATOR.split(content)] if dated else []
        return _located([without_credentials(part) for part in parts if is_person(part)], line)
    words = match["names"]
    dates = find_dates(words)
    if dates:
        words = re.sub(r"\s+on$", "", words[: dates[0].start].rstrip(" ,–—-|"))
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


def listed(top: Sequence[Line]) -> list[Found]:
    """Return names on lines of their own beside a role, a date, a telephone number or under "Analysts"."""
    found: list[Found] = []
    heads = ""  # the last line that is neither a name nor a way to reach one
    for number, line in enumerate(top):
        content = bare(line.text)
        if not is_person(content):
            heads = heads if _REACHED_AT.match(content) else content
            inline = re.match(r"(?P<name>[^,|–—]{4,45}?)(?:\s*[,|–—]\s*|\s+-\s+)(?P<role>.{4,90})$", content)
            if (
                inline
                and is_person(inline["name"].strip())
                and is_role(inline["role"])
                and not _SALUTATION.match(content)
            ):
                found.extend(_located([without_credentials(inline["name"].strip())], line))
            continue
        name = without_credentials(content)
        following = [o for o in top[number + 1 : number + 4] if without_credentials(bare(o.text)) != name]
        beside = [*top[max(number - 1, 0) : number], *following[:1]]
        roled = following and is_role(bare(following[0].text)) and not is_person(bare(following[0].text))
        reached = following and _REACHED_AT.match(bare(following[0].text)) and not _HEADS_CONTACT.search(heads)
        if roled or reached or _HEADS_LIST.match(heads) or any(date_of(o) is not None for o in beside):
            found.extend(_located([name], line))
    return found


def signed_by(text: str, start: int) -> tuple[list[Found], Found | None]:
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
            role = ROLE_AT_HOUSE.search(other.text)
            parts = re.split(r",\s+|\s+[|–—-]\s+", other.text)
            if len(parts) == 2 and is_role(parts[0]) and ORGANISATION.search(parts[1]) and parts[1][0].isupper():
                house = Found(tidy(parts[1]), other.end - len(parts[1]), other.end)
                break
            if role is not None and is_role(other.text):
                house = Found(tidy(role["house"]), other.start + role.start("house"), other.start + role.end("house"))
                break
            if not is_role(other.text.rstrip("&, ")):
                if ORGANISATION.search(other.text) and len(other.text.split()) <= 6:
                    house = Found(tidy(other.text), other.start, other.end)
                break
        if names:
            return names, house
    return _described(tail)


def _described(tail: Sequence[Line]) -> tuple[list[Found], Found | None]:
    """Return who "Ann Lee is a portfolio manager at House." at the end speaks of."""
    for line in tail[-12:]:
        match = _IS_A.match(bare(line.text))
        if match is not None and is_person(match["name"]) and is_role(match["role"]):
            house = Found(tidy(match["house"]), line.start, line.end) if match["house"] else None
            return _located([match["name"]], line), house
    return [], None


def authors_of(top: Sequence[Line], signed: Sequence[Found]) -> list[Found]:
    """Return the authors, each once: of a byline, else of a list of names, else those who ``signed``."""
    named = [found for line in top for found in byline(line)] or listed(top) or signed
    return list({f.value.lower(): f for f in reversed(named)}.values())[::-1]
