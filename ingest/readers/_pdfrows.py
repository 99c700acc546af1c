"""The text of a PDF page from PDFium's text of it: normalised, and tables drawn by columns put back into rows.

Pure: PDFium is asked through a function that gives a character's box. Each result comes with the positions of its
characters in PDFium's text, so that a span can be highlighted on a picture of the page.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

Box = tuple[float, float, float, float]  # left, bottom, right, top in points

_DROPPED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u200b-\u200f\u2060\ud800-\udfff\ufeff\uffff]")
_SPACES = re.compile("[\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_NEEDLESS_SPACE = re.compile(" +(?=[\x00\n]|$)|(?:(?<=\n)|^) +|(?<= ) +")
# A value that stands alone on a line, as no date or year does.
_VALUE = re.compile(
    r"[-–—(]?\s*[$€£]?\s*\(?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d+|\d{1,3})\s*[)%]*|[$€£]\s*\(?\d[\d,.]*\)?"
)
_LONGEST_CELL = 45  # characters; a line of prose in a narrow column is longer
_FEWEST_VALUES = 4
_VALUES_SHARE = 0.3  # of the lines of a table
_SCATTERED_SHARE = 0.6  # of lines with one or two characters: each letter was placed by itself
_WORD_GAP = 0.1  # of the height of a line; letters of a word touch

Row = list[tuple[str, int, int]]  # (what joins it to the one before, start, end) of each stretch of a line


@dataclass(frozen=True, slots=True)
class PageText:
    """``text[i]`` is drawn by character ``positions[i]`` of PDFium's text; -1 where a space or line end was put in."""

    text: str
    positions: list[int]


def _same_length(raw: str) -> str:
    """Return PDFium's text with what is to go as control characters, so that positions still match ``raw``.

    PDFium ends its lines with CR LF; a lone LF, CR or tab is a space that the font maps so. It writes a hyphen
    at a line's end as U+FFFE and drops the line end. Spaces at the ends of lines and runs of them are layout.
    """
    text = raw.replace("\r\n", "\x00\n")
    text = re.sub("(?<!\x00)\n|[\t\r\f\v]", " ", text)
    text = _SPACES.sub(" ", text).replace("\ufffe", "-")
    return _NEEDLESS_SPACE.sub(lambda m: "\x00" * len(m[0]), text)


def normalise(raw: str) -> str:
    """Return the text to store for PDFium's text ``raw``."""
    return _DROPPED.sub("", _same_length(raw))


def normalised_positions(raw: str) -> list[int]:
    """Return for each character of ``normalise(raw)`` its position in ``raw``."""
    return [index for index, c in enumerate(_same_length(raw)) if not _DROPPED.match(c)]


def page_text(raw: str, box_of: Callable[[int], Box | None]) -> str:
    """Return the stored text of a page; ``box_of`` gives the box of a character by its position in ``raw``."""
    order = _row_order(raw, box_of)
    return normalise(raw if order is None else _arranged(raw, order)[0])


def page_text_with_positions(raw: str, box_of: Callable[[int], Box | None]) -> PageText:
    """Return the same text as ``page_text`` and where each of its characters stands in ``raw``."""
    order = _row_order(raw, box_of)
    if order is None:
        return PageText(normalise(raw), normalised_positions(raw))
    arranged, origin = _arranged(raw, order)
    return PageText(normalise(arranged), [origin[position] for position in normalised_positions(arranged)])


def _arranged(raw: str, rows: list[Row]) -> tuple[str, list[int]]:
    """Return the stretches joined to rows, and the position in ``raw`` of each character."""
    parts: list[str] = []
    origin: list[int] = []
    for number, row in enumerate(rows):
        for column, (between, start, end) in enumerate(row):
            joint = between if column else "\r\n" if number else ""
            parts.append(joint + raw[start:end])
            origin += [-1] * len(joint) + list(range(start, end))
    return "".join(parts), origin


def _segments(raw: str) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    at = 0
    for line in raw.split("\r\n"):
        found.append((at, at + len(line)))
        at += len(line) + 2
    return found


def _row_order(raw: str, box_of: Callable[[int], Box | None]) -> list[Row] | None:
    """Return the page as rows where PDFium's order is that of the drawing; None where it reads well already."""
    segments = _segments(raw)
    texts = [raw[start:end].strip() for start, end in segments]
    filled = sum(1 for text in texts if text)
    if filled >= 20 and sum(1 for text in texts if 0 < len(text) <= 2) > _SCATTERED_SHARE * filled:
        return _gathered(raw, box_of)
    values = [bool(_VALUE.fullmatch(text)) for text in texts]
    if sum(values) < _FEWEST_VALUES:
        return None
    rows: list[Row] = []
    changed = False
    at = 0
    while at < len(segments):
        end = at
        while end < len(segments) and 0 < len(texts[end]) <= _LONGEST_CELL:
            end += 1
        grouped = None
        if sum(values[at:end]) >= max(_FEWEST_VALUES, _VALUES_SHARE * (end - at)):
            grouped = _by_height(segments[at:end], raw, box_of)
        if grouped and sum(len(row) for row in grouped if len(row) > 1) >= 0.6 * (end - at):
            rows += [[(" ", *segment) for segment, _ in row] for row in grouped]
            changed = True
        else:
            rows += [[(" ", *segment)] for segment in segments[at : max(end, at + 1)]]
        at = max(end, at + 1)
    return rows if changed else None


def _gathered(raw: str, box_of: Callable[[int], Box | None]) -> list[Row] | None:
    """Return the single characters of a page as rows, with a space where there is a gap."""
    characters = [(i, i + 1) for i, c in enumerate(raw) if not c.isspace()]
    rows = _by_height(characters, raw, box_of)
    if rows is None:
        return None
    result: list[Row] = []
    for row in rows:
        stretch: Row = []
        right = row[0][1][0]
        for (start, end), box in row:
            gap = box[0] - right > _WORD_GAP * (box[3] - box[1])
            stretch.append((" " if gap else "", start, end))
            right = box[2]
        result.append(stretch)
    return result


def _by_height(
    segments: list[tuple[int, int]], raw: str, box_of: Callable[[int], Box | None]
) -> list[list[tuple[tuple[int, int], Box]]] | None:
    """Return the segments as rows from the top, each from the left; None where a character has no box."""
    placed: list[tuple[tuple[int, int], Box]] = []
    for start, end in segments:
        first = next((i for i in range(start, end) if not raw[i].isspace()), None)
        box = box_of(first) if first is not None else None
        if box is None:
            return None
        placed.append(((start, end), box))
    placed.sort(key=lambda item: -(item[1][1] + item[1][3]))
    rows: list[list[tuple[tuple[int, int], Box]]] = []
    for item in placed:
        if rows and _same_row(rows[-1][0][1], item[1]):
            rows[-1].append(item)
        else:
            rows.append([item])
    return [sorted(row, key=lambda item: item[1][0]) for row in rows]


def _same_row(a: Box, b: Box) -> bool:
    return abs((a[1] + a[3]) - (b[1] + b[3])) / 2 < 0.4 * min(a[3] - a[1], b[3] - b[1])
