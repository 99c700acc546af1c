"""Tables of HTML as lines: a row is a line, its cells joined by " | "."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_BLOCKS = frozenset(("p", "div", "li", "br", "h1", "h2", "h3", "h4", "h5", "h6"))
_PREFIX = re.compile(r"\(?[$€£¥](?:\s*\()?|\(|US\$|C\$|A\$|[-–—]\s*\$")
_SUFFIX = re.compile(r"[)%]+|\)\s*%|bps|x|\)\s*x|\(\d{1,2}\)|\*+")
_NUMBERISH = re.compile(r"[\d—–-]")
_BULLET = re.compile(r"[•·●○■▪◦‣☐☒☑*–—-]|\(?[0-9A-Za-z]{1,3}[.)]")
_LONG = 300  # characters: a cell with more in several blocks is layout, not data
_SPACE = re.compile(r"\s+")
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\xad]")


def _name(element: Any) -> str:
    return element.tag.rsplit("}", 1)[-1].lower() if isinstance(element.tag, str) else ""


def _cell(cell: Any, hidden: Callable[[Any], bool], dropped: frozenset[str]) -> tuple[str, int]:
    """Return (text in one line, number of blocks with text in it)."""
    parts: list[str] = []
    blocks = 0
    stack: list[tuple[Any, bool]] = [(cell, False)]
    while stack:
        element, closing = stack.pop()
        name = _name(element)
        if closing:
            if name in _BLOCKS:
                parts.append(" ")
            if element is not cell and element.tail:
                parts.append(element.tail)
            continue
        if not name or name in dropped or (element is not cell and hidden(element)):
            if element is not cell and element.tail:
                parts.append(element.tail)
            continue
        if name in _BLOCKS:
            parts.append(" ")
            blocks += name != "br"
        if element.text:
            parts.append(element.text)
        stack.append((element, True))
        stack.extend((child, False) for child in reversed(element))
    return _SPACE.sub(" ", _INVISIBLE.sub("", "".join(parts))).strip(), blocks


def join_cells(cells: list[str]) -> str:
    """Return the cells of one row as a line: spacers left out, signs joined to their number."""
    joined: list[str] = []
    prefix = ""
    for cell in cells:
        if not cell:
            continue
        if _PREFIX.fullmatch(cell):
            prefix += cell
            continue
        if joined and not prefix and _SUFFIX.fullmatch(cell) and _NUMBERISH.search(joined[-1][-1:] + joined[-1][-2:]):
            joined[-1] += cell
            continue
        joined.append(prefix + cell)
        prefix = ""
    if prefix:
        joined.append(prefix)
    if len(joined) == 2 and _BULLET.fullmatch(joined[0]):
        return f"{joined[0]} {joined[1]}"
    return " | ".join(joined)


def rows_of(table: Any, hidden: Callable[[Any], bool], dropped: frozenset[str]) -> list[str] | None:
    """Return the rows of a data table as lines; None for a table that only lays out blocks of text."""
    if next(table.iterdescendants("table"), None) is not None:
        return None  # asked first: a cell of each table around others would be read as often as they are deep
    rows: list[list[str]] = []
    widest = 0
    for element in table.iterdescendants():
        name = _name(element)
        if name != "tr" or hidden(element):
            continue
        cells: list[str] = []
        for child in element:
            if _name(child) not in {"td", "th"} or hidden(child):
                continue
            text, blocks = _cell(child, hidden, dropped)
            if blocks > 1 and len(text) > _LONG:
                return None
            cells.append(text)
        filled = sum(1 for c in cells if c)
        if filled:
            widest = max(widest, filled)
            rows.append(cells)
    caption = next((c for c in table if _name(c) == "caption"), None)
    lines = [join_cells(cells) for cells in rows]
    if widest <= 1 and any(len(line) > _LONG for line in lines):
        return None
    if caption is not None:
        lines.insert(0, _cell(caption, hidden, dropped)[0])
    return [line for line in lines if line]
