"""Tables with a source behind each cell, as CSV and XLSX. The only importer of xlsxwriter.

No text becomes a formula: CSV gets an apostrophe in front, XLSX writes texts as texts.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.records.export import safe

_LONGEST_CELL, _LONGEST_URL, _MOST_LINKS = 32_767, 2_079, 65_000  # limits of the format
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_SHEET_NAME = re.compile(r"[\[\]:*?/\\]")
_WIDEST = 70


@dataclass(frozen=True, slots=True)
class Cell:
    """A value with its source. ``url``: http or https; ``note``: the source in words, or why the cell is empty."""

    value: str | float | int | None
    url: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """``rows``: as many cells each as ``columns``; ``notes``: lines below it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()


def to_csv(table: Table) -> bytes:
    """Return UTF-8 with a mark: a column, and one beside it with source and address where any cell of the column has one."""
    sourced = [any(row[at].url or row[at].note for row in table.rows) for at in range(len(table.columns))]
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\r\n")
    header = [
        part
        for name, has in zip(table.columns, sourced, strict=True)
        for part in ((name, f"{name}: source") if has else (name,))
    ]
    writer.writerow([safe(name) for name in header])
    for row in table.rows:
        line: list[str | float | int] = []
        for cell, has in zip(row, sourced, strict=True):
            line.append(_number(cell.value) if _is_number(cell.value) else safe(cell.value))
            if has:
                line.append(safe(" ".join(part for part in (cell.note, cell.url) if part)))
        writer.writerow(line)
    return stream.getvalue().encode("utf-8-sig", "replace")


def to_xlsx(tables: Sequence[Table]) -> bytes:
    """Return a workbook with a sheet a table: numbers as numbers, links to the sources, notes of cells as comments."""
    import xlsxwriter  # type: ignore[import-untyped]

    stream = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(stream, options) as book:
        head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        plain = book.add_format({"text_wrap": True, "valign": "top"})
        figure = book.add_format({"num_format": "#,##0.00", "valign": "top"})
        link = book.add_format({"font_color": "blue", "underline": 1, "text_wrap": True, "valign": "top"})
        linked = book.add_format({"font_color": "blue", "underline": 1, "num_format": "#,##0.00", "valign": "top"})
        names: set[str] = set()
        for table in tables:
            sheet = book.add_worksheet(_sheet_name(table.title, names))
            links = 0
            for at, name in enumerate(table.columns):
                sheet.write_string(0, at, _text(name), head)
                sheet.set_column(at, at, _width(table, at))
            sheet.freeze_panes(1, 1)
            for n, row in enumerate(table.rows, start=1):
                for at, cell in enumerate(row):
                    has = _is_link(cell.url) and links < _MOST_LINKS
                    links += has
                    if has:
                        sheet.write_url(n, at, cell.url, link, _text(_said(cell)), _text(cell.note)[:255] or None)
                    if _is_number(cell.value):
                        # Over the link: the cell stays a number, by which a sheet can sort.
                        sheet.write_number(n, at, float(_number(cell.value)), linked if has else figure)
                    elif not has and cell.value is not None:
                        sheet.write_string(n, at, _text(str(cell.value)), plain)
                    if cell.note and not (cell.value is not None and not _is_number(cell.value)):
                        sheet.write_comment(n, at, _text(cell.note)[:2_000])
            for n, note in enumerate(table.notes, start=len(table.rows) + 2):
                sheet.write_string(n, 0, _text(note))
    return stream.getvalue()


def _said(cell: Cell) -> str:
    return "" if cell.value is None else str(cell.value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _number(value: object) -> float | int:
    assert isinstance(value, int | float)
    return value


def _is_link(url: str) -> bool:
    return (
        url.startswith(("http://", "https://"))
        and len(url) <= _LONGEST_URL
        and not _CONTROL.search(url)
        and " " not in url
    )


def _text(text: str) -> str:
    return _CONTROL.sub("�", re.sub(r"\r\n?", "\n", text))[:_LONGEST_CELL]


def _width(table: Table, at: int) -> float:
    lengths = [
        len(table.columns[at]),
        *(len(_said(row[at])) if not _is_number(row[at].value) else 10 for row in table.rows),
    ]
    return float(min(_WIDEST, max(10, *lengths) + 1)) if lengths else 10.0


def _sheet_name(title: str, taken: set[str]) -> str:
    base = _cut(_SHEET_NAME.sub(" ", _text(title)).strip().strip("'"), 28) or "Table"
    name, n = base, 1
    while name.lower() in taken:
        n += 1
        name = f"{_cut(base, 25)} {n}"
    taken.add(name.lower())
    return name


def _cut(text: str, most: int) -> str:
    """Return the start of ``text`` that takes at most ``most`` units of UTF-16, in which Excel counts."""
    return text.encode("utf-16-le")[: 2 * most].decode("utf-16-le", "ignore")


__all__ = ["Cell", "Table", "to_csv", "to_xlsx"]
