"""What goes into a reader and what comes out, and the small tools that every reader needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from vectorstore.records import Page, Region, Section

# Control characters but tab, line feed and form feed; lone surrogates; noncharacters; a byte-order mark.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
_NEWLINES = re.compile("\r\n?|[\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Source:
    """Bytes and where they came from: ``path`` as given (absolute path or URL), ``name`` its file name."""

    path: str
    data: bytes = field(repr=False)
    name: str
    media_type: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """The text of a source with its structure; every offset is a code point into ``text``.

    ``embedded`` has lower-case keys (title, author, published, modified, site_name, url, description,
    form, company, ticker, …) as the file format itself states them. ``front_matter_end`` is where the body starts.
    ``navigation`` holds the regions that the mark-up itself says are furniture.
    """

    text: str
    media_type: str
    pages: tuple[Page, ...] = ()
    sections: tuple[Section, ...] = ()
    embedded: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    front_matter: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    front_matter_end: int = 0
    empty_pages: tuple[int, ...] = ()
    navigation: tuple[Region, ...] = ()
    warnings: tuple[str, ...] = ()


def clean(text: str) -> str:
    """Return ``text`` with line ends as "\\n" and without control characters and lone surrogates."""
    return _UNWANTED.sub("", _NEWLINES.sub("\n", text))


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading at ``start`` of a text; level 1 is the outermost."""

    start: int
    title: str
    level: int


def nest(headings: list[Heading], length: int) -> tuple[Section, ...]:
    """Return a section a heading: each ends where the next of the same or an outer level starts."""
    sections: list[Section] = []
    open_at: list[int] = []
    ends = [length] * len(headings)
    ordered = sorted(headings, key=lambda h: h.start)
    for index, heading in enumerate(ordered):
        while open_at and ordered[open_at[-1]].level >= heading.level:
            ends[open_at.pop()] = heading.start
        open_at.append(index)
    for heading, end in zip(ordered, ends, strict=True):
        if heading.title and heading.start < end:
            sections.append(Section(heading.start, end, heading.title, heading.level))
    return tuple(sections)
