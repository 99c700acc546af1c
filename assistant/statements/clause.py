"""The grammar of questions about figures: from tags to the formula that is asked for. Pure.

A question is understood whole or not at all: a tag that no rule uses up makes it Unreadable.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.statements.expression import described, expression, node_of
from assistant.statements.formulas import Name, Node, Op, Unreadable, formula, leaves, unit_of, years_in
from assistant.statements.items import metrics
from assistant.statements.tagging import Tag


@dataclass(frozen=True, slots=True)
class Clause:
    """What a clause asks for. ``asked``: (formula, label, name of the item or metric); ``years``: indices of its periods in order.

    ``marks``: kinds of the aggregating tags in it (G, C, M, R, Z, v, P, !, n); ``span``: the number of years of "three-year".
    """

    asked: tuple[tuple[Node, str, str], ...]
    years: tuple[int, ...]
    marks: frozenset[str]
    span: int = 0
    ranged: bool = False
    share: bool = False
    explicit: bool = False  # the question writes the formula out


def clause(tags: Sequence[Tag], years: Sequence[int]) -> Clause:
    """Return what the main clause of a question asks for. Raises Unreadable."""
    found = _explicit(tags, years)
    if found is None:
        unknown = next((t for t in tags if t.kind == "?"), None)
        if unknown is not None:
            raise Unreadable(unknown.word)
        found = _plain(tags)
    # A period that nothing used says that the question was not understood.
    used = {years[i] for i in found.years} | {y for node, _, _ in found.asked for y in years_in(node)}
    if any(years[int(t.value)] not in used for t in tags if t.kind == "Y"):
        raise Unreadable("a period")
    return found


def _explicit(tags: Sequence[Tag], years: Sequence[int]) -> Clause | None:
    """Return the clause where a part of the tags writes a formula out, behind a name for it or before it."""
    for index, tag in enumerate(tags):
        if tag.kind not in {"=", ":", ",", "("} or tag.word in {";"}:
            continue
        left, right = list(tags[:index]), list(tags[index + 1 :])
        if tag.kind == "(":
            close = _closing(tags, index)
            if close is None:
                continue
            left, right = [*left, *tags[close + 1 :]], list(tags[index + 1 : close])
        for name, body in ((left, right), (right, left)) if tag.kind in {":", ","} else ((left, right),):
            if sum(t.kind == "I" for t in body) + sum(t.kind == "N" for t in body) < 2:
                continue
            held = [t for t in name if t.kind == "I"]
            same = {n for t in held for n in leaves(node_of(t))} <= {
                n for t in body if t.node is not None for n in leaves(t.node)
            }
            if (any(t.kind in "+*%SDUA" for t in name) or len(held) > 1) and not (tag.kind == "(" and same):
                continue
            if body is left and (any(t.kind == "?" for t in name)):
                continue
            if tag.kind == "(" and "".join(t.kind for t in body) == "ItI":
                body = [t if t.kind == "I" else Tag("/", t.word) for t in body]
            try:
                inner = _plain([t for t in body if t.kind != "Y"], strict=True) if not _formula(body) else None
                node = expression(_trimmed(body), years) if inner is None else inner.asked[0][0]
            except Unreadable:
                continue
            if len(leaves(node)) < 2 and not isinstance(node, Op):
                continue
            first = held[0] if held else None
            named = first.node.name if first and isinstance(first.node, Name) else ""
            metric = metrics().get(named) if len(held) == 1 else None
            label = (metric.label if metric else first.label if first and len(held) == 1 else "") or described(node)
            marks = frozenset(t.kind for t in name if t.kind in "GCMRZvPn!") | frozenset(
                t.kind for t in body if t.kind == "P"
            )
            inside = () if _formula(body) else tuple(t for t in body if t.kind == "Y")
            indices = tuple(
                dict.fromkeys(
                    int(t.value) for t in sorted((*(t for t in name if t.kind == "Y"), *inside), key=tags.index)
                )
            )
            indices = indices or tuple(dict.fromkeys(int(t.value) for t in body if t.kind == "Y"))
            share = (inner.share if inner else any(t.kind == "%" for t in body)) or any(t.kind in "S%" for t in name)
            return Clause(
                ((node, label, named if metric else ""),),
                indices,
                marks - {"M"} if _formula(body) else marks,
                _span(name),
                _ranged(name),
                share,
                True,
            )
    return None


def _item(node: Node | None) -> bool:
    return isinstance(node, Name) and node.name not in metrics()


def _amount(node: Node) -> bool:
    return not isinstance(node, Name) or unit_of(node.name) == "money"


def _formula(body: Sequence[Tag]) -> bool:
    """Whether the tags need the whole grammar: brackets, numbers, means inside."""
    return any(t.kind in {"(", "N", "M", "Z"} for t in body) or sum(t.kind == "Y" for t in body) > 1


def _trimmed(body: Sequence[Tag]) -> list[Tag]:
    out = list(body)
    while out and out[-1].kind in {",", ":", "P", "b", "t", "=", "&", "f", "o"}:
        out.pop()
    while out and out[0].kind in {",", ":", "=", "&", "b", "f"}:
        out.pop(0)
    return out


def _closing(tags: Sequence[Tag], start: int) -> int | None:
    depth = 0
    for index in range(start, len(tags)):
        depth += (tags[index].kind == "(") - (tags[index].kind == ")")
        if depth == 0:
            return index
    return None


def _span(tags: Sequence[Tag]) -> int:
    return next((int(t.value) for t in tags if t.kind == "n"), 0)


def _ranged(tags: Sequence[Tag]) -> bool:
    line = "".join(t.kind for t in tags if t.kind not in {"I"})
    return bool(re.search(r"Y[t-]Y|fY&Y", line))


def _bracketless(tags: Sequence[Tag]) -> list[Tag]:
    """Take brackets off the main clause: one with a figure in it says which figure the name before it means."""
    out = list(tags)
    while True:
        start = next((i for i, t in enumerate(out) if t.kind == "("), None)
        if start is None:
            if any(t.kind == ")" for t in out):
                raise Unreadable(")")
            return out
        end = _closing(out, start)
        if end is None:
            raise Unreadable("(")
        inside = out[start + 1 : end]
        figures = [t for t in inside if t.kind == "I"]
        if any(t.kind in "+-*/%SDUAM" for t in inside):
            raise Unreadable("(")
        before = next((i for i in range(start - 1, -1, -1) if out[i].kind == "I"), None)
        parts = _deep(out[before].node) if before is not None else frozenset()
        if figures and {n for f in figures for n in leaves(node_of(f))} <= parts:
            if len(figures) == 1 and _item(figures[0].node):
                raise Unreadable(figures[0].word)  # the ratio, or this part of it?
            figures = []  # says what the ratio is made of
        if len(figures) > 1:
            raise Unreadable("(")
        if (
            figures
            and before is not None
            and not isinstance(out[before].node, Op)
            and _item(out[before].node)
            and _item(figures[0].node)
        ):
            out[before] = figures[0]
            figures = []
        elif figures and before is not None:
            figures = []
        out[start : end + 1] = [*figures, *(t for t in inside if t.kind == "Y")]


def _deep(node: Node | None) -> frozenset[str]:
    """Return the line items in a ratio, with those that stand for each other."""
    if not isinstance(node, Name) or node.name not in metrics():
        return frozenset()
    found = set(leaves(formula(node.name)))
    for name in list(found):
        found |= _deep(Name(name))
    return frozenset(found | ({"net_income"} if "net_income_attributable" in found else set()))


def _plain(given: Sequence[Tag], *, strict: bool = False) -> Clause:
    """Return the clause of tags that hold no formula of their own."""
    tags = _bracketless(given)
    alone = not any(t.kind == "I" for t in tags)
    tags = [
        Tag("I", "cash", Name("cash"))
        if t.kind == "$" and (alone or _joins(tags[i - 1 : i]) or _joins(tags[i + 1 : i + 2]))
        else t
        for i, t in enumerate(tags)
    ]
    tags = [t for t in tags if t.kind != "$"]
    years = tuple(dict.fromkeys(int(t.value) for t in tags if t.kind == "Y"))
    ranged = _ranged(tags)
    # Signs between periods ("FY2019 - FY2021", "over 2020", "2020, 2021 and 2022") join no figures.
    kept: list[Tag] = []
    for index, tag in enumerate(tags):
        before = next((t for t in reversed(tags[:index]) if t.kind not in {",", "f"}), None)
        after = next((t for t in tags[index + 1 :] if t.kind not in {",", "b", "f"}), None)
        if (
            tag.kind in "-/t&f+"
            and after is not None
            and after.kind in "Yn"
            and (tag.kind in "/f" or (before is not None and before.kind == "Y"))
        ):
            continue
        if tag.kind not in {"Y", "n"}:
            kept.append(tag)
    marks = frozenset(t.kind for t in tags if t.kind in "GCMRZvPn!o")
    figures = [t for t in kept if t.kind == "I"]
    if not figures:
        raise Unreadable("no figure")
    # What several words name once more ("cash ... cash and cash equivalents") is one figure.
    line = "".join(t.kind for t in kept if t.kind not in "GCMRPvn!,:p")
    summed = "Z" in line or "o" in line
    line = line.replace("w", "")
    parts = _joined(line, figures, kept)
    if parts is None:
        if summed and re.fullmatch(r"[Zo=bft]*I[&+]?I?(?:[&+]I)*[Zo=bft]*", line) and len(figures) > 1:
            node: Node = node_of(figures[0])
            for figure in figures[1:]:
                node = Op("+", node, node_of(figure))
            parts = [(node, described(node), "")]
            marks -= {"Z", "o"}
        elif strict:
            raise Unreadable(line)
        else:
            parts = _several(line, figures)
    share = bool(re.search(r"[S%]", line))
    return Clause(tuple(parts), years, marks, _span(tags), ranged, share)


def _joins(tags: Sequence[Tag]) -> bool:
    return any(t.kind in "&+-*/%" for t in tags)


def _named(tag: Tag) -> tuple[Node, str, str]:
    node = node_of(tag)
    name = node.name if isinstance(node, Name) else ""
    return node, tag.label or described(node), name


def _joined(line: str, figures: Sequence[Tag], kept: Sequence[Tag]) -> list[tuple[Node, str, str]] | None:
    """Return the one formula that figures and the signs between them make; None where they do not join."""
    bare = re.sub(r"[=bftZo&]+$|^[=bft&]+", "", line)
    nodes = [node_of(f) for f in figures]
    if re.fullmatch(r"Z?Io?", bare):
        return [_named(figures[0])]
    if re.fullmatch(r"I[=bft]*m", bare) and _amount(nodes[0]):
        node: Node = Op("/", nodes[0], Name("revenue"))
        return [(node, f"{described(nodes[0])} margin", "")]
    if re.fullmatch(r"Ir", bare) and not _item(nodes[0]):
        return [_named(figures[0])]
    two = {
        r"D?I[/]r?I|DIbI|rI[t/&]Ir?|IcI|I[te]Ir?(?<=r)|IeI|rI/I": (0, 1, "/"),
        r"I[%S]I": (0, 1, "/"),
        r"[%S][=bft]*I[=bft]*I": (1, 0, "/"),
        r"UIfI": (1, 0, "-"),
        r"AI[&t+]Io?|I[&+]Io": (0, 1, "+"),
        r"I-I": (0, 1, "-"),
    }
    for pattern, (left, right, sign) in two.items():
        if len(nodes) == 2 and re.fullmatch(pattern, bare):
            node = Op(sign, nodes[left], nodes[right])
            if re.search(r"[S%]", bare):
                return [(node, f"{described(nodes[left])} as a percentage of {described(nodes[right])}", "")]
            return [(node, described(node), "")]
    if re.fullmatch(r"I(?:[-+/*%]I)+m?", bare):
        spans = [t for t in kept if t.kind in "I+-*/%m"]
        node = expression(spans, ())
        return [(node, described(node), "")]
    return None


def _several(line: str, figures: Sequence[Tag]) -> list[tuple[Node, str, str]]:
    """Return each figure of a list of them; the same one named twice counts once."""
    distinct = {repr(node_of(f)): f for f in figures}
    if len(distinct) == 1 and not re.search(r"[-+/*%SDUAcrem]", line):
        return [_named(figures[0])]
    if re.fullmatch(r"[=bft]*I(?:[=bft]*&?I)*&I[=bft]*|[=bft]*I&I[=bft]*", line) and len(distinct) == len(figures):
        return [_named(f) for f in figures]
    raise Unreadable(line)
