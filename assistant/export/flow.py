"""Marks on A4 pages, and the place where the next line goes. Lengths are points, y counts down from the top of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from assistant.export.blocks import Spans
from assistant.export.typeset import Colour, Font, Row, Run, Style, runs, wrap

PAGE_WIDTH, PAGE_HEIGHT = 595.28, 841.89
SIDE, TOP, BOTTOM = 54.0, 54.0, 62.0
WIDTH = PAGE_WIDTH - 2 * SIDE
LIMIT = PAGE_HEIGHT - BOTTOM
BODY = Style(10.0)


@dataclass(frozen=True, slots=True)
class Text:
    """Words from x on, their base line at y."""

    x: float
    y: float
    text: str
    size: float
    bold: bool
    colour: Colour


@dataclass(frozen=True, slots=True)
class Path:
    """Straight lines from point to point."""

    points: tuple[tuple[float, float], ...]
    colour: Colour
    width: float = 0.6


@dataclass(frozen=True, slots=True)
class Box:
    x: float
    y: float
    width: float
    height: float
    colour: Colour


Mark = Text | Path | Box


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the file's outline; ``page`` counts from 1."""

    title: str
    page: int
    y: float


@dataclass(frozen=True, slots=True)
class Laid:
    pages: tuple[tuple[Mark, ...], ...]
    outline: tuple[Entry, ...]


@dataclass
class Flow:
    """Where the next line goes: page and ``y``; a page begins when one is full."""

    font: Font
    pages: list[list[Mark]] = field(default_factory=lambda: [[]])
    y: float = TOP
    outline: list[Entry] = field(default_factory=list)

    def put(self, mark: Mark) -> None:
        self.pages[-1].append(mark)

    def turn(self) -> None:
        """Begin a page, unless this one is empty."""
        if self.y > TOP:
            self.pages.append([])
            self.y = TOP

    def room(self, height: float) -> None:
        """Begin a page where less than ``height`` is left."""
        if self.y + height > LIMIT:
            self.turn()

    def skip(self, height: float) -> None:
        if self.y > TOP:
            self.y = min(self.y + height, LIMIT)

    def wrapped(
        self, spans: Spans, style: Style, number: Mapping[str, int] | None = None, width: float = WIDTH
    ) -> list[Row]:
        return self.wrap_runs(runs(spans, style, number or {}), style, width)

    def wrap_runs(self, given: Sequence[Run], style: Style, width: float = WIDTH) -> list[Row]:
        return wrap(given, width, self.font, style)

    def rows(
        self, rows: Sequence[Row], *, x: float = SIDE, width: float = WIDTH, before: float = 0, after: float = 7,
        bar: Colour | None = None, sign: str = "", style: Style = BODY,
    ) -> None:  # fmt: skip
        """Set lines, over as many pages as they need. ``bar``: the colour of a line on their left; ``sign``: before the first."""
        self.skip(before)
        for n, row in enumerate(rows):
            # Two lines of a paragraph stand together at its begin.
            self.room(row.height * (2 if n == 0 and len(rows) > 2 else 1))
            if sign and n == 0:
                wide = self.font.width(sign, style.bold) * style.size
                self.put(Text(x - 5 - wide, self.y + row.base, sign, style.size, style.bold, style.colour))
            if bar:
                self.put(Path(((x - 7, self.y), (x - 7, self.y + row.height)), bar, 2.0))
            self.row(row, x, self.y, width)
            self.y += row.height
        if rows:
            self.skip(after)

    def row(self, row: Row, x: float, y: float, width: float, flush: bool = False) -> None:
        left = x + (width - row.width if row.rtl or flush else 0)
        for piece in row.pieces:
            at, style = left + piece.x, piece.style
            self.put(Text(at, y + row.base - style.rise, piece.text, style.size, style.bold, style.colour))
            if style.line:
                low = y + row.base + 1.8
                self.put(Path(((at, low), (at + piece.width, low)), style.line, 0.7))

    def rule(self, colour: Colour, *, before: float, after: float) -> None:
        self.skip(before)
        self.put(Path(((SIDE, self.y), (SIDE + WIDTH, self.y)), colour, 0.8))
        self.y += after


__all__ = [
    "BODY",
    "LIMIT",
    "PAGE_HEIGHT",
    "PAGE_WIDTH",
    "SIDE",
    "TOP",
    "WIDTH",
    "Box",
    "Entry",
    "Flow",
    "Laid",
    "Mark",
    "Path",
    "Text",
]
