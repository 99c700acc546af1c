"""Formulas over line items: how questions and the data files write them, and their syntax tree. Pure.

Grammar: sum of products of factors; a factor is a number, a bracket, a name with an optional fiscal year,
"average X between FY1 and FY2", "change in X between FY1 and FY2", "avg(X)" or "change(X)".
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

_YEAR = r"(?:fy|fiscal(?: year)?)?\s?['’]?(?P<year>(?:19|20)\d\d)\b"
_LEX = re.compile(
    r"(?P<open>[(\[])|(?P<close>[)\]])"
    r"|(?P<times>[*×·]|\btimes\b|\bmultiplied by\b|\bx\b(?=\s*[\d(]))|(?P<over>[/÷]|\bdivided by\b|\bover\b|\bas an? (?:%|percent(?:age)?) of\b|\bto\b(?= total| net| revenue| sales| equity))"
    r"|(?P<plus>\+|\bplus\b)|(?P<minus>[-–—−]|\bminus\b|\bless\b)"
    r"|(?P<between>\b(?:between|from)\b)|(?P<and>\band\b|\bto\b)"
    rf"|(?P<fy>{_YEAR})|(?P<prior>\b(?:prior|previous|last) (?:fiscal )?year(?:'s)?\b)"
    r"|(?P<avg>\b(?:the )?(?:average|avg\.?|mean)\b(?: of)?)|(?P<change>\b(?:the )?change in\b)|(?P<sum>\b(?:the )?sum of\b)"
    r"|(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<filler>\b(?:the|of|in|for|its|unadjusted|adjusted for|year[- ]end|ending|annual|that|same|period|total|net|this|is|was|a|an|as|by|company's|at)\b|[,:;.'’=])|(?P<margin>%? ?\bmargin\b)",
    re.I,
)
_NOTES = re.compile(
    r"[\[(](?:from|as shown|in) [^\])]*[\])]|\bfrom (?:the )?(?:cash flow statement|statement of cash flows)\b", re.I
)


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


def tokens(text: str, extra: Sequence[str] = ()) -> list[Token]:
    """Return (kind, text) tokens. ``extra``: names that the question defines. Raises Unreadable."""
    text = fold(_NOTES.sub(" ", text))
    own = (
        re.compile("|".join(rf"(?<!\w){re.escape(e)}(?!\w)" for e in sorted(extra, key=len, reverse=True)), re.I)
        if extra
        else None
    )
    found: list[Token] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        match = (own and own.match(text, at)) or None
        if match:
            found.append(("own", match.group().lower()))
        elif match := _named().match(text, at):
            found.append(("name", _by_phrase()[match.group().lower()]))
        elif match := _LEX.match(text, at):
            kind = match.lastgroup or ""
            kind = "fy" if kind == "year" else kind
            kind = next((k for k, v in match.groupdict().items() if v is not None and k != "year"), kind)
            if kind != "filler":
                found.append((kind, match["year"] if kind == "fy" else match.group()))
        else:
            word = re.match(r"\S+", text[at:])
            raise Unreadable(word.group() if word else text[at:])
        at = match.end()
    return found


class _Parser:
    def __init__(self, listed: Sequence[Token], own: dict[str, Node]) -> None:
        self.listed = list(listed)
        self.at = 0
        self.own = own

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

    def years(self) -> tuple[int, ...]:
        start = self.at
        if self.peek() == "between":
            self.take()
        found: list[int] = []
        while self.peek() in {"fy", "and", "minus"} and len(found) < 2:
            kind, text = self.take()
            if kind == "fy":
                found.append(int(text))
        if len(found) < 2:
            self.at = start
            return ()
        return tuple(found)

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
            return self.after(node)
        if kind == "number":
            return Num(float(self.take()[1]))
        if kind in {"avg", "change"}:
            how = self.take()[0]
            years = self.years()
            inner = self.factor()
            return Over(how, inner, years or self.years())
        if kind == "sum":
            self.take()
            node = self.factor()
            while self.peek() in {"and", "plus"}:
                self.take()
                node = Op("+", node, self.factor())
            return node
        if kind == "fy":
            year = int(self.take()[1])
            node = self.factor()
            return Name(node.name, year, node.shift) if isinstance(node, Name) and node.year is None else node
        if kind == "prior":
            self.take()
            node = self.factor()
            return Name(node.name, node.year, 1) if isinstance(node, Name) else node
        if kind == "name":
            return self.after(Name(self.take()[1]))
        if kind == "own":
            return self.after(self.own[self.take()[1]])
        raise Unreadable(self.listed[self.at][1])

    def after(self, node: Node) -> Node:
        if self.peek() == "margin":
            self.take()
            return Op("/", node, Name("revenue"))
        if self.peek() == "fy" and isinstance(node, Name) and node.year is None:
            return Name(node.name, int(self.take()[1]), node.shift)
        if self.peek() == "between" and isinstance(node, Op):
            pass
        return node


def parse(text: str, own: dict[str, Node] | None = None) -> Node:
    """Return the formula that ``text`` writes. Raises Unreadable where a part of it is not understood."""
    parser = _Parser(tokens(text, tuple(own or ())), own or {})
    node = parser.expr()
    if parser.at < len(parser.listed):
        raise Unreadable(parser.listed[parser.at][1])
    return node


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
    parser = _Parser(listed, {})
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


def years_in(node: Node) -> tuple[int, ...]:
    """Return the fiscal years that a formula names itself."""
    if isinstance(node, Name):
        return (node.year,) if node.year else ()
    if isinstance(node, Op):
        return (*years_in(node.left), *years_in(node.right))
    if isinstance(node, Over):
        return (*node.years, *years_in(node.inner))
    return ()
