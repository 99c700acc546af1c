"""Plain text: sections by simple signs of a heading, form feeds as page ends."""

from __future__ import annotations

import re

from ingest.readers._headings import structural
from ingest.readers._model import Heading, Reading, clean, nest
from vectorstore.records import Page
from vectorstore.text import is_table_row

_NO_HEADING = re.compile(r"[.,;:!?…|\"”']$|^[\-–—•*·>\d(]|^\S+@|https?://|^[^A-Za-z]*$")
_LONGEST = 90


def _headings(text: str) -> list[Heading]:
    """Return short lines between blank lines that end in no punctuation and begin with a capital."""
    found = structural(text)
    if found:
        return found
    lines = text.split("\n")
    at = 0
    for index, line in enumerate(lines):
        stripped = line.strip()
        alone = (index == 0 or not lines[index - 1].strip()) and (
            index + 1 == len(lines) or not lines[index + 1].strip()
        )
        if (
            alone
            and 2 < len(stripped) <= _LONGEST
            and len(stripped.split()) <= 12
            and stripped[0].isupper()
            and not _NO_HEADING.search(stripped)
            and not is_table_row(stripped)
        ):
            found.append(Heading(at + line.index(stripped), stripped, 1))
        at += len(line) + 1
    # A heading governs text: of several in a row (a masthead, a list of names) none but the last does.
    ends = [heading.start for heading in found[1:]] + [len(text)]
    return [
        heading
        for heading, end in zip(found, ends, strict=False)
        if text[heading.start + len(heading.title) : end].strip()
    ]


def pages_of(text: str) -> tuple[Page, ...]:
    """Return the pages between form feeds; a text without any has no pages."""
    if "\f" not in text.strip("\f"):
        return ()
    pages: list[Page] = []
    start = 0
    for number, part in enumerate(text.split("\f"), start=1):
        pages.append(Page(number, start, start + len(part)))
        start += len(part) + 1
    if pages and pages[-1].start == pages[-1].end:
        pages.pop()
    return tuple(pages)


def read_text(text: str) -> Reading:
    """Return the reading of plain text."""
    text = clean(text)
    return Reading(text, "text/plain", pages=pages_of(text), sections=nest(_headings(text), len(text)))
