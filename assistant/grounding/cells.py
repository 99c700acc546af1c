"""Cells of tables: their scale from the note above ("in millions"), their year from the head of the column. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.grounding.figure import MONEY, Figure
from vectorstore.text import is_table_row

_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
_SCALE_NOTE = re.compile(r"\b(?:in|\$)\s*(?:us\s*|u\.s\.\s*)?(?:dollars?\s+in\s+|\$\s*)?(thousands|millions|billions)\b|\(\s*\$?\s*(000)[’']?s?\s*(?:omitted)?\)|[($]\s*(?:in\s+)?(thousands?|millions?|billions?|mm|bn)\b", re.I)  # fmt: skip


_NOTE_SCALE = {"thousands": 1e3, "thousand": 1e3, "000": 1e3, "millions": 1e6, "million": 1e6, "mm": 1e6, "billions": 1e9, "billion": 1e9, "bn": 1e9}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Table:
    """What the lines above a row say of its cells: scale (0: not said) and the years of its columns."""

    scale: float = 0.0
    years: tuple[int, ...] = ()


def scale_note(text: str) -> float:
    """Return the scale that "(in millions)" announces; 0 where nothing does."""
    match = _SCALE_NOTE.search(text)
    return _NOTE_SCALE[next(g for g in match.groups() if g).lower()] if match else 0.0


def header_years(text: str) -> tuple[int, ...]:
    """Return the years of a line that is the head of a table: two or more years and hardly another number."""
    years = tuple(int(m.group(1)) for m in _YEAR.finditer(text))
    others = len(re.findall(r"\d[\d,.]*", text)) - len(years)
    return years if len(years) >= 2 and others <= len(years) + 1 and not re.search(r"[a-z]{3,}\.\s*$", text) else ()


def _like_a_row(text: str, found: Sequence[Figure]) -> bool:
    """Whether a line is cells rather than prose: bare figures, hardly a word and no full stop."""
    bare = [f for f in found if f.unit in {"", "USD"} and not f.worded and not re.search(r"[a-z]", f.text)]
    words = len(re.findall(r"[A-Za-z]{2,}", text))
    return (
        bool(bare) and not text.rstrip().endswith(".") and (words <= 3 or (len(bare) >= 2 and words <= 3 * len(bare)))
    )


def in_table(found: Sequence[Figure], text: str, table: Table) -> tuple[Figure, ...]:
    """Return the figures of a sentence as cells where it is a row of a table: with its scale and the years of its columns."""
    if not (is_table_row(text) or _like_a_row(text, found)):
        return tuple(found)

    def is_cell(figure: Figure) -> bool:
        return figure.unit in MONEY or figure.unit in {"", "%", "x"}

    cells = [f for f in found if is_cell(f)]
    numbers = (
        [f for f in cells if f.unit != "%"] if len([f for f in cells if f.unit != "%"]) >= len(table.years) else cells
    )
    columns = {}
    if table.years and len(numbers) >= len(table.years):
        columns = {f.start: year for f, year in zip(numbers[-len(table.years) :], table.years, strict=True)}
    label = text[: cells[0].start] if cells else text
    per_share = re.search(r"per\s+(?:\w+\s+)?share|\bratio\b|\bpercent|%|\brate\b", label, re.I)
    scales = () if per_share else (table.scale,) if table.scale else (1e3, 1e6)
    return tuple(
        replace(
            f,
            value=-abs(f.value) if f.text.startswith("(") and f.text.endswith(")") else f.value,
            cell=True,
            year=columns.get(f.start, 0),
            scales=scales if f.unit in MONEY or f.unit == "" else (),
            noun="",
        )
        if is_cell(f)
        else f
        for f in found
    )
