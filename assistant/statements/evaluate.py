"""Working out a formula over figures, with the arithmetic written out. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.statements import labels
from assistant.statements.figures import Absent, Figure, Reader, Refused, header_span, where
from assistant.statements.formulas import Name, Node, Num, Op, Over, formula
from assistant.statements.items import conflicting, items, metrics, sums_up
from assistant.statements.tables import primary
from assistant.statements.vocabulary import ROW

_SIGNS = {"+": "+", "-": "−", "*": "×", "/": "÷"}
_RANK = {"+": 1, "-": 1, "*": 2, "/": 2}


@dataclass(frozen=True, slots=True)
class Worked:
    """A value in base units, the arithmetic in the statements' unit, and the figures that went in.

    ``money``: the power of money in it (1 an amount, 0 a ratio).
    """

    value: float
    shown: str
    rank: int
    money: int
    figures: tuple[Figure, ...] = ()

    def inside(self, rank: int, *, right: bool = False) -> str:
        """Return the arithmetic, in brackets where the operator around it needs them."""
        return f"({self.shown})" if self.rank < rank or (right and self.rank == rank) else self.shown


def number(value: float, places: int | None = None) -> str:
    """Return a number with separators of thousands and a true minus sign; no superfluous decimals."""
    text = f"{abs(value):,.{places}f}" if places is not None else f"{abs(value):,.4f}".rstrip("0").rstrip(".")
    return f"−{text}" if value < 0 and text.strip("0.,") else text


def work(node: Node, year: int, reader: Reader) -> Worked:
    """Return a formula's value for a fiscal year. Raises Refused and Absent as ``Reader.figure`` does."""
    if isinstance(node, Num):
        return Worked(node.value, number(node.value), 3, 0)
    if isinstance(node, Name):
        return _name(node, (node.year or year) - node.shift, reader)
    if isinstance(node, Over):
        years = sorted(node.years) or [year - 1, year]
        first, last = work(node.inner, years[0], reader), work(node.inner, years[-1], reader)
        figures = (*first.figures, *last.figures)
        if node.how == "avg":
            return Worked(
                (first.value + last.value) / 2, f"({first.inside(1)} + {last.inside(1)}) ÷ 2", 2, first.money, figures
            )
        return Worked(
            last.value - first.value, f"{last.inside(1)} − {first.inside(1, right=True)}", 1, first.money, figures
        )
    left, right = work(node.left, year, reader), work(node.right, year, reader)
    figures = (*left.figures, *right.figures)
    rank = _RANK[node.sign]
    shown = f"{left.inside(rank)} {_SIGNS[node.sign]} {right.inside(rank, right=True)}"
    if node.sign == "/":
        if right.value == 0:
            spot = [header_span(f.statement) for f in right.figures[:1]]
            raise Refused(f"the formula divides by nil in FY{year}", spot)
        return Worked(left.value / right.value, shown, rank, left.money - right.money, figures)
    if node.sign == "*":
        return Worked(left.value * right.value, shown, rank, left.money + right.money, figures)
    value = left.value + right.value if node.sign == "+" else left.value - right.value
    return Worked(value, shown, rank, max(left.money, right.money), figures)


def _name(node: Name, year: int, reader: Reader) -> Worked:
    if node.name in metrics():
        return work(formula(node.name), year, reader)
    if node.name.startswith(ROW):
        return _single(labels.figure(node.name, reader, year, kinds=reader.kinds, hint=reader.question), reader)
    item = items()[node.name]
    try:
        figure = reader.figure(node.name, year)
    except Refused:
        if not item.otherwise:
            raise
        figure = None
    if figure is None:
        for document in reader.documents:
            for statement in primary(reader.statements(document)):
                if statement.kind != item.statement or reader.column(statement, year) is None:
                    continue
                spot = (document.document_id, document.version, *statement.header)
                if node.name == "operating_income" and not sums_up(statement):
                    # Other expenses may stand between the two.
                    raise Refused(f"{item.label} for FY{year}: no row of {where(statement)} is called that", [spot])
                close = conflicting(item, statement)
                if close is not None:
                    raise Refused(
                        f"{item.label} for FY{year}: {where(statement)} has no such row, and “{close.label}” may or may not belong to it",
                        [(document.document_id, document.version, close.start, close.end)],
                    )
        # Two items may stand in for each other (gross profit, cost of revenue): only one step is taken.
        node_for = formula(node.name)
        return _stand_in(node_for, year, reader)
    return _single(figure, reader)


def _single(figure: Figure, reader: Reader) -> Worked:
    scale = figure.statement.unit.scale if figure.statement.unit else 1.0
    money = figure.item.kind == "money"
    shown = number(figure.printed if not money or scale == _scale(reader) else figure.value / _scale(reader))
    return Worked(figure.value, shown, 3 if figure.printed >= 0 else 0, 1 if money else 0, (figure,))


def _stand_in(node: Node, year: int, reader: Reader) -> Worked:
    if isinstance(node, Name):
        figure = reader.figure(node.name, year)
        return Worked(figure.value, number(figure.printed), 3, 1, (figure,))
    assert isinstance(node, Op)
    left, right = _stand_in(node.left, year, reader), _stand_in(node.right, year, reader)
    value = left.value + right.value if node.sign == "+" else left.value - right.value
    return Worked(
        value, f"{left.shown} {_SIGNS[node.sign]} {right.inside(1, right=True)}", 1, 1, (*left.figures, *right.figures)
    )


def _scale(reader: Reader) -> float:
    """Return the unit that the arithmetic is shown in: that of the first figure read."""
    first = next((f for f in reader.used if f.statement.unit), None)
    return first.statement.unit.scale if first and first.statement.unit else 1.0


__all__ = ["Absent", "Refused", "Worked", "number", "work"]
