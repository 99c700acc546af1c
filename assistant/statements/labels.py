"""Questions that use a statement's own row label, where it is no item of the list. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from assistant.statements.figures import Figure, Reader, Refused, header_span, where
from assistant.statements.items import Item
from assistant.statements.rows import plain
from assistant.statements.tables import Row, Statement

_LIGHT = frozenset(
    [
        "the",
        "a",
        "an",
        "of",
        "and",
        "or",
        "in",
        "on",
        "for",
        "to",
        "from",
        "by",
        "with",
        "at",
        "net",
        "total",
        "other",
        "its",
        "as",
    ]
)


# "In millions, except share and per share data": shares are printed in full. "Except per share data": they are not.
_UNSCALED = re.compile(r"\bexcept\b[^)]*?(?<!per )(?<!per-)\bshares?\b", re.I)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A row label found in a question, and the rows that carry it."""

    label: str
    rows: tuple[tuple[Statement, Row], ...]


def labelled(text: str, reader: Reader, kinds: Collection[str], *, beyond: int = 0) -> Labelled | None:
    """Return the longest row label of the first document's statements that stands in ``text`` word by word.

    ``kinds``: of these statements only. ``beyond``: it has to be longer than so many characters (those of the list's item that the question names).
    """
    asked = f" {plain(text)} "
    best: dict[str, list[tuple[Statement, Row]]] = {}
    for document in reader.documents[:1]:
        for statement in reader.statements(document):
            if statement.minor or not statement.columns or statement.kind not in kinds:
                continue
            for row in statement.rows:
                name = row.plain
                telling = [w for w in name.split() if w not in _LIGHT and not w.isdigit()]
                if len(name) <= beyond or not telling or (len(telling) < 2 and len(name) < 9):
                    continue
                if f" {name} " in asked:
                    best.setdefault(name, []).append((statement, row))
    if not best:
        return None
    name = max(best, key=len)
    return Labelled(name, tuple(best[name]))


def figure(text: str, found: Labelled, reader: Reader, year: int) -> Figure:
    """Return the figure of a labelled row. Raises Refused where rows of that label differ or cannot be read."""
    hits = list(found.rows)
    share_asked = bool(re.search(r"\bper (?:\w+ )?share\b", text, re.I))
    chosen = [(s, r) for s, r in hits if _per_share(r) == share_asked] or hits
    read: list[Figure] = []
    for statement, row in chosen:
        column = reader.column(statement, year)
        if column is None:
            continue
        spot = header_span(statement)
        if not row.complete:
            raise Refused(
                f"the row “{row.label}” of {where(statement)} does not show a value for each of its {len(statement.columns)} columns",
                [(spot[0], spot[1], row.start, row.end)],
            )
        share = _per_share(row)
        if statement.unit is None:
            raise Refused(f"{where(statement)} does not say in what unit its figures are", [spot])
        printed = row.value(column)
        item = Item(
            name=found.label,
            label=row.label,
            statement=statement.kind,
            asked=(),
            rows=(),
            kind="per_share" if share else "shares" if _shares(row) else "money",
        )
        scale = (
            1.0 if share or (item.kind == "shares" and _UNSCALED.search(statement.unit.text)) else statement.unit.scale
        )
        read.append(Figure(printed * scale, printed, item, year, (row,), statement, column))
    if not read:
        raise Refused(
            f"no statement has a column for FY{year} with the row “{hits[0][1].label}”", [header_span(hits[0][0])]
        )
    if len({f.value for f in read}) > 1:
        places = "; ".join(f"“{f.rows[0].label}”{_under(f.rows[0])} in {where(f.statement)}" for f in read[:3])
        raise Refused(
            f"several rows are called that, with different values: {places}", [s for f in read for s in f.spans]
        )
    reader.used.append(read[0])
    return read[0]


def _per_share(row: Row) -> bool:
    return (
        bool(re.search(r"\bper (?:\w+ ){0,3}share", f"{row.section} {row.label}", re.I))
        and any("." in c.text for c in row.cells)
        and not re.search(r"\bshares\b", row.label, re.I)
    )


def _shares(row: Row) -> bool:
    return bool(
        re.search(r"\bshares (?:outstanding|used|issued)|weighted[- ]average", f"{row.section} {row.label}", re.I)
    )


def _under(row: Row) -> str:
    return f" under “{row.section}”" if row.section else ""


def words_of(companies: Sequence[str]) -> frozenset[str]:
    """Return the folded words of company names, which qualify no figure."""
    return frozenset(re.sub(r"[^\w]", "", w) for name in companies for w in name.lower().split())
