"""Rows of a statement and the sections that they stand in. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.statements.rows import Cell, plain


@dataclass(frozen=True, slots=True)
class Row:
    """A row with one cell a column. ``label`` as printed; ``section``: the heading above it; ``part`` of a cash flow."""

    start: int
    end: int
    label: str
    plain: str
    cells: tuple[Cell, ...]
    section: str = ""
    part: str = ""
    complete: bool = True  # one value a column

    def value(self, column: int) -> float:
        """Return the value in the statement's unit."""
        return self.cells[column].value


# A heading and the first row under it, printed as one line.
RUN_ON = re.compile(
    r"((?:cash flows? (?:provided by |used in |\(used in\) |from |for )*(?:operating|investing|financing) activities|(?:operating|investing|financing)(?: activities)?(?=:)|[A-Za-z][\w’',&-]* [\w’',& -]+(?=:)):?\s+)(?=[(A-Z])(?!\(used|\(provided)",
    re.I,
)
_NET = re.compile(
    r"(?:total |net )*cash\b.*\b(operat|invest|financ)\w*(?: activities| operations)?(?: .*)?|(?:net )?cash .*\b(operations)"
)
_HEAD = re.compile(r"\b(operat\w+|operations|investing|investment|financing) activities|\bcash .*\b(operations)", re.I)


def parts(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Say for each row of a cash flow statement which activity it belongs to; what follows financing is "other"."""
    out: list[Row] = []
    part = "operating"
    order = {"operat": "operating", "invest": "investing", "financ": "financing"}
    following = {"operating": "investing", "investing": "financing", "financing": "other", "other": "other"}
    for row in rows:
        match = _NET.fullmatch(row.plain)
        if match and not re.search(r"discontinued|adjust", row.plain):
            part = order["operat" if match[2] else match[1]]
            out.append(replace(row, part=part))
            part = following[part]
        else:
            out.append(replace(row, part=part))
    return tuple(out)


def grand(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Name the two sides of a balance sheet where they are printed without a label: two equal rows, the second the last of all."""
    if any(r.plain == "total assets" for r in rows):
        return tuple(rows)
    bare = [r for r in rows if not r.label]
    values = [tuple(c.value for c in r.cells) for r in bare]
    if not bare or values.count(values[-1]) != 2:
        return tuple(rows)
    named = {bare[values.index(values[-1])].start: "Total assets", bare[-1].start: "Total liabilities and equity"}
    return tuple(
        replace(r, label=named[r.start], plain=plain(named[r.start])) if not r.label and r.start in named else r
        for r in rows
    )
