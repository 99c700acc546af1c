"""Furniture of paginated text and of filings: running heads and feet, contents, exhibit lists, signature pages."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from vectorstore.records import Page, Region

_EDGE = 3  # lines at the top and at the bottom of a page that may be running heads or feet
_LONGEST = 120
# A repeated line that says what the figures below it are is evidence: units, periods, statements.
_SAYS_SOMETHING = re.compile(
    r"\b(?:millions?|thousands?|billions?|dollars|except|ended|ending|unaudited|continued|january|february|march|april|june|july|"
    r"august|september|october|november|december|total|quarter|statements?|balance|assets|income|notes?\s+to|note|rounding)\b|[$%€£]",
    re.IGNORECASE,
)
_PAGE_NUMBER = re.compile(
    r"(?:page\s+)?[-–—]?\s*(?:[A-Z]\s*-\s*)?(?:\d{1,4}|[ivxlc]{1,7})\s*[-–—]?(?:\s+of\s+\d{1,4})?", re.IGNORECASE
)
_CONTENTS_HEAD = re.compile(
    r"^[^\w\n]*(?:table\s+of\s+contents|contents|index(?:\s+to\s+.{3,60})?)[^\w\n]*$", re.IGNORECASE | re.MULTILINE
)
_LEADER = re.compile(r"(?:\.\s?){4,}\s*(?:[A-Z]-)?\d{1,4}\s*$|…+\s*\d{1,4}\s*$")
_ENDS_IN_PAGE = re.compile(r"^(?=.*[A-Za-z]{3}).{4,200}?[\s|.…]+(?:[A-Z]-)?\d{1,4}(?:\s*[-–]\s*\d{1,4})?\s*\|?$")
_EXHIBIT_HEAD = re.compile(
    r"^[^\w\n]*(?:exhibit\s+index|index\s+to\s+exhibits|(?:item\s+15\.?\s*)?exhibits?(?:,|\s+and)\s+financial\s+statement\s+schedules)\b",
    re.IGNORECASE | re.MULTILINE,
)
_EXHIBIT_LINE = re.compile(
    r"^\W{0,4}(?:exhibit\s+)?(?:\d{1,3}(?:\.\d{1,3})+|\d{1,3}\([a-z\divx]+\))\W?.*[A-Za-z]", re.IGNORECASE
)
_INCORPORATED = re.compile(
    r"incorporated\s+(?:herein\s+)?by\s+reference|filed\s+herewith|furnished\s+herewith", re.IGNORECASE
)
_SIGNED = re.compile(r"(?:has|have)\s+duly\s+caused", re.IGNORECASE)
_SIGNATURE_HEAD = re.compile(
    r"^[^\w\n]*s\s?i\s?g\s?n\s?a\s?t\s?u\s?r\s?e\s?(?:s|\(s\))?[^\w\n]*$", re.IGNORECASE | re.MULTILINE
)
_SLASH = re.compile(r"/\s*s\s*/", re.IGNORECASE)
_AFTER = re.compile(
    r"^[^\w\n]*(?:exhibit\s+index|index\s+to\s+exhibits|exhibit\s+\d|item\s+\d|part\s+[ivx]+\b)",
    re.IGNORECASE | re.MULTILINE,
)


def _lines(text: str, start: int, end: int) -> list[tuple[int, int]]:
    spans = []
    for match in re.finditer(r"[^\n\f]+", text[start:end]):
        content = match.group()
        if content.strip():
            first = start + match.start() + len(content) - len(content.lstrip())
            spans.append((first, first + len(content.strip())))
    return spans


def running(text: str, pages: Sequence[Page]) -> Iterator[Region]:
    """Yield heads and feet: lines at the same edge that, but for the page's number, stand on many pages.

    A number counts as the page's only where it keeps its distance from the count of pages: rows of a table that
    goes on from page to page have numbers too.
    """
    if len(pages) < 4:
        return
    edges: list[tuple[int, int, int]] = []
    for page in pages:
        spans = _lines(text, page.start, page.end)
        top, bottom = spans[:_EDGE], spans[_EDGE:][-_EDGE:]
        edges.extend((page.number, start, end) for start, end in (*top, *bottom) if end - start <= _LONGEST)
    needed = max(4, len(pages) // 12)
    bare = Counter(d for number, start, end in edges if (d := _distance(text[start:end], number)) is not None)
    footed = Counter(
        (words, d)
        for number, start, end in edges
        for words, foot in _footed(text[start:end])
        if (d := _distance(foot, number)) is not None
    )
    where: defaultdict[str, set[int]] = defaultdict(set)
    for number, start, end in edges:
        where[_key(text[start:end])].add(number)
    steady = {d for d, times in bare.items() if times >= max(3, len(pages) // 12)}
    for number, start, end in edges:
        line = text[start:end]
        if _PAGE_NUMBER.fullmatch(line):
            if _distance(line, number) in steady:
                yield Region(start, end, "running")
        elif any(
            footed[words, d] >= needed
            for words, foot in _footed(line)
            if (d := _distance(foot, number)) is not None and not re.search(r"[$%€£]", words)
        ) or (len(where[_key(line)]) >= needed and any(c.isalpha() for c in line) and not _SAYS_SOMETHING.search(line)):
            yield Region(start, end, "running")


def _key(line: str) -> str:
    return " ".join(line.split()).lower()


def _footed(line: str) -> Iterator[tuple[str, str]]:
    """Yield (words, number) for a line that begins or ends with a number: "98 ACME, INC.", "Annual Report | 14"."""
    head, tail = re.match(r"(\d{1,4})\s+(\D.*)", line), re.match(r"(.*[^\d.,$\s][\s|–—-]*?)[\s–—-]+(\d{1,4})$", line)
    if head:
        yield _key(head[2]), head[1]
    if tail:
        yield _key(tail[1]), tail[2]


def _distance(line: str, page: int) -> int | None:
    match = re.fullmatch(r"(?:page\s+)?[-–—]?\s*(\d{1,4})\s*[-–—]?(?:\s+of\s+\d{1,4})?", line.strip(), re.IGNORECASE)
    if match:
        return int(match[1]) - page
    return 100_000 - page if re.fullmatch(r"[ivxlc]{1,7}", line.strip(), re.IGNORECASE) else None


def contents(text: str, pages: Sequence[Page]) -> Iterator[Region]:
    """Yield pages that are a table of contents or a list of exhibits."""
    early = max(8, len(pages) // 15)
    for index, page in enumerate(pages):
        spans = _lines(text, page.start, page.end)
        content = [text[s:e] for s, e in spans]
        if len(content) < 4:
            continue
        body = text[page.start : page.end]
        numbered = sum(bool(_ENDS_IN_PAGE.match(line)) for line in content if len(line) < 600)
        leaders = sum(map(_leads, content))
        items = sum(
            bool(re.match(r"(?:item\s+\d|part\s+[ivx]+|note\s+\d)", line.strip(), re.IGNORECASE)) for line in content
        )
        listed = leaders >= 4 or (_CONTENTS_HEAD.search(body) and items >= 4)
        if index < early and listed and numbered + leaders >= 0.35 * len(content) and not _figures(content):
            yield Region(spans[0][0], spans[-1][1], "contents")
            continue
        exhibits = sum(bool(_EXHIBIT_LINE.match(line)) for line in content)
        incorporated = len(_INCORPORATED.findall(body))
        if (
            exhibits >= 5
            and (incorporated >= 4 or (_EXHIBIT_HEAD.search(body) and incorporated >= 1))
            and not _figures(content)
        ):
            head = next(
                (s for s, e in spans if _EXHIBIT_LINE.match(text[s:e]) or _EXHIBIT_HEAD.match(text[s:e])), spans[0][0]
            )
            signed = _SIGNATURE_HEAD.search(text, head, page.end)
            yield Region(head, signed.start() if signed else spans[-1][1], "contents")


def _leads(line: str) -> bool:
    """Return whether a line ends in dots and a page number; a line may be a megabyte of dots."""
    return bool(_LEADER.search(line[-80:]))


def _figures(content: Sequence[str]) -> bool:
    """Return whether a fair share of lines holds amounts, as statements do and contents don't."""
    return sum(bool(re.search(r"\$\s?\d|\d{1,3},\d{3}|\d\.\d+\s*%|\(\d", line)) for line in content) > 0.2 * len(
        content
    )


