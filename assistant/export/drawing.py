"""A plot laid out once, for SVG and for PDF: strokes, bars and labels in a box of WIDTH by ``height``. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from assistant.export.blocks import Plot
from assistant.export.plots import in_words
from assistant.export.text import esc
from assistant.live_text import figure

WIDTH, HEIGHT = 560, 150
LEFT, RIGHT, TOP, BOTTOM = 52, 8, 10, 22
LETTER, LONGEST = 5.8, 36  # width of a letter of a label, at most; letters of a bar's name
COLOURS = 4  # then they begin again
Anchor = Literal["start", "end"]


@dataclass(frozen=True, slots=True)
class Stroke:
    """A curve; ``colour`` counts from 0 below COLOURS."""

    name: str
    colour: int
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Label:
    """Words at a base line; ``anchor``: which end of them stands at x."""

    x: float
    y: float
    words: str
    anchor: Anchor


@dataclass(frozen=True, slots=True)
class Drawing:
    """Units are those of the box, y counts down. ``axis``: (left, top, bottom, right) of an L of two lines."""

    height: float
    strokes: tuple[Stroke, ...] = ()
    bars: tuple[Bar, ...] = ()
    labels: tuple[Label, ...] = ()
    axis: tuple[float, float, float, float] | None = None


def draw(plot: Plot) -> Drawing:
    """Lay a plot out: its curves between the lowest and the highest value of all, or its bars from the largest."""
    return _bars(plot) if plot.bars else _lines(plot)


def _lines(plot: Plot) -> Drawing:
    points = [p for line in plot.lines for p in line.points]
    if not points:
        return Drawing(HEIGHT)
    x0, x1 = min(p[0] for p in points), max(p[0] for p in points)
    y0, y1 = min(p[1] for p in points), max(p[1] for p in points)
    if y0 == y1:
        y0, y1 = y0 - 1, y1 + 1

    def at(x: float, y: float) -> tuple[float, float]:
        across = LEFT + (WIDTH - LEFT - RIGHT) * (x - x0) / ((x1 - x0) or 1)
        return across, TOP + (HEIGHT - TOP - BOTTOM) * (y1 - y) / (y1 - y0)

    strokes = tuple(
        Stroke(line.name, n % COLOURS, tuple(at(x, y) for x, y, _ in line.points)) for n, line in enumerate(plot.lines)
    )
    labels = (
        Label(LEFT - 4, TOP + 8, figure(y1, plot.unit), "end"),
        Label(LEFT - 4, HEIGHT - BOTTOM, figure(y0, plot.unit), "end"),
        Label(LEFT, HEIGHT - 6, min(points)[2], "start"),
        Label(WIDTH - RIGHT, HEIGHT - 6, max(points)[2], "end"),
    )
    return Drawing(HEIGHT, strokes=strokes, labels=labels, axis=(LEFT, TOP, HEIGHT - BOTTOM, WIDTH - RIGHT))


def _bars(plot: Plot) -> Drawing:
    most = max(value for _, value in plot.bars) or 1.0
    bars: list[Bar] = []
    labels: list[Label] = []
    names = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name, _ in plot.bars]
    left = max(90.0, 12 + LETTER * max(map(len, names)))
    for n, (name, (_, value)) in enumerate(zip(names, plot.bars, strict=True)):
        long = max(0.0, (WIDTH - left - 70) * value / most)
        bars.append(Bar(left, 6 + 18 * n, max(1.0, long), 12))
        labels.append(Label(left - 6, 16 + 18 * n, name, "end"))
        labels.append(Label(left + 6 + long, 16 + 18 * n, figure(value, plot.unit), "start"))
    return Drawing(12 + 18 * len(bars), bars=tuple(bars), labels=tuple(labels))


def figure_html(plot: Plot) -> str:
    """Return a plot as a figure with inline SVG, its caption, and the names of its curves where there are several.

    Colours are the style sheet's, by the classes t-line, t-bar, t-axis and t-key.
    """
    drawing = draw(plot)
    said = esc(plot.title)
    keys = (
        "".join(f'<span class="t-key t-key-{s.colour}">{esc(s.name)}</span>' for s in drawing.strokes)
        if len(drawing.strokes) > 1
        else ""
    )
    return (
        f'<figure class="t-plot"><svg viewBox="0 0 {WIDTH} {drawing.height:g}" role="img" aria-label="{esc(in_words(plot))}">'
        f"{_svg(drawing)}</svg><figcaption>{said}{keys}</figcaption></figure>"
    )


def _svg(drawing: Drawing) -> str:
    out: list[str] = []
    if drawing.axis:
        left, top, bottom, right = drawing.axis
        out.append(f'<path class="t-axis" d="M{left:g},{top:g}V{bottom:g}H{right:g}"/>')
    for stroke in drawing.strokes:
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in stroke.points)
        out.append(f'<polyline class="t-line t-line-{stroke.colour}" points="{points}"><title>{esc(stroke.name)}</title></polyline>')  # fmt: skip
    out += [f'<rect class="t-bar" x="{b.x:g}" y="{b.y:g}" width="{b.width:.1f}" height="{b.height:g}"/>' for b in drawing.bars]  # fmt: skip
    out += [f'<text x="{t.x:.1f}" y="{t.y:.1f}" text-anchor="{t.anchor}">{esc(t.words)}</text>' for t in drawing.labels]
    return "".join(out)


__all__ = ["COLOURS", "HEIGHT", "WIDTH", "Bar", "Drawing", "Label", "Stroke", "draw", "figure_html"]
