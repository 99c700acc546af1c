"""What an extractor hands back: a value and the stretch of text that it was read from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_RULES = re.compile(r"[_=*~\u2500-\u257f]{2,}|-{3,}")
_SPACES = re.compile(r"\s+")


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
    end = len(text) if end is None else min(end, len(text))
    position = start
    while position < end:
        stop = position
        while stop < end and text[stop] not in "\n\f\r":
            stop += 1
        raw = text[position:stop]
        content = raw.strip()
        if content:
            first = position + (len(raw) - len(raw.lstrip()))
            yield Line(content, first, first + len(content))
        position = stop + 1