def leaders(text: str, start: int) -> Iterator[Region]:
    """Yield runs of at least four lines with dot leaders, or of items with page numbers, in text without pages."""
    run: list[tuple[int, int]] = []
    for first, last in _lines(text, start, min(len(text), start + 40_000)):
        line = text[first:last]
        if _leads(line) or (
            len(line) < 600
            and re.match(r"\W*(?:item\s+\d|part\s+[ivx]+\b)", line, re.IGNORECASE)
            and _ENDS_IN_PAGE.match(line)
        ):
            run.append((first, last))
            continue
        if len(run) >= 4:
            yield Region(run[0][0], run[-1][1], "contents")
        run = []
    if len(run) >= 4:
        yield Region(run[0][0], run[-1][1], "contents")


def signatures(text: str, pages: Sequence[Page]) -> Iterator[Region]:
    """Yield the signature pages of a filing: from their heading to the page's end, with pages of signatures that follow."""
    for match in _SIGNED.finditer(text):
        low = max(0, match.start() - 700)
        heads = [m.start() for m in _SIGNATURE_HEAD.finditer(text, low, match.start())]
        opening = text.rfind("ursuant", low, match.start())
        start = heads[-1] if heads else (text.rfind("\n", 0, opening) + 1 if opening >= 0 else match.start())
        stop = min(len(text), match.end() + 6000)
        if pages:
            at = next((i for i, p in enumerate(pages) if p.start <= match.start() < p.end), len(pages) - 1)
            stop = pages[at].end
            for page in pages[at + 1 : at + 4]:
                body = text[page.start : page.end]
                if len(_SLASH.findall(body)) < 3 and not re.match(
                    r"\W*(?:power\s+of\s+attorney|signatures?\b)", body.strip(), re.IGNORECASE
                ):
                    break
                stop = page.end
        after = _AFTER.search(text, match.end(), stop)
        end = after.start() if after else stop
        if not _figures(text[start:end].split("\n")):
            yield Region(start, end, "signature")
