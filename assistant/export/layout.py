"""A Paper laid out on A4 pages: what is drawn where. Pure; lengths are points, y counts down from the top of the page."""

from __future__ import annotations

from collections.abc import Mapping

from assistant.export import drawing
from assistant.export.blocks import (
    Block,
    Bullets,
    Heading,
    Note,
    Paper,
    Paragraph,
    Part,
    Plot,
    Spans,
    Table,
    Words,
    numbers,
    ordered,
    words,
)  # fmt: skip
from assistant.export.flow import (
    BODY,
    LIMIT,
    PAGE_HEIGHT,
    PAGE_WIDTH,
    SIDE,
    TOP,
    WIDTH,
    Box,
    Entry,
    Flow,
    Laid,
    Mark,
    Path,
    Text,
)
from assistant.export.text import one_line
from assistant.export.typeset import (
    ACCENT,
    BAD,
    DIM,
    GOOD,
    INK,
    RULE,
    WARN,
    Colour,
    Font,
    Row,
    Run,
    Style,
    runs,
    wrap,
)  # fmt: skip

NOTE, CELL = Style(8.6, colour=DIM), Style(8.4)
HEADS = (Style(14.0, bold=True), Style(11.5, bold=True), Style(10.0, bold=True))
CURVES: tuple[Colour, ...] = (ACCENT, WARN, GOOD, BAD)
GAP = 6.0  # between columns of a table
EDGE = 18.0  # where a plot's labels end at the latest
_INDENT = 15.0


def lay(paper: Paper, font: Font, last: str = "") -> Laid:
    """Lay the paper out. ``last``: what is said below everything else."""
    flow = Flow(font)
    flow.rows(flow.wrapped(words(paper.title), Style(18.0, bold=True)), after=4)
    for fact in paper.facts:
        flow.rows(flow.wrapped(words(fact), NOTE), after=0)
    flow.rule(INK, before=6, after=8)
    number = numbers(paper)
    for part, own in zip(paper.parts, number, strict=True):
        _part(flow, part, own)
    if last:
        flow.rows(flow.wrapped(words(last), NOTE), before=14)
    return Laid(_footed(flow.pages, one_line(paper.title), font), tuple(flow.outline))


def _part(flow: Flow, part: Part, number: Mapping[str, int]) -> None:
    for block in part.blocks:
        _block(flow, block, number)
    notes = ordered(part, number)
    if not notes:
        return
    flow.room(40)
    flow.rule(RULE, before=6, after=5)
    for n, note in notes:
        rows = flow.wrap_runs(_note(note), NOTE, WIDTH - _INDENT - 6)
        flow.rows(rows, x=SIDE + _INDENT + 6, width=WIDTH - _INDENT - 6, after=2.5, sign=f"{n}.", style=NOTE)
    flow.skip(6)


def _note(note: Note) -> list[Run]:
    ink = Style(NOTE.size)
    out: list[Run] = [(one_line(note.title), Style(NOTE.size, bold=True))]
    out += [(f", {one_line(part)}", NOTE) for part in note.detail if part]
    if note.text:
        out.append((f": {one_line(note.text)}", ink))
    if note.quote:
        out.append((f": “{one_line(note.quote)}”", ink))
    if note.place:
        out.append((f" ({one_line(note.place)})", NOTE))
    return out


def _block(flow: Flow, block: Block, number: Mapping[str, int]) -> None:
    if isinstance(block, Heading):
        _heading(flow, block, number)
    elif isinstance(block, Paragraph):
        bar = {"warning": WARN, "alert": BAD}.get(block.kind)
        style = NOTE if block.kind == "note" else Style(9.2, colour=bar) if bar else BODY
        left = 9.0 if bar else 0.0
        rows = flow.wrapped(block.spans, style, number, WIDTH - left)
        flow.rows(rows, x=SIDE + left, width=WIDTH - left, after=4 if block.kind == "note" else 7, bar=bar)
    elif isinstance(block, Bullets):
        for n, item in enumerate(block.items, start=1):
            rows = flow.wrapped(item, BODY, number, WIDTH - _INDENT)
            sign = f"{n}." if block.ordered else "•"
            flow.rows(rows, x=SIDE + _INDENT, width=WIDTH - _INDENT, after=3, sign=sign)
        flow.skip(4)
    elif isinstance(block, Table):
        _table(flow, block, number)
    else:
        _plot(flow, block)


