"""Working out a formula over figures, with the arithmetic written out. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.statements.figures import Absent, Figure, Reader, Refused, header_span
from assistant.statements.formulas import Name, Node, Num, Op, Over, formula
from assistant.statements.items import items, metrics

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
    item = items()[node.name]
    try:
        figure = reader.figure(node.name, year)
    except Refused:
        if not item.otherwise:
            raise
        figure = None
    if figure is None:
        # Two items may stand in for each other (gross profit, cost of revenue): only one step is taken.
        node_for = formula(node.name)
        return _stand_in(node_for, year, reader)
    scale = figure.statement.unit.scale if figure.statement.unit else 1.0
    shown = (
        number(figure.printed)
        if item.kind != "money" or scale == _scale(reader)
        else number(figure.value / _scale(reader))
    )
    money = 1 if item.kind == "money" else 0
    return Worked(figure.value, shown, 3 if figure.printed >= 0 else 0, money, (figure,))


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
