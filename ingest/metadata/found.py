"""What an extractor hands back: a value and the stretch of text that it was read from."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

_RULES = re.compile(r"[_=*~\u2500-\u257f]{2,}|-{3,}")
_SPACES = re.compile(r"\s+")
_LINE = re.compile(r"[^\n\f\r]+")


@dataclass(frozen=True, slots=True)
class Found:
    """``value`` as it is to be shown; ``text[start:end]`` is what it was read from."""

    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its outer blanks, at its offsets."""

    text: str
    start: int
    end: int


def flat(text: str) -> str:
    """Return ``text`` on one line, without ruled lines and table bars at its edges."""
    return _SPACES.sub(" ", _RULES.sub(" ", text)).strip(" |\t\n")


def phrase(words: str) -> str:
    """Return a pattern for ``words`` (itself a pattern) where each blank is any white space.

    Some PDFs put every word on a line of its own, so no pattern may count on a blank being a blank.
    """
    return words.replace(" ", r"\s+")


def lines(text: str, start: int = 0, end: int | None = None) -> Iterator[Line]:
    """Yield the non-empty lines of ``text[start:end]``; a form feed ends a line too."""
    for match in _LINE.finditer(text, start, len(text) if end is None else end):
        raw = match.group()
        content = raw.strip()
        if content:
            first = match.start() + (len(raw) - len(raw.lstrip()))
            yield Line(content, first, first + len(content))


def claim(taken: list[tuple[int, int]], start: int, end: int) -> bool:
    """Put the span into ``taken`` (in order, none over another); return False where it overlaps one that is there."""
    at = bisect_left(taken, (start, end))
    if (at and taken[at - 1][1] > start) or (at < len(taken) and taken[at][0] < end):
        return False
    taken.insert(at, (start, end))
    return True