def _heading(flow: Flow, block: Heading, number: Mapping[str, int]) -> None:
    style = HEADS[min(block.level, len(HEADS)) - 1]
    rows = flow.wrapped(block.spans, style, number)
    flow.skip(16 if block.level == 1 else 9)
    # A heading stands on the page of what it heads.
    flow.room(min(sum(row.height for row in rows), LIMIT - TOP - 60) + 3 * BODY.size * 1.4)
    if block.level == 1:
        title = one_line("".join(span.text for span in block.spans if isinstance(span, Words)))
        flow.outline.append(Entry(title, len(flow.pages), flow.y))
    flow.rows(rows, after=4)


def _table(flow: Flow, table: Table, number: Mapping[str, int]) -> None:
    columns = table.columns
    if not columns:
        return
    if table.caption:
        rows = flow.wrapped(words(table.caption), Style(8.6, bold=True, colour=DIM))
        flow.room(sum(row.height for row in rows[:3]) + 40)
        flow.rows(rows, before=4, after=2)
    widths = _widths(flow, table, number)
    lefts = [SIDE + sum(widths[:n]) + GAP * n for n in range(columns)]

    def laid(cells: tuple[Spans, ...], style: Style) -> list[tuple[float, float, list[Row], bool]]:
        out = []
        for n, cell in enumerate(cells):
            last = n == len(cells) - 1 and n < columns - 1
            wide = sum(widths[n:]) + GAP * (columns - 1 - n) if last else widths[n]
            out.append((lefts[n], wide, flow.wrapped(cell, style, number, wide), n in table.numbers and not last))
        return out

    head = laid(table.head, Style(CELL.size, bold=True, colour=DIM))
    tall = max((sum(row.height for row in rows) for _, _, rows, _ in head), default=0.0)
    repeated = head if tall < (LIMIT - TOP) / 3 else []
    _cells(flow, head, [])
    for cells in table.rows:
        _cells(flow, laid(cells, CELL), repeated)
    flow.skip(8)


def _cells(
    flow: Flow, cells: list[tuple[float, float, list[Row], bool]], head: list[tuple[float, float, list[Row], bool]]
) -> None:
    """Set one row of a table; one that is taller than what is left goes on over pages, each with the table's head."""
    if not cells:
        return
    tall = max(sum(row.height for row in rows) for _, _, rows, _ in cells)
    above = max((sum(row.height for row in rows) for _, _, rows, _ in head), default=0.0) + 6
    if flow.y + tall + 5 > LIMIT and (tall < (LIMIT - TOP) / 2 or flow.y + 30 > LIMIT):
        flow.turn()
        _cells(flow, head, [])
    waiting = [list(rows) for _, _, rows, _ in cells]
    while True:
        top, low = flow.y + 2, flow.y + 2
        for (x, wide, _, flush), rows in zip(cells, waiting, strict=True):
            y = top
            while rows and (y + rows[0].height <= LIMIT or (y == top and top <= TOP + above + 2)):
                row = rows.pop(0)
                flow.row(row, x, y, wide, flush)
                y += row.height
            low = max(low, y)
        flow.y = min(low + 3, LIMIT)
        flow.put(Path(((SIDE, flow.y), (SIDE + WIDTH, flow.y)), RULE, 0.5))
        if not any(waiting):
            return
        flow.turn()
        _cells(flow, head, [])


