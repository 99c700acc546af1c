"""Formulas as questions write them: from tags to a syntax tree, and back to words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assistant.statements.formulas import Name, Node, Num, Op, Over, Unreadable
from assistant.statements.items import items, metrics
from assistant.statements.tagging import Tag

_SIGNS = {"+": "+", "-": "-", "*": "*", "/": "/", "%": "/", "e": "/"}
_IN_WORDS = {"+": "+", "-": "−", "*": "×", "/": "÷"}


def node_of(tag: Tag) -> Node:
    """Return what the tag of a figure asks for."""
    assert tag.node is not None
    return tag.node


class _Expression:
    """Recursive descent over tags; ``year`` maps an index of a period to its fiscal year."""

    def __init__(self, tags: Sequence[Tag], year: Sequence[int]) -> None:
        self.tags = [t for t in tags if t.kind not in {",", "o", "P", ":"}]
        self.at = 0
        self.year = year

    def peek(self, ahead: int = 0) -> str:
        return self.tags[self.at + ahead].kind if self.at + ahead < len(self.tags) else ""

    def take(self) -> Tag:
        self.at += 1
        return self.tags[self.at - 1]

    def whole(self) -> Node:
        node = self.sum()
        if self.at < len(self.tags):
            raise Unreadable(self.tags[self.at].word)
        return node

    def sum(self) -> Node:
        node = self.product()
        while self.peek() in {"+", "-"}:
            sign = _SIGNS[self.take().kind]
            node = Op(sign, node, self.product())
        return node

    def product(self) -> Node:
        node = self.factor()
        while self.peek() in {"*", "/", "%", "e"} or (self.peek() == "S" and self.at):
            sign = _SIGNS.get(self.take().kind, "/")
            node = Op(sign, node, self.factor())
        return node

    def years(self) -> tuple[int, ...]:
        start = self.at
        found: list[int] = []
        if self.peek() in {"f", "/"}:
            self.take()
        while self.peek() in {"Y", "&", "t", "-"} and len(found) < 2:
            tag = self.take()
            if tag.kind == "Y":
                found.append(self.year[int(tag.value)])
        if len(found) == 2:
            return tuple(found)
        self.at = start
        return ()

    def factor(self) -> Node:
        kind = self.peek()
        if not kind:
            raise Unreadable("the end of the formula")
        if kind == "(":
            self.take()
            node = self.sum()
            if self.peek() != ")":
                raise Unreadable("a bracket that is not closed" if not self.peek() else self.tags[self.at].word)
            self.take()
            return self.after(node)
        if kind == "N":
            return Num(self.take().value)
        if kind in {"M", "C"}:
            self.take()
            years = self.years()
            if self.peek() == "w":
                self.take()
            inner = self.factor()
            return Over("avg" if kind == "M" else "change", inner, years or self.years())
        if kind == "Z":
            self.take()
            node = self.factor()
            while self.peek() in {"&", "+"}:
                self.take()
                node = Op("+", node, self.factor())
            return node
        if kind == "Y":
            year = self.year[int(self.take().value)]
            return _dated(self.factor(), year)
        if kind == "p":
            self.take()
            node = self.factor()
            return replace(node, shift=1) if isinstance(node, Name) else node
        if kind == "I":
            return self.after(node_of(self.take()))
        raise Unreadable(self.tags[self.at].word)

    def after(self, node: Node) -> Node:
        if self.peek() == "m":
            self.take()
            node = Op("/", node, Name("revenue"))
        if self.peek() == "Y" and self.peek(1) not in {"I", "("}:
            return _dated(node, self.year[int(self.take().value)])
        return node


def _dated(node: Node, year: int) -> Node:
    return replace(node, year=year) if isinstance(node, Name) and node.year is None else node


def expression(tags: Sequence[Tag], years: Sequence[int]) -> Node:
    """Return the formula that tags write out. Raises Unreadable where a part of it is not understood."""
    return _Expression(tags, years).whole()


def described(node: Node, outer: int = 0) -> str:
    """Return a formula in words."""
    if isinstance(node, Num):
        return f"{node.value:g}"
    if isinstance(node, Over):
        return f"{'average' if node.how == 'avg' else 'change in'} {described(node.inner, 3)}"
    if isinstance(node, Op):
        rank = 1 if node.sign in "+-" else 2
        text = (
            f"{described(node.left, rank)} {_IN_WORDS[node.sign]} {described(node.right, rank + (node.sign in '-/'))}"
        )
        return f"({text})" if rank < outer else text
    entry = items().get(node.name) or metrics().get(node.name)
    label = node.label or (entry.label if entry else node.name)
    return label if label[:2].isupper() else label[:1].lower() + label[1:]
