"""Stored text as HTML that reads well: wrapped lines joined, table rows as tables, spans marked. Pure functions.

Nothing is left out but white space around blocks and the bars between cells; every piece is escaped by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from assistant.web.text import esc
from vectorstore.text import units

# A cell that holds a number, a dash or "n/a"; a sign of a currency before it and a per cent after it stand alone in PDFs.
_CELL = re.compile(
    r"[-–—−+($€£¥]*(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+|(?<=\d))(?:[%)x*†‡]|bps|pts)*(?:\([a-z0-9]{1,2}\))?[%)]*|[-–—−]+|N/?[AM]|n/[am]|nm"
)
_BEFORE = re.compile(r"[$€£¥(]+")
_AFTER = re.compile(r"[%)*†‡]+|x|bps|pts")
_YEARS = re.compile(r"(?:FY)?(?:19|20)\d\d")
_BARS = re.compile(r" \| ?|\| ")
LONGEST_BETWEEN = 80  # characters of a line between two rows that belongs to their table
MOST_BETWEEN = 2  # such lines in succession
WIDE = 4  # columns; a table of more can be wider than a phone


@dataclass(frozen=True, slots=True)
class Mark:
    """A span to be marked: ``strong`` the chosen one, else another of the same answer. ``anchor``: its id, "" for none.

    ``lead``: HTML of ours that stands before its words.
    """

    start: int
    end: int
    strong: bool = True
    anchor: str = ""
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a heading or a table row of the text; ``start`` is that of its first line, list mark and all.

    ``apart``: an empty line stands before it; ``gap``: text before it is left out.
    """

    start: int
    end: int
    row: bool = False
    apart: bool = False
    gap: bool = False


def blocks(text: str, offset: int = 0) -> list[Block]:
    """Return the blocks of ``text``, which begins at ``offset`` of its document."""
    out: list[Block] = []
    before = 0
    for start, end, row in units(text):
        # The mark of a list item stands before its unit.
        first = before + len(text[before:start]) - len(text[before:start].lstrip())
        apart = before > 0 and text.count("\n", before, first) > 1
        out.append(Block(first + offset, end + offset, row, apart))
        before = end
    return out


def cut(found: Sequence[Block], at: Sequence[int]) -> list[Block]:
    """Return the blocks with those that lie over one of the offsets ``at`` (in order) cut there."""
    out: list[Block] = []
    places = iter([*at, None])
    place = next(places)
    for block in found:
        while place is not None and place <= block.start:
            place = next(places)
        while place is not None and place < block.end:
            out.append(replace(block, end=place))
            block = replace(block, start=place, apart=False, gap=False)
            place = next(places)
        out.append(block)
    return out


def body(text: str, offset: int, found: Sequence[Block], marks: Sequence[Mark]) -> str:
    """Return the blocks as paragraphs and tables. ``text`` begins at ``offset``; ``marks`` are in order and do not overlap."""
    return "".join(
        _table(text, offset, run, marks) if table else "".join(_paragraph(text, offset, one, marks) for one in run)
        for table, run in _runs(text, offset, found)
    )


def apart(marks: Sequence[Mark]) -> tuple[Mark, ...]:
    """Return the marks in order without overlaps: a strong one keeps its whole span, of two weak ones the first does."""
    kept: list[Mark] = []
    for mark in sorted(marks, key=lambda m: (not m.strong, m.start, m.end)):
        pieces = [mark]
        for other in kept:
            pieces = [p for one in pieces for p in _without(one, other)]
        kept += pieces
    return tuple(sorted(kept, key=lambda m: m.start))


def _without(mark: Mark, other: Mark) -> list[Mark]:
    if mark.end <= other.start or mark.start >= other.end:
        return [mark]
    low, high = replace(mark, end=min(mark.end, other.start)), replace(mark, start=max(mark.start, other.end))
    return [one for one in (low, high) if one.start < one.end][:1]


def _runs(text: str, offset: int, found: Sequence[Block]) -> Iterator[tuple[bool, list[Block]]]:
    """Yield (whether it is a table, its blocks); short lines between two rows belong to their table."""
    inside = [block.row for block in found]
    rows = [n for n, block in enumerate(found) if block.row]
    for one, following in pairwise(rows):
        between = range(one + 1, following)
        if 0 < len(between) <= MOST_BETWEEN and all(_short(text, offset, found[n]) for n in between):
            for n in between:
                inside[n] = True
    for table, numbers in groupby(range(len(found)), key=lambda n: inside[n]):
        yield table, [found[n] for n in numbers]


def _short(text: str, offset: int, block: Block) -> bool:
    words = text[block.start - offset : block.end - offset]
    return len(words) <= LONGEST_BETWEEN and not words.endswith((".", ";", "?", "!"))