def _widths(flow: Flow, table: Table, number: Mapping[str, int]) -> list[float]:
    """Return the columns' widths: what they need where there is room, else shares by how much they hold."""
    columns = table.columns
    room = WIDTH - GAP * (columns - 1)
    least, most = [8.0] * columns, [8.0] * columns
    for n_row, cells in enumerate((table.head, *table.rows[:200])):
        style = Style(CELL.size, bold=n_row == 0)
        for n, cell in enumerate(cells):
            if n == len(cells) - 1 and n < columns - 1:
                continue  # it spans the rest
            text = "".join("\n" if run is None else run[0] for run in runs(cell, style, number))[:2000]
            longest = max((flow.font.width(word, style.bold) * style.size for word in text.split()), default=0.0)
            whole = max((flow.font.width(line, style.bold) * style.size for line in text.split("\n")), default=0.0)
            least[n] = max(least[n], min(longest + 1, 84.0))
            most[n] = max(most[n], min(whole + 1, 300.0))
    if sum(most) <= room:
        return most
    if sum(least) >= room:
        return [room * one / sum(least) for one in least]
    share = (room - sum(least)) / (sum(most) - sum(least))
    return [low + (high - low) * share for low, high in zip(least, most, strict=True)]


def _plot(flow: Flow, plot: Plot) -> None:
    drawn = drawing.draw(plot)
    scale = min(WIDTH / drawing.WIDTH, (LIMIT - TOP - 60) / drawn.height)
    title = flow.wrapped(words(plot.title), NOTE)
    flow.room(drawn.height * scale + min(sum(row.height for row in title), 60) + 8)
    flow.skip(4)
    top = flow.y

    def at(x: float, y: float) -> tuple[float, float]:
        return SIDE + x * scale, top + y * scale

    if drawn.axis:
        left, high, low, right = drawn.axis
        flow.put(Path((at(left, high), at(left, low), at(right, low)), RULE))
    for stroke in drawn.strokes:
        flow.put(Path(tuple(at(x, y) for x, y in stroke.points), CURVES[stroke.colour], 1.2))
    for bar in drawn.bars:
        x, y = at(bar.x, bar.y)
        flow.put(Box(x, y, min(bar.width * scale, SIDE + WIDTH - x), bar.height * scale, ACCENT))
    for label in drawn.labels:
        x, y = at(label.x, label.y)
        _label(flow, x, y, label.words, label.anchor == "end")
    flow.y += drawn.height * scale + 2
    flow.rows(title, after=2)
    if len(drawn.strokes) > 1:
        keys: list[Run] = [(f"— {one_line(s.name)}   ", Style(8.0, colour=CURVES[s.colour])) for s in drawn.strokes]
        flow.rows(flow.wrap_runs(keys, NOTE), after=2)
    flow.skip(5)


def _label(flow: Flow, x: float, y: float, said: str, end: bool) -> None:
    text, size = flow.font.shown(one_line(said)), 7.4
    text = fitted(text, (PAGE_WIDTH - 2 * EDGE) / size, flow.font)
    wide = flow.font.width(text, False) * size
    left = x - wide if end else x
    flow.put(Text(max(EDGE, min(left, PAGE_WIDTH - EDGE - wide)), y, text, size, False, DIM))


def fitted(text: str, room: float, font: Font) -> str:
    """Return ``text`` shortened to ``room`` (at size 1), with "…" where it was."""
    if font.width(text, False) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        half = (low + high + 1) // 2
        low, high = (half, high) if font.width(f"{text[:half]}…", False) <= room else (low, half - 1)
    return f"{text[:low]}…"


def _footed(pages: list[list[Mark]], title: str, font: Font) -> tuple[tuple[Mark, ...], ...]:
    """Return the pages with their title and number at the foot."""
    size, y = 7.6, PAGE_HEIGHT - 32
    out: list[tuple[Mark, ...]] = []
    for n, marks in enumerate(pages, start=1):
        count = f"{n} / {len(pages)}"
        wide = font.width(count, False) * size
        named = wrap(
            [(fitted(font.shown(title), (WIDTH - 80) / size, font), Style(size, colour=DIM))], WIDTH, font, NOTE
        )
        foot: list[Mark] = [
            Text(SIDE + piece.x, y, piece.text, size, False, DIM) for row in named[:1] for piece in row.pieces
        ]
        foot.append(Text(SIDE + WIDTH - wide, y, count, size, False, DIM))
        out.append((*marks, *foot))
    return tuple(out)


__all__ = ["fitted", "lay"]
