"""The figure of one line item in one fiscal year: which document, statement, row and column. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from assistant.kept import Kept
from assistant.statements.header import Column
from assistant.statements.items import Item, conflicting, find, items
from assistant.statements.sections import Row
from assistant.statements.tables import Statement, statements
from vectorstore.records import Document

Span = tuple[str, str, int, int]
# Rows that a balance sheet has at least; fewer are a summary, where a missing row says nothing.
_FULL = 10
_KEPT = 256  # documents whose statements are kept: about 100 KB each beside the text
STATEMENT_NAMES = {"income": "income statement", "balance": "balance sheet", "cash": "cash flow statement"}


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure as read: ``value`` in base units (a cost is positive), from ``rows`` of one column of one statement."""

    value: float
    printed: float  # in the statement's unit
    item: Item
    year: int
    rows: tuple[Row, ...]
    statement: Statement
    column: int
    assumed: bool = False  # no such row: taken as nil

    @property
    def spans(self) -> tuple[Span, ...]:
        document = self.statement.document
        return tuple((document.document_id, document.version, row.start, row.end) for row in self.rows)


class Refused(Exception):
    """A figure cannot be read with certainty; the message says which and where."""

    def __init__(self, message: str, spans: Sequence[Span] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.spans = tuple(spans)


class Absent(Exception):
    """No document holds such a statement for the period."""


def fiscal(document: Document) -> tuple[int | None, int | None]:
    """Return (fiscal year, quarter) as the document's metadata gives them."""
    match = re.search(r"(?:Q([1-4])\s*)?(?:FY)?\s*((?:19|20)\d\d)", document.metadata.fiscal_period or "")
    if not match:
        return None, None
    return int(match[2]), int(match[1]) if match[1] else None


def period_end(document: Document) -> tuple[int, int] | None:
    """Return (year, month) of the end of the period that a document reports on, as its metadata gives it."""
    match = re.match(r"(\d{4})-(\d{2})", document.metadata.period_end or "")
    return (int(match[1]), int(match[2])) if match else None


def newest_date(document: Document) -> tuple[int, int] | None:
    """Return (year, month) of the newest day that heads a column of the document's statements."""
    dates = [d for s in held_statements(document) if not s.minor for c in s.columns if (d := date_of(c)) is not None]
    return max(dates, default=None)


def header_span(statement: Statement) -> Span:
    document = statement.document
    return (document.document_id, document.version, *statement.header)


def where(statement: Statement) -> str:
    """Return "the balance sheet on page 61 of NIKE 2021 10-K"."""
    page = f" on page {statement.page}" if statement.page else ""
    document = statement.document.metadata
    name = " ".join(x for x in (document.company, document.form, document.fiscal_period) if x)
    return f"the {STATEMENT_NAMES[statement.kind]}{page}" + (f" of {name}" if name else "")


class Reader:
    """Figures over the documents of one company.

    ``months`` of a figure to date and ``date`` (year, month) as the question says them; ``question`` and the ``kinds`` of
    statements that it names tell rows of one label apart.
    """

    def __init__(
        self,
        documents: Sequence[Document],
        target: int,
        quarter: int | None = None,
        *,
        months: int | None = None,
        date: tuple[int, int] | None = None,
        question: str = "",
        kinds: Collection[str] = (),
    ) -> None:
        self.question = question
        self.kinds = frozenset(kinds)
        self.quarter = quarter
        self.months = months
        self.date = date
        self.target = target
        self.documents = self._order(documents, target, quarter)
        self.used: list[Figure] = []

    def _order(self, documents: Sequence[Document], target: int, quarter: int | None) -> list[Document]:
        """Put the filing of the target period first, then later ones, then earlier ones; an amendment before what it amends."""

        def rank(document: Document) -> tuple[int, int, int, int, str]:
            year, own = fiscal(document)
            away = year - target if year is not None and year >= target else 50 + target - (year or 0)
            amended = 0 if (document.metadata.form or "").upper().endswith("/A") else 1
            release = 0 if document.metadata.kind == "filing" else 1
            return (0 if own == quarter else 1, away, release, amended, document.document_id)

        held = [d for d in documents if d.metadata.kind in {"filing", "release", "other"}]
        if quarter is None:
            annual = [d for d in held if fiscal(d)[1] is None]
            # A date that no year or quarter ends on may still head a column of a balance sheet.
            held = [*annual, *(d for d in held if d not in annual)] if self.date else annual or held
        else:
            held = [d for d in held if fiscal(d)[1] == quarter]
        return sorted(held, key=rank)

    def statements(self, document: Document) -> list[Statement]:
        return held_statements(document)

    def column(self, statement: Statement, year: int) -> int | None:
        """Return the index of the column of a fiscal year (or of the reader's quarter in it)."""
        columns = statement.columns
        if not columns:
            return None
        own, quarter = fiscal(statement.document)
        end = period_end(statement.document)
        dates = [date_of(c) for c in columns]
        if statement.kind == "balance" and self.date is not None and all(dates):
            asked = (self.date[0] + year - self.target, self.date[1])
            hits = [i for i, d in enumerate(dates) if d and abs(_apart(d, asked)) <= (0 if asked in dates else 1)]
            return hits[0] if len(hits) == 1 else None
        years = [self._year(c, d, own, end, columns) for c, d in zip(columns, dates, strict=True)]
        if statement.kind == "balance":
            if self.quarter is not None:
                if own is None or quarter != self.quarter:
                    return None
                if end is not None and all(dates):
                    asked = (end[0] + year - own, end[1])
                    hits = [
                        i for i, d in enumerate(dates) if d and abs(_apart(d, asked)) <= (0 if asked in dates else 1)
                    ]
                    return hits[0] if len(hits) == 1 else None
                newest = max(c.year for c in columns)
                hits = [i for i, c in enumerate(columns) if c.year == newest] if year == own else []
                return hits[0] if len(hits) == 1 else None
            hits = [i for i, y in enumerate(years) if y == year]
            return hits[0] if quarter is None and len(hits) == 1 else None
        months = self.months or (3 if self.quarter is not None else 12)
        hits = [
            i
            for i, c in enumerate(columns)
            if years[i] == year and c.months in ((months,) if self.quarter is not None else (None, months))
        ]
        if self.quarter is None and quarter is not None:
            return None
        return hits[0] if len(hits) == 1 else None

    @staticmethod
    def _year(
        column: Column, date: tuple[int, int] | None, own: int | None, end: tuple[int, int] | None, columns: Sequence[Column]
    ) -> int:  # fmt: skip
        """Return the fiscal year of a column: the filing's own where it ends on the filing's date, so many before where it ends earlier."""
        if own is not None and end is not None and date is not None and abs(_apart(date, end)) % 12 in {0, 1, 11}:
            return own + round(_apart(date, end) / 12)
        # A year that ends in early 2023 may be the company's fiscal 2022; a column headed "2022" is its own word for it.
        newest = max(c.year for c in columns)
        early = all(re.match(r"(?:jan|feb|mar|apr)|[1-4]/|\d{1,2} (?:jan|feb|mar|apr)", c.label, re.I) for c in columns)
        return column.year - 1 if early and own == newest - 1 else column.year

    def figure(self, name: str, year: int) -> Figure:
        """Return an item's figure. Raises Refused (read, but not with certainty) and Absent (nothing to read)."""
        item = items()[name]
        refused: Refused | None = None
        for document in self.documents:
            kinds = [s for s in self.statements(document) if s.kind == item.statement]
            whole = [s for s in kinds if not s.minor] or kinds
            if not whole:
                continue
            for statement in whole[:3]:
                column = self.column(statement, year)
                if column is None:
                    continue
                try:
                    figure = self._read(item, statement, column, year)
                except Refused as error:
                    refused = refused or error
                    break
                self._agree(figure, whole)
                self.used.append(figure)
                return figure
            if refused is not None:
                # The period's own filing does not show it; an older one would be another basis.
                raise refused
            if self.quarter is not None and item.statement != "balance" and any(s.columns for s in whole):
                raise Refused(
                    f"{item.label}: {where(whole[0])} has no column for the quarter alone", [header_span(whole[0])]
                )
            if whole and not any(s.columns for s in whole):
                refused = Refused(
                    f"the period columns of {where(whole[0])} cannot be told apart", [header_span(whole[0])]
                )
                raise refused
        raise Absent

    def _read(self, item: Item, statement: Statement, column: int, year: int) -> Figure:
        match = find(item, statement)
        spot = header_span(statement)
        if match.problem:
            raise Refused(f"{item.label} for FY{year}: {match.problem} in {where(statement)}", [spot])
        if not match.rows:
            full = any(row.plain.startswith("total current assets") for row in statement.rows)
            if item.missing is not None and full and len(statement.rows) >= _FULL:
                close = conflicting(item, statement)
                if close is not None:
                    raise Refused(
                        f"{item.label} for FY{year}: the row “{close.label}” of {where(statement)} may or may not be it",
                        [(spot[0], spot[1], close.start, close.end)],
                    )
                return Figure(item.missing, item.missing, item, year, (), statement, column, assumed=True)
            raise Refused(f"{item.label} for FY{year}: no row of {where(statement)} is called that", [spot])
        for row in match.rows:
            if not row.complete:
                raise Refused(
                    f"{item.label} for FY{year}: the row “{row.label}” of {where(statement)} does not show a value for each of its {len(statement.columns)} columns",
                    [(spot[0], spot[1], row.start, row.end)],
                )
        if statement.unit is None and item.kind == "money":
            raise Refused(
                f"{item.label} for FY{year}: {where(statement)} does not say in what unit its figures are", [spot]
            )
        self.adds_up(statement, column)
        printed = sum(_signed(item, row, statement, column) for row in match.rows)
        scale = statement.unit.scale if statement.unit and item.kind == "money" else 1.0
        return Figure(printed * scale, printed, item, year, match.rows, statement, column)

    def _agree(self, figure: Figure, others: Sequence[Statement]) -> None:
        """Refuse where another statement of the same document gives the item another value."""
        for other in others:
            if other is figure.statement or not other.columns or other.unit is None or not other.unit.stated:
                continue
            column = self.column(other, figure.year)
            if column is None or other.anchors < figure.statement.anchors - 1:
                continue
            match = find(figure.item, other)
            if match.problem or not match.rows or not all(r.complete for r in match.rows):
                continue
            scale = other.unit.scale if figure.item.kind == "money" else 1.0
            value = sum(_signed(figure.item, row, other, column) for row in match.rows) * scale
            if abs(value - figure.value) > 0.006 * max(abs(value), abs(figure.value)):
                raise Refused(
                    f"{figure.item.label} for FY{figure.year}: {where(figure.statement)} and {where(other)} differ",
                    [*figure.spans, header_span(other)],
                )

    @staticmethod
    def adds_up(statement: Statement, column: int) -> None:
        """Refuse a balance sheet whose two sides differ in the column: its values were not read in their columns."""
        if statement.kind != "balance":
            return
        whole = [r for r in statement.rows if r.complete]
        assets = next((r for r in whole if r.plain == "total assets"), None)
        other = next(
            (
                r
                for r in whole
                if re.fullmatch(
                    r"total (?:liabilities\b.*\b(?:equity|deficit|capital|investment)|equity and liabilities|capitali[sz]ation and liabilities).*",
                    r.plain,
                )
            ),
            None,
        )
        if assets and other and abs(assets.value(column) - other.value(column)) > 1.5:
            raise Refused(f"the two sides of {where(statement)} do not add up as read", [header_span(statement)])


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def date_of(column: Column) -> tuple[int, int] | None:
    """Return (year, month) of the day that heads a column, where one does."""
    word = re.search(r"[a-z]{3}", column.label.lower())
    if word and word.group() in _MONTHS:
        return column.year, _MONTHS.index(word.group()) + 1
    slash = re.match(r"(\d{1,2})/", column.label)
    return (column.year, int(slash[1])) if slash and 1 <= int(slash[1]) <= 12 else None


def _apart(one: tuple[int, int], other: tuple[int, int]) -> int:
    """Return the months from ``other`` to ``one``."""
    return 12 * (one[0] - other[0]) + one[1] - other[1]


_HELD: Kept[tuple[str, str], tuple[Document, list[Statement]]] = Kept(_KEPT)


def held_statements(document: Document) -> list[Statement]:
    """Return the statements of a document; those of the last documents read are kept, for reading them takes a while."""
    key = (document.document_id, document.version)
    kept = _HELD.get(key)
    if kept is None or kept[0] != document:
        kept = _HELD.put(key, (document, statements(document)))
    return kept[1]


def _signed(item: Item, row: Row, statement: Statement, column: int) -> float:
    """Return the value with a cost as a positive number, whichever way the statement prints costs."""
    value = row.value(column)
    if item.sign == "tax":
        sign = _tax_sign(row, statement, column)
        if sign:
            return sign * value
    if item.sign in {"cost", "tax"}:
        shown = [c.value for c in row.cells if not c.nil]
        if shown and all(v < 0 for v in shown):
            return -value
    return value


def _tax_sign(row: Row, statement: Statement, column: int) -> int:
    """Return 1 where pretax income less the row is net income, -1 where the row is added, 0 where neither holds."""
    pretax, net = find(items()["pretax_income"], statement), find(items()["net_income"], statement)
    if not (pretax.rows and net.rows) or not (pretax.rows[0].complete and net.rows[0].complete):
        return 0
    before, after, tax = pretax.rows[0].value(column), net.rows[0].value(column), row.value(column)
    if abs(before - tax - after) <= 2:
        return 1
    return -1 if abs(before + tax - after) <= 2 else 0