def _paragraph(text: str, offset: int, block: Block, marks: Sequence[Mark]) -> str:
    lead = '<p class="t-cut" aria-hidden="true">⋯</p>' if block.gap else ""
    kind = ' class="t-apart"' if block.apart and not block.gap else ""
    return f"{lead}<p{kind}>{marked(text, offset, block.start, block.end, marks)}</p>"


def _table(text: str, offset: int, run: Sequence[Block], marks: Sequence[Mark]) -> str:
    cells = [_cells(text, offset, block) if block.row else None for block in run]
    width = max(len(one) for one in cells if one is not None)
    out: list[str] = []
    for block, row in zip(run, cells, strict=True):
        if block.gap:
            out.append(f'<tr class="t-cut" aria-hidden="true"><td colspan="{width}">⋯</td></tr>')
        if row is None:
            out.append(f'<tr><td colspan="{width}">{marked(text, offset, block.start, block.end, marks)}</td></tr>')
            continue
        label, *rest = row
        said = [text[a - offset : b - offset] for a, b in rest]
        years = bool(rest) and all(_YEARS.fullmatch(one) for one in said)
        shown = "".join(
            f'<td class="t-n">{marked(text, offset, a, b, marks)}</td>' if years or _numeric(words) else f"<td>{marked(text, offset, a, b, marks)}</td>"
            for (a, b), words in zip(rest, said, strict=True)
        )  # fmt: skip
        empty = "<td></td>" * (width - len(row))
        kind = ' class="t-years"' if years else ""
        out.append(f"<tr{kind}><td>{marked(text, offset, *label, marks)}</td>{empty}{shown}</tr>")
    scrolls = ' tabindex="0" role="group" aria-label="Table"' if width > WIDE else ""
    return f'<div class="t-rows"{scrolls}><table>{"".join(out)}</table></div>'


def _numeric(words: str) -> bool:
    return all(_CELL.fullmatch(w) or _BEFORE.fullmatch(w) or _AFTER.fullmatch(w) for w in words.split())


def _cells(text: str, offset: int, block: Block) -> list[tuple[int, int]]:
    """Return the spans of a row's label, which may be empty, and of its cells."""
    start, end = block.start, block.end
    line = text[start - offset : end - offset]
    if " | " in line:
        edges = [0, *(edge for match in _BARS.finditer(line) for edge in match.span()), len(line)]
        found = [(start + a, start + b) for a, b in zip(edges[::2], edges[1::2], strict=True)]
        first = text[found[0][0] - offset : found[0][1] - offset]
        return [(start, start), *found] if first.strip() and _numeric(first) else found
    words = [match.span() for match in re.finditer(r"\S+", line)]
    cells: list[tuple[int, int]] = []
    tail: int | None = None  # the end of a sign that belongs to the cell before it
    while words:
        low, high = words[-1]
        word = line[low:high]
        if _AFTER.fullmatch(word) and not _CELL.fullmatch(word) and tail is None:
            tail = high
        elif _CELL.fullmatch(word) and not _closes(line, words):
            cells.append((low, high if tail is None else tail))
            tail = None
        elif _BEFORE.fullmatch(word) and cells and tail is None:
            cells[-1] = (low, cells[-1][1])
        else:
            break
        words.pop()
    label = words[-1][1] if words else 0
    if tail is not None:  # a sign without a number before it is of the label
        label = max(label, tail)
    return [(start, start + label), *((start + a, start + b) for a, b in reversed(cells))]


def _closes(line: str, words: Sequence[tuple[int, int]]) -> bool:
    """Return whether the last word closes a bracket that an earlier one opened: "(Note 1)"."""
    low, high = words[-1]
    word = line[low:high]
    before = line[slice(*words[-2])] if len(words) > 1 else ""
    return word.endswith(")") and "(" not in word and not (_BEFORE.fullmatch(before) and "(" in before)


def marked(text: str, offset: int, low: int, high: int, marks: Sequence[Mark]) -> str:
    """Return ``document.text[low:high]`` escaped, the marks that it touches as ``mark`` elements.

    A mark's anchor and its lead stand at its first piece.
    """
    out: list[str] = []
    position = low
    for mark in marks:
        a, b = max(mark.start, position), min(mark.end, high)
        if a >= b:
            continue
        out.append(esc(text[position - offset : a - offset]))
        first = a == mark.start
        anchor = f' id="{esc(mark.anchor)}"' if first and mark.anchor else ""
        kind = "" if mark.strong else ' class="t-weak"'
        lead = mark.lead if first else ""
        out.append(f"{lead}<mark{anchor}{kind}>{esc(text[a - offset : b - offset])}</mark>")
        position = b
    out.append(esc(text[position - offset : high - offset]))
    return "".join(out)


__all__ = ["Block", "Mark", "apart", "blocks", "body", "cut", "marked"]
