"""Headings that reports have in common: parts, items, notes and financial statements, found by their words."""

from __future__ import annotations

import re

from ingest.readers._model import Heading
from vectorstore.text import is_table_row

_PART = re.compile(r"PART\s+(?:IV|I{1,3})\b[ .,:—–-]*(?P<title>[^\n]{0,60})", re.IGNORECASE)
_ITEM = re.compile(r"ITEM\s+(?P<number>\d{1,2}(?:\.\d{2})?[A-C]?)\s*[.:|—–-]*\s*(?P<title>[^\n]{0,160})", re.IGNORECASE)
_NOTE = re.compile(r"NOTE\s+(?P<number>\d{1,2})\s*[.:—–-]+\s*(?P<title>[^\n]{3,120})", re.IGNORECASE)
_NOTES = re.compile(
    r"(?:[\w.,&’' -]{0,40}\s)?notes\s+to\s+(?:the\s+)?(?:[a-z]+\s+){0,2}financial\s+statements\b[^.]{0,40}",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"(?P<number>\d{1,2})[.)]\s+(?P<title>[A-Z][^.;:]{2,90})")
_STATEMENT = re.compile(
    r"(?-i:(?:[A-Z][\w.,&’'-]{0,30}\s+){0,6}?)(?:condensed\s+|interim\s+|unaudited\s+)*consolidated\s+(?:condensed\s+)?"
    r"(?:statements?\s+of\s+[a-z’'(), -]{4,80}|balance\s+sheets?)(?:\s*\((?:unaudited|continued|parenthetical)\))*",
    re.IGNORECASE,
)
_UNFINISHED = re.compile(
    r"(?:\b(?:of|and|the|for|in|to|or|with|on|comprehensive|supplementary|about)|,)$", re.IGNORECASE
)
_LINE = re.compile(r"[^\n\f]+")
_PAGE_AT_END = re.compile(r"(?:\s|\.|\|)\(?(?:\d{1,3}|[ivx]{1,5}|F-\d+|N/?A)\)?(?:\s*[-–]\s*\d{1,3})?$")


def structural(text: str) -> list[Heading]:
    """Return part, item, note and statement headings of a report, in order; none for a text that is no report.

    Lines of a table of contents (they end in a page number) and sentences are left out.
    """
    lines = [(m.start() + len(m[0]) - len(m[0].lstrip()), m[0].strip()) for m in _LINE.finditer(text)]
    found: list[Heading] = []
    items = last_note = 0
    in_notes = False
    for index, (start, line) in enumerate(lines):
        if not 5 < len(line) <= 180:
            continue
        if line[0].isdigit() and in_notes:
            note = _NUMBERED.fullmatch(line)
            if (
                note
                and int(note["number"]) == last_note + 1
                and not _PAGE_AT_END.search(line)
                and not is_table_row(line)
            ):
                last_note += 1
                found.append(Heading(start, _title(line, ""), 4))
            continue
        if not line[0].isupper():
            continue
        first = line[:5].lower()
        if (
            first not in {"part ", "item ", "note ", "notes"}
            and "onsolidated" not in line
            and "ONSOLIDATED" not in line
        ):
            continue
        before = lines[index - 1] if index else (0, "")
        after = lines[index + 1][1] if index + 1 < len(lines) else ""
        level = _level(line)
        if not level or _PAGE_AT_END.search(line) or _inside_sentence(text, before, start):
            continue
        items += level == 2
        in_notes = (in_notes and level > 2) or bool(_NOTES.fullmatch(line))
        last_note = last_note if in_notes else 0
        found.append(Heading(start, _title(line, after), level))
    return _drop_repeats(_drop_contents(found, text)) if items else []


def _level(line: str) -> int:
    """Return 1 for a part, 2 for an item, 3 for a statement, 4 for a note, 0 for any other line."""
    if (part := _PART.fullmatch(line)) and not _sentence(part["title"]) and not part["title"][:1].islower():
        return 0 if re.match(r"page|item", part["title"], re.IGNORECASE) else 1
    if item := _ITEM.fullmatch(line):
        title = item["title"].strip()
        return 0 if title[:1].islower() or title[:1] in tuple(",;)(") or _reference(title) else 2
    if note := _NOTE.fullmatch(line):
        title = note["title"]
        return 4 if title[:1].isupper() and not _sentence(title) and not _reference(title) else 0
    return 3 if len(line) <= 120 and (_STATEMENT.fullmatch(line) or _NOTES.fullmatch(line)) else 0


def _inside_sentence(text: str, before: tuple[int, str], start: int) -> bool:
    """Return whether the line before runs on into this one ("… is described in\\nItem 1A. Risk Factors")."""
    at, line = before
    if text.count("\n", at, start) > 1 or "\f" in text[at:start] or line.isupper():
        return False
    return len(line) >= 60 and line[-1:] not in tuple(".!?:)|") and not is_table_row(line)


def _drop_contents(headings: list[Heading], text: str) -> list[Heading]:
    """Drop runs of five or more headings with next to nothing between them: a table of contents."""
    kept: list[Heading] = []
    run: list[Heading] = []
    ends = [h.start for h in headings[1:]] + [len(text)]
    for heading, end in zip(headings, ends, strict=True):
        line_end = text.find("\n", heading.start)
        between = text[line_end if line_end >= 0 else end : end].strip()
        run.append(heading)
        if len(between) > 15:
            kept += run if len(run) <= 5 else run[-1:]
            run = []
    return kept + (run if len(run) <= 5 else [])


def _title(line: str, after: str) -> str:
    """Return the heading in one line, with the next line where the first one cannot be all of it."""
    if _UNFINISHED.search(line) and 0 < len(after) <= 90 and after[0].isupper() and not is_table_row(after):
        line = f"{line} {after}"
    return " ".join(line.replace(" | ", " ").split())[:160]


def _sentence(text: str) -> bool:
    return text.endswith((",", ";")) or (text.endswith(".") and len(text.split()) > 12)


def _reference(title: str) -> bool:
    """Return whether the words after a number belong to a sentence that mentions the item or note."""
    if re.match(r"(?:of|in|and|or|to|for|above|below|under|is|are|was)\b", title) or title.endswith((",", ";")):
        return True
    return bool(
        re.search(r"\b(?:accompanying|included in|set forth|incorporated|for (?:further|more|additional))\b", title)
    )


def _drop_repeats(headings: list[Heading]) -> list[Heading]:
    """Drop a heading equal to the one before it of its level (repeated at the top of each page)."""
    kept: list[Heading] = []
    latest: dict[int, str] = {}
    for heading in headings:
        plain = re.sub(r"\W+|\(?continued\)?", "", heading.title.lower())
        if latest.get(heading.level) == plain:
            continue
        latest[heading.level] = plain
        for deeper in [level for level in latest if level > heading.level]:
            del latest[deeper]
        kept.append(heading)
    return kept
