"""The figure of one line item in one fiscal year: which document, statement, row and column. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.statements.items import Item, find, items
from assistant.statements.tables import Row, Statement, statements
from vectorstore.records import Document

Span = tuple[str, str, int, int]
# Rows that a balance sheet has at least; fewer are a summary, where a missing row says nothing.
_FULL = 10
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
    """Figures over the documents of one company; each document's statements are found once, when first needed."""

    def __init__(self, documents: Sequence[Document], target: int, quarter: int | None = None) -> None:
        self.quarter = quarter
        self._found: dict[tuple[str, str], list[Statement]] = {}
        self.documents = self._order(documents, target, quarter)
        self.used: list[Figure] = []

    @staticmethod
    def _order(documents: Sequence[Document], target: int, quarter: int | None) -> list[Document]:
        """Put the filing of the target period first, then later ones, then earlier ones; an amendment before what it amends."""

        def rank(document: Document) -> tuple[int, int, int, str]:
            year, own = fiscal(document)
            if quarter is not None:
                exact = 0 if (year, own) == (target, quarter) else 1
            else:
                exact = 0 if year == target and own is None else 1 if own is None else 2
            away = (year - target if year is not None and year >= target else 50 + target - (year or 0)) if exact else 0
            amended = 0 if (document.metadata.form or "").upper().endswith("/A") else 1
            return (exact, away, amended, document.document_id)

        held = [d for d in documents if d.metadata.kind in {"filing", "release", "other"}]
        if quarter is None:
            annual = [d for d in held if fiscal(d)[1] is None]
            held = annual or held
        else:
            held = [d for d in held if fiscal(d) == (target, quarter)]
        return sorted(held, key=rank)

    def statements(self, document: Document) -> list[Statement]:
        key = (document.document_id, document.version)
        if key not in self._found:
            self._found[key] = statements(document)
        return self._found[key]

    def column(self, statement: Statement, year: int) -> int | None:
        """Return the index of the column of a fiscal year (or of the reader's quarter in it)."""
        columns = statement.columns
        if not columns:
            return None
        own, quarter = fiscal(statement.document)
        newest = max(c.year for c in columns)
        # A year that ends in early 2023 may be the company's fiscal 2022; a column headed "2022" is its own word for it.
        early = all(re.match(r"(?:jan|feb|mar|apr)|[1-4]/|\d{1,2} (?:jan|feb|mar|apr)", c.label, re.I) for c in columns)
        shift = -1 if early and own == newest - 1 else 0
        if statement.kind == "balance":
            if self.quarter is not None:
                hits = [i for i, c in enumerate(columns) if c.year == newest] if year == own else []
                return hits[0] if hits else None
            hits = [i for i, c in enumerate(columns) if c.year + shift == year]
            if quarter is not None or len(hits) != 1:
                return None
            return hits[0]
        months = 3 if self.quarter is not None else 12
        if self.quarter is not None and statement.kind == "cash":
            months = 3 * self.quarter if self.quarter == 1 else 3
        hits = [
            i
            for i, c in enumerate(columns)
            if c.year + shift == year and c.months in ((months,) if self.quarter else (None, months))
        ]
        return hits[0] if len(hits) == 1 else None

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
        self._adds_up(statement, column)
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
    def _adds_up(statement: Statement, column: int) -> None:
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
