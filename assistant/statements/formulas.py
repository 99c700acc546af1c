"""Formulas over line items: their syntax tree, and how the data files write them. Pure.

Grammar of the files: sum of products of factors; a factor is a number, a bracket, a name, "avg(X)" or "change(X)".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from assistant.statements.items import items, metrics, names


@dataclass(frozen=True, slots=True)
class Num:
    value: float


@dataclass(frozen=True, slots=True)
class Name:
    """An item or metric; ``year``: of that fiscal year, else of the one asked; ``shift``: so many years before."""

    name: str
    year: int | None = None
    shift: int = 0
    label: str = ""  # of a row that is no listed item, as printed


@dataclass(frozen=True, slots=True)
class Op:
    sign: str  # + - * /
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Over:
    """Mean ("avg") of, or difference ("change") between, two years: those given, else the one asked and the one before."""

    how: str
    inner: Node
    years: tuple[int, ...] = ()


Node = Num | Name | Op | Over


class Unreadable(Exception):
    """A formula holds a word that is no line item, operator or period."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


@cache
def _named() -> re.Pattern[str]:
    alternatives = "|".join(re.escape(phrase) for phrase, _ in names())
    return re.compile(rf"(?<![\w&])(?:{alternatives})(?![\w])", re.I)


@cache
def _by_phrase() -> dict[str, str]:
    return dict(reversed(names()))


def fold(text: str) -> str:
    """Return text in lower case with plain apostrophes and single spaces, for matching phrases."""
    return " ".join(text.replace("’", "'").split()).lower()


def mentions(text: str) -> list[tuple[int, int, str]]:
    """Return (start, end, name) of the items and metrics that a folded text names, longest first at each place."""
    return [(m.start(), m.end(), _by_phrase()[m.group().lower()]) for m in _named().finditer(text)]


Token = tuple[str, str]


class _Parser:
    """Recursive descent over the tokens of the data files' syntax."""

    def __init__(self, listed: Sequence[Token]) -> None:
        self.listed = list(listed)
        self.at = 0

    def peek(self) -> str:
        return self.listed[self.at][0] if self.at < len(self.listed) else ""

    def take(self) -> Token:
        token = self.listed[self.at]
        self.at += 1
        return token

    def expr(self) -> Node:
        node = self.term()
        while self.peek() in {"plus", "minus"}:
            sign = "+" if self.take()[0] == "plus" else "-"
            node = Op(sign, node, self.term())
        return node

    def term(self) -> Node:
        node = self.factor()
        while self.peek() in {"times", "over"}:
            sign = "*" if self.take()[0] == "times" else "/"
            node = Op(sign, node, self.factor())
        return node

    def factor(self) -> Node:
        kind = self.peek()
        if not kind:
            raise Unreadable("the end of the formula")
        if kind == "open":
            self.take()
            node = self.expr()
            if self.peek() != "close":
                raise Unreadable("a bracket that is not closed")
            self.take()
            return node
        if kind == "number":
            return Num(float(self.take()[1]))
        if kind in {"avg", "change"}:
            return Over(self.take()[0], self.factor())
        if kind == "name":
            return Name(self.take()[1])
        raise Unreadable(self.listed[self.at][1])


@cache
def formula(name: str) -> Node:
    """Return the formula of a metric, or the one that stands in for an item, from the data files."""
    text = metrics()[name].formula if name in metrics() else items()[name].otherwise
    return own_syntax(text)


@cache
def own_syntax(text: str) -> Node:
    """Parse the data files' syntax: names, numbers, + - * / ( ), avg(x), change(x). Raises Unreadable."""
    listed: list[Token] = []
    for match in re.finditer(r"avg|change|[a-z_]+|\d+(?:\.\d+)?|[-+*/()]", text):
        word = match.group()
        kind = {
            "(": "open",
            ")": "close",
            "+": "plus",
            "-": "minus",
            "*": "times",
            "/": "over",
            "avg": "avg",
            "change": "change",
        }.get(word)
        if kind is None:
            kind = "number" if word[0].isdigit() else "name"
        listed.append((kind, word))
    parser = _Parser(listed)
    node = parser.expr()
    if parser.at < len(listed):
        raise Unreadable(listed[parser.at][1])
    for name in leaves(node):
        if name not in items() and name not in metrics():
            raise Unreadable(name)
    return node


def leaves(node: Node) -> tuple[str, ...]:
    """Return the names in a formula, each once."""
    if isinstance(node, Name):
        return (node.name,)
    if isinstance(node, Op):
        return tuple(dict.fromkeys((*leaves(node.left), *leaves(node.right))))
    if isinstance(node, Over):
        return leaves(node.inner)
    return ()


def label_of(name: str) -> str:
    """Return the readable name of an item or metric."""
    return items()[name].label if name in items() else metrics()[name].label


def unit_of(name: str) -> str:
    """Return money, ratio, percent, days, per_share or shares; a row that is no listed item counts as money."""
    return items()[name].kind if name in items() else metrics()[name].unit if name in metrics() else "money"


def years_in(node: Node) -> tuple[int, ...]:
    """Return the fiscal years that a formula names itself."""
    if isinstance(node, Name):
        return (node.year,) if node.year else ()
    if isinstance(node, Op):
        return (*years_in(node.left), *years_in(node.right))
    if isinstance(node, Over):
        return (*node.years, *years_in(node.inner))
    return ()
