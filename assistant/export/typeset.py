"""Spans broken into lines of a width, for a page of fixed size. Pure; what a font measures comes in.

Lengths are points (1/72 inch).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from assistant.export.blocks import Break, Mark, Ref, Span, Words
from assistant.export.text import visible

Colour = tuple[int, int, int]
INK: Colour = (22, 32, 44)
DIM: Colour = (89, 103, 119)
RULE: Colour = (205, 213, 222)
ACCENT: Colour = (15, 92, 122)
WARN: Colour = (138, 90, 0)
BAD: Colour = (163, 38, 31)
GOOD: Colour = (28, 107, 65)
_LEADING = 1.38  # of a line, by the size of its letters
_RAISED, _SMALL = 0.34, 0.68  # of a footnote's number, by the size of the letters
_TOKENS = re.compile(r"\s+|\S+")


class Font(Protocol):
    """What is asked of a font; ``order`` is for text with letters that are written from the right."""

    def shown(self, text: str) -> str:
        """Return ``text`` with a sign in place of each character that the font lacks."""

    def width(self, text: str, bold: bool) -> float:
        """Return how wide ``text`` is at size 1."""

    def order(self, text: str, rtl: bool) -> Sequence[tuple[int, str]]:
        """Return (index in ``text``, character) from left to right; ``rtl``: the direction of the whole."""


@dataclass(frozen=True, slots=True)
class Style:
    """``rise``: how far above the base line; ``line``: the colour of a line below the words, None for none."""

    size: float = 10.0
    bold: bool = False
    colour: Colour = INK
    rise: float = 0.0
    line: Colour | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """Words of one style at ``x`` from the line's left end; they are in the order in which they are drawn."""

    x: float
    text: str
    style: Style
    width: float


@dataclass(frozen=True, slots=True)
class Row:
    """One line; ``base``: how far its base line lies below its top; ``rtl``: it is set flush right."""

    pieces: tuple[Piece, ...]
    width: float
    height: float
    base: float
    rtl: bool = False


Run = tuple[str, Style] | None  # None: the end of a line


def runs(spans: Sequence[Span], style: Style, number: Mapping[str, int]) -> list[Run]:
    """Return spans as runs of text in their styles; ``style``: of plain words."""
    out: list[Run] = []
    small = replace(style, size=style.size * _SMALL, rise=style.size * _RAISED, colour=ACCENT, bold=False)
    noted = False
    for span in spans:
        if isinstance(span, Break):
            out.append(None)
        elif isinstance(span, Ref):
            if span.key not in number:
                out.append((f"[{span.key}]", style))
                continue
            if out and out[-1] is not None and not noted:
                out[-1] = (out[-1][0].rstrip(" "), out[-1][1])
            out.append((f"{',' if noted else ''}{number[span.key]}", small))
        elif isinstance(span, Mark):
            reason = f" ({span.reason})" if span.reason else ""
            out.append((f" [{span.words}{reason}]", replace(style, size=style.size * 0.86, colour=WARN)))
        else:
            out.append((span.text, _styled(span, style)))
        noted = isinstance(span, Ref)
    return out


def _styled(span: Words, style: Style) -> Style:
    if span.tone == "strong":
        return replace(style, bold=True)
    if span.tone in {"quiet", "code"}:
        return replace(style, colour=DIM)
    return replace(style, line=WARN) if span.tone == "doubt" else style


def wrap(given: Sequence[Run], width: float, font: Font, style: Style) -> list[Row]:
    """Break runs into lines no wider than ``width``; a word that is wider is broken between letters.

    ``style``: of a line without words.
    """
    fit = [None if run is None else (font.shown(visible(run[0])), run[1]) for run in given]
    whole = "".join("\n" if run is None else run[0] for run in fit)
    right = any(unicodedata.bidirectional(sign) in {"R", "AL"} for sign in whole if sign > "\u0590")
    maker = _Lines(width, font, style, right and _from_right(whole), right)
    for word in _words(fit):
        maker.add(word)
    return maker.done()


