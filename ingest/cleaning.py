"""Page furniture: tagged, not lost.

What is not evidence for an investment question (navigation, notices, signatures, running heads) gets a Region,
so that it stays in the text and can be found when asked for. Precision goes before recall: a paragraph
with an argument or a figure stays body, whatever it stands beside.

Two kinds of layout need two readings:

- *flowing* text (articles, notes, releases, web pages) is classified paragraph by paragraph, from families of
  words, shape and place; behind the first disclaimer of a tail that is mostly furniture, the rest goes with it;
- *paginated* text (PDF) has no paragraphs to go by, but it has edges that repeat from page to page, pages that are
  lists of contents or exhibits, and signature pages.

The readings are split over ``_paragraphs`` and ``_pages``. No rule knows a site or a company.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ingest import _pages, _paragraphs
from ingest.metadata.covers import find_cover
from vectorstore.records import Region

if TYPE_CHECKING:
    from ingest.readers import Reading


def tag(reading: Reading) -> tuple[Region, ...]:
    """Return the furniture of ``reading`` as sorted regions that do not overlap. Pure.

    Where two rules claim the same stretch the earlier of these wins: front matter, what the mark-up says,
    pages, paragraphs.
    """
    text = reading.text
    claims: list[Region] = []
    if reading.front_matter_end > 0:
        claims.append(Region(0, reading.front_matter_end, "front_matter"))
    claims.extend(reading.navigation)
    filed = find_cover(text) is not None
    if reading.pages:
        claims.extend(_pages.running(text, reading.pages))
        claims.extend(_pages.contents(text, reading.pages))
    if filed:
        claims.extend(_pages.signatures(text, reading.pages))
        if not reading.pages:
            claims.extend(_pages.leaders(text, reading.front_matter_end))
    else:
        claims.extend(_paragraphs.furniture(text, reading.front_matter_end, paginated=bool(reading.pages)))
    return _disjoint(claims, len(text), text)


def _start(region: Region) -> int:
    return region.start


def _disjoint(claims: Iterable[Region], length: int, text: str) -> tuple[Region, ...]:
    """Return ``claims`` cut to what no earlier claim covers, without blank edges, neighbours of one tag joined."""
    kept: list[Region] = []  # in order, none over another: only neighbours are looked at, however many there are
    for claim in claims:
        start, end = max(0, claim.start), min(length, claim.end)
        free: list[tuple[int, int]] = []
        for other in kept[max(0, bisect_right(kept, start, key=_start) - 1) : bisect_left(kept, end, key=_start)]:
            if other.end > start:
                free.append((start, other.start))
                start = other.end
        for begin, stop in (*free, (start, end)):
            while begin < stop and text[begin].isspace():
                begin += 1
            while stop > begin and text[stop - 1].isspace():
                stop -= 1
            if begin < stop:
                insort(kept, Region(begin, stop, claim.tag), key=_start)
    joined: list[Region] = []
    for region in kept:
        last = joined[-1] if joined else None
        if last and last.tag == region.tag and region.tag != "running" and not text[last.end : region.start].strip():
            joined[-1] = Region(last.start, region.end, last.tag)
        else:
            joined.append(region)
    return tuple(joined)