def _from_right(text: str) -> bool:
    for sign in text:
        kind = unicodedata.bidirectional(sign)
        if kind in {"R", "AL", "L"}:
            return kind != "L"
    return False


def _words(given: Sequence[Run]) -> Iterator[list[tuple[str, Style]] | None]:
    """Yield what may not be parted: words of one or more styles, single spaces, and None for an end of a line."""
    word: list[tuple[str, Style]] = []
    spaced = True
    for run in given:
        if run is None:
            if word:
                yield word
            word, spaced = [], True
            yield None
            continue
        for token in _TOKENS.findall(run[0]):
            if not token.isspace():
                word.append((token, run[1]))
                spaced = False
                continue
            if word:
                yield word
                word = []
            if not spaced:
                yield [(" ", run[1])]
            spaced = True
    if word:
        yield word


class _Lines:
    def __init__(self, width: float, font: Font, style: Style, rtl: bool, mixed: bool) -> None:
        self.width, self.font, self.style, self.rtl, self.mixed = width, font, style, rtl, mixed
        self.out: list[Row] = []
        self.held: list[tuple[str, Style]] = []
        self.at = 0.0

    def add(self, word: list[tuple[str, Style]] | None) -> None:
        if word is None:
            self._end()
            return
        if word[0][0] == " ":
            if self.held:
                self._put(*word[0])
            return
        wide = sum(self._wide(text, style) for text, style in word)
        if self.at + wide > self.width and self.held:
            self._end()
        if wide <= self.width:
            for text, style in word:
                self._put(text, style)
            return
        for text, style in word:
            for part in self._cut(text, style):
                self._put(part, style)

    def _cut(self, text: str, style: Style) -> Iterator[str]:
        """Yield pieces of a word that is wider than a line, ending lines between them."""
        part, wide = "", 0.0
        for sign in text:
            more = self._wide(sign, style)
            if part and self.at + wide + more > self.width:
                yield part
                self._end()
                part, wide = "", 0.0
            elif self.held and self.at + more > self.width:
                self._end()
            part, wide = part + sign, wide + more
        if part:
            yield part

    def _wide(self, text: str, style: Style) -> float:
        return self.font.width(text, style.bold) * style.size

    def _put(self, text: str, style: Style) -> None:
        self.at += self._wide(text, style)
        if self.held and self.held[-1][1] == style:
            self.held[-1] = (self.held[-1][0] + text, style)
        else:
            self.held.append((text, style))

    def _end(self) -> None:
        while self.held and not self.held[-1][0].rstrip(" "):
            self.held.pop()
        if self.held:
            self.held[-1] = (self.held[-1][0].rstrip(" "), self.held[-1][1])
        size = max((style.size + style.rise for _, style in self.held), default=self.style.size)
        height = max(size, self.style.size) * _LEADING
        pieces: list[Piece] = []
        at = 0.0
        for text, style in self._ordered():
            wide = self._wide(text, style)
            pieces.append(Piece(at, text, style, wide))
            at += wide
        self.out.append(Row(tuple(pieces), at, height, height * 0.76, self.rtl))
        self.held, self.at = [], 0.0

    def _ordered(self) -> list[tuple[str, Style]]:
        if not self.mixed:
            return self.held
        styles = [style for text, style in self.held for _ in text]
        out: list[tuple[str, Style]] = []
        for index, sign in self.font.order("".join(text for text, _ in self.held), self.rtl):
            if out and out[-1][1] == styles[index]:
                out[-1] = (out[-1][0] + sign, out[-1][1])
            else:
                out.append((sign, styles[index]))
        return out

    def done(self) -> list[Row]:
        """End the last line, and return all of them; no words: no line."""
        if self.held:
            self._end()
        return self.out


__all__ = [
    "ACCENT", "BAD", "DIM", "GOOD", "INK", "RULE", "WARN", "Colour", "Font", "Piece", "Row", "Run", "Style", "runs", "wrap",
]  # fmt: skip
